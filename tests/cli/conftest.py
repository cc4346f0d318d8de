"""The command line works on the same small datasets as the functions behind it."""

from __future__ import annotations

from tests.fo.conftest import dataset, make_images, no_datasets_stay, output

__all__ = ["dataset", "make_images", "no_datasets_stay", "output"]
