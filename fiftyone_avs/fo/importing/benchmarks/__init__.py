"""Benchmarks on disk as FiftyOne datasets."""
