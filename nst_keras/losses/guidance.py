"""Where each style goes: guidance maps, one a layer, that say how much each location counts.

Gatys, Ecker, Bethge, Hertzmann and Shechtman, "Controlling Perceptual Factors in Neural Style Transfer" (CVPR 2017,
arXiv 1611.07865), section 4.1: a guided Gram matrix is that of the features times a map T, normalised to sum T^2 = 1.

Here a location counts for what the mask is there: T^2 = mask / sum of mask. (Differs from the paper, which takes the
mask as T, because two soft masks that add up to 1 then count each location once in all; with masks of 0 and 1 there is
no difference.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

__all__ = ["Region", "everywhere", "guide"]


class Region(NamedTuple):
    """A part of the picture, and the style that it takes on.

    Attributes:
        images: One or more style images, float32 [1, height, width, 3], 0..255, of any sizes, whose styles are blended.
        blend: The share of each, 0 or more, 1 together.
        mask: float32 [1, picture's height, picture's width, 1], 0..1; None for all of the picture.
        strength: What its loss counts, beside those of other regions. The part of the picture that the mask covers
            makes the style as strong in a small region as in a large one.
    """

    images: Sequence[tf.Tensor]
    blend: Sequence[float]
    mask: tf.Tensor | None = None
    strength: float = 1.0


def everywhere(images: Sequence[tf.Tensor], blend: Sequence[float] | None = None) -> list[Region]:
    """The styles of these images, blended, in the whole picture; in equal shares if `blend` is left out."""
    return [Region(images, [1.0 / len(images)] * len(images) if blend is None else blend)]


def guide(mask: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """What each location of a layer counts: a mask, averaged over the pixels that lie in it.

    Args:
        mask: float32 [1, picture's height, picture's width, 1], 0..1.
        height: Of the layer.
        width: Likewise.

    Returns:
        float32 [1, height, width, 1], 0..1.
    """
    return tf.clip_by_value(tf.image.resize(mask, [height, width], method="area"), 0.0, 1.0)
