"""The options of `NeuralStyleTransfer`, in groups."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias, TypedDict

from nst_keras import checks
from nst_keras.settings import options

if TYPE_CHECKING:  # Names in annotations, which nothing evaluates.
    import keras
    import numpy as np
    import PIL.Image
    import tensorflow as tf

    from nst_keras.losses import statistics, terms
    from nst_keras.networks import extractors
    from nst_keras.optimizers import base as optimizers

__all__ = [
    "FrameSettings",
    "ImageChanges",
    "ImageSettings",
    "ImageSource",
    "LossSettings",
    "NetworkSettings",
    "OptimizerSettings",
    "RuntimeSettings",
    "ScheduleSettings",
    "TransferSettings",
]

ImageSource: TypeAlias = "str | os.PathLike[str] | np.ndarray | tf.Tensor | PIL.Image.Image"


def _seed(name: str, value: int | None) -> int | None:
    return None if value is None else checks.integer(name, value, minimum=0, maximum=2**63 - 1)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class ImageSettings(options.Group):
    """The input images: what they are, their sizes, and where the run starts.

    Attributes:
        style_image: Style image: a path, URL or `sample:NAME`. In Python also an array, tensor or PIL image. Several,
            given as a list or a folder, are blended.
        content_image: Content image: a path, URL or `sample:NAME`. In Python also an array, tensor or PIL image. The
            picture has its size.
        image_size: Longest side of the picture in pixels. Larger content and style images are reduced to it. None: all
            images keep their size.
        enlarge: Also enlarges smaller images to `image_size`.
        size_step: Rounds the sides of the picture to multiples of this many pixels, so that photographs of nearly one
            shape share a size, and what is compiled for it. The content image is stretched by as much.
        texture_size: Size of a texture in pixels, `WIDTHxHEIGHT`. Default: the style image's size.
        style_blend: Share of each style image, such as `0.7,0.3`. With masks: the strength of each. Default: equal
            shares.
        style_scale: Size of the style's forms: a larger number makes them larger. It is the longest side of the style
            image as a multiple of the picture's longest side: one number, or one for each image. Default: `image_size`
            sets their size.
        style_mask: Where each style goes: a mask image for each, white where it goes. Default: everywhere.
        content_mask: Where the content image is kept: a mask image, white where it is kept. Default: nowhere.
        preserve_color: Colours of the picture: `none`, `luminance`, `match` or `histogram`. `none`: the style's.
            `luminance`: the content's, because only luminance is stylised. `match` and `histogram`: the content's,
            because the style image is first recoloured to its palette.
        init: Start of the run: `content`, `noise`, `style`, or an image of your own. Default: `content` in mode
            `transfer`, else `noise`.
    """

    title = "Pictures"
    style_image: ImageSource | list[ImageSource] | None = options.option(None, reads=(), term="style")
    content_image: ImageSource | None = options.option(None, reads=(), term="content")
    image_size: int | None = options.option(512, options.optional(checks.integer), is_agreed=True)
    enlarge: bool = options.option(False)
    size_step: int | None = options.option(None, options.optional(checks.integer), term="content", is_agreed=True)
    texture_size: str | None = options.option(None, is_agreed=True)
    style_blend: Sequence[float] | None = options.option(None, term="style")
    style_scale: float | Sequence[float] | None = options.option(None, term="style")
    style_mask: ImageSource | list[ImageSource] | None = options.option(None, reads=(), term="style")
    content_mask: ImageSource | None = options.option(None, reads=(), term="content")
    preserve_color: str = options.option("none", term="content")
    init: ImageSource | None = options.option(None, reads=("content", "noise", "style"))


class ImageChanges(TypedDict, total=False):
    """Options of `ImageSettings`, each of which may be left out; for `NeuralStyleTransfer.set_images`."""

    style_image: ImageSource | list[ImageSource] | None
    content_image: ImageSource | None
    image_size: int | None
    enlarge: bool
    size_step: int | None
    texture_size: str | None
    style_blend: Sequence[float] | None
    style_scale: float | Sequence[float] | None
    style_mask: ImageSource | list[ImageSource] | None
    content_mask: ImageSource | None
    preserve_color: str
    init: ImageSource | None


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class NetworkSettings(options.Group):
    """The frozen network that computes features.

    Attributes:
        extractor: Network: `vgg19`, `compact`, `compact_v2`, `vgg16` or `inception_v3`. Both compact ones approximate
            VGG19, are several times as fast and come with the package; `compact_v2` is nearer to VGG19. A `keras.Model`
            or a `FeatureExtractor` of your own also works.
        weights: Weights of the network: `imagenet`, `random`, or the path of a Keras weights file.
        pooling: Pooling layers: `max` (the network's own), `avg` (the papers'), or `avg_scaled` or `l2`, which are as
            smooth as `avg` and keep the magnitude of the features.
        padding: What the first convolution sees beyond the picture's edge: `zeros`, or the nearest edge pixels
            (`replicate`).
        smoothing: `softmax` bounds each layer's activations, for networks other than VGG; `none` leaves them. `auto`
            means `none`.
        preprocess: For a `keras.Model` of your own: a function from RGB 0..255 to the input that the network was
            trained on. It treats each pixel alone.
        precision: Precision of the network: `float32`, `mixed_bfloat16`, `mixed_float16` or `auto`. `auto`: bfloat16
            where the processor or the accelerator has fast instructions for it, else float32. Losses are always
            float32.
    """

    title = "Network"
    extractor: str | keras.Model | extractors.FeatureExtractor = options.option("vgg19")
    weights: str = options.option("imagenet", reads=("imagenet", "random"))
    pooling: str = options.option("max")
    padding: str = options.option("zeros")
    smoothing: str = options.option("none")
    preprocess: Callable[[tf.Tensor], tf.Tensor] | None = options.option(None, has_flag=False)
    precision: str = options.option("auto", is_agreed=True)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class LossSettings(options.Group):
    """The loss: its terms, its layers and its conventions.

    Attributes:
        mode: Kind of run: `transfer`, `texture` or a reconstruction. `texture` takes the style alone.
            `style_reconstruction` and `content_reconstruction` show what the named layers hold.
        n_style_layers: Number of style layers: the first ones of the network's documented style layers, each with
            weight 1/n.
        n_content_layers: Number of content layers: the first ones of the network's documented content layers, each with
            weight 1/n.
        style_layers: Style layers by name, each with weight 1/n, or {name: weight}. As a flag: `name,name` or
            `name:weight,name:weight`. Keras's names and the papers' (`conv1_1`) both work. Default: the first
            `n_style_layers`.
        content_layers: Content layers, in the same forms as `style_layers`. Default: the first `n_content_layers`.
        style_layer_scheme: Weights from layer to layer: `equal`, `fine`, `coarse` or a ratio. `fine` gives each style
            layer a quarter of the weight of the one before (brushwork), `coarse` twice as much (large forms).
        normalization: Loss convention: `mean` (TensorFlow's tutorial), `relative` (weights keep their meaning from one
            network and layer to another) or `gatys2015` (the paper). See `nst_keras.losses`.
        style_statistic: What counts as style: `gram`, `covariance`, `wasserstein` or `sliced_wasserstein`. It is the
            statistic of the features that is compared. An object is a `StyleStatistic`.
        variation: Kind of total variation that `var_weight` weights: `l1`, `l2` or `9_point`.
        losses: Further terms of your own, each an `nst_keras.losses.Term`: a function of picture and features, with a
            name and a weight. Default: none.
    """

    title = "Loss"
    mode: str = options.option("transfer", is_agreed=True)
    n_style_layers: int = options.option(5)
    n_content_layers: int = options.option(1)
    style_layers: Iterable[str] | Mapping[str, float] | None = options.option(None, term="style")
    content_layers: Iterable[str] | Mapping[str, float] | None = options.option(None, term="content")
    style_layer_scheme: str | float = options.option("equal", term="style")
    normalization: str = options.option("mean")
    style_statistic: str | statistics.StyleStatistic = options.option("gram", term="style", is_agreed=True)
    variation: str = options.option("l1")
    losses: Sequence[terms.Term] = options.option((), has_flag=False)


def _tolerance(name: str, value: float) -> float:
    """Returns `value` as a float if it is finite and 0 or more; raises `ValueError` otherwise."""
    if checks.finite(name, value) < 0:
        raise ValueError(f"{name} must be 0 or more, but {value!r} was given. 5 is usual; 0 makes all steps.")
    return float(value)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class OptimizerSettings(options.Group):
    """The optimizer of the picture.

    Attributes:
        optimizer: Optimizer: `lbfgs`, `adam`, or another name that Keras knows, such as `rmsprop`. A Keras optimizer or
            an `nst_keras.optimizers.Optimizer` also works.
        averaging: Makes the picture a running average of the optimizer's images, with this decay, below 1; 0: no
            average. Default: 0.99 for `adam` with a pyramid, else 0.
        lbfgs_history: Pairs of steps that L-BFGS remembers. Each takes the memory of two pictures. Default: 10.
        preconditioning: How much farther large forms move than fine grain: 0 (equally far) to 1. `auto`: 0.5 for
            `lbfgs` with content, else 0.
        tolerance: Ends the run, or a pyramid's stage, once ten steps move the picture by less than this. In levels of
            0..255, root mean square. 5: after 50 to 80 steps of L-BFGS; 2: when hardly a pixel moves. 0: all steps are
            made.
    """

    title = "Optimizer"
    optimizer: str | keras.optimizers.Optimizer | optimizers.Optimizer = options.option("adam")
    averaging: float | None = options.option(None)
    lbfgs_history: int | None = options.option(None)
    preconditioning: str | float = options.option("auto")
    tolerance: float = options.option(0.0, _tolerance)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class ScheduleSettings(options.Group):
    """The sizes at which the picture is optimised, one after the other.

    Attributes:
        pyramid: Coarse to fine: the number of stages in which the picture grows. Each has twice the pixels of the one
            before. Several numbers are the longest sides of the stages in pixels. Default: one stage.
        pyramid_shares: Steps of each stage, in proportion, such as `8,4,2,1`. Default: half of the steps for the last
            stage, equal shares for the others.
    """

    title = "Coarse to fine"
    pyramid: int | Sequence[int] | None = options.option(None, is_agreed=True)
    pyramid_shares: Sequence[float] | None = options.option(None)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class RuntimeSettings(options.Group):
    """How and where the run is computed.

    Attributes:
        seed: Seed of noise and random weights. Default: drawn, and kept as the attribute `seed`.
        deterministic: Makes TensorFlow compute in a fixed order, for the same bits on a GPU too. Slower; applies to the
            whole process.
        tile_size: Tiles in which the picture is evaluated: their side in pixels, `auto` or none. The gradient is the
            same, and memory hardly grows with the picture. `auto`: tiles if the whole picture would not fit into
            memory.
        halo: Context pixels around each tile. Default: the receptive field, which makes gradients exact; less is faster
            and approximate.
        strategy: Devices that share the tiles: `default` (one), `mirrored` (all GPUs of this machine), `multi_worker`
            (the hosts in `TF_CONFIG`; the first writes all files), `tpu`, `auto` (several hosts, else a TPU, else
            several GPUs, else one device), or a `tf.distribute.Strategy`.
        jit_compile: Compilation with XLA: `true`, `false`, or `auto` (where the whole run takes less time with it).
    """

    title = "Machine"
    seed: int | None = options.option(None, _seed, is_agreed=True)
    deterministic: bool = options.option(False)
    tile_size: int | str | None = options.option("auto", is_agreed=True)
    halo: int | None = options.option(None, is_agreed=True)
    strategy: str | tf.distribute.Strategy = options.option("auto", is_recorded=False)
    jit_compile: str | bool = options.option("auto")


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class FrameSettings(options.Group):
    """The frames of a run.

    Attributes:
        frame_interval: Steps between two frames that are kept. The last picture is always kept.
        frames_dir: Folder for the frames, as BMP files. Default: frames stay in memory.
    """

    title = "Frames"
    frame_interval: int = options.option(1, checks.integer, is_recorded=False)
    frames_dir: str | os.PathLike[str] | None = options.option(None, checks.folder, is_recorded=False)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class TransferSettings:
    """All options of `NeuralStyleTransfer`: one field for each of the groups above."""

    images: ImageSettings = dataclasses.field(default_factory=ImageSettings)
    network: NetworkSettings = dataclasses.field(default_factory=NetworkSettings)
    losses: LossSettings = dataclasses.field(default_factory=LossSettings)
    optimization: OptimizerSettings = dataclasses.field(default_factory=OptimizerSettings)
    schedule: ScheduleSettings = dataclasses.field(default_factory=ScheduleSettings)
    runtime: RuntimeSettings = dataclasses.field(default_factory=RuntimeSettings)
    frames: FrameSettings = dataclasses.field(default_factory=FrameSettings)
