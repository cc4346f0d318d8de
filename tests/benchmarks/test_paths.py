"""No path of an annotation file leaves the root."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from fiftyone_avs.benchmarks.paths import OutsideRoot, inside, rerooted


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with files, with links inside of it and out of it, and with a neighbour."""
    base = tmp_path_factory.mktemp("paths")
    root = base / "data"
    for name in ("images/a.png", "a.png", "images/deep/b.png", "etc/passwd"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    (base / "data-of-others").mkdir()
    (base / "data-of-others" / "secret.png").touch()
    (root / "secret.png").symlink_to(base / "data-of-others" / "secret.png")
    (root / "others").symlink_to(base / "data-of-others")
    (root / "up").symlink_to("..")
    (root / "same.png").symlink_to("images/a.png")
    (root / "loop").symlink_to("loop")
    return root


@pytest.mark.parametrize(
    ("relative", "found"),
    [
        ("images/a.png", "images/a.png"),
        ("./images//a.png", "images/a.png"),
        ("images\\deep\\b.png", "images/deep/b.png"),
        ("same.png", "same.png"),
        ("not there/yet.png", "not there/yet.png"),
        ("..png", "..png"),
    ],
)
def test_paths_inside_are_joined(root: Path, relative: str, found: str) -> None:
    assert inside(root, relative) == root / found


@pytest.mark.parametrize(
    "relative",
    [
        "",
        ".",
        "../data-of-others/secret.png",
        "images/../../data-of-others/secret.png",
        "images/../a.png",
        "images\\..\\..\\x.png",
        "/etc/passwd",
        "\\\\server\\share\\a.png",
        "C:\\a.png",
        "c:a.png",
        "a\0.png",
        "\ud800.png",
        "secret.png",
        "others/secret.png",
        "others/new.png",
        "up/data-of-others/secret.png",
        "up",
        "a" * 300 + ".png",
    ],
)
def test_paths_outside_are_refused(root: Path, relative: str) -> None:
    with pytest.raises(OutsideRoot):
        inside(root, relative)


def test_a_root_that_is_a_link_holds_its_files(root: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(root)
    assert inside(tmp_path / "link", "images/a.png") == tmp_path / "link/images/a.png"
    assert rerooted(tmp_path / "link", "/x/images/a.png") == tmp_path / "link/images/a.png"


def test_a_neighbour_whose_name_begins_alike_is_outside(root: Path) -> None:
    (root / "alike").symlink_to(root.parent / "data-of-others" / "secret.png")
    with pytest.raises(OutsideRoot):
        inside(root, "alike")


@pytest.mark.parametrize(
    ("foreign", "found"),
    [
        ("/mnt/lynx2/users/somebody/images/a.png", "images/a.png"),
        ("/mnt/lynx2/elsewhere/a.png", "a.png"),
        ("images/a.png", "images/a.png"),
        ("D:\\data\\images\\deep\\b.png", "images/deep/b.png"),
        ("../datasets/images/a.png", "images/a.png"),
        ("/x/images/../a.png", "a.png"),
        ("/x/same.png", "same.png"),
        ("../../etc/passwd", "etc/passwd"),  # the root's own
        ("/mnt/c.png", None),
        ("/mnt/secret.png", None),
        ("/mnt/others/secret.png", None),
        ("/mnt/up/data-of-others/secret.png", None),
        ("/mnt/up", None),
        ("/mnt/loop", None),
        ("..", None),
        ("", None),
        ("/images/a.png\0", None),
        ("a" * 5000, None),
    ],
)
def test_foreign_paths_are_found_by_their_longest_end(root: Path, foreign: str, found: str | None) -> None:
    assert rerooted(root, foreign) == (None if found is None else root / found)


PIECES = st.sampled_from(
    [
        "..",
        ".",
        "",
        "/",
        "\\",
        "C:",
        "a.png",
        "images",
        "deep",
        "b.png",
        "secret.png",
        "others",
        "up",
        "loop",
        "etc",
    ]
)
PATHS = st.one_of(
    st.text(max_size=40),
    st.lists(st.one_of(PIECES, st.text(max_size=3)), max_size=8).map("/".join),
    st.lists(PIECES, max_size=8).map("\\".join),
    st.lists(PIECES, max_size=8).map("".join),
)


@given(text=PATHS)
def test_no_path_ever_resolves_outside(root: Path, text: str) -> None:
    found = [rerooted(root, text)]
    with suppress(OutsideRoot):
        found.append(inside(root, text))
    for path in found:
        if path is not None:
            assert Path(os.path.realpath(path)).is_relative_to(root.resolve())
            assert path.is_relative_to(root) and path != root
