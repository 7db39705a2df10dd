import pathlib

from nst_keras.images import folders


def test_a_folders_pictures(tmp_path):
    for name in ("b.JPG", "a.png", "notes.txt", ".hidden.png"):
        (tmp_path / name).touch()
    (tmp_path / "deeper.png").mkdir()
    assert folders.pictures(tmp_path) == [tmp_path / "a.png", tmp_path / "b.JPG"]


def test_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a.png").touch()
    assert folders.pictures("~") == [pathlib.Path(tmp_path, "a.png")]
