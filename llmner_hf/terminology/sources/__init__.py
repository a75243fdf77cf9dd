"""Distributors' files to concepts: one module a format, all with the same `read`."""
