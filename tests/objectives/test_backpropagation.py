"""The way back through a network of half precision: small gradients arrive."""

import numpy as np
import pytest
import tensorflow as tf

from nst_keras.networks import extractors
from nst_keras.objectives import backpropagation
from tests import conftest
from tests.objectives.examples import error, made, picture

# How far gradients may be off: where rounding moves a maximum or turns a ReLU, all of a pixel's is elsewhere.
HALVES = {"mixed_float16": 0.05, "mixed_bfloat16": 0.12}
SIZE = (40, 52)


def extractor_of(precision):
    return extractors.FeatureExtractor(conftest.small_model(), conftest.centred, precision=precision)


@pytest.mark.parametrize("precision", HALVES)
@pytest.mark.parametrize("weight", [1e-20, 1e-9, 1.0, 1e9, 1e20])
def test_gradients_of_any_size_come_through(precision, weight):
    """They are those of float32, of losses whose gradients float16 could not hold."""
    image = picture(*SIZE)

    def loss(image, features):
        assert {of_layer.dtype for of_layer in features.values()} == {tf.float32}
        value = weight * tf.add_n([tf.reduce_sum(tf.square(of_layer)) for of_layer in features.values()])
        return value, value

    found = {name: backpropagation.through(extractor_of(name), image, loss) for name in ("float32", precision)}
    (value, gradient), (exact, expected) = found[precision], found["float32"]
    assert gradient.dtype == value.dtype == tf.float32
    assert np.all(np.isfinite(gradient))
    assert float(value) == pytest.approx(float(exact), rel=0.01)
    assert error(gradient, expected) <= HALVES[precision]


@pytest.mark.parametrize("precision", ["float32", *HALVES])
def test_a_loss_without_gradient_gives_zeros_and_one_that_is_not_finite_says_so(precision):
    extractor, image = extractor_of(precision), picture(*SIZE)
    _, nothing = backpropagation.through(
        extractor, image, lambda image, features: (0.0 * tf.reduce_sum(features["conv3"]), 0)
    )
    assert not np.any(nothing)
    _, broken = backpropagation.through(
        extractor, image, lambda image, features: (np.nan * tf.reduce_sum(features["conv3"]), 0)
    )
    assert not np.all(np.isfinite(broken))


def test_float32_is_not_scaled():
    """The gradient is to the bit that of a plain tape."""
    extractor, image = extractor_of("float32"), picture(*SIZE)
    _, gradient = backpropagation.through(
        extractor, image, lambda image, features: (1e-12 * tf.reduce_sum(tf.square(features["conv3"])), None)
    )
    with tf.GradientTape() as tape:
        tape.watch(image)
        value = 1e-12 * tf.reduce_sum(tf.square(extractor(image)["conv3"]))
    np.testing.assert_array_equal(gradient, tape.gradient(value, image))


@pytest.mark.slow
@pytest.mark.parametrize("precision", HALVES)
@pytest.mark.parametrize(("normalization", "tile_size"), [("relative", 20), ("gatys2015", None)])
def test_an_objective_in_half_precision_is_near_that_in_float32(precision, normalization, tile_size):
    """Also in tiles, each of which has a scale of its own, and also where gradients are tiny."""
    weights = {"style_weight": 1e-6, "content_weight": 1e-7, "var_weight": 0.0, "alpha_norm_weight": 0.0}
    half, exact = (
        made(extractor_of(name), tile_size, normalization=normalization, **weights) for name in (precision, "float32")
    )
    terms, gradient = half.value_and_gradient(picture(67, 93, 3))
    expected_terms, expected = exact.value_and_gradient(picture(67, 93, 3))
    assert {term.dtype for term in tf.nest.flatten(terms)} == {tf.float32}
    assert float(terms.total) == pytest.approx(float(expected_terms.total), rel=0.02)
    assert np.all(np.isfinite(gradient))
    assert error(gradient, expected) <= HALVES[precision]
    for target in half.targets.style:
        assert {value.dtype for value in tf.nest.flatten(target.layers)} == {tf.float32}
