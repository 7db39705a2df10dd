"""Layers that replace a network's own: other poolings, another padding, smoothed activations."""

from __future__ import annotations

from typing import Any

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

# Keras's own annotations name only the tensors of another backend.
_ops: Any = keras.ops

# The maximum is larger than the average or the root mean square. So without a scale the features shrink from block to
# block, and the biases, which stay as they are, come to outweigh them. With these scales the features of VGG19's
# block5_conv1 keep the size that max pooling gives them: their root mean square is 0.93 to 1.05 times as large for L2,
# 0.90 to 1.09 times for the average, over a photograph, a painting and a woodblock print at 256 and 512 px. Unscaled it
# is 0.31 and 0.21 times. crowsonkb/style-transfer-pytorch scales the average by 2, and the root of the sum over a
# window of four by 0.78, hence the root mean square by 1.56. With Keras's weights that is too much: 3.4 and 1.8 times.
_L2_SCALE = 1.33
_AVERAGE_SCALE = 1.47

# Below any square that matters, and above what float32's root needs to keep its gradient finite.
_LEAST_SQUARE = 1e-12


def scaled_root(squares: tf.Tensor) -> tf.Tensor:
    """Returns the root of mean squares, scaled to the size of a maximum; its gradient at 0 is 0, not infinite."""
    return _L2_SCALE * _ops.sqrt(_ops.maximum(squares, _LEAST_SQUARE))


@keras.saving.register_keras_serializable(package="nst_keras")
class L2Pooling2D(keras.layers.AveragePooling2D):
    """The root of the mean square of each window, times 1.33: smoother than the maximum, sharper than the average.

    Its arguments are those of `keras.layers.AveragePooling2D`. The squares are float32 whatever the layer computes in,
    because in float16 the square of 256 overflows.
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Maps [batch, height, width, channels] to [batch, pooled height, pooled width, channels]."""
        squares: Any = super().call(_ops.square(_ops.cast(inputs, "float32")))
        return _ops.cast(scaled_root(squares), self.compute_dtype)


@keras.saving.register_keras_serializable(package="nst_keras")
class ScaledAveragePooling2D(keras.layers.AveragePooling2D):
    """The average of each window, times 1.47, which is about the size that max pooling gives.

    Its arguments are those of `keras.layers.AveragePooling2D`.
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Maps [batch, height, width, channels] to [batch, pooled height, pooled width, channels]."""
        average: Any = super().call(inputs)
        return _AVERAGE_SCALE * average


def edge_padded(image: tf.Tensor, padding: tuple[tuple[int, int], tuple[int, int]]) -> tf.Tensor:
    """Returns an image that is continued by its edge pixels.

    Args:
        image: [batch, height, width, channels].
        padding: ((pixels above, below), (left, right)).

    Returns:
        [batch, above + height + below, left + width + right, channels].
    """
    for axis, (before, after) in enumerate(padding, 1):
        whole = (slice(None),) * axis
        first, last = image[(*whole, slice(0, 1))], image[(*whole, slice(-1, None))]
        image = _ops.concatenate([first] * before + [image] + [last] * after, axis)
    return image


@keras.saving.register_keras_serializable(package="nst_keras")
class EdgePadding2D(keras.layers.ZeroPadding2D):
    """Padding by an image's edge pixels, with the arguments of `keras.layers.ZeroPadding2D`."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Maps [batch, height, width, channels] to [batch, padded height, padded width, channels]."""
        rows, columns = self.padding
        return edge_padded(inputs, ((rows[0], rows[1]), (columns[0], columns[1])))


@keras.saving.register_keras_serializable(package="nst_keras")
class EdgePaddedConv2D(keras.layers.Conv2D):
    """A `keras.layers.Conv2D` of stride 1 with "same" padding, which continues its input by edge pixels, not by zeros.

    With other strides the size of the input decides how much is padded.
    """

    def convolution_op(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        """Returns the convolution alone, without bias and activation."""
        rows, columns = ((size - 1) * rate for size, rate in zip(self.kernel_size, self.dilation_rate, strict=True))
        # Like TensorFlow's "SAME": an odd pixel comes after.
        padded = edge_padded(inputs, ((rows // 2, rows - rows // 2), (columns // 2, columns - columns // 2)))
        return _ops.conv(padded, kernel, self.strides, "valid", self.data_format, self.dilation_rate)


@keras.saving.register_keras_serializable(package="nst_keras")
class ActivationSmoothing(keras.layers.Layer):
    """Softmax over the channels of each location, times their number N, so that the mean is 1.

    Wang, Li and Vasconcelos, "Rethinking and Improving the Robustness of Image Style Transfer", CVPR 2021: in residual
    networks a few large activations make up the Gram matrix; softmax bounds them. The paper's softmax runs over all
    locations too, and has a sum of 1. Then the output at a location would depend on the rest of the picture, and losses
    on the layer's size.
    """

    def __init__(self, **options: object) -> None:
        super().__init__(**{"dtype": "float32", **options})

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Maps [batch, height, width, N] to the same shape: 0 to N, float32."""
        return inputs.shape[-1] * _ops.softmax(inputs, axis=-1)
