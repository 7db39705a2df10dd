import os
import pathlib
import tempfile

import pytest

from nst_keras import settings
from nst_keras.cli import rescue


class Picture:
    """A result whose file can be written in one folder alone, and perhaps only in few bits."""

    def __init__(self, folder, only_plain=False):
        self.folder, self.only_plain, self.tried = pathlib.Path(folder), only_plain, []

    def save_as(self, path, asked):
        self.tried.append((path.parent, asked.bit_depth))
        if path.parent != self.folder or (self.only_plain and asked.bit_depth == 16):
            raise OSError(28, "No space left on device", str(path))
        path.write_text("picture")


ASKED = settings.SaveSettings(bit_depth=16)


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return tmp_path / "temporary"


def test_a_picture_is_saved_where_the_current_folder_is_gone(tmp_path, temporary, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    os.rmdir(gone)
    path, error = rescue.saved(Picture(temporary), pathlib.Path("a.png"), ASKED)
    monkeypatch.chdir(tmp_path)
    assert path == temporary / "a.png"
    assert "output: 'a.png' could not be written (No space left on device); the picture is in" in str(error)
    assert "8 bits" not in str(error)


def test_the_whole_picture_elsewhere_comes_before_a_lesser_one_beside_it(tmp_path, temporary):
    picture = Picture(temporary, only_plain=True)
    path, error = rescue.saved(picture, tmp_path / "full" / "a.webp", ASKED)
    assert path == temporary / "a.png"
    assert [depth for _, depth in picture.tried] == [16, 16, 16, 16, 8, 8, 8]
    assert str(error).endswith("instead, at its own size with 8 bits a channel.")


def test_a_picture_that_can_be_written_nowhere_says_so(tmp_path, temporary):
    with pytest.raises(OSError, match=r"output: .* could not be written \(No space .*\), nor a PNG beside it"):
        rescue.saved(Picture(tmp_path / "nowhere"), tmp_path / "a.png", ASKED)
