import pytest

from nst_keras import export


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def write_half():
        with export.replacing(path) as temporary, open(temporary, "w") as file:
            file.write("ne")
            raise RuntimeError("half")

    with pytest.raises(RuntimeError, match="half"):
        write_half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_destinations_are_checked_beforehand(tmp_path):
    taken = tmp_path / "taken.png"
    taken.touch()
    export.check_destination("output", tmp_path / "new.png", [".png"], overwrite=False)
    export.check_destination("output", taken, [".png"], overwrite=True)
    with pytest.raises(FileExistsError, match=r"output: .*taken\.png' exists already"):
        export.check_destination("output", taken, [".png"], overwrite=False)
    with pytest.raises(OSError, match=r"output: the folder of .* does not exist"):
        export.check_destination("output", tmp_path / "nowhere" / "a.png", [".png"], overwrite=False)
    (tmp_path / "dir.png").mkdir()
    with pytest.raises(IsADirectoryError, match="is a folder"):
        export.check_destination("output", tmp_path / "dir.png", [".png"], overwrite=True)
    assert taken.stat().st_size == 0


def test_a_folder_that_may_not_be_written_to(tmp_path, monkeypatch):
    def refuse(dir):
        raise PermissionError(13, "Permission denied", str(dir))

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)  # The tests may run as root, whom no folder refuses.
    with pytest.raises(OSError, match="may not be written to"):
        export.check_destination("output", tmp_path / "a.png", [".png"], overwrite=False)
