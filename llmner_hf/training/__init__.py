"""Fine-tuning with TRL: examples to token ids, the trainer, and a run from recipe to folder."""
