"""Templates of the cards of datasets and models, for `string.Template`."""
