"""Training an entity selector."""
