"""The manual, run: README.md, CONTRIBUTING.md and every page of docs/.

`pages` finds the blocks of a page and the commands in them, `ground` lays out the folder that a
page takes for granted, with tiny models and made-up data under the names that the manual uses, and
`running` runs the blocks in their order, as they stand but for what it says there. What is not run
stands in `running.NOT_RUN` with the reason.
"""
