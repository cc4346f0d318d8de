"""``segment`` and ``segment_all``: checks, the loop over pictures and frames, and storing what comes out."""
