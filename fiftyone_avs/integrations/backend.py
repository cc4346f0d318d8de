"""An address that stored records name; the classes are in ``fiftyone_avs.fo.evaluate.backend``."""

from fiftyone_avs.fo.evaluate.backend import AVSEvaluation, AVSEvaluationConfig

__all__ = ["AVSEvaluation", "AVSEvaluationConfig"]
