"""Copy-constrained decoding that verifies many tokens at a time."""
