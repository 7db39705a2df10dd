"""Where a picture starts: at the content image, at noise, at the style image, or at an image of yours."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

import tensorflow as tf

from nst_keras import checks, images

__all__ = ["STARTS", "initial_image", "white_noise"]


def initial_image(
    init: images.ImageSource, content_image: tf.Tensor, style_images: Sequence[tf.Tensor], *, seed: int
) -> tf.Tensor:
    """The image that a run starts from, of the content image's size; others are scaled and cut to it, never squashed.

    Args:
        init: A name in `STARTS`, or an image, as `images.load` takes it.
        content_image: float32 [1, height, width, 3], 0..255.
        style_images: Likewise, of any sizes; the first counts.
        seed: Of the noise.

    Returns:
        float32 [1, height, width, 3], 0..255.

    Raises:
        ValueError: Neither a name nor an image; and what `images.load` raises.
    """
    if isinstance(init, str) and init in STARTS:
        return STARTS[init](content_image, style_images, seed)
    if isinstance(init, str) and init.isidentifier() and not os.path.exists(init):
        raise ValueError(f"{checks.unknown_name('init', init, STARTS)[:-1]}, or give an image.")
    return images.cover(images.load(init, argument="init"), *content_image.shape[1:3])


def white_noise(height: int, width: int, *, seed: int) -> tf.Tensor:
    """White noise of one level's standard deviation around mid-grey, the same for the same seed.

    As faint as in the code that Gatys published: what a network does not see of a stronger one stays as speckle, at
    30 levels twice the high frequencies of the picture, for no lower loss.

    Returns:
        float32 [1, height, width, 3], 0..255.
    """
    return tf.random.stateless_normal([1, height, width, 3], [seed, 0], mean=127.5)


STARTS: dict[str, Callable[[tf.Tensor, Sequence[tf.Tensor], int], tf.Tensor]] = {
    "content": lambda content, styles, seed: content,
    "noise": lambda content, styles, seed: white_noise(*content.shape[1:3], seed=seed),
    "style": lambda content, styles, seed: images.cover(styles[0], *content.shape[1:3]),
}
