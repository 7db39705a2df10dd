"""The compact network's second edition: VGG19 itself, with convolutions of low rank.

Each 3x3 convolution of VGG19 from c to N channels becomes up to three in a row: 1x1 from c to a channels, 3x3 from a to
b, 1x1 from b to N, and only then ReLU (Kim et al., "Compression of Deep Convolutional Neural Networks for Fast and Low
Power Mobile Applications", arXiv 1511.06530, section 3.1). So the network has VGG19's own channels, and deep layers
cost a tenth. From conv2_2 on it has all of them. The first three layers, at full size the dearest, keep some of their
channels. Where style is measured there, coordinates of VGG19's features come out, as in `compact`.

The program `training.low_rank` computes the weights from VGG19's; MODEL_CARD.md names the data.
"""

from __future__ import annotations

import pathlib
import types
from collections.abc import Mapping
from typing import Any, NamedTuple

import keras

from nst_keras.networks import weights_files

__all__ = ["CHANNELS", "CONVOLUTIONS", "WEIGHTS_FILE", "Factors", "network"]


class Factors(NamedTuple):
    """The sizes of one convolution.

    Attributes:
        width: Channels after ReLU; VGG19's N, or fewer.
        before: Channels a that the input is reduced to. Default: those of the input, with no convolution for it.
        rank: Filters b of the 3x3 convolution. Default: `width`, with no convolution behind it.
    """

    width: int
    before: int | None = None
    rank: int | None = None


# {layer of VGG19: its factors}.
CONVOLUTIONS: Mapping[str, Factors] = types.MappingProxyType(
    {
        "block1_conv1": Factors(24),
        "block1_conv2": Factors(32, 16, 16),
        "block2_conv1": Factors(96, 16, 32),
        "block2_conv2": Factors(128, 32, 32),
        "block3_conv1": Factors(256, 48, 64),
        "block3_conv2": Factors(256, 64, 64),
        "block3_conv3": Factors(256, 64, 64),
        "block3_conv4": Factors(256, 64, 64),
        "block4_conv1": Factors(512, 64, 96),
        "block4_conv2": Factors(512, 128, 128),
        "block4_conv3": Factors(512, 128, 128),
        "block4_conv4": Factors(512, 128, 128),
        "block5_conv1": Factors(512, 192, 192),
        "block5_conv2": Factors(512, 192, 192),
    }
)

_VGG19 = {"block1": 64, "block2": 128, "block3": 256, "block4": 512, "block5": 512}

# {layer that the network gives: VGG19's number of channels N}.
CHANNELS: Mapping[str, int] = types.MappingProxyType(
    {
        name: _VGG19[name[:6]]
        for name, factors in CONVOLUTIONS.items()
        if name.endswith("conv1") or factors.width == _VGG19[name[:6]]
    }
)

WEIGHTS_FILE = pathlib.Path(__file__).parent / "compact_v2.weights.h5"
_SHA256 = "243d33091f9ef545f4b76c76543619d12ca58101a061d6a46f667bcf0e850b69"


def network(weights: str | None = "imagenet", *, convolutions: Mapping[str, Factors] = CONVOLUTIONS) -> keras.Model:
    """Returns the network, whose layers in `CHANNELS` have VGG19's names.

    A convolution is the layers `before1_conv2`, `core1_conv2` and, last, with ReLU, `thin1_conv2` if it has fewer
    channels than VGG19's, else `block1_conv2`. Where a style layer has fewer, `block1_conv1` gives coordinates.

    Args:
        weights: `"imagenet"` for the file that comes with the package, None for random weights, or the path of a file
            that `training.low_rank` made.
        convolutions: {layer of VGG19: its factors}, from block1_conv1 on.

    Returns:
        A model named "compact_v2": BGR [batch, height, width, 3], centred as for VGG19 -> features after ReLU, or
        coordinates of them, of the layers in `CHANNELS`.

    Raises:
        OSError: The package's own file is missing or damaged.
        ValueError: The file belongs to another network.
    """
    initializer = "glorot_uniform" if weights is None else "zeros"  # A file's weights replace them at once.
    image = keras.Input((None, None, 3))
    features: Any = image  # Keras's annotation of what a layer returns is of every backend's tensors.
    outputs: list[Any] = []
    for name, factors in convolutions.items():
        if name.endswith("conv1") and name != "block1_conv1":
            features = keras.layers.MaxPooling2D(2, name=f"pool{int(name[5]) - 1}")(features)
        features = _convolved(features, name, factors, initializer)
        if factors.width == _VGG19[name[:6]]:
            outputs.append(features)
        elif name in CHANNELS:
            coordinates = keras.layers.Conv2D(factors.width + 1, 1, kernel_initializer=initializer, name=name)
            outputs.append(coordinates(features))
    model = keras.Model(image, outputs, name="compact_v2")
    if weights is not None:
        model.load_weights(weights_files.packaged(WEIGHTS_FILE, _SHA256) if weights == "imagenet" else weights)
    return model


def _convolved(features: Any, name: str, factors: Factors, initializer: str) -> Any:
    """Returns VGG19's convolution in its factors, after ReLU."""
    place = name.removeprefix("block")
    last = name if factors.width == _VGG19[name[:6]] else f"thin{place}"
    parts = [(f"before{place}", factors.before, 1)] if factors.before else []
    parts += (
        [(f"core{place}", factors.rank, 3), (last, factors.width, 1)] if factors.rank else [(last, factors.width, 3)]
    )
    for layer, filters, size in parts:
        features = keras.layers.Conv2D(
            filters,
            size,
            padding="same",
            activation="relu" if layer == last else None,
            kernel_initializer=initializer,
            name=layer,
        )(features)
    return features
