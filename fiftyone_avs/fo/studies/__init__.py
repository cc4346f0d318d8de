"""Calls that make runs and scores to learn something from: controls, the paper's tables, the demo."""
