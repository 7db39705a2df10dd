"""Masks, however they are written."""

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from nst_keras.images import masks

DISC = np.hypot(*np.mgrid[-10:10, -15:15]) < 8


@pytest.mark.parametrize(
    "written",
    [
        DISC,
        DISC.astype(np.float32),
        DISC.astype(np.uint8) * 255,
        DISC.astype(np.float32) * 255,
        np.stack([DISC.astype(np.uint8) * 255] * 3, -1),
        PIL.Image.fromarray(DISC.astype(np.uint8) * 255),
    ],
)
def test_a_mask_is_the_same_however_it_is_written(written):
    mask = masks.load(written, (20, 30), argument="content_mask")
    assert mask.shape == (1, 20, 30, 1)
    np.testing.assert_allclose(mask[0, ..., 0], DISC, atol=1e-6)


def test_what_is_transparent_does_not_count():
    painted = np.zeros((20, 30, 4), np.uint8)
    painted[DISC] = 255
    np.testing.assert_allclose(masks.load(painted, (20, 30), argument="content_mask")[0, ..., 0], DISC, atol=1e-6)


def test_grey_counts_in_part_and_a_mask_is_brought_to_the_pictures_size():
    mask = masks.load(np.full((40, 60), 51, np.uint8), (20, 30), argument="content_mask")
    np.testing.assert_allclose(mask, np.full((1, 20, 30, 1), 0.2), atol=1e-6)


@pytest.mark.parametrize("size", [(44, 1000), (23, 512), (18, 400)])
def test_a_mask_of_the_photographs_own_size_fits_the_reduced_picture(size):
    assert masks.load(np.ones((44, 1000), bool), size, argument="content_mask").shape == (1, *size, 1)


def test_another_aspect_is_refused():
    with pytest.raises(ValueError, match="content_mask is 30x20 px, and the picture 20x20: a mask must have the pictu"):
        masks.load(DISC, (20, 20), argument="content_mask")


def test_whole_numbers_of_0_and_1_are_refused():
    with pytest.raises(ValueError, match=r"style_mask\[0\] holds integers in 0..1, where white is 255. Give booleans"):
        masks.load(DISC.astype(np.uint8), (20, 30), argument="style_mask[0]")


def mask(level):
    return tf.fill([1, 2, 3, 1], level)


def test_masks_that_leave_nothing_are_refused():
    for black in ([mask(0.0)], [mask(0.0), mask(0.0)]):
        with pytest.raises(ValueError, match="^style_mask is black everywhere, so nothing is painted. Paint white"):
            masks.check_painted(black, None)
    with pytest.raises(ValueError, match="content_mask is black everywhere, so it keeps nothing. Leave it out"):
        masks.check_painted([], mask(0.0))
    with pytest.raises(ValueError, match="content_mask is white everywhere, so nothing is painted"):
        masks.check_painted([], mask(1.0))
    half = tf.constant([0.0, 1.0, 1.0])[tf.newaxis, tf.newaxis, :, tf.newaxis]
    with pytest.raises(ValueError, match="style_mask is black wherever content_mask lets the picture be painted"):
        masks.check_painted([half], half)


def test_masks_that_leave_something_pass():
    masks.check_painted([], None)
    masks.check_painted([mask(0.0), mask(0.01)], mask(0.99))


def test_a_mask_without_values():
    with pytest.raises(ValueError, match="content_mask has 1 masked values"):
        masks.load(np.ma.masked_equal([[0.0, 1.0]], 1), (1, 2), argument="content_mask")
