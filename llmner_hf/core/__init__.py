"""The core: text, numbers and frozen values, on the standard library alone."""
