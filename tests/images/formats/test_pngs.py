"""PNG files with what other programs put into them, and with what is missing or broken."""

import struct
import zlib

import numpy as np
import PIL.Image
import pytest

from nst_keras import export
from nst_keras.images import loading
from nst_keras.images.formats import metadata, pngs
from tests.images.formats.test_profiles import make_profile


@pytest.fixture
def picture(tmp_path, random):
    """A PNG with settings of this package, and its pixels."""
    pixels = random.integers(0, 256, (20, 30, 3), np.uint8)
    export.save_image(pixels, tmp_path / "a.png", text="--seed=1")
    return tmp_path / "a.png", pixels


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def insert(path, *chunks, place=33):
    """Writes chunks into a PNG, behind its header unless another place is given."""
    data = path.read_bytes()
    path.write_bytes(data[:place] + b"".join(chunks) + data[place:])


BROKEN = {
    "packed text": chunk(b"zTXt", b"workflow\0\0" + zlib.compress(bytes(5_000_000))),
    "text": chunk(b"tEXt", b"workflow\0" + bytes(70_000_000)),
    "many texts": chunk(b"iTXt", b"prompt\0\1\0\0\0" + zlib.compress(bytes(1_000_000))) * 70,
    "text with a bad checksum": chunk(b"tEXt", b"Comment\0hello")[:-1] + b"?",
    "our text, too long": chunk(b"zTXt", b"nst_keras\0\0" + zlib.compress(bytes(5_000_000))),
    "gamma": chunk(b"gAMA", b"g"),
    "resolution": chunk(b"pHYs", b""),
    "exif": chunk(b"eXIf", b"garbage"),
    "exif as text": chunk(b"tEXt", b"Raw profile type exif\0\n\n\nxyz"),
    "animation": chunk(b"acTL", b"\0\0"),
    "transparency with a bad checksum": chunk(b"tRNS", bytes(6))[:-1] + b"?",
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_what_the_pixels_do_not_need_costs_neither_picture_nor_settings(picture, broken):
    path, pixels = picture
    insert(path, broken)
    np.testing.assert_array_equal(loading.load(path)[0], pixels)
    assert metadata.read(path) == "--seed=1"


def test_a_colour_profile_that_is_garbage_is_told(tmp_path):
    PIL.Image.new("RGB", (4, 4), (9, 8, 7)).save(tmp_path / "a.png")
    insert(tmp_path / "a.png", chunk(b"iCCP", b"name\0\0garbage"))
    with pytest.warns(UserWarning, match="photo: its colour profile does not fit it"):
        assert loading.load(tmp_path / "a.png", argument="photo")[0, 0, 0].numpy().tolist() == [9, 8, 7]


def test_a_colour_profile_of_any_length_is_used(tmp_path):
    for name, profile in (("a", make_profile()), ("b", make_profile() + bytes(2_000_000))):
        PIL.Image.new("RGB", (4, 4), (200, 100, 50)).save(tmp_path / f"{name}.png", icc_profile=profile)
    first, second = (loading.load(tmp_path / name)[0, 0, 0].numpy() for name in ("a.png", "b.png"))
    np.testing.assert_array_equal(first, second)
    assert np.abs(first - [200, 100, 50]).max() > 2


@pytest.mark.parametrize("missing", [1, 11, 12, 15, 16])
def test_an_end_that_is_missing(picture, missing):
    path, pixels = picture
    path.write_bytes(path.read_bytes()[:-missing])
    np.testing.assert_array_equal(loading.load(path)[0], pixels)


@pytest.mark.parametrize("missing", [40, 900])
def test_pixels_that_are_missing(picture, missing):
    path, _ = picture
    path.write_bytes(path.read_bytes()[:-missing])
    with pytest.raises(ValueError, match="photo: '.*' is damaged .*truncated"):
        loading.load(path, argument="photo")


def test_a_palette_that_is_missing(tmp_path):
    PIL.Image.new("P", (4, 4)).save(tmp_path / "a.png")
    data = (tmp_path / "a.png").read_bytes()
    start = data.index(b"PLTE") - 4
    end = start + 12 + struct.unpack_from(">I", data, start)[0]
    (tmp_path / "a.png").write_bytes(data[:start] + data[end:])
    with pytest.raises(ValueError, match="photo: '.*' is damaged"):
        loading.load(tmp_path / "a.png", argument="photo")


def test_more_chunks_than_a_picture_has(picture, monkeypatch):
    monkeypatch.setattr(pngs, "_MOST", 3)
    with pytest.raises(ValueError, match="has more than 3 chunks"):
        loading.load(picture[0])


@pytest.mark.parametrize("value", [0, 257 * 100])
def test_a_transparent_grey_of_sixteen_bits(tmp_path, value):
    levels = np.array([[0, 257 * 100, 65535]], np.uint16)
    PIL.Image.fromarray(levels).save(tmp_path / "a.png", transparency=value)
    np.testing.assert_array_equal(loading.read(tmp_path / "a.png").alpha, np.where(levels == value, 0, 255))
