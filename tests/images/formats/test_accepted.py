"""Only the formats that are promised are opened."""

import PIL.EpsImagePlugin
import PIL.Image
import pytest

from nst_keras.images import folders, loading
from nst_keras.images.formats import accepted


def test_a_postscript_file_starts_no_other_program(tmp_path, monkeypatch):
    monkeypatch.setattr(PIL.EpsImagePlugin, "Ghostscript", lambda *given, **named: pytest.fail("Ghostscript started"))
    (tmp_path / "a.jpg").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n")
    with pytest.raises(ValueError, match=r"photo: '.*a\.jpg' is not an image .* Give a PNG, JPEG, WebP"):
        loading.load(tmp_path / "a.jpg", argument="photo")


@pytest.mark.parametrize("kind", ["PPM", "TGA", "PCX", "ICO", "SGI", "DDS"])
def test_formats_that_are_not_promised(tmp_path, kind):
    PIL.Image.new("RGB", (16, 16)).save(tmp_path / "a.png", kind)
    with pytest.raises(ValueError, match="is not an image"):
        loading.load(tmp_path / "a.png")


def test_those_that_pillow_reads():
    assert {"PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF"} <= set(accepted.pillow_formats())


def test_a_folder_takes_every_suffix(tmp_path):
    for suffix in accepted.SUFFIXES:
        (tmp_path / f"a{suffix}").touch()
    assert len(folders.pictures(tmp_path)) == len(accepted.SUFFIXES)
    assert {".jfif", ".avif", ".jpeg", ".tiff"} <= set(accepted.SUFFIXES)
