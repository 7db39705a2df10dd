"""Memory of a network's layers, computed from its graph: features, tensors kept for backpropagation, workspace.

All figures are bytes. Figures that the graph does not give were measured: peak resident set on Linux, x86-64, with
TensorFlow 2.21.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Iterable
from typing import NamedTuple

import keras
import tensorflow as tf

from nst_keras.networks.layers import substitutes, winograd, xla_forms
from nst_keras.runtime import defaults

__all__ = ["LayerMemory", "forward_peak", "measure", "step_peak", "transformed_kernels"]

# Layers whose gradient needs no features: their output is freed, unless it is an output of the network. (Batch
# normalization needs none either, but its output is kept, as measured, by TensorFlow and XLA alike.)
_LINEAR = (
    keras.layers.InputLayer,
    keras.layers.AveragePooling2D,
    keras.layers.Concatenate,
    keras.layers.ZeroPadding2D,
)

# Poolings that keep a second map for the gradient, as large as their output: L2 pooling the mean squares, and XLA's
# max pooling how many pixels share each maximum.
_KEEPS_TWO = (substitutes.L2Pooling2D, xla_forms.WindowL2Pooling2D)
_KEEPS_TWO_WITH_XLA = (xla_forms.WindowMaxPooling2D,)

_SIZES = 64  # Sizes of images whose figures are kept for a network.


class _Figures(NamedTuple):
    """The fields of `LayerMemory` but for the layer, which would keep the network in memory."""

    inputs: int
    outputs: int
    size: tuple[int, int]
    is_output: bool


# {network: {(height, width): the figures of its layers}}. Each run asks for those of its pictures.
_figures: weakref.WeakKeyDictionary[keras.Model, dict[tuple[int, int], list[_Figures]]] = weakref.WeakKeyDictionary()


class LayerMemory(NamedTuple):
    """Size of one layer's input and output, for an image of a given size.

    Attributes:
        layer: The layer.
        inputs: Bytes of its inputs.
        outputs: Bytes of its output.
        size: Height and width of its output.
        is_output: Whether its output is an output of the network.
    """

    layer: keras.layers.Layer
    inputs: int
    outputs: int
    size: tuple[int, int]
    is_output: bool


def measure(network: keras.Model, height: int, width: int) -> list[LayerMemory]:
    """Returns the memory of each layer, in the network's order.

    Args:
        network: Functional model: one image [1, height, width, 3] -> features [1, height, width, channels].
        height: Image height in pixels.
        width: Image width in pixels.

    Raises:
        ValueError: The image is too small for a layer.
    """
    kept = _figures.setdefault(network, {})
    figures = kept.get((height, width))
    if figures is None:
        if len(kept) >= _SIZES:
            kept.clear()
        figures = kept[height, width] = _measured(network, height, width)
    return [LayerMemory(layer, *found) for layer, found in zip(network.layers, figures, strict=True)]


def forward_peak(layers: Iterable[LayerMemory]) -> int:
    """Returns the peak of a forward pass that keeps nothing: a layer's input, its output, and a copy without bias."""
    return max(layer.inputs + 2 * layer.outputs for layer in layers)


def step_peak(layers: Iterable[LayerMemory], *, xla: bool) -> int:
    """Returns the peak of a forward pass that keeps the features for backpropagation.

    Args:
        layers: All layers, in the network's order.
        xla: Whether the step is compiled with XLA.
    """
    kept = peak = 0
    for layer in layers:
        kept += _kept(layer, xla=xla)
        peak = max(peak, kept + _workspace(layer, xla=xla))
    return peak


def transformed_kernels(layers: Iterable[LayerMemory]) -> list[int]:
    """Returns the size of each kernel that XLA transforms for Winograd's convolution."""
    return [
        int(winograd.KERNEL_EXPANSION * math.prod(layer.layer.kernel.shape)) * tf.float32.size
        for layer in layers
        if _is_winograd(layer)
    ]


@defaults.keras_defaults()
def _measured(network: keras.Model, height: int, width: int) -> list[_Figures]:
    """Returns the figures of each layer, in the network's order, from Keras's symbolic pass through the graph."""
    outputs = [layer.output for layer in network.layers]
    specs = keras.Model(network.inputs[0], outputs).compute_output_spec(keras.KerasTensor((1, height, width, 3)))
    specs = dict(zip(map(id, outputs), keras.tree.flatten(specs), strict=True))
    sizes = {key: math.prod(spec.shape) * tf.as_dtype(spec.dtype).size for key, spec in specs.items()}
    wanted = set(map(id, network.outputs))
    return [
        _Figures(
            inputs=sum(sizes.get(id(tensor), 0) for tensor in keras.tree.flatten(layer.input)),
            outputs=sizes[id(output)],
            size=_size(specs[id(output)]),
            is_output=id(output) in wanted,
        )
        for layer, output in zip(network.layers, outputs, strict=True)
    ]


def _size(spec: keras.KerasTensor) -> tuple[int, int]:
    """Returns height and width of features [1, height, width, channels]."""
    _, height, width, *_ = spec.shape
    return height, width


def _kept(layer: LayerMemory, *, xla: bool) -> int:
    """Returns the bytes that the forward pass keeps of a layer until backpropagation reaches it."""
    # The gradient of an output's loss is ready with its features, and waits until backpropagation reaches the layer.
    maps = 2 if layer.is_output else 0 if _is_linear(layer.layer) else 1
    second = isinstance(layer.layer, _KEEPS_TWO) or (xla and isinstance(layer.layer, _KEEPS_TWO_WITH_XLA))
    return layer.outputs * (maps + second)


def _workspace(layer: LayerMemory, *, xla: bool) -> int:
    """Returns the bytes that a layer needs while it is computed, beside its input and output."""
    if not xla and isinstance(layer.layer, _KEEPS_TWO):
        return layer.inputs  # The squares, which XLA sums up without storing them.
    if not (xla and _is_winograd(layer)):
        return 0
    return int(winograd.EXPANSION * (layer.inputs + layer.outputs)) + layer.outputs


def _is_linear(layer: keras.layers.Layer) -> bool:
    if isinstance(layer, substitutes.L2Pooling2D):  # It inherits from average pooling, but pools squares.
        return False
    without_activation = getattr(layer, "activation", None) is keras.activations.linear
    return isinstance(layer, _LINEAR) or (isinstance(layer, keras.layers.Conv2D) and without_activation)


def _is_winograd(layer: LayerMemory) -> bool:
    return isinstance(layer.layer, xla_forms.WinogradConv2D) and layer.layer.pays(*layer.size)
