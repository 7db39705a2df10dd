"""Receptive fields of a network's features, computed from its graph, layer by layer.

The feature at place i of a layer with stride s sees the pixels from s i - before to s i + after, whatever the size of
the image (Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill 2019).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from nst_keras.networks.layers import substitutes, winograd, xla_forms

__all__ = ["Field", "Reach", "fields", "reach"]


class Field(NamedTuple):
    """The receptive field of a layer's features along one axis.

    Attributes:
        stride: Pixels from one feature to the next.
        before: Number of pixels before `stride * i` that the feature at place i sees.
        after: Number of pixels after `stride * i` that the feature at place i sees.
    """

    stride: int
    before: int
    after: int


class Reach(NamedTuple):
    """The context that the features of a part of an image depend on, for all layers of a network together.

    Attributes:
        stride: Step in pixels by which the image can be shifted so that all features shift with it.
        halo: Pixels around a part that its features see, a multiple of `stride`. The part begins and ends at multiples
            of `stride`.
        alignment: A multiple of `stride`. Windows that begin at multiples of it have the features of the whole image to
            the last bits, or nearly.
    """

    stride: int
    halo: int
    alignment: int


# Along height and width.
_Axes = tuple[Field, Field]


def reach(network: keras.Model) -> Reach:
    """Returns the stride, the halo and the alignment of a network's outputs.

    Args:
        network: A functional model: one image [batch, height, width, 3] -> features [batch, height, width, channels].

    Raises:
        ValueError: The receptive field of a layer is not known, or is the whole image.

    Example:
    >>> vgg19 = keras.applications.VGG19(weights=None, include_top=False)
    >>> reach(keras.Model(vgg19.inputs[0], vgg19.get_layer("block5_conv1").output))
    Reach(stride=16, halo=80, alignment=16)
    """
    seen = _seen(network)
    along = [field for output in network.outputs for field in seen[id(output)]]
    stride = math.lcm(*(field.stride for field in along))
    halo = max(max(field.before, field.after - field.stride + 1) for field in along)
    # Winograd's convolutions round each place of their own tiles differently. A max pooling behind them may then choose
    # another pixel, which changes the gradient. The last convolutions have no such pooling behind them.
    coarse = [
        axis.stride
        for layer in network.layers
        for axis in seen[id(layer.output)]
        if isinstance(layer, xla_forms.WinogradConv2D) and axis.stride < stride
    ]
    alignment = math.lcm(stride, *(winograd.TILE * own for own in coarse))
    return Reach(stride, -(-halo // stride) * stride, alignment)


def fields(network: keras.Model) -> list[tuple[Field, Field]]:
    """Returns the receptive fields of each of a network's outputs, along height and width.

    Args:
        network: A functional model: one image [batch, height, width, 3] -> features [batch, height, width, channels].

    Raises:
        ValueError: The receptive field of a layer is not known, or is the whole image.
    """
    seen = _seen(network)
    return [seen[id(output)] for output in network.outputs]


def _seen(network: keras.Model) -> dict[int, _Axes]:
    """Returns {identity of a layer's output: the receptive fields of its features}."""
    pixel = Field(stride=1, before=0, after=0)
    seen: dict[int, _Axes] = {id(tensor): (pixel, pixel) for tensor in network.inputs}
    # Operations, of which layers are a kind: in Keras's graphs `x + y` is one too.
    for operation in network.operations:
        if isinstance(operation, keras.layers.InputLayer):
            continue
        inputs = tf.nest.flatten(operation.input)
        # A layer that is called twice has one `input` and one `output`, those of its first call.
        if not all(id(tensor) in seen for tensor in inputs):
            raise _unknown(operation, network)
        joined = _both(_joined(along) for along in zip(*(seen[id(tensor)] for tensor in inputs), strict=True))
        seen[id(operation.output)] = _through(operation, joined, network)
    if not all(id(tensor) in seen for tensor in network.outputs):
        raise ValueError(f"{network.name!r} cannot be evaluated in tiles: it calls a layer twice. Use tile_size=None.")
    return seen


def _both(along: Iterable[Field]) -> _Axes:
    height, width = along
    return height, width


def _joined(along: tuple[Field, ...]) -> Field:
    return Field(along[0].stride, max(field.before for field in along), max(field.after for field in along))


def _through(operation: keras.Operation, axes: _Axes, network: keras.Model) -> _Axes:
    step = next((step for kinds, step in _STEPS.items() if isinstance(operation, kinds)), None)
    through = step and step(operation, axes)
    if through is None:
        raise _unknown(operation, network)
    return through


def _unknown(operation: keras.Operation, network: keras.Model) -> ValueError:
    return ValueError(
        f"{network.name!r} cannot be evaluated in tiles: how far its layer {operation.name!r} "
        f"({type(operation).__name__}) sees is not known. Use tile_size=None."
    )


def _pointwise(_: keras.layers.Layer, axes: _Axes) -> _Axes:
    return axes


def _concatenation(layer: keras.layers.Concatenate, axes: _Axes) -> _Axes | None:
    return axes if layer.axis in (-1, 3) else None  # Images put side by side are no longer where they were.


def _convolution(layer: Any, axes: _Axes) -> _Axes:
    kernels = [(size - 1) * dilation + 1 for size, dilation in zip(layer.kernel_size, layer.dilation_rate, strict=True)]
    along = zip(axes, kernels, layer.strides, strict=True)
    return _both(_window(field, kernel, stride, layer.padding) for field, kernel, stride in along)


def _pooling(layer: Any, axes: _Axes) -> _Axes:
    along = zip(axes, layer.pool_size, layer.strides, strict=True)
    return _both(_window(field, size, stride, layer.padding) for field, size, stride in along)


def _window_pooling(_: keras.layers.Layer, axes: _Axes) -> _Axes:
    return _both(_window(field, 2, 2, "valid") for field in axes)


def _padding(layer: keras.layers.ZeroPadding2D, axes: _Axes) -> _Axes:
    shifts = [field.stride * before for field, (before, _) in zip(axes, layer.padding, strict=True)]
    return _both(
        Field(field.stride, field.before + shift, field.after - shift)
        for field, shift in zip(axes, shifts, strict=True)
    )


def _window(field: Field, kernel: int, stride: int, padding: str) -> Field:
    """Returns the receptive field behind a window that moves over features."""
    # With a stride, TensorFlow's "SAME" pads less before the first feature where the size is a multiple of the stride.
    least, most = (0, 0) if padding == "valid" else (max(0, kernel - stride) // 2, (kernel - 1) // 2)
    return Field(
        field.stride * stride,
        field.before + field.stride * most,
        field.after + field.stride * (kernel - 1 - least),
    )


_STEPS: dict[tuple[type, ...], Callable[[Any, _Axes], _Axes | None]] = {
    (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.SeparableConv2D): _convolution,
    (keras.layers.MaxPooling2D, keras.layers.AveragePooling2D): _pooling,
    (xla_forms.WindowMaxPooling2D, xla_forms.WindowL2Pooling2D): _window_pooling,
    (keras.layers.ZeroPadding2D,): _padding,
    (keras.layers.Concatenate,): _concatenation,
    (
        keras.layers.Activation,
        keras.layers.ReLU,
        keras.layers.LeakyReLU,
        keras.layers.BatchNormalization,
        keras.layers.Dropout,
        keras.layers.Rescaling,
        keras.layers.Normalization,
        keras.layers.Add,
        keras.layers.Multiply,
        substitutes.ActivationSmoothing,
    ): _pointwise,
}
