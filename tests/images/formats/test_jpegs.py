import io

import numpy as np
import PIL.Image
import pytest

from nst_keras.images import bands, loading


def jpeg(random, **options):
    coarse = PIL.Image.fromarray(random.integers(0, 256, (6, 9, 3), np.uint8))
    buffer = io.BytesIO()
    coarse.resize((120, 90)).save(buffer, "JPEG", **options)
    return buffer.getvalue()


@pytest.mark.parametrize("options", [{}, {"progressive": True}])
@pytest.mark.parametrize("missing", [1, 2])
def test_the_mark_of_the_end_alone_may_be_missing(tmp_path, random, options, missing):
    data = jpeg(random, **options)
    (tmp_path / "whole.jpg").write_bytes(data)
    (tmp_path / "cut.jpg").write_bytes(data[:-missing])
    np.testing.assert_array_equal(loading.load(tmp_path / "cut.jpg"), loading.load(tmp_path / "whole.jpg"))


@pytest.mark.parametrize("options", [{}, {"progressive": True}])
@pytest.mark.parametrize("missing", [10, 100])
def test_pixels_that_are_missing(tmp_path, random, options, missing):
    (tmp_path / "a.jpg").write_bytes(jpeg(random, **options)[:-missing])
    with pytest.raises(ValueError, match="photo: '.*' is damaged .*truncated"):
        loading.load(tmp_path / "a.jpg", argument="photo")


def test_more_pixels_than_are_safe_are_decoded_reduced(tmp_path, random, monkeypatch):
    (tmp_path / "a.jpg").write_bytes(jpeg(random))
    expected = loading.load(tmp_path / "a.jpg", longest_side=15)
    monkeypatch.setattr(bands, "_LARGE", 1000)
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 120 * 90 // 3)  # Pillow itself refuses twice that.
    picture = loading.read(tmp_path / "a.jpg", longest_side=15)
    assert picture.size == (90, 120)
    assert np.abs(picture.image - expected).mean() < 3
    with pytest.raises(ValueError, match="has more than 0 megapixels.*as a JPEG, and reduce it by image_size"):
        loading.load(tmp_path / "a.jpg")
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 120 * 90 // 5)
    with pytest.raises(ValueError, match="has more than 0 megapixels. Scale it down first"):
        loading.load(tmp_path / "a.jpg", longest_side=15)
