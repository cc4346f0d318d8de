from __future__ import annotations

import signal
from pathlib import Path

from fiftyone_avs import segment
from tests.fo.samples import files_of, new_process
from tests.fo.segment import slow_run

COUNT = 12
STOP_AFTER = 5


def start(dataset, output):
    code = f"from tests.fo.segment import slow_run; slow_run.main({dataset.name!r}, {str(output)!r})"
    return new_process(code)


def test_a_killed_run_is_resumed_without_orphans(make_images, output):
    dataset = make_images(COUNT)
    dataset.persistent = True
    process = start(dataset, output)
    for line in process.stdout:
        if int(line) >= STOP_AFTER:
            break
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    dataset.reload()
    done = set(dataset.match({"vcap_acls_status": {"$ne": None}}).values("id"))
    assert STOP_AFTER <= len(done) < COUNT
    for sample in dataset.select(list(done)):  # what is marked as done is whole
        assert Path(sample["vcap_acls"].mask_path).is_file()
        assert Path(sample["vcap_acls_map"].map_path).is_file()
        assert sample["vcap_acls_query"].label and sample["image_caption"].label
    # Leave what a kill between writing and renaming leaves.
    waiting = next(name for name in dataset.values("id") if name not in done)
    (output / "vcap_acls" / f".{waiting}_map.png.tmp").write_bytes(b"half")

    models = slow_run.models()
    summary = segment(dataset, models=models, output_dir=output, batch_size=4, progress=False)
    assert summary.ok == COUNT - len(done) and summary.skipped == len(done)
    assert len(models.segmenter.expressions) == COUNT - len(done)
    assert dataset.count_values("vcap_acls_status") == {"ok": COUNT}
    wanted = {f"{name}_{kind}.png" for name in dataset.values("id") for kind in ("mask", "map")}
    assert files_of(output / "vcap_acls") == wanted
