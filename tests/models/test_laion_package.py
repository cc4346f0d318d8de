"""LAION's own package in the role of the scorer, beside this package's network on the same official file."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import fiftyone_avs as avs


@pytest.mark.slow
def test_the_package_and_our_network_agree(tmp_path):
    script = Path(__file__).parent / "laion_run.py"
    done = subprocess.run([sys.executable, str(script), str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    package, own = found["laion-clap-package"], found["laion-clap-630k-audioset"]
    assert (package["adapter"], own["adapter"]) == ("LaionPackageScorer", "LaionScorer")
    theirs, ours = np.array(package["embeddings"]), np.array(own["embeddings"])
    assert np.abs(theirs - ours).max() < 2e-4 * theirs.std()
    for their_scores, our_scores in zip(package["scores"], own["scores"], strict=True):
        assert our_scores == pytest.approx(their_scores, abs=1e-5)
    assert package["scores"][0][0] != pytest.approx(package["scores"][0][1], abs=1e-3)


def test_without_what_the_package_imports_the_error_says_what_to_install(tmp_path):
    torch.save({"state_dict": {"module.x": torch.zeros(1)}}, tmp_path / "laion.pt")
    name = f"laion-clap-package:{tmp_path / 'laion.pt'}"
    models = avs.load_models("open", overrides={"audio_text_scorer": name})
    with pytest.raises(avs.ModelError, match=r"--no-deps laion_clap.*torchvision.*laion-clap-630k-audioset"):
        models.require(["audio_text_scorer"])
