import pathlib

import pytest

from nst_keras import folders


def test_a_folders_pictures(tmp_path):
    for name in ("b.JPG", "a.png", "notes.txt", ".hidden.png"):
        (tmp_path / name).touch()
    (tmp_path / "deeper.png").mkdir()
    assert folders.pictures(tmp_path) == [tmp_path / "a.png", tmp_path / "b.JPG"]


def test_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a.png").touch()
    assert folders.pictures("~") == [pathlib.Path(tmp_path, "a.png")]


def test_a_folder_that_is_written_to_is_made(tmp_path):
    folders.make_folder("frames_dir", tmp_path / "made" / "deep")
    folders.make_folder("frames_dir", tmp_path / "made" / "deep")
    assert (tmp_path / "made" / "deep").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="frames_dir: .* is no folder that can be written to .*Choose another"):
        folders.make_folder("frames_dir", tmp_path / "file")
