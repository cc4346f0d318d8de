"""Files of predictions that other programs wrote: finding them, reading them, and matching them to samples by name."""
