"""What a run will be, before any weights are read."""
