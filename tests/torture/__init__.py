"""What the package is put through by ``make torture``; see docs/reliability.md."""
