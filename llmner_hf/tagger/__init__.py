"""A tagger: a tuned model with everything that one needs to annotate."""
