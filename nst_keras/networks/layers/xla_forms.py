"""Layers with the same results as Keras's, in forms that XLA runs faster on a CPU."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from nst_keras.networks.layers import substitutes, winograd

__all__ = ["PatchConv2D", "WindowL2Pooling2D", "WindowMaxPooling2D", "WinogradConv2D", "replacement"]

# Keras's own annotations name only the tensors of another backend.
_ops: Any = keras.ops

# Channels of inputs and filters together. With fewer, Winograd's transforms cost about as much as the products that
# they save; and VGG19's first layers, which are the largest, would take half as much memory again.
_LEAST_FOR_WINOGRAD = 192
# The least for a convolution without an activation: a factor of low rank, whose memory is less than that of its
# neighbours.
_LEAST_IN_FACTORS = 96
# Most pixels at which fewer channels than _LEAST_FOR_WINOGRAD pay: two thirds of the plain form's time at 128 x 128. At
# 256 x 256 the transforms leave the caches, and it takes half as long again as the plain form.
_MOST_PIXELS_IN_FACTORS = 128 * 128
# Tiles of a picture. With fewer, the products have so few rows that reading 36 numbers of a kernel in place of 9 takes
# longer than the whole plain convolution: twice as long for 512 channels of 8 x 12, which are six tiles.
_LEAST_TILES = 8
# With more input channels, writing out patches costs more than XLA's own convolution.
_MOST_FOR_PATCHES = 4


class _WindowPooling2D(keras.layers.Layer):
    """2x2 pooling as a reduction over reshaped axes, whose gradient XLA runs as one elementwise loop."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Maps [batch, height, width, channels] to [batch, height // 2, width // 2, channels]."""
        batch, height, width, channels = _ops.shape(inputs)
        inputs = inputs[:, : height // 2 * 2, : width // 2 * 2]
        return self._pooled(_ops.reshape(inputs, (batch, height // 2, 2, width // 2, 2, channels)))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Returns the output's shape, with None for a side that is not known."""
        batch, height, width, channels = input_shape
        return batch, height and height // 2, width and width // 2, channels

    def _pooled(self, windows: tf.Tensor) -> tf.Tensor:
        """Returns the windows, reduced over axes 2 and 4, the pixels of a window."""
        raise NotImplementedError


@keras.saving.register_keras_serializable(package="nst_keras")
class WindowMaxPooling2D(_WindowPooling2D):
    """2x2 max pooling, whose gradient is shared equally among equal maxima.

    It has the values of `MaxPooling2D((2, 2))`, as the maximum over a reshaped axis. Its gradient is elementwise. That
    of `MaxPooling2D` is a scatter, which XLA runs serially on a CPU. On a flat patch no pixel is preferred.
    """

    def _pooled(self, windows: tf.Tensor) -> tf.Tensor:
        return _ops.max(windows, axis=(2, 4))


@keras.saving.register_keras_serializable(package="nst_keras")
class WindowL2Pooling2D(_WindowPooling2D):
    """2x2 `substitutes.L2Pooling2D`: the same values in half the time."""

    def _pooled(self, windows: tf.Tensor) -> tf.Tensor:
        squares = _ops.mean(_ops.square(_ops.cast(windows, "float32")), axis=(2, 4))
        return _ops.cast(substitutes.scaled_root(squares), self.compute_dtype)


class _FrozenConv2D(keras.layers.Conv2D):
    """A frozen `keras.layers.Conv2D` with 3x3 kernels, stride 1 and zero padding, in another form in compiled code.

    It is the plain layer where it is called eagerly, in half precision or with a size that is not known.
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Maps [1, height, width, channels] to [1, height, width, filters]."""
        if tf.executing_eagerly() or inputs.dtype != tf.float32 or None in inputs.shape or inputs.shape[0] != 1:
            plain: Any = super().call(inputs)
            return plain
        activation: Any = self.activation
        return activation(self._convolved(inputs) + tf.convert_to_tensor(self.bias))

    def _convolved(self, inputs: tf.Tensor) -> tf.Tensor:
        """Returns the convolution, before the bias."""
        raise NotImplementedError


@keras.saving.register_keras_serializable(package="nst_keras")
class WinogradConv2D(_FrozenConv2D):
    """A convolution by Winograd's minimal filtering, of sizes where it `pays`."""

    def pays(self, height: int, width: int) -> bool:
        """Returns whether it is faster for inputs of this size: of enough tiles and, for few channels, few pixels."""
        if height * width > _MOST_PIXELS_IN_FACTORS and _channels(self) < _LEAST_FOR_WINOGRAD:
            return False
        return math.prod(-(-side // winograd.TILE) for side in (height, width)) >= _LEAST_TILES

    def _convolved(self, inputs: tf.Tensor) -> tf.Tensor:
        height, width, _ = winograd.known_sizes(inputs)
        if not self.pays(height, width):
            return tf.nn.conv2d(inputs, tf.convert_to_tensor(self.kernel), 1, "SAME")
        if not hasattr(self, "_transformed"):
            with tf.init_scope():
                kernel = winograd.transformed_kernel(tf.convert_to_tensor(self.kernel).numpy())
                self._transformed = tf.constant(kernel)
        return winograd.convolution(inputs, self._transformed)


@keras.saving.register_keras_serializable(package="nst_keras")
class PatchConv2D(_FrozenConv2D):
    """A convolution as one product of the kernel with patches of the image, written out side by side."""

    def _convolved(self, inputs: tf.Tensor) -> tf.Tensor:
        height, width, _ = winograd.known_sizes(inputs)
        padded = tf.pad(inputs, [[0, 0], [1, 1], [1, 1], [0, 0]])
        shifted = [padded[:, row : row + height, column : column + width] for row in range(3) for column in range(3)]
        patches = tf.reshape(tf.concat(shifted, -1), [height * width, -1])
        kernel = tf.reshape(tf.convert_to_tensor(self.kernel), [patches.shape[1], self.filters])
        return tf.reshape(tf.matmul(patches, kernel), [1, height, width, self.filters])


def replacement(layer: keras.layers.Layer) -> keras.layers.Layer | None:
    """Returns the faster form of a layer; None for a layer that has none.

    With an accelerator nothing is replaced, because its own library has such forms already. Nor are layers in half
    precision, because TensorFlow's own are faster.
    """
    if layer.compute_dtype != "float32":
        return None
    if tf.config.list_physical_devices("GPU") or tf.config.list_physical_devices("TPU"):
        return None
    return _REPLACEMENTS.get(type(layer), lambda _: None)(layer)


def _pooling(window_form: type[_WindowPooling2D]) -> Callable[[keras.layers.Layer], keras.layers.Layer | None]:
    def pooling(layer: Any) -> keras.layers.Layer | None:
        """Returns the other form of a plain 2x2 pooling; None for others."""
        form = (layer.pool_size, layer.strides, layer.padding, layer.data_format)
        plain = form == ((2, 2), (2, 2), "valid", "channels_last")
        return window_form(name=layer.name, dtype=layer.dtype_policy) if plain else None

    return pooling


def _convolution(layer: keras.layers.Conv2D) -> _FrozenConv2D | None:
    form = (layer.kernel_size, layer.strides, layer.dilation_rate, layer.padding, layer.groups, layer.data_format)
    if form != ((3, 3), (1, 1), (1, 1), "same", 1, "channels_last") or not layer.use_bias:
        return None
    least = _LEAST_IN_FACTORS if layer.activation is keras.activations.linear else _LEAST_FOR_WINOGRAD
    inputs = _channels(layer) - layer.filters
    if _channels(layer) >= least and inputs > _MOST_FOR_PATCHES:
        return WinogradConv2D.from_config(layer.get_config())
    return PatchConv2D.from_config(layer.get_config()) if inputs <= _MOST_FOR_PATCHES else None


def _channels(layer: keras.layers.Conv2D) -> int:
    """Returns the channels of inputs and filters together."""
    kernel: Any = layer.kernel  # Keras's annotation says None too, which it is before the layer is built.
    return kernel.shape[2] + layer.filters


_REPLACEMENTS: dict[type, Callable[[keras.layers.Layer], keras.layers.Layer | None]] = {
    keras.layers.Conv2D: _convolution,
    keras.layers.MaxPooling2D: _pooling(WindowMaxPooling2D),
    substitutes.L2Pooling2D: _pooling(WindowL2Pooling2D),
}
