"""Fine-tuning a tagger with TRL."""
