"""The options of `NeuralStyleTransfer`, in groups."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from nst_keras import checks
from nst_keras.settings import options

if TYPE_CHECKING:  # Names in annotations, which nothing evaluates.
    import keras
    import numpy as np
    import PIL.Image
    import tensorflow as tf

    from nst_keras.losses import statistics
    from nst_keras.networks import extractors
    from nst_keras.optimizers import base as optimizers

__all__ = [
    "FrameSettings",
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
    return None if value is None else checks.integer(name, value, minimum=0)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class ImageSettings(options.Group):
    """Pictures in: what they are, their size, and where the run starts.

    Attributes:
        style_image: Where the style comes from: path, URL, `sample:NAME`, array, tensor or PIL image. Several, as a
            list or a folder, are blended.
        content_image: Where the content comes from: path, URL, `sample:NAME`, array, tensor or PIL image. The picture
            made has its size.
        image_size: Longest side in pixels to which content and style are reduced; smaller ones keep their size, and
            with None all do.
        enlarge: Whether `image_size` enlarges smaller pictures too.
        texture_size: Size of a texture in pixels, `WIDTHxHEIGHT`. Default: the style image's.
        style_blend: Share of each style image, such as `0.7,0.3`; with masks, the strength of each. Default: equal
            shares.
        style_scale: Longest side of the style image, or of each, in shares of the picture's. Larger makes larger forms.
            Default: `image_size`.
        style_mask: Where each style goes: a picture for each style, white where it goes. Default: everywhere.
        content_mask: Where the content image is kept unchanged: a picture, white where it is kept. Default: nowhere.
        preserve_color: Whose colours the picture has: the style's (`none`), or the content's: its chrominance, with
            only the luminance stylised (`luminance`), or its palette, to which the style image is recoloured (`match`,
            `histogram`).
        init: Where the picture starts: `content`, `noise`, `style`, or an image. Default: `content` for a transfer,
            else `noise`.
    """

    title = "Pictures"
    style_image: ImageSource | list[ImageSource] | None = options.option(None, reads=(), term="style")
    content_image: ImageSource | None = options.option(None, reads=(), term="content")
    image_size: int | None = options.option(512, options.optional(checks.integer), is_agreed=True)
    enlarge: bool = options.option(False)
    texture_size: str | None = options.option(None, is_agreed=True)
    style_blend: Sequence[float] | None = options.option(None, term="style")
    style_scale: float | Sequence[float] | None = options.option(None, term="style")
    style_mask: ImageSource | list[ImageSource] | None = options.option(None, reads=(), term="style")
    content_mask: ImageSource | None = options.option(None, reads=(), term="content")
    preserve_color: str = options.option("none", term="content")
    init: ImageSource | None = options.option(None, reads=("content", "noise", "style"))


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class NetworkSettings(options.Group):
    """The frozen network that features come from.

    Attributes:
        extractor: `vgg19`, `compact` (stands in for VGG19, several times as fast, ships with the package), `vgg16`,
            `inception_v3`, a `keras.Model` or a `FeatureExtractor`.
        weights: `imagenet`, `random`, or the path of a Keras weights file.
        pooling: `max` (the network's own), `avg` (the papers'), or `avg_scaled` or `l2`, which are as smooth as `avg`
            and keep the size of the features.
        padding: What the first convolution finds beyond the picture's edge: `zeros`, or its edge pixels (`replicate`).
        smoothing: `softmax` bounds a layer's activations, for networks other than VGG; `none`; `auto` is `softmax` for
            `inception_v3`, else `none`.
        preprocess: For a `keras.Model` of your own: RGB 0..255 -> what it was trained on, pixel by pixel.
        precision: What the network computes in: `float32`, or `mixed_bfloat16` or `mixed_float16` where these are fast.
            Losses are always float32.
    """

    title = "Network"
    extractor: str | keras.Model | extractors.FeatureExtractor = options.option("vgg19")
    weights: str = options.option("imagenet", reads=("imagenet", "random"))
    pooling: str = options.option("max")
    padding: str = options.option("zeros")
    smoothing: str = options.option("auto")
    preprocess: Callable[[tf.Tensor], tf.Tensor] | None = options.option(None, has_flag=False)
    precision: str = options.option("float32")


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class LossSettings(options.Group):
    """What is compared, at which layers, and how.

    Attributes:
        mode: `transfer`, `texture` (style alone), `style_reconstruction` or `content_reconstruction`.
        n_style_layers: Number of the network's documented style layers, the first ones, each of weight 1/n.
        n_content_layers: Number of the network's documented content layers, the first ones, each of weight 1/n.
        style_layers: Style layers by name, each of weight 1/n, or {name: weight} (flag: `name,name` or
            `name:weight,name:weight`), by Keras's names or the papers' (`conv1_1`). Default: the first
            `n_style_layers`.
        content_layers: Content layers, given in the same way. Default: the first `n_content_layers`.
        style_layer_scheme: How the style layers' weights go on from each to the next: `equal`, `fine` (a quarter of the
            one before), `coarse` (twice), or a ratio.
        normalization: Loss convention: `mean`, `relative` or `gatys2015`, see `nst_keras.losses`.
        style_statistic: What of the features is style: `gram`, `covariance`, `wasserstein` or `sliced_wasserstein`, or
            a `StyleStatistic`.
        variation: Kind of total variation that `var_weight` weighs: `l1`, `l2` or `9_point`.
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


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class OptimizerSettings(options.Group):
    """How the picture is optimised.

    Attributes:
        optimizer: `adam`, `lbfgs`, any Keras optimizer, or an `nst_keras.optimizers.Optimizer`.
        averaging: Decay of the average of the optimizer's images that is the picture, 0 for none. Default: 0.99 for
            `adam` with a pyramid, else 0.
        lbfgs_history: Pairs of steps that L-BFGS remembers; each takes the memory of two pictures. Default: 10.
        preconditioning: How much further large forms move than grain, 0 (as far) to 1. `auto` is 0.5 for `lbfgs` with
            content, else 0.
    """

    title = "Optimizer"
    optimizer: str | keras.optimizers.Optimizer | optimizers.Optimizer = options.option("adam")
    averaging: float | None = options.option(None)
    lbfgs_history: int | None = options.option(None)
    preconditioning: str | float = options.option("auto")


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class ScheduleSettings(options.Group):
    """Sizes that a run goes through.

    Attributes:
        pyramid: Stages in which the picture grows: their number, each of twice the pixels of the one before, or their
            longest sides in pixels. Default: one stage.
        pyramid_shares: Steps of each stage, in proportion, such as `8,4,2,1`. Default: half of them for the last stage.
    """

    title = "Coarse to fine"
    pyramid: int | Sequence[int] | None = options.option(None, is_agreed=True)
    pyramid_shares: Sequence[float] | None = options.option(None)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class RuntimeSettings(options.Group):
    """How and where it is computed.

    Attributes:
        seed: Makes noise and random weights repeat. Default: drawn, and kept as the attribute `seed`.
        deterministic: Makes TensorFlow compute in a fixed order, for the same bits also on a GPU, at some cost. Holds
            for the whole process.
        tile_size: Side in pixels of the tiles in which the picture is evaluated: same gradient, memory that hardly
            grows with the picture. `auto`: tiles where the whole would not fit; None: never.
        halo: Context pixels around each tile. Default: the receptive field, which makes gradients exact; less is faster
            and approximate.
        strategy: Devices that share out the tiles: `default` (one), `mirrored` (all GPUs here), `multi_worker` (hosts
            in `TF_CONFIG`; the first writes all files), `tpu`, `auto` (finds out), or a `tf.distribute.Strategy`.
        jit_compile: XLA: `true`, `false`, or `auto`, which is where it works and is the faster.
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
        frame_interval: Steps between two frames that are kept; the last picture always is.
        frames_dir: Folder to which frames are written as BMP. Default: frames stay in memory.
    """

    title = "Frames"
    frame_interval: int = options.option(1, checks.integer, is_recorded=False)
    frames_dir: str | os.PathLike[str] | None = options.option(None, is_recorded=False)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class TransferSettings:
    """What `NeuralStyleTransfer` is made with: the groups above, one field each."""

    images: ImageSettings = dataclasses.field(default_factory=ImageSettings)
    network: NetworkSettings = dataclasses.field(default_factory=NetworkSettings)
    losses: LossSettings = dataclasses.field(default_factory=LossSettings)
    optimization: OptimizerSettings = dataclasses.field(default_factory=OptimizerSettings)
    schedule: ScheduleSettings = dataclasses.field(default_factory=ScheduleSettings)
    runtime: RuntimeSettings = dataclasses.field(default_factory=RuntimeSettings)
    frames: FrameSettings = dataclasses.field(default_factory=FrameSettings)
