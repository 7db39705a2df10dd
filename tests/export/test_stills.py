import contextlib
import io
import resource

import imageio.v3
import numpy as np
import PIL.Image
import PIL.ImageCms
import pytest
import tensorflow as tf
import tifffile

from nst_keras import export
from nst_keras.images import bands, loading, pixels
from nst_keras.images.formats import metadata

KINDS = [(suffix, depth) for suffix, options in export.STILL_OPTIONS.items() for depth in options.bit_depths]
ALPHA_KINDS = [(suffix, depth) for suffix, depth in KINDS if export.STILL_OPTIONS[suffix].alpha]


@pytest.fixture
def image(random):
    """A float image, [1, 20, 30, 3], with fractions, and with both ends of the range."""
    levels = random.uniform(0, 255, (1, 20, 30, 3)).astype(np.float32)
    levels[0, 0, :2, 0] = (0, 255)
    return tf.constant(levels)


@pytest.fixture
def alpha(random):
    return random.integers(0, 256, (20, 30), np.uint8)


@pytest.fixture
def picture(random):
    return random.integers(0, 256, (20, 30, 3), np.uint8)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".tiff"])
def test_lossless_stills_keep_their_pixels(tmp_path, picture, suffix):
    export.save_image(picture, tmp_path / f"a{suffix}")
    np.testing.assert_array_equal(loading.load(tmp_path / f"a{suffix}")[0], picture)


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".webp", ".JPG"])
def test_lossy_stills_are_near(tmp_path, suffix):
    smooth = np.tile(np.arange(0, 240, 4, dtype=np.uint8)[:, None], (40, 1, 3))
    export.save_image(smooth, tmp_path / f"a{suffix}")
    np.testing.assert_allclose(loading.load(tmp_path / f"a{suffix}")[0], smooth, atol=8)


@pytest.mark.parametrize(("suffix", "bit_depth"), KINDS)
def test_every_still_carries_an_srgb_profile(tmp_path, picture, suffix, bit_depth):
    export.save_image(picture, tmp_path / f"a{suffix}", bit_depth=bit_depth)
    with PIL.Image.open(tmp_path / f"a{suffix}") as saved:
        profile = PIL.ImageCms.ImageCmsProfile(io.BytesIO(saved.info["icc_profile"]))
        assert "sRGB" in PIL.ImageCms.getProfileDescription(profile)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".tiff"])
def test_sixteen_bits_keep_the_fractions_of_the_float_image(tmp_path, image, suffix):
    export.save_image(image, tmp_path / f"a{suffix}", bit_depth=16)
    back = loading.load(tmp_path / f"a{suffix}")
    np.testing.assert_allclose(257 * back.numpy(), 257 * image.numpy(), atol=0.51)
    np.testing.assert_array_equal(back[0, 0, :2, 0], [0, 255])


def test_other_programs_see_sixteen_bits(tmp_path, image):
    for suffix, read in ((".png", imageio.v3.imread), (".tiff", tifffile.imread), (".tiff", imageio.v3.imread)):
        export.save_image(image, tmp_path / f"a{suffix}", bit_depth=16)
        levels = read(tmp_path / f"a{suffix}")
        if suffix == ".tiff":  # Of a PNG, imageio gives what Pillow does.
            np.testing.assert_array_equal(levels, pixels.to_uint16(image))
        np.testing.assert_allclose(levels / np.iinfo(levels.dtype).max * 255, image[0], atol=1)


@pytest.mark.parametrize(("suffix", "bit_depth"), ALPHA_KINDS)
def test_alpha_is_kept(tmp_path, image, alpha, suffix, bit_depth):
    export.save_image(image, tmp_path / f"a{suffix}", bit_depth=bit_depth, alpha=alpha)
    np.testing.assert_array_equal(loading.read(tmp_path / f"a{suffix}").alpha, alpha)


@pytest.mark.parametrize(("suffix", "bit_depth"), [kind for kind in ALPHA_KINDS if kind[0] != ".webp"])
def test_colours_under_an_alpha_are_kept(tmp_path, image, alpha, suffix, bit_depth):
    export.save_image(image, tmp_path / f"a{suffix}", bit_depth=bit_depth, alpha=np.maximum(alpha, 1))
    with PIL.Image.open(tmp_path / f"a{suffix}") as saved:
        assert saved.mode == "RGBA"
        np.testing.assert_allclose(np.asarray(saved)[..., :3], image[0], atol=1)


def test_alpha_of_another_size_is_resized(tmp_path):
    alpha = np.zeros((10, 40), np.uint8)
    alpha[:, 20:] = 255
    export.save_image(np.zeros((20, 30, 3), np.uint8), tmp_path / "a.png", alpha=alpha)
    saved = loading.read(tmp_path / "a.png").alpha
    assert saved.shape == (20, 30)
    assert (saved[:, :13].max(), saved[:, 17:].min()) == (0, 255)


@pytest.mark.parametrize(("suffix", "bit_depth"), KINDS)
def test_the_same_picture_makes_the_same_bytes(tmp_path, image, alpha, suffix, bit_depth):
    options = {"alpha": alpha} if (suffix, bit_depth) in ALPHA_KINDS else {}
    for name in ("one", "two"):
        export.save_image(image, tmp_path / f"{name}{suffix}", bit_depth=bit_depth, text="größer", **options)
    assert (tmp_path / f"one{suffix}").read_bytes() == (tmp_path / f"two{suffix}").read_bytes()


@pytest.mark.parametrize(("suffix", "bit_depth"), ALPHA_KINDS)
def test_alpha_depth_and_text_go_together(tmp_path, image, alpha, suffix, bit_depth):
    path = tmp_path / f"a{suffix}"
    export.save_image(image, path, bit_depth=bit_depth, alpha=alpha, text="größer")
    assert metadata.read(path) == "größer"
    np.testing.assert_array_equal(loading.read(path).alpha, alpha)


@contextlib.contextmanager
def full_disk(size=1000):
    """No file may grow beyond so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize(("suffix", "bit_depth"), KINDS)
def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path, picture, suffix, bit_depth):
    path = tmp_path / f"a{suffix}"
    path.write_text("old")
    with full_disk(), pytest.raises(OSError, match="File too large"):
        export.save_image(picture, path, bit_depth=bit_depth)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_float_image_is_rounded(tmp_path):
    export.save_image(tf.fill([1, 4, 4, 3], 99.6), tmp_path / "a.png")
    np.testing.assert_array_equal(loading.load(tmp_path / "a.png"), np.full((1, 4, 4, 3), 100))


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("a.xyz", {}, "path: '.*a.xyz' must end in one of .png"),
        ("a.png", {"bit_depth": 12}, "bit_depth must be 8 or 16, but 12 was given"),
        ("a.png", {"bit_depth": "16"}, "bit_depth must be 8 or 16, but '16' was given"),
        ("a.jpg", {"bit_depth": 16}, r"path: '.*a.jpg' cannot hold bit_depth=16. Choose .png or .tiff, or bit_depth=8"),
        ("a.webp", {"bit_depth": 16}, "a.webp' cannot hold bit_depth=16"),
        ("a.JPEG", {"alpha": np.zeros((2, 2), np.uint8)}, "path: '.*a.JPEG' cannot hold transparency. Choose .png"),
        ("a.png", {"alpha": np.zeros((2, 2))}, r"alpha must be uint8 .*float64 \[2, 2\] was given"),
        ("a.png", {"alpha": np.zeros((2, 2, 1), np.uint8)}, "alpha must be uint8"),
        ("a.png", {"text": b"bytes"}, "text must be a str or None, but bytes was given"),
    ],
)
def test_bad_stills(tmp_path, picture, name, options, message):
    with pytest.raises(ValueError, match=message):
        export.save_image(picture, tmp_path / name, **options)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("bit_depth", [8, 16])
def test_a_large_tiff_is_in_tiles(tmp_path, image, alpha, bit_depth, monkeypatch):
    export.save_image(image, tmp_path / "strips.tiff", bit_depth=bit_depth, alpha=alpha, text="größer")
    monkeypatch.setattr(bands, "_LARGE", 100)
    monkeypatch.setattr(bands, "_BAND", 90)
    export.save_image(image, tmp_path / "tiles.tiff", bit_depth=bit_depth, alpha=alpha, text="größer")
    with tifffile.TiffFile(tmp_path / "tiles.tiff") as file:
        assert file.pages[0].is_tiled
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "tiles.tiff"), tifffile.imread(tmp_path / "strips.tiff"))
    assert metadata.read(tmp_path / "tiles.tiff") == "größer"


def test_a_still_is_checked_beforehand_under_the_name_of_its_argument():
    export.check_still("a.tiff", bit_depth=16, has_alpha=True)
    with pytest.raises(ValueError, match="output: 'a.jpg' cannot hold bit_depth=16"):
        export.check_still("a.jpg", bit_depth=16, argument="output")


@pytest.mark.parametrize(
    ("name", "size", "others"),
    [
        ("a.webp", (16_384, 1), ".png or .jpg or .tif"),
        ("a.jpg", (1, 65_501), ".png or .tif"),
        ("a.png", (1_000_001, 1), ".tif"),
    ],
)
def test_a_size_that_a_format_cannot_hold_is_told_with_one_that_can(name, size, others):
    export.check_still(name, size=(size[0] - 1 or 1, size[1] - 1 or 1))
    with pytest.raises(ValueError, match=rf"path: '{name}' cannot hold {size[1]} x {size[0]} pixels.*Choose {others}"):
        export.check_still(name, size=size)
