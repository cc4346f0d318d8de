"""A small procedural world of drawn objects and synthesised sounds, and the tiny models trained on it.

Everything here is made by code: no picture and no recording is shipped.
The tiny models only work in this world. They do not work on real pictures or real sounds.
"""
