"""Guidance maps, one per layer: how much each location counts for a style.

Gatys, Ecker, Bethge, Hertzmann and Shechtman, "Controlling Perceptual Factors in Neural Style Transfer" (CVPR 2017,
arXiv 1611.07865), section 4.1: a guided Gram matrix is that of the features times a map T, normalised to sum T^2 = 1.

Here a location counts as much as the mask says: T^2 = mask / sum of mask. So two soft masks that add up to 1 count each
location once. (The paper takes the mask as T. With masks of 0 and 1 there is no difference.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

__all__ = ["Region", "everywhere", "guide"]


class Region(NamedTuple):
    """A part of the picture, and the style that it takes on.

    Attributes:
        images: One or more style images, float32 [1, height, width, 3] in 0..255, of any sizes; their styles are
            blended.
        blend: The share of each style image, 0 or more; the shares sum to 1.
        mask: float32 [1, picture's height, picture's width, 1] in 0..1. Default: None, the whole picture.
        strength: The weight of the region's loss among those of all regions. Default: 1. The share of the picture that
            the mask covers makes the style as strong in a small region as in a large one.
    """

    images: Sequence[tf.Tensor]
    blend: Sequence[float]
    mask: tf.Tensor | None = None
    strength: float = 1.0


def everywhere(images: Sequence[tf.Tensor], blend: Sequence[float] | None = None) -> list[Region]:
    """Returns one region, the whole picture, which takes on the blended styles of some images.

    Args:
        images: One or more style images, float32 [1, height, width, 3] in 0..255.
        blend: The share of each; the shares sum to 1. Default: equal shares.
    """
    return [Region(images, [1.0 / len(images)] * len(images) if blend is None else blend)]


def guide(mask: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """Returns how much each location of a layer counts: the mean of a mask over the pixels that lie in it.

    Args:
        mask: float32 [1, picture's height, picture's width, 1] in 0..1.
        height: Height of the layer's features.
        width: Width of the layer's features.

    Returns:
        float32 [1, height, width, 1] in 0..1.
    """
    return tf.clip_by_value(tf.image.resize(mask, [height, width], method="area"), 0.0, 1.0)
