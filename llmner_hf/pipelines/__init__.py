"""Texts to entities: in memory, by a server, from files."""
