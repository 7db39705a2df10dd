"""VGG's networks as Keras builds them, for weights from a file: Keras itself first draws millions of random numbers."""

from __future__ import annotations

from collections.abc import Sequence

import keras

__all__ = ["WIDTHS", "network"]

# {name: channels of each convolution, block by block}.
WIDTHS = {
    "vgg16": ((64,) * 2, (128,) * 2, (256,) * 3, (512,) * 3, (512,) * 3),
    "vgg19": ((64,) * 2, (128,) * 2, (256,) * 4, (512,) * 4, (512,) * 4),
}


def network(name: str, weights: str) -> keras.Model:
    """Returns the same network without its top as `keras.applications.VGG19`, or `VGG16`, with the weights of a file.

    Args:
        name: A name in `WIDTHS`.
        weights: The path of a Keras weights file.
    """
    model = _empty(name, WIDTHS[name])
    model.load_weights(weights)
    return model


def _empty(name: str, widths: Sequence[Sequence[int]]) -> keras.Model:
    """Returns the network, all of whose weights are zero."""
    image = features = keras.Input((None, None, 3))
    for block, convolutions in enumerate(widths, 1):
        for number, width in enumerate(convolutions, 1):
            features = keras.layers.Conv2D(
                width,
                3,
                padding="same",
                activation="relu",
                kernel_initializer="zeros",
                name=f"block{block}_conv{number}",
            )(features)
        features = keras.layers.MaxPooling2D(2, name=f"block{block}_pool")(features)
    return keras.Model(image, features, name=name)
