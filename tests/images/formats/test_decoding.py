import struct
import warnings
import zlib

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf
import tifffile

from nst_keras.images import loading
from nst_keras.images.formats import decoding
from nst_keras.images.formats import deep as deep_formats
from tests.images.formats.test_profiles import make_profile


@pytest.fixture
def deep(random):
    """RGBA of 16 bits, uint16 [6, 9, 4]."""
    return random.integers(0, 65536, (6, 9, 4)).astype(np.uint16)


def whole(raster):
    return raster.upright(raster.rows(0, raster.size[0]))


def from_file(path, **options):
    with decoding.opened(path, **options) as raster:
        return whole(raster)


def write_png(path, levels):
    path.write_bytes(tf.io.encode_png(levels).numpy())
    return path


def write_tiff(path, levels, **options):
    tifffile.imwrite(path, levels, photometric="rgb", metadata=None, **options)
    return path


@pytest.mark.parametrize("write", [write_png, write_tiff])
@pytest.mark.parametrize("channels", [3, 4])
def test_sixteen_bits_of_colour_are_all_read(tmp_path, deep, write, channels):
    pixels = from_file(write(tmp_path / "a", deep[..., :channels]))
    assert pixels.dtype == np.float32
    np.testing.assert_allclose(257 * pixels[..., :3], deep[..., :3], atol=0.01)
    if channels == 4:
        np.testing.assert_allclose(257 * pixels[..., 3], deep[..., 3], atol=0.01)


def test_sixteen_bits_of_grey_with_alpha(tmp_path, deep):
    pixels = from_file(write_png(tmp_path / "a.png", deep[..., 2:]))
    np.testing.assert_allclose(257 * pixels, deep[..., [2, 2, 2, 3]], atol=0.01)


@pytest.mark.parametrize(
    "options",
    [
        {"byteorder": ">"},
        {"compression": "zlib", "predictor": True},
        {"tile": (16, 16)},
        {"rowsperstrip": 2},
        {"bigtiff": True},
    ],
)
def test_kinds_of_tiff(tmp_path, deep, options):
    path = write_tiff(tmp_path / "a.tif", deep[..., :3], **options)
    np.testing.assert_allclose(257 * from_file(path), deep[..., :3], atol=0.01)


def test_a_tiff_in_planes(tmp_path, deep):
    path = write_tiff(tmp_path / "a.tif", np.moveaxis(deep[..., :3], -1, 0), planarconfig="separate")
    np.testing.assert_allclose(257 * from_file(path), deep[..., :3], atol=0.01)


def test_the_first_page_of_a_tiff(tmp_path, deep):
    path = write_tiff(tmp_path / "a.tif", np.stack([deep[..., :3], deep[..., 1:]]))
    np.testing.assert_allclose(257 * from_file(path), deep[..., :3], atol=0.01)


def test_colours_multiplied_by_their_alpha_are_divided_by_it(tmp_path):
    levels = np.array([[[1000, 2000, 3000, 30000], [0, 0, 0, 0], [500, 600, 700, 65535]]], np.uint16)
    pixels = from_file(write_tiff(tmp_path / "a.tif", levels, extrasamples=["assocalpha"]))
    colour = np.array([[np.array([1000, 2000, 3000]) * 65535 / 30000, [0, 0, 0], [500, 600, 700]]])
    np.testing.assert_allclose(257 * pixels[..., :3], colour, atol=1)
    np.testing.assert_allclose(257 * pixels[..., 3], levels[..., 3], atol=0.01)


def test_a_fourth_channel_that_is_no_alpha_is_left_out(tmp_path, deep):
    path = write_tiff(tmp_path / "a.tif", deep, extrasamples=["unspecified"])
    np.testing.assert_allclose(257 * from_file(path), deep[..., :3], atol=0.01)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_as_pillow_turns_it(tmp_path, deep, orientation):
    levels = deep[..., :3] // 257 * 257
    tag = (274, "H", 1, orientation, True)
    write_tiff(tmp_path / "deep.tif", levels, extratags=[tag])
    write_tiff(tmp_path / "flat.tif", (levels // 257).astype(np.uint8), extratags=[tag])
    turned = from_file(tmp_path / "deep.tif")
    np.testing.assert_array_equal(turned, from_file(tmp_path / "flat.tif"))
    assert turned.shape == ((6, 9, 3) if orientation < 5 else (9, 6, 3))


def test_a_profile_of_curves_keeps_the_sixteen_bits(tmp_path):
    ramp = np.arange(30_000, 30_100, dtype=np.uint16)[None, :, None].repeat(3, -1)
    pixels = from_file(write_tiff(tmp_path / "a.tif", ramp, iccprofile=make_profile()))
    assert len(np.unique(pixels[..., 0])) == 100


def test_a_profile_of_tables_is_converted_at_eight_bits_and_told(tmp_path, deep):
    other = make_profile(extra=[(b"A2B1", bytes(8))])
    write_tiff(tmp_path / "deep.tif", deep[..., :3], iccprofile=other)
    write_tiff(tmp_path / "flat.tif", (deep[..., :3] // 256).astype(np.uint8), iccprofile=other)
    with pytest.warns(UserWarning, match="photo: read at 8 bits a channel instead of 16 .its colour profile"):
        pixels = from_file(tmp_path / "deep.tif", argument="photo")
    np.testing.assert_allclose(pixels, from_file(tmp_path / "flat.tif"), atol=1)


def test_a_compression_that_tifffile_lacks_gives_eight_bits_and_says_what_to_install(tmp_path, deep, monkeypatch):
    def refuse(path):
        raise ValueError("<COMPRESSION.LZW: 5> requires the 'imagecodecs' package")

    path = write_tiff(tmp_path / "a.tif", deep[..., :3])
    monkeypatch.setitem(deep_formats._DECODERS, "TIFF", (deep_formats._is_deep_tiff, refuse))
    with pytest.warns(UserWarning, match="photo: read at 8 bits a channel instead of 16 .*'imagecodecs' package"):
        pixels = from_file(path, argument="photo")
    np.testing.assert_allclose(pixels, deep[..., :3] / 257, atol=1)


def test_a_transparent_colour_of_sixteen_bits(tmp_path, deep):
    data = tf.io.encode_png(deep[..., :3]).numpy()
    transparency = b"tRNS" + deep[0, 0, :3].astype(">u2").tobytes()
    chunk = struct.pack(">I10sI", 6, transparency, zlib.crc32(transparency))
    (tmp_path / "a.png").write_bytes(data[:33] + chunk + data[33:])
    alpha = loading.read(tmp_path / "a.png").alpha
    assert alpha[0, 0] == 0
    assert alpha.min(axis=1)[1:].min() == 255


@pytest.mark.parametrize("write", [write_png, write_tiff])
def test_a_damaged_file_of_sixteen_bits(tmp_path, random, write):
    whole = write(tmp_path / "a", random.integers(0, 65536, (60, 60, 3)).astype(np.uint16)).read_bytes()
    (tmp_path / "a").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="photo: '.*' is damaged"):
        from_file(tmp_path / "a", argument="photo")


def test_a_pil_image_with_alpha():
    picture = PIL.Image.new("LA", (2, 1), (100, 7))
    np.testing.assert_array_equal(whole(decoding.from_pil(picture)), [[[100, 100, 100, 7]] * 2])


def test_floats_are_refused():
    with pytest.raises(ValueError, match="photo holds floats of an unknown range"):
        whole(decoding.from_pil(PIL.Image.new("F", (2, 2)), argument="photo"))


def test_integers_beyond_sixteen_bits_are_refused():
    with pytest.raises(ValueError, match=r"photo holds values in 0\.\.70000"):
        whole(decoding.from_pil(PIL.Image.fromarray(np.array([[0, 70_000]], np.int32)), argument="photo"))


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("profile", [(34675, "H", 1, 5, True), (34675, "s", 0, "text", True)])
def test_a_tag_for_the_profile_that_holds_something_else(tmp_path, bits, profile):
    levels = np.full((4, 4, 3), 77 * (1 if bits == 8 else 257), f"uint{bits}")
    write_tiff(tmp_path / "a.tif", levels, extratags=[profile])
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        np.testing.assert_allclose(from_file(tmp_path / "a.tif", argument="photo"), np.full((4, 4, 3), 77), atol=0.5)
    assert any("photo: its colour profile does not fit it" in str(one.message) for one in told)


def test_exif_that_is_garbage_leaves_a_picture_as_it_is():
    picture = PIL.Image.new("RGB", (3, 2), (1, 2, 3))
    picture.info["exif"] = b"Exif\0\0garbage"
    np.testing.assert_array_equal(whole(decoding.from_pil(picture)), np.full((2, 3, 3), (1, 2, 3)))


def test_pil_images_without_pixels(tmp_path):
    closed, cut = PIL.Image.new("RGB", (3, 2)), write_png(tmp_path / "a.png", np.zeros((9, 9, 3), np.uint16))
    closed.close()
    cut.write_bytes(cut.read_bytes()[:-30])
    with PIL.Image.open(cut) as unread:
        for picture in (closed, unread, PIL.Image.new("RGB", (0, 0))):
            with pytest.raises(ValueError, match="photo: the PIL image cannot be read .*Give one that has pixels"):
                loading.load(picture, argument="photo")
