"""Free generation by the model of a server."""
