import numpy as np
import pytest
import tensorflow as tf

from nst_keras.losses import guidance
from tests import reference


@pytest.fixture
def mask(random):
    """Of both hard and soft edges, float32 [1, 24, 20, 1]."""
    return tf.constant(np.clip(random.normal(0.5, 0.5, [1, 24, 20, 1]), 0.0, 1.0), tf.float32)


@pytest.mark.parametrize("size", [(24, 20), (12, 10), (6, 5), (11, 7), (5, 20), (1, 1)])
def test_a_location_counts_for_the_mask_that_lies_in_it(mask, size):
    guide = guidance.guide(mask, *size)
    np.testing.assert_allclose(guide[0, ..., 0], reference.area_means(mask[0, ..., 0].numpy(), *size), atol=1e-5)


@pytest.mark.parametrize("size", [(24, 20), (12, 10), (11, 7), (3, 2)])
def test_the_masks_mean_is_kept(mask, size):
    assert float(tf.reduce_mean(guidance.guide(mask, *size))) == pytest.approx(float(tf.reduce_mean(mask)), abs=1e-6)


@pytest.mark.parametrize("size", [(12, 10), (11, 7)])
def test_masks_that_add_up_to_1_count_each_location_once(mask, size):
    together = guidance.guide(mask, *size) + guidance.guide(1.0 - mask, *size)
    np.testing.assert_allclose(together, np.ones([1, *size, 1]), atol=1e-6)


def test_a_mask_of_one_value_is_that_value_everywhere():
    for value in (0.0, 0.25, 1.0):
        guide = guidance.guide(tf.fill([1, 13, 9, 1], value), 5, 4)
        np.testing.assert_allclose(guide, np.full([1, 5, 4, 1], value), atol=1e-6)
        assert 0.0 <= float(tf.reduce_min(guide)) <= float(tf.reduce_max(guide)) <= 1.0


def test_styles_everywhere_have_equal_shares_unless_told():
    pictures = [tf.zeros([1, 4, 4, 3])] * 4
    (region,) = guidance.everywhere(pictures)
    assert (list(region.blend), region.mask, region.strength) == ([0.25] * 4, None, 1.0)
    (region,) = guidance.everywhere(pictures[:2], [0.3, 0.7])
    assert list(region.blend) == [0.3, 0.7]
