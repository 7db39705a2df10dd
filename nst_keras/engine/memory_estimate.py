"""The memory that a run takes at most, told from its network's graph before the run begins.

What a graph does not tell was measured: peak resident set on Linux, x86-64, with TensorFlow 2.21, over VGG19, VGG16,
InceptionV3 and the compact network, at 96 to 1024 px. `benchmarks/memory.py` compares estimate and measurement; of a
GPU nothing was measured.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import keras
import tensorflow as tf

from nst_keras import checks, optimizers
from nst_keras.networks import architectures, extractors
from nst_keras.networks.layers import substitutes, winograd, xla_forms
from nst_keras.objectives.tiled import content_features, tiling
from nst_keras.runtime import compilation

__all__ = ["MemoryEstimate", "estimate_memory", "extractor_of"]

_MEBIBYTE = 2**20
_PROCESS = 690 * _MEBIBYTE  # Resident with TensorFlow, Keras and two small pictures loaded.
_LOADING = 2.3  # Times its weights a network takes to load and cut: what is freed is not given back.
_COMPILER = 290 * _MEBIBYTE  # XLA and LLVM, for a network without Winograd's convolutions,
_COMPILED_LAYER = 17 * _MEBIBYTE  # and for each of them.
_GAPS = 1.25  # Without XLA, TensorFlow's allocator leaves gaps between features of different sizes.

_LOOP_IMAGES = 4  # That the loop holds beside the optimizer's: the picture before the step and after it, the result.

# What tiles hold besides: the gradient that their windows are added up in, and content features of as much as four.
_TILED_IMAGES = 1 + content_features.KEPT_IMAGES

# Layers whose gradient needs no features: their output is let go, unless it is asked for. (That of batch normalization
# needs none either, but is kept, as measured, by TensorFlow and XLA alike.)
_LINEAR = (
    keras.layers.InputLayer,
    keras.layers.AveragePooling2D,
    keras.layers.Concatenate,
    keras.layers.ZeroPadding2D,
)

# Poolings of whose gradient more is kept beside their output, as many numbers again: for each maximum how many pixels
# share it, for each root the mean square under it.
_TWO_KEPT = (substitutes.L2Pooling2D, xla_forms.WindowL2Pooling2D)
_TWO_KEPT_BY_XLA = (xla_forms.WindowMaxPooling2D,)


class MemoryEstimate(NamedTuple):
    """Bytes that a run takes at most, in its parts.

    Attributes:
        process: Python with TensorFlow loaded, and what XLA takes to compile; 0 on a GPU.
        network: Weights, and kernels transformed for Winograd's convolutions.
        features: What the targets leave, the features that backpropagation keeps, and the largest layer's workspace.
        images: The images that the optimizer and the loop hold.
        frames: The frames kept; 0 on a GPU, which does not hold them.
    """

    process: int
    network: int
    features: int
    images: int
    frames: int

    @property
    def total(self) -> int:
        """The sum of the parts."""
        return sum(self)


class _Layer(NamedTuple):
    """A layer at the size of a run: bytes in, bytes out, height and width of the latter, whether it is asked for."""

    layer: keras.layers.Layer
    inputs: int
    outputs: int
    size: tuple[int, int]
    asked_for: bool


def estimate_memory(
    height: int,
    width: int,
    extractor: str | extractors.FeatureExtractor = "vgg19",
    optimizer: str | keras.optimizers.Optimizer = "adam",
    *,
    layers: Iterable[str] | None = None,
    jit_compile: str | bool = "auto",
    style_size: tuple[int, int] | None = None,
    frames: int = 0,
    on_gpu: bool | None = None,
    averaging: float | None = None,
    lbfgs_history: int | None = None,
    preconditioning: str | float = "auto",
    tile_size: int | None = None,
    halo: int | None = None,
) -> MemoryEstimate:
    """The peak memory of a run: the process's resident set or, on a GPU, the memory there.

    Within 25% of what was measured, where TensorFlow uses oneDNN (its default on x86-64 and ARM under Linux), which
    gives no memory back to the system; elsewhere it is an upper bound.

    Args:
        height: Of the content image, in pixels.
        width: Likewise.
        extractor: A name in `architectures.ARCHITECTURES`, whose network is built for the purpose, or an extractor.
        optimizer: A name in `optimizers.OPTIMIZERS`, or a Keras optimizer, which is taken to need what Adam needs.
        layers: The layers asked for; those of the extractor or, for a name, the first five style layers and the first
            content layer of the network, if left out.
        jit_compile: A name in `compilation.JIT_MODES`; `"auto"` is taken to work.
        style_size: Height and width of the largest style image; those of the content image if left out.
        frames: How many frames the run keeps.
        on_gpu: Whether TensorFlow runs on a GPU; found out if left out.
        averaging: As `optimizers.get` takes it.
        lbfgs_history: Likewise.
        preconditioning: Likewise.
        tile_size: As `tiled_objective.TiledObjective` takes it; the picture is taken whole if left out.
        halo: Likewise.

    Returns:
        The estimate in its parts; its `total` is the peak.

    Raises:
        ValueError: An unknown name or layer, an argument out of its range, or an image too small for the network.
    """
    sizes = [(checks.integer("height", height), checks.integer("width", width)), *([style_size] if style_size else [])]
    xla = compilation.jit_mode(jit_compile) != "false"
    cut = extractor_of(extractor, layers=layers, jit_compile=jit_compile)
    for size in sizes:
        cut.check_size("the image", *size)
    network = cut.network
    if on_gpu is None:
        on_gpu = bool(tf.config.list_physical_devices("GPU"))
    windows = [_window(cut, size, tile_size, halo) for size in sizes]
    targets = max(_forward(_layers(network, *window)) for window in windows)
    seen = _layers(network, *windows[0])
    step = _step(seen, xla=xla)
    images = _LOOP_IMAGES + optimizers.state_images(
        optimizer,
        averaging=averaging or 0.0,
        lbfgs_history=lbfgs_history,
        preconditioning=preconditioning,
        xla=xla,
    )
    if tile_size is not None:
        # Of each layer asked for, the tile's own features, counted by its guide.
        step += sum(layer.outputs for layer in seen if layer.asked_for)
        images += _TILED_IMAGES
    transformed = [_transformed_kernel(layer.layer) for layer in seen if xla and _is_winograd(layer)]
    compiler = _COMPILER + len(transformed) * _COMPILED_LAYER if xla else 0
    # Read in float32, whatever it computes in.
    weights = sum(math.prod(weight.shape) for weight in network.weights) * tf.float32.size
    return MemoryEstimate(
        process=0 if on_gpu else _PROCESS + compiler,
        network=int(weights * (1 if on_gpu else _LOADING)) + sum(transformed),
        # XLA takes its workspace as one block, which what the targets have left is too scattered for.
        features=targets + step if xla else max(targets, int(_GAPS * step)),
        # Those of a run in tiles lie on the host.
        images=0 if on_gpu and tile_size else images * height * width * 3 * tf.float32.size,
        frames=0 if on_gpu else checks.integer("frames", frames, minimum=0) * height * width * 3,
    )


def extractor_of(
    extractor: str | extractors.FeatureExtractor,
    *,
    layers: Iterable[str] | None = None,
    jit_compile: str | bool = "auto",
) -> extractors.FeatureExtractor:
    """The extractor that `estimate_memory` looks at, with random weights for a name.

    Args:
        extractor: As `estimate_memory` takes it.
        layers: Likewise.
        jit_compile: Likewise.

    Raises:
        ValueError: An unknown name or layer.
    """
    if isinstance(extractor, extractors.FeatureExtractor):
        return extractor if layers is None else extractor.select(layers)
    architecture = architectures.ARCHITECTURES[checks.one_of("extractor", extractor, architectures.ARCHITECTURES)]
    if layers is None:
        layers = dict.fromkeys([*architecture.style_layers[:5], *architecture.content_layers[:1]])
    for_xla = compilation.jit_mode(jit_compile) != "false"
    return extractors.get(extractor, layers=layers, weights="random", for_xla=for_xla)


def _window(
    extractor: extractors.FeatureExtractor, size: tuple[int, int], tile_size: int | None, halo: int | None
) -> tuple[int, int]:
    """Height and width of what the network sees at a time."""
    if tile_size is None:
        return size
    rows, columns = tiling.Tiling(extractor, *size, tile_size, halo).tiles[0]
    return rows.length, columns.length


def _layers(network: keras.Model, height: int, width: int) -> list[_Layer]:
    """The network's layers in order, for an image of this size."""
    outputs = [layer.output for layer in network.layers]
    specs = keras.Model(network.inputs[0], outputs).compute_output_spec(keras.KerasTensor((1, height, width, 3)))
    shapes = {id(output): spec for output, spec in zip(outputs, tf.nest.flatten(specs), strict=True)}
    size = {key: math.prod(spec.shape) * tf.as_dtype(spec.dtype).size for key, spec in shapes.items()}
    asked_for = {id(output) for output in network.outputs}
    return [
        _Layer(
            layer,
            sum(size.get(id(tensor), 0) for tensor in tf.nest.flatten(layer.input)),
            size[id(layer.output)],
            tuple(shapes[id(layer.output)].shape[1:3]),
            id(layer.output) in asked_for,
        )
        for layer in network.layers
    ]


def _forward(layers: Iterable[_Layer]) -> int:
    """Bytes of a forward pass that keeps nothing: a layer's input, its output, and that on its way through a bias."""
    return max(layer.inputs + 2 * layer.outputs for layer in layers)


def _step(layers: Iterable[_Layer], *, xla: bool) -> int:
    """Bytes of a forward pass that keeps what the way back needs, where it and a layer's workspace are largest."""
    kept = largest = 0
    for layer in layers:
        kept += _kept(layer, xla=xla)
        largest = max(largest, kept + _workspace(layer, xla=xla))
    return largest


def _kept(layer: _Layer, *, xla: bool) -> int:
    # The gradient of a layer's loss is ready as soon as its features are, and waits for the way back to come by.
    copies = 2 if layer.asked_for else 0 if _is_linear(layer.layer) else 1
    twice = isinstance(layer.layer, _TWO_KEPT) or (xla and isinstance(layer.layer, _TWO_KEPT_BY_XLA))
    return layer.outputs * (copies + twice)


def _workspace(layer: _Layer, *, xla: bool) -> int:
    if not xla and isinstance(layer.layer, _TWO_KEPT):
        return layer.inputs  # The squares, which XLA sums up without storing them.
    if not (xla and _is_winograd(layer)):
        return 0
    return int(winograd.EXPANSION * (layer.inputs + layer.outputs)) + layer.outputs


def _is_linear(layer: keras.layers.Layer) -> bool:
    without_activation = getattr(layer, "activation", None) is keras.activations.linear
    if isinstance(layer, substitutes.L2Pooling2D):  # An average pooling by descent, of squares.
        return False
    return isinstance(layer, _LINEAR) or (isinstance(layer, keras.layers.Conv2D) and without_activation)


def _is_winograd(layer: _Layer) -> bool:
    return isinstance(layer.layer, xla_forms.WinogradConv2D) and layer.layer.pays(*layer.size)


def _transformed_kernel(layer: xla_forms.WinogradConv2D) -> int:
    return int(winograd.KERNEL_EXPANSION * math.prod(layer.kernel.shape)) * tf.float32.size
