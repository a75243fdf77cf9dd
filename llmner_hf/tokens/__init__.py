"""Text and token ids: one canonical tokenisation, and the automaton over it."""
