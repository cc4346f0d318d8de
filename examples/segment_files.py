"""One picture, one sound, one mask: no dataset and no FiftyOne.

python segment_files.py picture.jpg sound.wav mask.png [preset]
"""

from __future__ import annotations

import sys

import numpy as np
from PIL import Image

import fiftyone_avs as avs
from fiftyone_avs.media import read_image, read_sound

picture, sound, output = sys.argv[1:4]
preset = sys.argv[4] if len(sys.argv) > 4 else "open"

pipeline = avs.load_pipeline("vcap_acls", preset=preset)
(prediction,) = pipeline([avs.Clip("one", read_image(picture), read_sound(sound))])

if prediction.status == "ok":
    print(f"{prediction.referral.text} (confidence {prediction.referral.confidence:.2f})")
    for candidate in prediction.referral.trace.candidates:
        print(f"  {candidate.score:.2f} {candidate.text}")
    Image.fromarray(prediction.mask.astype(np.uint8) * 255).save(output)
else:
    print(f"{prediction.status}: {prediction.reason}")
