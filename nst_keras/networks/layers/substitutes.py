"""Layers that stand in a network in the place of its own: other poolings, another padding, smoothed activations."""

from __future__ import annotations

import keras
import tensorflow as tf

__all__ = [
    "ActivationSmoothing",
    "EdgePaddedConv2D",
    "EdgePadding2D",
    "L2Pooling2D",
    "ScaledAveragePooling2D",
    "edge_padded",
    "scaled_root",
]

# Max pooling gives more than the average or the root of the mean square, so without a scale the features shrink from
# block to block, and the biases, which stay as they are, come to outweigh them. With these scales the features of
# VGG19's block5_conv1 keep the size that max pooling gives them: root mean square 0.93 to 1.05 times it for L2, 0.90 to
# 1.09 for the average, over a photograph, a painting and a woodblock print at 256 and 512 px; unscaled 0.31 and 0.21.
# Differs from crowsonkb/style-transfer-pytorch, which scales the average by 2, and the root of the sum over a window of
# four by 0.78, hence that of the mean by 1.56: with Keras's weights too much, 3.4 and 1.8 times max pooling's size.
_L2_SCALE = 1.33
_AVERAGE_SCALE = 1.47

# Below any square that matters, and above what float32's root needs to keep its gradient finite.
_LEAST_SQUARE = 1e-12


def scaled_root(squares: tf.Tensor) -> tf.Tensor:
    """The root of mean squares, scaled to the size of a maximum; its gradient is 0, not infinite, where they are 0."""
    return _L2_SCALE * keras.ops.sqrt(keras.ops.maximum(squares, _LEAST_SQUARE))


@keras.saving.register_keras_serializable(package="nst_keras")
class L2Pooling2D(keras.layers.AveragePooling2D):
    """The root of the mean square of each window, times 1.33: smoother than the maximum, sharper than the average.

    Takes the arguments of `keras.layers.AveragePooling2D`. The squares are float32 whatever the layer computes in,
    for in half precision that of 256 overflows.
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Maps [batch, height, width, channels] to [batch, pooled height, pooled width, channels]."""
        squares = super().call(keras.ops.square(keras.ops.cast(inputs, "float32")))
        return keras.ops.cast(scaled_root(squares), self.compute_dtype)


@keras.saving.register_keras_serializable(package="nst_keras")
class ScaledAveragePooling2D(keras.layers.AveragePooling2D):
    """The average of each window, times 1.47: the features keep about the size that max pooling gives them."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Maps [batch, height, width, channels] to [batch, pooled height, pooled width, channels]."""
        return _AVERAGE_SCALE * super().call(inputs)


def edge_padded(image: tf.Tensor, padding: tuple[tuple[int, int], tuple[int, int]]) -> tf.Tensor:
    """An image continued by its edge pixels.

    Args:
        image: [batch, height, width, channels].
        padding: ((pixels above, below), (left, right)).

    Returns:
        [batch, above + height + below, left + width + right, channels].
    """
    for axis, (before, after) in enumerate(padding, 1):
        whole = (slice(None),) * axis
        first, last = image[(*whole, slice(0, 1))], image[(*whole, slice(-1, None))]
        image = keras.ops.concatenate([first] * before + [image] + [last] * after, axis)
    return image


@keras.saving.register_keras_serializable(package="nst_keras")
class EdgePadding2D(keras.layers.ZeroPadding2D):
    """Continues an image by its edge pixels, where `keras.layers.ZeroPadding2D` of the same arguments gives zeros."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Maps [batch, height, width, channels] to [batch, padded height, padded width, channels]."""
        return edge_padded(inputs, self.padding)


@keras.saving.register_keras_serializable(package="nst_keras")
class EdgePaddedConv2D(keras.layers.Conv2D):
    """A `keras.layers.Conv2D` with "same" padding that continues its input by the edge pixels in the place of zeros.

    Of stride 1: with others the size of the input decides how much is padded.
    """

    def convolution_op(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        """The convolution alone, without bias and activation."""
        reaches = [(size - 1) * dilation for size, dilation in zip(self.kernel_size, self.dilation_rate, strict=True)]
        # As TensorFlow's "SAME" has them: the odd pixel after.
        padded = edge_padded(inputs, tuple((reach // 2, reach - reach // 2) for reach in reaches))
        return keras.ops.conv(padded, kernel, self.strides, "valid", self.data_format, self.dilation_rate)


@keras.saving.register_keras_serializable(package="nst_keras")
class ActivationSmoothing(keras.layers.Layer):
    """Softmax over the channels at each place, times their number N, so that the mean is 1.

    Wang, Li and Vasconcelos, "Rethinking and Improving the Robustness of Image Style Transfer", CVPR 2021: in residual
    networks a few large activations make up the Gram matrix; softmax bounds them. It differs from the paper's, whose
    sum runs over all places too, because then what is given for a place would hang on the rest of the picture; and
    whose values, with a sum of 1, would make losses and their weights hang on the layer's size.
    """

    def __init__(self, **options: object) -> None:
        super().__init__(**{"dtype": "float32", **options})

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Maps [batch, height, width, N] to the same shape: 0 to N, float32."""
        return inputs.shape[-1] * keras.ops.softmax(inputs, axis=-1)
