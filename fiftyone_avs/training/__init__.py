"""Training of the weights that nobody published: today the embedded tiny models."""
