"""Folders, benchmarks, other methods' predictions and captions as FiftyOne datasets and runs."""
