"""Run a strategy of preset ``open`` with its default models, at real size, within so much memory; print what it took.

    python -m tests.models.real_size_run GIGABYTES CLIPS [STRATEGY]

The limit is that of the process's own memory (``ulimit -d``): heaps, tensors and private maps. Weights in safetensors
are mapped from files while they are read, and the system takes such memory back when it needs it.
"""

from __future__ import annotations

import json
import resource
import sys
import time

GIGABYTE = 1 << 30


def main(gigabytes: float, count: int, strategy: str) -> None:
    limit = int(gigabytes * GIGABYTE)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))

    import fiftyone_avs as avs
    from fiftyone_avs.engine.memory import held_memory
    from fiftyone_avs.types import Clip
    from tests.models.builders import pictures, sounds

    start = time.perf_counter()
    pipeline = avs.load_pipeline(strategy, device="cpu")
    loaded = time.perf_counter()
    weights = held_memory()
    seen, heard = pictures(*[(480, 640)] * count), sounds(*[(5.0, 44100)] * count)
    clips = [Clip(str(n), *both) for n, both in enumerate(zip(seen, heard, strict=True))]
    sizes = []
    plain = pipeline.sizes.took

    def took(stage: str, items: int, seconds: float) -> None:
        sizes.append((stage, items, round(seconds, 1)))
        plain(stage, items, seconds)

    pipeline.sizes.took = took
    found = pipeline(clips)
    facts = {
        "status": [prediction.status for prediction in found],
        "reasons": [prediction.reason for prediction in found],
        "load_s": round(loaded - start, 1),
        "run_s": round(time.perf_counter() - loaded, 1),
        "loaded_gb": weights and round(weights[0] / GIGABYTE, 2),
        "peak_gb": (most := held_memory()) and round(most[1] / GIGABYTE, 2),
        "batches": sizes,
    }
    json.dump(facts, sys.stdout)


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else "vcap_acls")
