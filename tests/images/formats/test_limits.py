"""Small files that describe pictures which would take minutes and gigabytes."""

import struct
import zlib

import numpy as np
import PIL.Image
import pytest

from nst_keras.images import bands, loading
from nst_keras.images.formats import limits
from tests.images.formats.test_pngs import chunk


def png(path, width, height, depth, kind):
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(bytes(1000)))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b""))
    return path


def shared_strips(path, side, rows):
    """Writes a TIFF of `side` x `side` whose strips are all the same bytes of the file."""
    block, count = zlib.compress(bytes(side * rows)), side // rows
    tables = 8 + len(block)
    tags = [(256, 1, side), (257, 1, side), (258, 1, 8), (259, 1, 8), (262, 1, 1), (273, count, tables), (277, 1, 1)]
    tags += [(278, 1, rows), (279, count, tables + 4 * count)]
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", tag, 4, *rest) for tag, *rest in tags)
    numbers = struct.pack("<I", 8) * count + struct.pack("<I", len(block)) * count
    start = struct.pack("<2sHI", b"II", 42, tables + len(numbers))
    path.write_bytes(start + block + numbers + directory + bytes(4))
    return path


@pytest.mark.parametrize("size", [(80_000_000, 1), (1, 80_000_000)])
def test_sides_that_no_picture_has(tmp_path, size):
    path = png(tmp_path / "a.png", *size, 8, 0)
    with pytest.raises(ValueError, match=f"photo: '.*' is {size[0]}x{size[1]} px, and a side may have 500000 px at"):
        loading.load(path, argument="photo")


def test_strips_that_share_their_bytes(tmp_path):
    path = shared_strips(tmp_path / "a.tif", 50_000, 50)
    assert path.stat().st_size < 15_000
    with pytest.raises(ValueError, match=r"photo: '.*' unpacks from 0.0\d+ to 2.5e\+03 MB, which no photograph does"):
        loading.load(path, longest_side=64, argument="photo")


def test_a_deep_png_of_nearly_no_bytes(tmp_path):
    with pytest.raises(ValueError, match=r"photo: '.*' unpacks from 7.4e-05 to 707 MB, which no photograph does"):
        loading.load(png(tmp_path / "a.png", 9400, 9400, 16, 6), argument="photo")


def test_pictures_of_one_colour_and_of_all_noise_pass():
    pixels = PIL.Image.MAX_IMAGE_PIXELS
    limits.check_at_once(4 * pixels, 1)  # What Pillow decodes at 8 bits.
    limits.check_at_once(8 * pixels, 8 * pixels // 30)
    limits.check_rows(20_000 * 20_000 * 3, len(zlib.compress(bytes(20_000 * 3), 9)) * 20_000)


def test_a_blank_tiff_saved_by_pillow(tmp_path, monkeypatch):
    monkeypatch.setattr(bands, "_LARGE", 100_000)
    PIL.Image.new("L", (1000, 800), 7).save(tmp_path / "a.tif", compression="tiff_adobe_deflate")
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 200_000)
    np.testing.assert_allclose(loading.load(tmp_path / "a.tif", longest_side=8), np.full((1, 6, 8, 3), 7), atol=1e-3)
