"""Runs on several machines, or in several processes of one, with Ray: start reading at ``driver``."""
