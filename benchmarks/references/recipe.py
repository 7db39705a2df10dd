"""What a recipe is given, and what it gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:  # Recipes in PyTorch run without it.
    import keras

__all__ = [
    "CONTENT_LAYER",
    "GRAM_LOSS",
    "STYLE_LAYERS",
    "TUTORIAL_CONTENT_LAYER",
    "TUTORIAL_LOSS",
    "WASSERSTEIN_LOSS",
    "GramLoss",
    "Iterate",
    "Kernels",
    "Recipe",
    "Task",
    "TutorialLoss",
    "WassersteinLoss",
    "convolutions",
]

# Both implementations name layers after the paper: relu1_1 is Keras's `block1_conv1`, whose output is after the ReLU.
STYLE_LAYERS = tuple(f"block{block}_conv1" for block in range(1, 6))
CONTENT_LAYER = "block4_conv2"
TUTORIAL_CONTENT_LAYER = "block5_conv2"

# {layer: kernel [3, 3, channels, filters] and bias}.
Kernels = Mapping[str, tuple[np.ndarray, np.ndarray]]


class GramLoss(NamedTuple):
    """neural-style-pt's loss: of each layer mean ((G - A) / (N M))^2, mean (F - P)^2, and sum |difference|."""

    style_weight: float = 100.0
    content_weight: float = 5.0
    var_weight: float = 1e-3


class TutorialLoss(NamedTuple):
    """The tutorial's: the mean over layers of mean ((G - A) / M)^2, mean (F - P)^2, and sum |difference| in 0..1."""

    style_weight: float = 1e-2
    content_weight: float = 1e4
    var_weight: float = 30.0


class WassersteinLoss(NamedTuple):
    """style-transfer-pytorch's: Wasserstein-2 distances of features, their mean squares, and nine-point differences.

    Its network was trained on pixels divided by their standard deviation; that of Keras has features `feature_scale`
    times as large, whose losses are divided by its square here.
    """

    style_weights: tuple[float, ...] = tuple(weight / 341 for weight in (256, 64, 16, 4, 1))
    content_weight: float = 0.015
    var_weight: float = 2.0
    feature_scale: float = 255 * 0.226  # The mean of the three channels' standard deviations.


GRAM_LOSS, TUTORIAL_LOSS, WASSERSTEIN_LOSS = GramLoss(), TutorialLoss(), WassersteinLoss()


class Task(NamedTuple):
    """A pair of pictures, and the network.

    Attributes:
        content: float32 [1, height, width, 3], RGB, 0..255.
        style: float32 [1, height, width, 3], 0..255, of any size.
        start: Where the picture starts, of the content's shape.
        network: Keras's VGG19 with its weights, to block5_conv1 or further. For recipes in PyTorch, its convolutions
            alone will do, in the network's order.
    """

    content: np.ndarray
    style: np.ndarray
    start: np.ndarray
    network: keras.Model | Kernels


class Iterate(NamedTuple):
    """What an evaluation led to.

    Attributes:
        loss: The recipe's own figure, of the picture that was evaluated.
        picture: Makes the picture that the recipe has now, float32 [1, height, width, 3]; off the clock.
        exact: Measures that picture's loss in float32, off the clock, where the recipe's own figure is of less.
    """

    loss: float
    picture: Callable[[], np.ndarray]
    exact: Callable[[], float] | None = None


Recipe = Callable[[Task], Iterator[Iterate]]


def convolutions(network: keras.Model | Kernels) -> Kernels:
    """{layer: kernel [3, 3, channels, filters] and bias}, in the network's order."""
    if isinstance(network, Mapping):
        return network
    import keras  # noqa: PLC0415  See above.

    return {
        layer.name: tuple(layer.get_weights()) for layer in network.layers if isinstance(layer, keras.layers.Conv2D)
    }
