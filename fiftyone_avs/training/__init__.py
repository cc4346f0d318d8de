"""Training of the weights that nobody published: the embedded tiny models, and bridges for text inversion."""
