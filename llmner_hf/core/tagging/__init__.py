"""The paper's three tagging strategies (section II-A, Fig. 3): one codec a module."""
