"""Which files of a folder belong together."""

from __future__ import annotations

from fiftyone_avs.benchmarks.pairing import find_pairs


def fill(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def rows(found):
    return [(pair.name, pair.sound and pair.sound.name, pair.mask and pair.mask.name) for pair in found.pairs]


def test_pictures_and_sounds_side_by_side_also_in_folders_below(tmp_path):
    fill(tmp_path, "dog.jpg", "dog.wav", "a/cat.PNG", "a/cat.flac", "a/b/bird.jpg", "a/fox.wav", "notes.txt")
    fill(tmp_path, "gt_seg/dog.png", ".hidden/x.jpg", "._dog.jpg", "b/dog.jpg")
    found = find_pairs(tmp_path)
    assert rows(found) == [
        ("dog", "dog.wav", "dog.png"),
        ("a/cat", "cat.flac", None),
        ("a/b/bird", None, None),
        ("b/dog", None, None),
    ], "a sound of the same name in another folder is another sound"
    assert found.sounds_alone == ("a/fox.wav",)
    text = str(found)
    assert text.startswith("4 pictures side by side, 2 with a sound, 1 with a ground truth")
    assert "2 pictures without a sound: a/b/bird, b/dog" in text
    assert "1 sounds without a picture, not imported: a/fox.wav" in text


def test_three_folders(tmp_path):
    fill(
        tmp_path, "img/a.jpg", "img/b.jpg", "img/b.png", "wav/a.wav", "wav/c.wav", "gt_seg/b.png", "stray.jpg"
    )
    found = find_pairs(tmp_path)
    assert rows(found) == [("a", "a.wav", None), ("b", None, "b.png")]
    assert found.left_out == ("img/b.png",) and found.sounds_alone == ("wav/c.wav",)
    assert found.without_mask == ["a"] and "in img/, wav/ and gt_seg/" in str(found)


def test_a_folder_without_pictures_and_links_that_lead_in_circles(tmp_path):
    fill(tmp_path, "a.wav")
    (tmp_path / "again").symlink_to(tmp_path, target_is_directory=True)
    found = find_pairs(tmp_path)
    assert found.pairs == () and found.sounds_alone == ("a.wav",)
