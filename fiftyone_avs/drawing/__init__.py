"""All that paints pixels: text, tints, panes, contact sheets, frames of clips, spectrograms."""
