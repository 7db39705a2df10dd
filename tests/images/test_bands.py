import numpy as np
import pytest
import tensorflow as tf

from nst_keras.images import bands


@pytest.fixture
def small_bands(monkeypatch):
    monkeypatch.setattr(bands, "_LARGE", 1000)
    monkeypatch.setattr(bands, "_BAND", 300)


@pytest.fixture
def picture(random):
    """float32 [70, 50, 3], 0..255."""
    return random.uniform(0, 255, (70, 50, 3)).astype(np.float32)


def at_once(picture, size):
    return tf.clip_by_value(tf.image.resize(picture[None], size, method="lanczos3", antialias=True), 0.0, 255.0)


SIZES = [(7, 5), (35, 25), (69, 49), (140, 100), (70, 10), (11, 120), (70, 50), (1, 1)]


@pytest.mark.parametrize("size", SIZES)
def test_bands_make_the_same_picture(small_bands, picture, size):
    resized = bands.resized(lambda top, bottom: picture[top:bottom], (70, 50), size)
    assert resized.shape == (1, *size, 3)
    np.testing.assert_allclose(resized, at_once(picture, size), atol=0.02)


@pytest.mark.parametrize("size", SIZES)
def test_each_row_is_asked_for_once_and_in_order(small_bands, picture, size):
    asked, largest = [], []

    def rows(top, bottom):
        asked.extend(range(top, bottom))
        largest.append(bottom - top)
        return picture[top:bottom]

    bands.resized(rows, (70, 50), size)
    assert asked == list(range(70))
    assert max(largest) < 70 or size[0] < 10  # What is reduced by much needs many rows for each of its own.


@pytest.mark.parametrize("size", [size for size in SIZES if size != (70, 50)])
def test_a_picture_that_is_not_large_is_resized_at_once_bit_for_bit(picture, size):
    resized = bands.resized(lambda top, bottom: picture[top:bottom], (70, 50), size)
    np.testing.assert_array_equal(resized, at_once(picture, size))


def test_the_same_size_keeps_the_pixels(small_bands, picture):
    same = bands.resized(lambda top, bottom: tf.constant(picture[top:bottom]), (70, 50), (70, 50))
    assert same.dtype == tf.float32
    np.testing.assert_array_equal(same[0], picture)


def test_the_result_outlives_what_it_was_made_of(small_bands, picture):
    sums = [float(tf.reduce_sum(bands.resized(lambda t, b: picture[t:b], (70, 50), (90, 80)))) for _ in range(20)]
    assert len(set(sums)) == 1


@pytest.mark.parametrize(("height", "width"), [(1, 1), (70, 50), (7, 1000), (5000, 1)])
def test_bands_follow_each_other(small_bands, height, width):
    found = list(bands.of_rows(height, width))
    assert [row for top, bottom in found for row in range(top, bottom)] == list(range(height))
    assert (len(found) > 1) == bands.is_large(height, width)
