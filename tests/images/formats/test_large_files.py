"""Large files are read in bands, and as nearly as can be as if they were read whole."""

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf
import tifffile

from nst_keras.images import bands, loading, pixels
from tests import inputs
from tests.images.formats.test_profiles import make_profile

TILES = {"tile": (16, 16), "compression": "zlib"}


@pytest.fixture
def smooth(random):
    """RGBA as a photograph has it, uint16 [120, 90, 4]."""
    coarse = random.uniform(0, 65535, (1, 12, 9, 4)).astype(np.float32)
    return tf.image.resize(coarse, (120, 90), "bicubic")[0].numpy().clip(0, 65535).astype(np.uint16)


@pytest.fixture
def as_large(monkeypatch):
    """Makes pictures of more than so many pixels large."""

    def make(limit=1000):
        monkeypatch.setattr(bands, "_LARGE", limit)
        monkeypatch.setattr(bands, "_BAND", 900)

    return make


def tiff(path, pixels, **options):
    tifffile.imwrite(path, pixels, photometric="rgb" if pixels.ndim == 3 else "minisblack", metadata=None, **options)


def pillow(path, pixels, **options):
    PIL.Image.fromarray((pixels >> 8).astype(np.uint8)).save(path, **options)


def with_exif(orientation):
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    return {"exif": exif}


FILES = {
    "tiff of 8 bits": lambda p, s: tiff(p, (s[..., :3] >> 8).astype(np.uint8), **TILES),
    "tiff of 16 bits": lambda p, s: tiff(p, s[..., :3], **TILES),
    "tiff, alpha": lambda p, s: tiff(p, s, extrasamples=["unassalpha"], **TILES),
    "tiff of 8 bits, alpha": lambda p, s: tiff(p, (s >> 8).astype(np.uint8), extrasamples=["unassalpha"], **TILES),
    "tiff, grey": lambda p, s: tiff(p, (s[..., 0] >> 8).astype(np.uint8), **TILES),
    "tiff, grey of 16 bits": lambda p, s: tiff(p, s[..., 0], **TILES),
    "tiff, profile": lambda p, s: tiff(p, s[..., :3], iccprofile=make_profile(), **TILES),
    "tiff of 8 bits, profile": lambda p, s: tiff(
        p, (s[..., :3] >> 8).astype(np.uint8), iccprofile=make_profile(), **TILES
    ),
    "tiff of cmyk": lambda p, s: PIL.Image.fromarray((s[..., :3] >> 8).astype(np.uint8)).convert("CMYK").save(p),
    "png": lambda p, s: pillow(p, s[..., :3], format="PNG"),
    "png, alpha": lambda p, s: pillow(p, s, format="PNG"),
    "png of 16 bits": lambda p, s: p.write_bytes(tf.io.encode_png(s).numpy()),
    "palette": lambda p, s: PIL.Image.fromarray((s[..., :3] >> 8).astype(np.uint8)).quantize(64).save(p, "PNG"),
    **{
        f"tiff, turned {turn}": lambda p, s, turn=turn: tiff(p, s[..., :3], extratags=[(274, "H", 1, turn, 1)], **TILES)
        for turn in range(2, 9)
    },
    "png, turned": lambda p, s: pillow(p, s[..., :3], format="PNG", **with_exif(6)),
}


@pytest.mark.parametrize("longest_side", [None, 40, 119])
@pytest.mark.parametrize("write", FILES.values(), ids=FILES)
def test_in_bands_as_at_once(tmp_path, smooth, as_large, write, longest_side):
    path = tmp_path / "a.tif"
    write(path, smooth)
    whole = loading.read(path, longest_side=longest_side)
    as_large()
    banded = loading.read(path, longest_side=longest_side)
    assert banded.image.shape == whole.image.shape
    assert banded.size == whole.size
    np.testing.assert_allclose(banded.image, whole.image, atol=0.03)
    if longest_side is None:
        np.testing.assert_array_equal(banded.image, whole.image)
    assert (banded.alpha is None) == (whole.alpha is None)
    if banded.alpha is not None:
        assert banded.alpha.shape == tuple(banded.image.shape[1:3])


@pytest.mark.parametrize("options", [{}, with_exif(6)])
def test_a_jpeg_is_decoded_smaller(tmp_path, smooth, as_large, options):
    pillow(tmp_path / "a.jpg", smooth[..., :3], quality=98, **options)
    whole = loading.read(tmp_path / "a.jpg", longest_side=25)
    as_large()
    smaller = loading.read(tmp_path / "a.jpg", longest_side=25)
    assert smaller.image.shape == whole.image.shape
    assert smaller.size == whole.size
    assert np.mean(np.abs(smaller.image - whole.image)) < 1.5
    assert not np.array_equal(smaller.image, whole.image)


def test_arrays_and_pil_images(smooth, as_large):
    sources = [smooth[..., :3], smooth[..., 0], (smooth >> 8).astype(np.uint8), smooth[..., :3] / np.float32(257)]
    sources += [PIL.Image.fromarray(sources[2]), tf.constant(sources[3][None])]
    whole = [loading.load(source, longest_side=30) for source in sources]
    as_large()
    for source, expected in zip(sources, whole, strict=True):
        np.testing.assert_allclose(loading.load(source, longest_side=30), expected, atol=0.03)


def test_an_image_in_the_public_form_is_not_copied(smooth):
    image = tf.constant(smooth[None, ..., :3] / np.float32(257))
    assert loading.load(image) is image


def test_rounding_in_bands_changes_no_bit(random, as_large):
    image = tf.constant(random.uniform(-20, 280, (1, 50, 60, 3)), tf.float32)
    whole = pixels.to_uint8(image), pixels.to_uint16(image)
    as_large()
    np.testing.assert_array_equal(pixels.to_uint8(image), whole[0])
    np.testing.assert_array_equal(pixels.to_uint16(image), whole[1])


def test_a_tiff_of_any_size_is_read_if_it_is_reduced(tmp_path, smooth, as_large, monkeypatch):
    tiff(tmp_path / "a.tif", smooth[..., :3], **TILES)
    pillow(tmp_path / "a.png", smooth[..., :3])
    expected = loading.load(tmp_path / "a.tif", longest_side=40)
    as_large()
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 5000)
    np.testing.assert_allclose(loading.load(tmp_path / "a.tif", longest_side=40), expected, atol=0.03)
    for name, side in (("a.tif", None), ("a.png", 40)):
        with pytest.raises(ValueError, match="more than 0 megapixels.*save it as a TIFF in tiles"):
            loading.load(tmp_path / name, longest_side=side)


def test_a_large_tiff_that_is_damaged_inside(tmp_path, smooth, as_large):
    tiff(tmp_path / "a.tif", smooth[..., :3], **TILES)
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        start = file.pages[0].dataoffsets[20]
    data = bytearray((tmp_path / "a.tif").read_bytes())
    data[start : start + 20] = bytes(20)
    (tmp_path / "a.tif").write_bytes(data)
    as_large()
    with pytest.raises(ValueError, match="photo: '.*a.tif' is damaged .*Get a whole copy"):
        loading.load(tmp_path / "a.tif", argument="photo")


def test_a_large_tiff_with_a_profile_of_tables_gives_eight_bits_and_says_so(tmp_path, smooth, as_large):
    tiff(tmp_path / "a.tif", smooth[..., :3], iccprofile=make_profile(extra=[(b"A2B1", bytes(8))]), **TILES)
    as_large()
    with pytest.warns(UserWarning, match="photo: read at 8 bits a channel instead of 16"):
        pixels = loading.load(tmp_path / "a.tif", argument="photo")
    assert pixels.shape == (1, 120, 90, 3)


def test_a_large_content_image_keeps_what_it_was(tmp_path, smooth, as_large, style):
    tiff(tmp_path / "a.tif", smooth, extrasamples=["unassalpha"], **TILES)
    as_large()
    read = inputs.read(style, tmp_path / "a.tif", image_size=60)
    assert read.content_size == (120, 90)
    assert read.content_image.shape == (1, 60, 45, 3)
    assert read.content_alpha.shape == (60, 45)
