import numpy as np
import pytest
import tensorflow as tf

from nst_keras import losses
from nst_keras.losses import functional, regularizers
from tests import reference

NAMES = sorted(losses.NORMALIZATIONS)


def features(random, height=5, width=4, channels=3):
    return random.normal(size=(height, width, channels)) * 3


def batch(array, dtype="float32"):
    return tf.constant(array[np.newaxis], dtype)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_gram_matrix_is_the_sum_of_products(random, dtype):
    f = features(random)
    gram = losses.gram_matrix(batch(f, dtype))
    assert gram.dtype == tf.float32
    np.testing.assert_allclose(gram[0], reference.gram_matrix(f), rtol=reference.TOLERANCE[dtype], atol=0.05)


def test_gram_matrix_of_half_precision_does_not_overflow():
    gram = losses.gram_matrix(tf.fill([1, 64, 64, 2], tf.constant(200.0, tf.float16)))
    np.testing.assert_allclose(gram, np.full((1, 2, 2), 64 * 64 * 200.0**2))


def test_the_gradient_of_gram_matrices_is_that_of_einsum(random):
    f, upstream = batch(features(random)), tf.constant(random.normal(size=(1, 3, 3)), tf.float32)
    gradients = []
    for gram in (losses.gram_matrix, lambda x: tf.linalg.einsum("bhwi,bhwj->bij", x, x)):
        with tf.GradientTape() as tape:
            tape.watch(f)
            value = gram(f)
        gradients.append(tape.gradient(value, f, upstream))
    np.testing.assert_allclose(*gradients, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("normalization", NAMES)
def test_content_loss(random, normalization):
    f, p = features(random), features(random)
    ours = losses.content_loss(batch(f), batch(p), normalization=normalization)
    expected = reference.content_loss(f, p, normalization)
    np.testing.assert_allclose(ours, expected, rtol=reference.TOLERANCE["float32"])


@pytest.mark.parametrize("normalization", NAMES)
def test_style_loss_of_images_that_differ_in_size(random, normalization):
    f, s = features(random), features(random, 7, 3)
    grams = [losses.gram_matrix(batch(x), per_location=True) for x in (f, s)]
    ours = losses.style_loss(*grams, normalization=normalization)
    np.testing.assert_allclose(ours, reference.style_loss(f, s, normalization), rtol=reference.TOLERANCE["float32"])


@pytest.mark.parametrize("variation", regularizers.VARIATIONS)
@pytest.mark.parametrize("normalization", NAMES)
def test_total_variation_loss(random, normalization, variation):
    image = random.uniform(0, 255, (5, 7, 3))
    ours = losses.total_variation_loss(batch(image), normalization=normalization, variation=variation)
    expected = reference.total_variation(image, normalization, variation)
    np.testing.assert_allclose(ours, expected, rtol=reference.TOLERANCE["float32"])


@pytest.mark.parametrize("normalization", NAMES)
def test_alpha_norm_loss(random, normalization):
    image = random.uniform(-40, 300, (5, 7, 3))
    ours = losses.alpha_norm_loss(batch(image), normalization=normalization)
    np.testing.assert_allclose(ours, reference.alpha_norm(image, normalization), rtol=reference.TOLERANCE["float32"])


def test_the_alpha_norm_is_1_in_black_and_white_and_spares_the_middle():
    black_and_white = tf.tile(tf.reshape([0.0, 255.0], [1, 1, 2, 1]), [1, 3, 1, 3])
    assert float(losses.alpha_norm_loss(black_and_white, normalization="relative")) == 1.0
    half = 127.5 + (black_and_white - 127.5) / 2
    assert float(losses.alpha_norm_loss(half, normalization="relative")) == 1 / 64


@pytest.mark.parametrize("variation", regularizers.VARIATIONS)
def test_a_relative_prior_does_not_change_with_the_size(random, variation):
    """Four copies of a tile that is its own mirror image, so that no new edges come about, but for the tile's own."""
    tile = np.pad(random.uniform(0, 255, (20, 20, 3)), [(0, 20), (0, 20), (0, 0)], mode="symmetric")
    once, four = batch(tile), batch(np.tile(tile, (2, 2, 1)))
    for loss, settings in ((losses.total_variation_loss, {"variation": variation}), (losses.alpha_norm_loss, {})):
        values = [float(loss(image, normalization="relative", **settings)) for image in (once, four)]
        np.testing.assert_allclose(*values, rtol=0.03)


def test_total_variation_in_the_mean_convention_is_tensorflows():
    image = tf.random.stateless_uniform([1, 9, 8, 3], (0, 0), 0, 255)
    ours = losses.total_variation_loss(image, normalization="mean")
    np.testing.assert_allclose(ours, tf.image.total_variation(image / 255)[0], rtol=reference.TOLERANCE["float32"])


@pytest.mark.parametrize("variation", regularizers.VARIATIONS)
def test_total_variation_of_one_pixel_is_nothing(variation):
    pixel = tf.ones([1, 1, 1, 3])
    assert float(losses.total_variation_loss(pixel, normalization="relative", variation=variation)) == 0.0


def test_content_gradient_is_the_papers_closed_form(random):
    """Eq. 2 is the derivative through the ReLU: F - P where F > 0."""
    before, p = features(random), np.abs(features(random))
    variable = tf.Variable(batch(before))
    with tf.GradientTape() as tape:
        loss = losses.content_loss(tf.nn.relu(variable), batch(p), normalization="gatys2015")
    expected = reference.content_gradient(np.maximum(before, 0), p)
    np.testing.assert_allclose(tape.gradient(loss, variable)[0], expected, rtol=1e-5, atol=1e-5)


def test_style_gradient_is_the_papers_closed_form(random):
    """Eq. 6, for images of one size."""
    before, style = features(random), np.abs(features(random))
    variable = tf.Variable(batch(before))
    with tf.GradientTape() as tape:
        gram = losses.gram_matrix(tf.nn.relu(variable), per_location=True)
        target = losses.gram_matrix(batch(style), per_location=True)
        loss = losses.style_loss(gram, target, normalization="gatys2015")
    expected = reference.style_gradient(np.maximum(before, 0), reference.gram_matrix(style))
    np.testing.assert_allclose(tape.gradient(loss, variable)[0], expected, rtol=1e-4, atol=1e-6)


def test_relative_losses_do_not_change_with_the_scale_of_the_network(random):
    f, p = batch(features(random)), batch(features(random))
    once = losses.content_loss(f, p, normalization="relative")
    np.testing.assert_allclose(losses.content_loss(10 * f, 10 * p, normalization="relative"), once, rtol=1e-5)


def test_relative_loss_of_a_black_target_is_finite():
    zeros = tf.zeros([1, 2, 2, 3])
    assert float(losses.content_loss(zeros, zeros, normalization="relative")) == 0.0


def test_relative_loss_of_a_target_of_nearly_nothing_is_bounded_and_pulls_towards_it():
    features, target = tf.ones([1, 2, 2, 3]), tf.fill([1, 2, 2, 3], 1e-3)
    with tf.GradientTape() as tape:
        tape.watch(features)
        loss = losses.content_loss(features, target, normalization="relative")
    assert float(loss) == pytest.approx(100 * (1 + np.log(1e6 * (1 - 1e-3) ** 2 / 100)), rel=1e-4)  # Not 1e6.
    np.testing.assert_allclose(tape.gradient(loss, features), np.full([1, 2, 2, 3], 2 * 100 / 12 / 0.999), rtol=1e-4)


def test_relative_losses_up_to_100_are_the_plain_ratio():
    features, target = tf.fill([1, 1, 1, 1], 10.99), tf.ones([1, 1, 1, 1])
    loss = losses.content_loss(features, target, normalization="relative")
    np.testing.assert_allclose(loss, 9.99**2, rtol=1e-5)


def test_unknown_normalization_is_refused_with_a_hint():
    with pytest.raises(ValueError, match="normalization='relativ' is not known. Did you mean 'relative'"):
        losses.content_loss(tf.zeros([1, 1, 1, 1]), tf.zeros([1, 1, 1, 1]), normalization="relativ")


def test_unknown_variation_is_refused_with_a_hint():
    with pytest.raises(ValueError, match="variation='9_points' is not known. Did you mean '9_point'"):
        losses.total_variation_loss(tf.zeros([1, 2, 2, 3]), variation="9_points")


@pytest.mark.parametrize("normalization", losses.NORMALIZATIONS)
def test_the_content_loss_is_the_score_of_sums_of_its_parts(random, normalization):
    """As tiles add them up: of 3 rows and of 4."""
    features, target = (tf.constant(random.normal(size=(1, 7, 5, 4)), tf.float32) for _ in range(2))
    parts = [(features[:, :3], target[:, :3]), (features[:, 3:], target[:, 3:])]
    squares = sum(tf.reduce_sum(tf.square(f - p)) for f, p in parts)
    energy = sum(tf.reduce_sum(tf.square(p)) for _, p in parts)
    for channels in (4, 9):
        score = losses.content_score(squares, energy, 7.0 * 5 * channels, normalization=normalization)
        whole = losses.content_loss(features, target, normalization=normalization, channels=channels)
        assert float(score) == pytest.approx(float(whole), rel=1e-5)
    with pytest.raises(ValueError, match="normalization='median' is not known"):
        losses.content_score(squares, energy, 1.0, normalization="median")


def test_the_number_of_features_may_be_any(monkeypatch):
    """Also above 2^31, as block1 of VGG has at 5800 px; of no coordinates here, which take no memory."""
    monkeypatch.setattr(functional, "content_score", lambda squares, energy, size, **_: size)
    empty = tf.zeros([1, 8192, 8192, 0])
    assert float(losses.content_loss(empty, empty, channels=64)) == 2.0**32
