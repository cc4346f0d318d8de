"""The earlier address of ``fiftyone_avs.paper.published``, for one more release."""

from __future__ import annotations

import warnings

from fiftyone_avs.paper.published import PUBLISHED_DATASETS, PublishedRow, published_rows

__all__ = ["PUBLISHED_DATASETS", "PublishedRow", "published_rows"]

warnings.warn(
    "fiftyone_avs.published is called fiftyone_avs.paper.published now", DeprecationWarning, stacklevel=2
)
