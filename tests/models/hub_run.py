"""Load and use every model of preset ``open`` by its default name; print what they say as JSON.

    python -m tests.models.hub_run

ClapCap is built small, as its file on the fake hub is. All else is what a user gets.
"""

from __future__ import annotations

import json
import sys
import threading
from dataclasses import replace

import fiftyone_avs as avs
from fiftyone_avs.models import CARDS
from tests.models.builders import pictures, sounds


def main() -> None:
    card = CARDS["clapcap-2023"]
    small = replace(card.checkpoint, network="tests.models.small_official:clapcap", sha256=None)
    CARDS["clapcap-2023"] = replace(card, checkpoint=small)
    heard, seen = sounds((1.0, 16000), (0.5, 44100)), pictures((60, 80), (75, 50))
    found = {}
    for strategy in ("vcap_acls", "inversion"):
        models = avs.load_models("open", strategy=strategy, device="cpu")
        roles = list(models.cards)
        if strategy == "vcap_acls":
            models.require(roles)
            for classes in models.audio_classifier.classify(heard):
                found.setdefault("classes", []).append([(c.text, c.score) for c in classes])
            found["heard"] = [caption.texts for caption in models.audio_captioner.caption_sounds(heard)]
            found["seen"] = [caption.texts for caption in models.image_captioner.caption_images(seen)]
            found["sound scores"] = models.audio_text_scorer.score_sounds(heard, [["dog", "cat"], ["rain"]])
            found["picture scores"] = models.image_text_scorer.score_images(
                seen, [["a dog"], ["a cat", "rain"]]
            )
            found["nouns"] = models.noun_extractor.extract(["a dog plays the violin"])
            record = models.describe(roles)
            found["revisions"] = {role: facts["revision"] for role, facts in record.items()}
        maps = models.segmenter.segment(seen, ["a photo of a dog.", "rain"])
        found[f"maps {strategy}"] = [[float(m.mean()), *m.shape] for m in maps]
    alive = [thread.name for thread in threading.enumerate() if not thread.daemon]
    json.dump(found | {"threads": alive, "torchvision": "torchvision" in sys.modules}, sys.stdout)


if __name__ == "__main__":
    main()
