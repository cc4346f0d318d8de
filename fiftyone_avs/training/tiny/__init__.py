"""Training of the embedded tiny models on the procedural world, from nothing, on a CPU."""
