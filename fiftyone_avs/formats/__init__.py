"""Files in layouts that other programs read."""
