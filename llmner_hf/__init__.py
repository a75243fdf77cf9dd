"""Biomedical named entity recognition with large language models."""
