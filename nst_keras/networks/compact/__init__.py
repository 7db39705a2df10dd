"""The compact network: a thin VGG, trained to stand in for VGG19, whose weights come with the package.

The N features f of a layer of VGG19 are predicted from the w features s of the thin network's layer, w < N, by a linear
head: f = H [s, 1]. Style and content are to be measured between such f, in VGG19's units, but at the cost of w
channels. So the network gives coordinates z = R [s, 1] in place of f, where H = Q R and Q has orthonormal columns.
Since f = Q z, distances between coordinates, and between their Gram matrices, equal those of f.

The programs in the folder `training` make the weights file; MODEL_CARD.md names the data.
"""

from __future__ import annotations

import pathlib
from collections.abc import Sequence

import keras

from nst_keras.networks import weights_files

__all__ = ["CHANNELS", "WEIGHTS_FILE", "WIDTHS", "network", "thin_network"]

# Channels of each convolution, block by block, where VGG19 has 64, 128, 256, 512 and 512. The early ones, at full
# size, take most of the time; the deep ones are cheap, and hold most of the weights.
WIDTHS = ((16, 16), (48, 48), (128, 128, 128, 128), (224, 224, 224), (320, 192))

# {layer of VGG19 that the network stands in for: its number of channels N}.
CHANNELS = {
    "block1_conv1": 64,
    "block2_conv1": 128,
    "block3_conv1": 256,
    "block4_conv1": 512,
    "block4_conv2": 512,
    "block5_conv1": 512,
    "block5_conv2": 512,
}

WEIGHTS_FILE = pathlib.Path(__file__).parent / "compact.weights.h5"
_SHA256 = "19c00e62b0d53f5d414d860a76573f6b57c391b309f788f0626c8a99a8c80b69"


def thin_network(
    widths: Sequence[Sequence[int]] = WIDTHS, *, kernel_initializer: str = "glorot_uniform"
) -> keras.Model:
    """Returns VGG's convolutions and poolings with other widths, without heads.

    Args:
        widths: The channels of each convolution, block by block.
        kernel_initializer: Keras's name for how the kernels begin; random by default.

    Returns:
        A model: BGR [batch, height, width, 3], centred as for VGG19 -> {layer: thin features after ReLU}. The layers
        are those in `CHANNELS` that the widths reach.
    """
    image = features = keras.Input((None, None, 3))
    outputs = {}
    for block, convolutions in enumerate(widths, 1):
        if block > 1:
            features = keras.layers.MaxPooling2D(2, name=f"thin{block - 1}_pool")(features)
        for number, width in enumerate(convolutions, 1):
            convolution = keras.layers.Conv2D(
                width,
                3,
                padding="same",
                activation="relu",
                kernel_initializer=kernel_initializer,
                name=f"thin{block}_conv{number}",
            )
            features = outputs[f"block{block}_conv{number}"] = convolution(features)
    return keras.Model(image, {name: outputs[name] for name in CHANNELS if name in outputs}, name="thin")


def network(weights: str | None = "imagenet", *, widths: Sequence[Sequence[int]] = WIDTHS) -> keras.Model:
    """Returns the compact network, whose layers in `CHANNELS` have VGG19's names and give the coordinates z.

    Args:
        weights: `"imagenet"` for the file that comes with the package, None for random weights, or the path of a file
            made by `training`.
        widths: The channels of each convolution, block by block.

    Returns:
        A model with VGG19's input, named "compact".

    Raises:
        OSError: The package's own file is missing or damaged.
        ValueError: The file belongs to another network.
    """
    initializer = "glorot_uniform" if weights is None else "zeros"  # A file's weights replace them at once.
    thin = thin_network(widths, kernel_initializer=initializer)
    # Keras's annotation leaves out outputs by name.
    by_name = thin.output.items()  # pyright: ignore[reportAttributeAccessIssue]
    coordinates = [
        keras.layers.Conv2D(features.shape[-1] + 1, 1, kernel_initializer=initializer, name=name)(features)
        for name, features in by_name
    ]
    model = keras.Model(thin.inputs[0], coordinates, name="compact")
    if weights is not None:
        model.load_weights(weights_files.packaged(WEIGHTS_FILE, _SHA256) if weights == "imagenet" else weights)
    return model
