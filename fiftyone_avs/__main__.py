"""``python -m fiftyone_avs``: the same as the command ``fiftyone-avs``."""

from __future__ import annotations

import sys

from fiftyone_avs.cli import main

sys.exit(main())
