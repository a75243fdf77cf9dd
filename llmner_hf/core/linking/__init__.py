"""Mentions to concepts, as far as it is text and numbers: forms of names, parts, choice."""
