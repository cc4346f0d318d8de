from __future__ import annotations

import sys
from pathlib import Path

import pytest

from fiftyone_avs.errors import ConfigurationError
from fiftyone_avs.media.places import check_place


def test_a_relative_path_lies_where_one_works_but_is_refused_in_the_app(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert check_place("out") == tmp_path / "out"
    with pytest.raises(ConfigurationError, match=f"would lie in {tmp_path}"):
        check_place("out", from_app=True)
    assert check_place("~/out", from_app=True) == Path.home() / "out"


@pytest.mark.skipif(sys.platform != "linux", reason="these folders are Linux's")
def test_the_systems_own_folders_are_refused_also_behind_a_link(tmp_path):
    (tmp_path / "link").symlink_to("/proc")
    for place in ("/proc", "/sys/out", "/dev/out", "/tmp/../dev/out", tmp_path / "link" / "x"):
        with pytest.raises(ConfigurationError, match="which holds no files of yours"):
            check_place(place)
    assert check_place("/dev/shm/out") == Path("/dev/shm/out")
    assert check_place("/process/out") == Path("/process/out")
