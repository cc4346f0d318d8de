"""An address that stored records name; the classes are in ``fiftyone_avs.fo.evaluate.results``."""

from fiftyone_avs.fo.evaluate.results import AVSResults

__all__ = ["AVSResults"]
