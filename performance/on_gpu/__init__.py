"""What ``performance/gpu.py`` measures, a question to a file, and what it measures with.

Nothing here imports FiftyOne, MongoDB's driver or psutil: a machine with a GPU often has none of them.
"""
