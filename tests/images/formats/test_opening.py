import pathlib

import PIL.Image
import pytest

from nst_keras.images import loading
from nst_keras.images.formats import opening


@pytest.fixture
def path(tmp_path):
    PIL.Image.new("RGB", (3, 2)).save(tmp_path / "a.png")
    return tmp_path / "a.png"


def test_a_picture_is_opened(path):
    with opening.opened(path) as picture:
        assert picture.size == (3, 2)


def test_home_is_found(path, monkeypatch):
    monkeypatch.setenv("HOME", str(path.parent))
    with opening.opened(pathlib.Path("~/a.png")) as picture:
        assert picture.size == (3, 2)


def test_errors_name_the_file_as_they_are_told(path):
    path.write_bytes(b"")
    with (
        pytest.raises(ValueError, match="photo: 'http://host/a.png' is an empty file"),
        opening.opened(path, argument="photo", name="http://host/a.png"),
    ):
        pass


def test_a_damaged_header_is_told(path):
    path.write_bytes(path.read_bytes()[:11] + b"\x05" + path.read_bytes()[12:])  # The header's length.
    with pytest.raises(ValueError, match=r"path: '.*a\.png' is (damaged|not an image)"), opening.opened(path):
        pass


def test_a_file_that_may_not_be_read(path, monkeypatch):
    def refuse(*arguments):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)  # The tests may run as root, whom no file refuses.
    with pytest.raises(PermissionError, match=r"path: '.*a\.png' may not be read"), opening.opened(path):
        pass


def test_other_errors_of_the_block_pass(path):
    with pytest.raises(ValueError, match="^mine$"), opening.opened(path):
        raise ValueError("mine")


@pytest.mark.parametrize(
    "raised", [AssertionError(), TypeError("odd"), OverflowError("big"), KeyError(5), ValueError("x")]
)
def test_whatever_a_decoder_raises_is_one_sentence(path, monkeypatch, raised):
    def fail(*arguments):
        raise raised

    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load_prepare", fail)
    with pytest.raises(ValueError, match=r"photo: '.*a\.png' is damaged \(.+\). Get a whole copy"):
        loading.load(path, argument="photo")


def test_too_little_memory_names_the_file(path, monkeypatch):
    def fail(*arguments):
        raise MemoryError

    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load_prepare", fail)
    with pytest.raises(MemoryError, match=r"photo: '.*a\.png' does not fit into memory. Scale it down first"):
        loading.load(path, argument="photo")
