"""Masks and soft maps that other programs wrote, stored as a run."""
