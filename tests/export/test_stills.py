import io

import numpy as np
import PIL.Image
import PIL.ImageCms
import pytest
import tensorflow as tf

from nst_keras import export, images


@pytest.fixture
def picture(random):
    return random.integers(0, 256, (20, 30, 3), np.uint8)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".tiff"])
def test_lossless_stills_keep_their_pixels(tmp_path, picture, suffix):
    export.save_image(picture, tmp_path / f"a{suffix}")
    np.testing.assert_array_equal(images.load(tmp_path / f"a{suffix}")[0], picture)


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".webp", ".JPG"])
def test_lossy_stills_are_near(tmp_path, suffix):
    smooth = np.tile(np.arange(0, 240, 4, dtype=np.uint8)[:, None], (40, 1, 3))
    export.save_image(smooth, tmp_path / f"a{suffix}")
    np.testing.assert_allclose(images.load(tmp_path / f"a{suffix}")[0], smooth, atol=8)


@pytest.mark.parametrize("suffix", list(export.STILL_OPTIONS))
def test_every_still_carries_an_srgb_profile(tmp_path, picture, suffix):
    export.save_image(picture, tmp_path / f"a{suffix}")
    with PIL.Image.open(tmp_path / f"a{suffix}") as saved:
        profile = PIL.ImageCms.ImageCmsProfile(io.BytesIO(saved.info["icc_profile"]))
        assert "sRGB" in PIL.ImageCms.getProfileDescription(profile)


def test_a_float_image_is_rounded(tmp_path):
    export.save_image(tf.fill([1, 4, 4, 3], 99.6), tmp_path / "a.png")
    np.testing.assert_array_equal(images.load(tmp_path / "a.png"), np.full((1, 4, 4, 3), 100))


def test_bad_still(tmp_path, picture):
    with pytest.raises(ValueError, match="must end in one of .png"):
        export.save_image(picture, tmp_path / "a.xyz")
