"""Evaluations side by side: tables, standings counted in MongoDB, joint scores, views behind a score."""
