"""Settings of all tests: no network, no telemetry, and a FiftyOne database of their own."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

# FiftyOne reads these once, when it is imported, so they are set before any test module is.
_HOME = Path(tempfile.mkdtemp(prefix="fiftyone-avs-tests-"))
os.environ.pop("FIFTYONE_DATABASE_URI", None)
os.environ["FIFTYONE_DATABASE_DIR"] = str(_HOME / "database")
os.environ["FIFTYONE_DEFAULT_DATASET_DIR"] = str(_HOME / "datasets")
os.environ["FIFTYONE_PLUGINS_DIR"] = str(_HOME / "plugins")
os.environ["FIFTYONE_DO_NOT_TRACK"] = "true"
os.environ["FIFTYONE_SHOW_PROGRESS_BARS"] = "false"
os.environ["FIFTYONE_DATABASE_VALIDATION"] = "false"  # no notes about mongod's age on stdout
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_OFFLINE"] = "1"
os.environ.setdefault("OMP_NUM_THREADS", "1")  # threads only slow such small models down

# Registered before FiftyOne is imported, so it runs after FiftyOne has stopped its database.
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)
