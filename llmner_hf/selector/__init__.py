"""The entity selector (paper, section II-C): how probable it is that a candidate is an entity."""
