"""Texts to entities with a language model: constrained to copying, or free."""
