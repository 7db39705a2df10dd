import numpy as np
import pytest

from nst_keras.images.formats import levels


def test_a_checked_array_is_not_copied():
    array = np.full((1, 4, 5, 3), 200, np.uint8)
    assert np.shares_memory(levels.checked(array, "photo"), array)
    assert levels.checked(array[0, ..., 0], "photo").shape == (4, 5, 1)


def test_sixteen_bits_are_brought_to_the_same_range():
    rows = levels.of_rows(np.array([[[0, 257, 65535]]], np.uint16))
    assert rows.dtype == np.float32
    np.testing.assert_array_equal(rows, [[[0, 1, 255]]])


def test_the_alpha_stays_beside_the_composited_colours():
    pixels = np.array([[[200, 100, 0, 51], [1, 2, 3, 255]]], np.float32)
    composited = levels.on_background(pixels, "white")
    np.testing.assert_allclose(composited, [[[244, 224, 204, 51], [1, 2, 3, 255]]], atol=0.01)
    np.testing.assert_array_equal(levels.alpha(composited), [[51, 255]])
    assert levels.alpha(composited[:, 1:]) is None


def test_a_background_that_is_no_colour():
    with pytest.raises(ValueError, match="background='bleu' is no colour. Give a name or '#rrggbb'"):
        levels.on_background(np.zeros((1, 1, 4), np.float32), "bleu")
