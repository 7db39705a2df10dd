"""Which value of a grey picture is white."""

import struct

import numpy as np
import PIL.Image
import pytest
import tifffile

from nst_keras.images import bands, loading

RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16)


def grey(source, **options):
    return loading.load(source, **options)[0, ..., 0].numpy()


@pytest.mark.parametrize("scale", [np.uint8(1), np.uint16(257)])
@pytest.mark.parametrize("is_large", [False, True])
def test_white_is_zero(tmp_path, monkeypatch, scale, is_large):
    tifffile.imwrite(tmp_path / "a.tif", (255 - RAMP) * scale, photometric="miniswhite")
    if is_large:
        monkeypatch.setattr(bands, "_LARGE", 100)
        monkeypatch.setattr(bands, "_BAND", 50)
    np.testing.assert_allclose(grey(tmp_path / "a.tif"), RAMP, atol=1e-4)
    with PIL.Image.open(tmp_path / "a.tif") as picture:
        np.testing.assert_allclose(grey(picture), RAMP, atol=1e-4)


def test_mode_i_is_of_eight_bits_as_other_integers_are(tmp_path, monkeypatch):
    picture = PIL.Image.fromarray(RAMP.astype(np.int32))
    picture.save(tmp_path / "a.tif")
    for source in (picture, tmp_path / "a.tif", RAMP.astype(np.int32)):
        np.testing.assert_array_equal(grey(source), RAMP)


def test_mode_i_is_of_sixteen_bits_if_a_value_needs_them(monkeypatch):
    monkeypatch.setattr(bands, "_LARGE", 100)  # The first bands hold values below 256 alone.
    monkeypatch.setattr(bands, "_BAND", 50)
    np.testing.assert_allclose(grey(PIL.Image.fromarray(RAMP.astype(np.int32) * 257)), RAMP, atol=1e-4)


def test_sixteen_bits_that_are_all_dark_stay_dark(tmp_path):
    PIL.Image.fromarray(RAMP.astype(np.uint16)).save(tmp_path / "a.png")
    np.testing.assert_allclose(grey(tmp_path / "a.png"), RAMP / 257, atol=1e-4)


def test_twelve_bits(tmp_path):
    rows = bytes([0x00, 0x0F, 0xFF]) * 8 * 16  # Two pixels of 12 bits, black and white.
    tags = [(256, 16), (257, 16), (258, 12), (259, 1), (262, 1), (273, 8), (277, 1), (278, 16), (279, len(rows))]
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    (tmp_path / "a.tif").write_bytes(struct.pack("<2sHI", b"II", 42, 8 + len(rows)) + rows + directory + bytes(4))
    np.testing.assert_allclose(grey(tmp_path / "a.tif"), np.tile([0, 255], (16, 8)), atol=1e-4)


@pytest.mark.parametrize("extra", ["unassalpha", "assocalpha"])
def test_sixteen_bits_with_alpha(tmp_path, extra):
    levels = np.stack([np.full((4, 4), 20_000), np.full((4, 4), 40_000)], axis=-1).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", levels, photometric="minisblack", planarconfig="contig", extrasamples=[extra])
    picture = loading.read(tmp_path / "a.tif", background="black")
    straight = 20_000 / 257 * (1 if extra == "unassalpha" else 65535 / 40_000)
    np.testing.assert_allclose(picture.image, np.full((1, 4, 4, 3), straight * 40_000 / 65535), atol=0.05)
    np.testing.assert_array_equal(picture.alpha, np.full((4, 4), round(40_000 / 257)))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int16", "uint32"])
def test_colours_of_an_unknown_range(tmp_path, dtype):
    tifffile.imwrite(tmp_path / "a.tif", np.ones((4, 4, 3), dtype), photometric="rgb")
    with pytest.raises(
        ValueError, match=r"photo holds (floats|integers \(\w+\)) of an unknown range. Load it yourself"
    ):
        loading.load(tmp_path / "a.tif", argument="photo")
