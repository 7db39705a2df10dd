import keras
import numpy as np
import pytest
import tensorflow as tf

from nst_keras.networks.layers import substitutes


@pytest.fixture
def features(random):
    return tf.constant(random.normal(size=(1, 7, 9, 4)), tf.float32)


@pytest.mark.parametrize(("window", "strides"), [(2, 2), (3, 2), ((2, 3), (1, 2))])
def test_l2_pooling_is_the_scaled_root_mean_square(features, window, strides):
    pooled = substitutes.L2Pooling2D(window, strides)(features)
    rows, columns = np.broadcast_to(window, 2)
    down, across = np.broadcast_to(strides, 2)
    for i in range(pooled.shape[1]):
        for j in range(pooled.shape[2]):
            patch = features[0, i * down : i * down + rows, j * across : j * across + columns]
            np.testing.assert_allclose(pooled[0, i, j], 1.33 * np.sqrt(np.mean(np.square(patch), (0, 1))), rtol=1e-5)


def test_l2_pooling_by_hand():
    values = tf.reshape(tf.constant([1.0, 1.0, 1.0, 5.0]), (1, 2, 2, 1))
    np.testing.assert_allclose(substitutes.L2Pooling2D(2)(values), [[[[1.33 * 7**0.5]]]], rtol=1e-6)


def test_the_gradient_of_l2_pooling_is_finite_at_zeros():
    values = tf.zeros([1, 4, 4, 2])
    with tf.GradientTape() as tape:
        tape.watch(values)
        pooled = substitutes.L2Pooling2D(2)(values)
    np.testing.assert_array_equal(tape.gradient(pooled, values), values)
    np.testing.assert_allclose(pooled, 0, atol=1e-5)


def test_l2_pooling_does_not_overflow_in_half_precision():
    pooled = substitutes.L2Pooling2D(2, dtype="float16")(tf.fill([1, 2, 2, 1], tf.constant(1000, tf.float16)))
    assert pooled.dtype == tf.float16
    np.testing.assert_allclose(pooled, 1330, rtol=1e-3)


def test_the_scaled_average_is_the_average_scaled(features):
    ours = substitutes.ScaledAveragePooling2D(3, 2, "same")(features)
    np.testing.assert_allclose(ours, 1.47 * keras.layers.AveragePooling2D(3, 2, "same")(features), rtol=1e-5)


def test_edges_go_on(features):
    padded = substitutes.edge_padded(features, ((2, 0), (1, 3)))
    np.testing.assert_array_equal(padded, np.pad(features, ((0, 0), (2, 0), (1, 3), (0, 0)), mode="edge"))
    layer = substitutes.EdgePadding2D(((2, 0), (1, 3)))
    np.testing.assert_array_equal(layer(features), padded)
    assert layer.compute_output_shape(features.shape) == padded.shape


@pytest.mark.parametrize(
    ("kernel", "strides", "dilation"), [(3, 1, 1), (4, 1, 1), ((3, 5), 1, 1), (3, 1, 2), (1, 1, 1)]
)
def test_the_convolution_is_that_of_an_image_padded_by_its_edge(features, kernel, strides, dilation):
    """Padded by as many pixels as Keras pads with zeros."""
    settings = {"strides": strides, "dilation_rate": dilation, "activation": "relu"}
    ours = substitutes.EdgePaddedConv2D(5, kernel, padding="same", **settings)
    theirs = keras.layers.Conv2D(5, kernel, padding="same", **settings)
    valid = keras.layers.Conv2D(5, kernel, padding="valid", **settings)
    convolved = ours(features)
    for layer in (theirs, valid):
        layer.build(features.shape)
        layer.set_weights(ours.get_weights())
    sides = zip((7, 9), np.broadcast_to(kernel, 2), np.broadcast_to(strides, 2), strict=True)
    padding = [(0, 0), *(same_padding(*side, dilation) for side in sides), (0, 0)]
    np.testing.assert_allclose(convolved, valid(np.pad(features, padding, mode="edge")), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(theirs(features), valid(np.pad(features, padding)), rtol=1e-4, atol=1e-5)


def same_padding(size, kernel, stride, dilation):
    """TensorFlow's rule for "SAME": as many outputs as strides begin, the odd pixel after."""
    outputs = -(-size // stride)
    total = max((outputs - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
    return total // 2, total - total // 2


def test_an_unknown_size_is_taken_without_strides(features):
    layer = substitutes.EdgePaddedConv2D(2, 3, padding="same")
    expected = layer(features)
    step = tf.function(layer, input_signature=[tf.TensorSpec([1, None, None, 4])], autograph=False)
    np.testing.assert_allclose(step(features), expected, rtol=1e-5, atol=1e-6)


def test_smoothing_by_hand():
    features = tf.math.log([[[[1.0, 2.0, 5.0]]]])
    np.testing.assert_allclose(substitutes.ActivationSmoothing()(features), [[[[0.375, 0.75, 1.875]]]], rtol=1e-6)


def test_smoothing_of_large_activations_is_finite():
    smoothed = substitutes.ActivationSmoothing()(tf.constant([[[[1e4, 0.0]]]], tf.float16))
    np.testing.assert_array_equal(smoothed, [[[[2, 0]]]])
    assert smoothed.dtype == tf.float32
