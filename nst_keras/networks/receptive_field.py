"""How far a network's features see: told from its graph, layer by layer.

A feature at place i of a layer of stride s sees the pixels s i - before ... s i + after (Araujo, Norris and Sim,
"Computing Receptive Fields of Convolutional Neural Networks", Distill 2019), whatever the size of the image.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import keras
import tensorflow as tf

from nst_keras.networks.layers import substitutes, winograd, xla_forms

__all__ = ["Field", "Reach", "fields", "reach"]


class Field(NamedTuple):
    """What a layer's features see along one axis.

    Attributes:
        stride: Pixels from one feature to the next.
        before: How many pixels before `stride * i` the feature at place i sees.
        after: How many behind it.
    """

    stride: int
    before: int
    after: int


class Reach(NamedTuple):
    """What of an image the features of a part of it depend on, for all layers of a network together.

    Attributes:
        stride: Pixels in steps of which the image can be shifted, and all features with it.
        halo: How many pixels around a part, which begins and ends at multiples of `stride`, its features see; such a
            multiple itself.
        alignment: A multiple of `stride`; windows that begin at multiples of it give the features that the whole image
            gives to the last bits, or nearly.
    """

    stride: int
    halo: int
    alignment: int


def reach(network: keras.Model) -> Reach:
    """The stride and the halo of a network's outputs.

    Args:
        network: A functional model: one image [batch, height, width, 3] -> features [batch, height, width, channels].

    Raises:
        ValueError: A layer of which it is not known how far it sees, or that sees all of the image.

    Example:
    >>> vgg19 = keras.applications.VGG19(weights=None, include_top=False)
    >>> reach(keras.Model(vgg19.inputs[0], vgg19.get_layer("block5_conv1").output))
    Reach(stride=16, halo=80, alignment=16)
    """
    seen = _seen(network)
    along = [field for output in network.outputs for field in seen[id(output)]]
    stride = math.lcm(*(field.stride for field in along))
    halo = max(max(field.before, field.after - field.stride + 1) for field in along)
    # Winograd's convolutions round each place of their own tiles differently. Behind them a maximum pooling may then
    # choose another pixel, which the gradient shows; the last ones have no such pooling behind them.
    coarse = [
        axis.stride
        for layer in network.layers
        for axis in seen[id(layer.output)]
        if isinstance(layer, xla_forms.WinogradConv2D) and axis.stride < stride
    ]
    alignment = math.lcm(stride, *(winograd.TILE * own for own in coarse))
    return Reach(stride, -(-halo // stride) * stride, alignment)


def fields(network: keras.Model) -> list[tuple[Field, Field]]:
    """What the features of each of a network's outputs see, along height and width.

    Args:
        network: As `reach` takes it.

    Raises:
        ValueError: As `reach` does.
    """
    seen = _seen(network)
    return [seen[id(output)] for output in network.outputs]


def _seen(network: keras.Model) -> dict[int, tuple[Field, Field]]:
    """{identity of a layer's output: what its features see}."""
    pixel = Field(stride=1, before=0, after=0)
    seen: dict[int, tuple[Field, Field]] = {id(tensor): (pixel, pixel) for tensor in network.inputs}
    # Operations, of which layers are a kind: in Keras's graphs `x + y` is one too.
    for operation in network.operations:
        if isinstance(operation, keras.layers.InputLayer):
            continue
        inputs = tf.nest.flatten(operation.input)
        # A layer that is called twice has one `input` and one `output`, those of its first call.
        if not all(id(tensor) in seen for tensor in inputs):
            raise _unknown(operation, network)
        joined = tuple(_joined(along) for along in zip(*(seen[id(tensor)] for tensor in inputs), strict=True))
        seen[id(operation.output)] = _through(operation, joined, network)
    if not all(id(tensor) in seen for tensor in network.outputs):
        raise ValueError(f"{network.name!r} cannot be evaluated in tiles: it calls a layer twice. Use tile_size=None.")
    return seen


def _joined(along: tuple[Field, ...]) -> Field:
    return Field(along[0].stride, max(field.before for field in along), max(field.after for field in along))


def _through(operation: keras.Operation, axes: tuple[Field, Field], network: keras.Model) -> tuple[Field, Field]:
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


def _pointwise(_: keras.layers.Layer, axes: tuple[Field, Field]) -> tuple[Field, Field]:
    return axes


def _concatenation(layer: keras.layers.Concatenate, axes: tuple[Field, Field]) -> tuple[Field, Field] | None:
    return axes if layer.axis in (-1, 3) else None  # Images put side by side are no longer where they were.


def _convolution(layer: keras.layers.Layer, axes: tuple[Field, Field]) -> tuple[Field, Field]:
    kernels = [(size - 1) * dilation + 1 for size, dilation in zip(layer.kernel_size, layer.dilation_rate, strict=True)]
    along = zip(axes, kernels, layer.strides, strict=True)
    return tuple(_window(field, kernel, stride, layer.padding) for field, kernel, stride in along)


def _pooling(layer: keras.layers.Layer, axes: tuple[Field, Field]) -> tuple[Field, Field]:
    along = zip(axes, layer.pool_size, layer.strides, strict=True)
    return tuple(_window(field, size, stride, layer.padding) for field, size, stride in along)


def _window_pooling(_: keras.layers.Layer, axes: tuple[Field, Field]) -> tuple[Field, Field]:
    return tuple(_window(field, 2, 2, "valid") for field in axes)


def _padding(layer: keras.layers.ZeroPadding2D, axes: tuple[Field, Field]) -> tuple[Field, Field]:
    shifts = [field.stride * before for field, (before, _) in zip(axes, layer.padding, strict=True)]
    return tuple(
        Field(field.stride, field.before + shift, field.after - shift)
        for field, shift in zip(axes, shifts, strict=True)
    )


def _window(field: Field, kernel: int, stride: int, padding: str) -> Field:
    """What the features of a window that moves over features see."""
    # With a stride, TensorFlow's "SAME" pads before the first feature less where the size is a multiple of it.
    least, most = (0, 0) if padding == "valid" else (max(0, kernel - stride) // 2, (kernel - 1) // 2)
    return Field(
        field.stride * stride,
        field.before + field.stride * most,
        field.after + field.stride * (kernel - 1 - least),
    )


_STEPS: dict[tuple[type, ...], Callable[[keras.layers.Layer, tuple[Field, Field]], tuple[Field, Field] | None]] = {
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
