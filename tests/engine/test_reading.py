"""Media is read ahead, in processes of its own, and a process that dies costs at most the file that killed it."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from fiftyone_avs.engine import read_ahead, reading_processes
from fiftyone_avs.engine.reading import FIRST_AHEAD, MOST_AHEAD
from fiftyone_avs.media import ClipFiles, Unread, bytes_of, read_clips


def work(item, folder=None):
    """Return the item and the process, after killing it if the item says so."""
    if item == "kills always":
        os.kill(os.getpid(), signal.SIGKILL)
    if item == "kills once":
        mark = Path(folder) / "killed"
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
    return item, os.getpid()


def read(items, processes, work=work, size=lambda result: 1000):
    return read_ahead(work, items, processes=processes, size=size, died=lambda item: (f"died: {item}", 0))


@pytest.mark.parametrize("processes", [0, 2])
def test_results_come_in_order_and_processes_are_others(processes):
    found = list(read(range(40), processes))
    assert [item for item, _ in found] == list(range(40))
    assert (os.getpid() in {process for _, process in found}) == (processes == 0)


def test_a_process_that_dies_costs_nothing_but_what_kills_it_again(tmp_path):
    items = [1, "kills once", 2, "kills always", 3, 4]
    found = list(read(items, 2, functools.partial(work, folder=tmp_path)))
    assert [item for item, _ in found] == [1, "kills once", 2, "died: kills always", 3, 4]


def test_a_process_that_dies_while_nobody_waits_for_it_costs_as_little():
    # Results come while they are asked for; meanwhile the pool is found dead when it is to be given the next items.
    items = ["fine", "kills always", *range(2 * FIRST_AHEAD)]
    found = []
    for item, _ in read(items, 1):
        found.append(item)
        time.sleep(1 if item == "fine" else 0)
    assert found == ["fine", "died: kills always", *range(2 * FIRST_AHEAD)]


def test_readers_end_with_a_parent_that_is_killed(tmp_path):
    program = (
        "import os, sys\n"
        "from fiftyone_avs.engine import read_ahead\n"
        "from tests.engine.test_reading import work\n"
        "for _, process in read_ahead(work, range(10**6), processes=2, size=lambda _: 1, died=str):\n"
        "    print(process, flush=True)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    children = {int(parent.stdout.readline()) for _ in range(20)}
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and any(Path(f"/proc/{child}").exists() for child in children):
        time.sleep(0.1)
    assert not [child for child in children if Path(f"/proc/{child}").exists()]


def test_what_waits_to_be_taken_is_bounded():
    taken = []

    def items():
        for number in range(10_000):
            taken.append(number)
            yield number

    stream = read(items(), 0)
    next(stream)
    assert len(taken) == FIRST_AHEAD  # until it is known how large results are
    next(stream)
    next(stream)
    assert FIRST_AHEAD < len(taken) <= MOST_AHEAD + 3
    stream.close()

    taken.clear()
    stream = read(items(), 0, size=lambda result: 2**28)  # two of these are the budget
    for _ in range(20):
        next(stream)
    assert len(taken) <= 20 + FIRST_AHEAD
    before = len(taken)
    next(stream)
    assert len(taken) <= before + 1
    stream.close()


def test_closing_early_ends_threads_and_processes():
    stream = read(range(1000), 1)
    _, process = next(stream)
    stream.close()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and Path(f"/proc/{process}").exists():
        time.sleep(0.05)
    assert not Path(f"/proc/{process}").exists()


def test_a_program_without_a_main_guard_is_not_run_again_by_its_readers(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "print('begun')\n"
        "from fiftyone_avs.engine import read_ahead\n"
        "print(list(read_ahead(abs, [-1, 2], processes=1, size=abs, died=abs)))\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["begun", "[1, 2]"]


def test_a_cpu_reads_in_a_thread_and_a_gpu_is_fed_by_processes():
    assert reading_processes("cpu") == 0
    assert reading_processes("cuda:0") >= 1


def test_clips_of_one_picture_share_its_pixels_also_across_processes(tmp_path):
    Image.fromarray(np.full((4, 6, 3), 7, np.uint8)).save(tmp_path / "a.png")
    for name in ("one", "two"):
        soundfile.write(tmp_path / f"{name}.wav", np.full(160, 0.1, np.float32), 16000)
    sounds = (("a", "one.wav"), ("b", str(tmp_path / "two.wav")), ("c", None), ("d", "none.wav"))
    files = ClipFiles(str(tmp_path / "a.png"), sounds, "audio_path")
    missing = ClipFiles(str(tmp_path / "no.png"), sounds[:1], "audio_path")
    for processes in (0, 1):
        (first, second, third, fourth), (fifth,) = read_ahead(
            read_clips, [files, missing], processes=processes, size=bytes_of, died=pytest.fail
        )
        assert first.id == "a" and first.image.shape == (4, 6, 3) and first.image is second.image
        assert third == Unread("c", "the field 'audio_path' is empty, so there is no sound file to read")
        assert isinstance(fourth, Unread) and "none.wav" in fourth.reason
        assert isinstance(fifth, Unread) and "no.png" in fifth.reason
        assert bytes_of([first, second, third]) == first.image.nbytes + 2 * first.sound.samples.nbytes
