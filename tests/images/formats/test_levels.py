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


def test_the_order_of_bytes_is_no_matter():
    for order in "<>":
        array = np.full((2, 2, 3), 65535, f"{order}u2")
        np.testing.assert_array_equal(levels.of_rows(levels.checked(array, "photo")), np.full((2, 2, 3), 255))


@pytest.mark.parametrize("dtype", ["m8[s]", "M8[s]", "S1", "U1", "O", "V4", "c8"])
def test_what_is_no_number_is_refused(dtype):
    with pytest.raises(ValueError, match="photo must hold numbers in 0..255, but an array of"):
        levels.checked(np.zeros((2, 2, 3), dtype), "photo")


def test_masked_pixels_are_refused():
    array = np.ma.masked_equal(np.arange(12.0).reshape(2, 2, 3), 5)
    with pytest.raises(ValueError, match=r"photo has 1 masked values. Fill them first, such as by array.filled\(255\)"):
        levels.as_array(array, "photo")
    np.testing.assert_array_equal(levels.as_array(np.ma.array([1, 2]), "photo"), [1, 2])
