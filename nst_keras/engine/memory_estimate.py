"""Estimates the peak memory of a run from its network's graph, before the run begins.

What the graph does not tell was measured: peak resident set on Linux, x86-64, with TensorFlow 2.21, for VGG19, VGG16,
InceptionV3 and the compact network, at 96 to 1024 px. `benchmarks/memory.py` compares estimates with measurements.
GPU memory was not measured.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from typing import NamedTuple

import keras
import tensorflow as tf

from nst_keras import checks, optimizers
from nst_keras.engine import layer_memory
from nst_keras.networks import architectures, extractors
from nst_keras.objectives.tiled import content_features, tiling
from nst_keras.runtime import compilation

__all__ = ["MemoryEstimate", "MemoryRequest", "estimate", "estimate_memory", "extractor_of"]

_MEBIBYTE = 2**20
_PROCESS = 690 * _MEBIBYTE  # Resident set with TensorFlow, Keras and two small images loaded.
_LOADING = 2.3  # Peak of loading and cutting a network, in multiples of its weights. The process keeps freed memory.
_COMPILER = 290 * _MEBIBYTE  # XLA and LLVM, for a network without Winograd's convolutions,
_COMPILED_LAYER = 17 * _MEBIBYTE  # and for each of them.
_GAPS = 1.25  # Without XLA, TensorFlow's allocator leaves gaps between features of different sizes.

_LOOP_IMAGES = 4  # Images in the loop, beside the optimizer's: the one before the step, the one after, the result.

# Tiles add the gradient that their windows are summed into, and kept content features.
_TILED_IMAGES = 1 + content_features.KEPT_IMAGES


class MemoryEstimate(NamedTuple):
    """Peak memory of a run in bytes, by part.

    Attributes:
        process: Python with TensorFlow loaded, and XLA's compiler; 0 on a GPU.
        network: Weights, and the kernels transformed for Winograd's convolutions.
        features: What computing the targets leaves, the features kept for backpropagation, and the workspace of the
            largest layer.
        images: Images that the optimizer and the loop hold.
        frames: The frames kept; 0 on a GPU, because they stay on the host.
    """

    process: int
    network: int
    features: int
    images: int
    frames: int

    @property
    def total(self) -> int:
        """Returns the sum of the parts, in bytes."""
        return sum(self)


@dataclasses.dataclass(frozen=True, kw_only=True)
class MemoryRequest:
    """Everything that decides the memory of a run.

    The fields are the arguments of `estimate_memory`, which describes them.

    Raises:
        ValueError: `height`, `width` or `frames` is not a whole number in its range, or `jit_compile` is unknown.
    """

    height: int
    width: int
    extractor: str | extractors.FeatureExtractor = "vgg19"
    optimizer: str | keras.optimizers.Optimizer | optimizers.Optimizer = "adam"
    layers: tuple[str, ...] | None = None
    jit_compile: str | bool = "auto"
    style_size: tuple[int, int] | None = None
    frames: int = 0
    on_gpu: bool | None = None
    averaging: float | None = None
    lbfgs_history: int | None = None
    preconditioning: str | float = "auto"
    tolerance: float = 0.0
    tile_size: int | None = None
    halo: int | None = None

    def __post_init__(self) -> None:
        checks.integer("height", self.height)
        checks.integer("width", self.width)
        checks.integer("frames", self.frames, minimum=0)
        compilation.jit_mode(self.jit_compile)

    @property
    def size(self) -> tuple[int, int]:
        """Returns height and width of the content image, in pixels."""
        return self.height, self.width

    @property
    def pixels(self) -> int:
        """Returns the number of pixels of the content image."""
        return self.height * self.width

    @property
    def xla(self) -> bool:
        """Returns whether steps are compiled with XLA."""
        return compilation.jit_mode(self.jit_compile) != "false"


def estimate_memory(
    height: int,
    width: int,
    extractor: str | extractors.FeatureExtractor = "vgg19",
    optimizer: str | keras.optimizers.Optimizer | optimizers.Optimizer = "adam",
    *,
    layers: Iterable[str] | None = None,
    jit_compile: str | bool = "auto",
    style_size: tuple[int, int] | None = None,
    frames: int = 0,
    on_gpu: bool | None = None,
    averaging: float | None = None,
    lbfgs_history: int | None = None,
    preconditioning: str | float = "auto",
    tolerance: float = 0.0,
    tile_size: int | None = None,
    halo: int | None = None,
) -> MemoryEstimate:
    """Estimates the peak memory of a run: the process's resident set or, on a GPU, the GPU's memory.

    The estimate is within 25% of measurements where TensorFlow uses oneDNN, its default on x86-64 and ARM under Linux:
    oneDNN gives no memory back to the system. Elsewhere it is an upper bound.

    Args:
        height: Height of the content image in pixels, 1 or more.
        width: Width of the content image in pixels, 1 or more.
        extractor: A name in `architectures.ARCHITECTURES`, whose network is then built with random weights, or a
            `FeatureExtractor`.
        optimizer: A name or an object, see `optimizers.get`. For all but `"lbfgs"`, Adam's memory is counted.
        layers: Names of the style and content layers. Default: all layers of a `FeatureExtractor`; for a name, the
            network's first five style layers and its first content layer.
        jit_compile: A name in `compilation.JIT_MODES`, or a bool. `"auto"` counts as XLA.
        style_size: Height and width of the largest style image in pixels. Default: the size of the content image.
        frames: Number of frames that the run keeps, 0 or more.
        on_gpu: Whether the run uses a GPU. Default: whether TensorFlow sees one.
        averaging: Decay of the average of the iterates. Default: no average.
        lbfgs_history: Number of pairs that L-BFGS remembers, 1 or more. Default: 10.
        preconditioning: Exponent of the spectral preconditioner, 0 (none) to 1, or `"auto"`: 0.5 for L-BFGS, else 0.
        tolerance: The movement below which the run ends, see `Settled`. Default: 0, none.
        tile_size: Side of the tiles in pixels, at least the network's stride. Default: the whole image at once.
        halo: Context pixels around each tile, a multiple of the network's stride. Default: the receptive field.

    Returns:
        The estimate, by part; its `total` is the peak in bytes.

    Raises:
        ValueError: An unknown name or layer, an argument outside its range, or an image too small for the network.
        TypeError: `optimizer` is neither a name nor an optimizer.
    """
    return estimate(
        MemoryRequest(
            height=height,
            width=width,
            extractor=extractor,
            optimizer=optimizer,
            layers=None if layers is None else tuple(layers),
            jit_compile=jit_compile,
            style_size=style_size,
            frames=frames,
            on_gpu=on_gpu,
            averaging=averaging,
            lbfgs_history=lbfgs_history,
            preconditioning=preconditioning,
            tolerance=tolerance,
            tile_size=tile_size,
            halo=halo,
        )
    )


def estimate(request: MemoryRequest) -> MemoryEstimate:
    """Estimates the peak memory of a run, as `estimate_memory` does, for a request.

    Raises:
        ValueError: An unknown name or layer, an argument outside its range, or an image too small for the network.
        TypeError: The optimizer is neither a name nor an optimizer object.
    """
    extractor = extractor_of(request.extractor, layers=request.layers, jit_compile=request.jit_compile)
    content, *style = (layer_memory.measure(extractor.network, *window) for window in _windows(request, extractor))
    on_gpu = bool(tf.config.list_physical_devices("GPU")) if request.on_gpu is None else request.on_gpu
    kernels = layer_memory.transformed_kernels(content) if request.xla else []
    compiler = _COMPILER + len(kernels) * _COMPILED_LAYER if request.xla else 0
    # Weights are read in float32, whatever the network computes in.
    weights = sum(math.prod(weight.shape) for weight in extractor.network.weights) * tf.float32.size
    return MemoryEstimate(
        process=0 if on_gpu else _PROCESS + compiler,
        network=int(weights * (1 if on_gpu else _LOADING)) + sum(kernels),
        features=_features(request, content, style),
        # With tiles, images stay on the host.
        images=0 if on_gpu and request.tile_size else _images(request) * request.pixels * 3 * tf.float32.size,
        frames=0 if on_gpu else request.frames * request.pixels * 3,
    )


def extractor_of(
    extractor: str | extractors.FeatureExtractor,
    *,
    layers: Iterable[str] | None = None,
    jit_compile: str | bool = "auto",
) -> extractors.FeatureExtractor:
    """Returns the extractor whose graph an estimate reads. For a name, it has random weights.

    Args:
        extractor: A name in `architectures.ARCHITECTURES`, or a `FeatureExtractor`.
        layers: Names of the layers wanted. Default: all layers of a `FeatureExtractor`; for a name, the network's first
            five style layers and its first content layer.
        jit_compile: A name in `compilation.JIT_MODES`, or a bool: with XLA, a named network has layers made for it.

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


def _windows(request: MemoryRequest, extractor: extractors.FeatureExtractor) -> list[tuple[int, int]]:
    """Returns height and width of what the network sees at once: of the content image, then of the style image."""
    sizes = {"the image": request.size}
    if request.style_size:
        sizes["the style image"] = request.style_size
    for name, size in sizes.items():
        extractor.check_size(name, *size)
    if request.tile_size is None:
        return list(sizes.values())
    first_tiles = [tiling.Tiling(extractor, *size, request.tile_size, request.halo).tiles[0] for size in sizes.values()]
    return [(tile.rows.length, tile.columns.length) for tile in first_tiles]


def _features(
    request: MemoryRequest, content: list[layer_memory.LayerMemory], style: list[list[layer_memory.LayerMemory]]
) -> int:
    """Returns the bytes of features, given the layers at the content image's size and at the style image's, if any."""
    targets = max(layer_memory.forward_peak(layers) for layers in (content, *style))
    step = layer_memory.step_peak(content, xla=request.xla)
    if request.tile_size is not None:
        # A tile's guide multiplies its own features of each style and content layer, which makes a copy of them.
        step += sum(layer.outputs for layer in content if layer.is_output)
    # XLA takes its workspace as one block, for which the memory that the targets have left is too scattered.
    return targets + step if request.xla else max(targets, int(_GAPS * step))


def _images(request: MemoryRequest) -> int:
    """Returns the number of images of the content image's size that a run holds."""
    state = optimizers.state_images(
        request.optimizer,
        averaging=request.averaging or 0.0,
        lbfgs_history=request.lbfgs_history,
        preconditioning=request.preconditioning,
        tolerance=request.tolerance,
        xla=request.xla,
    )
    return state + _LOOP_IMAGES + (0 if request.tile_size is None else _TILED_IMAGES)
