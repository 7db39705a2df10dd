import numpy as np
import pytest
import tensorflow as tf

from nst_keras.losses import regularizers

SUMS = {**{name: kind.total for name, kind in regularizers.VARIATIONS.items()}, "alpha_norm": regularizers.alpha_norm}


def image_of(rows):
    """One channel, [1, height, width, 1]."""
    return tf.constant(rows, tf.float32)[tf.newaxis, :, :, tf.newaxis]


def value_and_gradient(function, image):
    with tf.GradientTape() as tape:
        tape.watch(image)
        value = function(image)
    return value, tape.gradient(value, image)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("l1", 1 + 3 + 2 + 4),
        ("l2", 1 + 9 + 4 + 16),
        # Two thirds of that, a sixth of diagonals 5 and 2, and of each pair twice, which lies on a border.
        ("9_point", (4 * 30 + 25 + 4 + 2 * 30) / 6),
        ("alpha_norm", 127.5**6 + 126.5**6 + 124.5**6 + 122.5**6),
    ],
)
def test_the_sums_of_four_pixels_by_hand(name, expected):
    np.testing.assert_allclose(SUMS[name](image_of([[0, 1], [3, 5]])), expected, rtol=1e-6)


def test_nine_points_cost_a_slope_what_squares_do():
    y, x = np.mgrid[:80, :80]
    for slope in (image_of(x), image_of(x + y), image_of(2 * x - y)):
        np.testing.assert_allclose(SUMS["9_point"](slope), SUMS["l2"](slope), rtol=0.01)


def test_neighbours_are_the_pairs_in_rows_and_columns():
    assert float(regularizers.neighbours(tf.zeros([2, 3, 4, 5]))) == 2 * 5 * (2 * 4 + 3 * 3)


@pytest.mark.parametrize("name", SUMS)
def test_nothing_is_asked_of_a_grey_image(name):
    value, gradient = value_and_gradient(SUMS[name], tf.fill([2, 4, 5, 3], regularizers.MID_GREY))
    assert float(value) == 0.0
    np.testing.assert_array_equal(gradient, np.zeros([2, 4, 5, 3]))


@pytest.mark.parametrize("name", SUMS)
@pytest.mark.parametrize("jit_compile", [False, True])
def test_the_gradient_is_that_of_finite_differences(random, name, jit_compile):
    levels = tf.constant(random.uniform(0, 255, (1, 3, 4, 2)))  # float64: the differences are of neighbouring values.
    function = tf.function(lambda x: value_and_gradient(SUMS[name], x), jit_compile=jit_compile)
    _, gradient = function(levels)
    step = 1e-3
    for place in np.ndindex(*levels.shape):
        shift = np.zeros(levels.shape)
        shift[place] = step
        slope = (SUMS[name](levels + shift) - SUMS[name](levels - shift)) / (2 * step)
        np.testing.assert_allclose(gradient[place], slope, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", SUMS)
def test_the_gradient_is_finite_at_edges_and_far_beyond_the_range(name):
    steps = tf.repeat(tf.repeat(image_of([[0, 255], [1e4, -1e4]]), 3, axis=1), 3, axis=2)
    value, gradient = value_and_gradient(SUMS[name], steps)
    assert np.isfinite(value)
    assert np.all(np.isfinite(gradient))


def test_nine_points_see_a_detail_alike_in_every_direction():
    """A wave of four pixels' length along the rows and along the diagonal."""
    y, x = np.mgrid[:60, :60]
    waves = [image_of(np.sin(np.pi / 2 * along)) for along in (x, (x + y) / np.sqrt(2))]
    unlike = {name: abs(float(SUMS[name](waves[0]) / SUMS[name](waves[1])) - 1) for name in ("l2", "9_point")}
    assert unlike["l2"] > 0.08
    assert unlike["9_point"] < 0.02


def test_the_total_of_an_image_times_c_is_c_to_the_degree_times_it(random):
    image = tf.constant(random.uniform(0, 255, (1, 5, 6, 3)), tf.float32)
    for kind in regularizers.VARIATIONS.values():
        np.testing.assert_allclose(kind.total(3.0 * image), 3.0**kind.degree * kind.total(image), rtol=1e-5)
