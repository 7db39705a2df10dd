"""Where a picture starts: at the content image, at noise, at the style image, or at an image of yours."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

import tensorflow as tf

from nst_keras import checks
from nst_keras.images import loading, resizing

__all__ = ["STARTS", "initial_image", "read", "white_noise"]


def read(init: loading.ImageSource) -> str | tf.Tensor:
    """What an `init` names: a name in `STARTS`, or the image, float32 [1, height, width, 3], 0..255.

    Raises:
        ValueError: Neither a name nor an image; and what `loading.load` raises.
    """
    if isinstance(init, str) and init in STARTS:
        return init
    if isinstance(init, str) and init.isidentifier() and not os.path.exists(init):
        raise ValueError(f"{checks.unknown_name('init', init, STARTS)[:-1]}, or give an image.")
    return loading.load(init, argument="init")


def initial_image(
    init: str | tf.Tensor,
    *,
    size: tuple[int, int],
    content_image: tf.Tensor | None,
    style_images: Sequence[tf.Tensor],
    seed: int,
) -> tf.Tensor:
    """The image that a run starts from; others than the content are scaled and cut to its size, never squashed.

    Args:
        init: As `read` gives it.
        size: Height and width.
        content_image: float32 [1, height, width, 3], 0..255, of that size; None where there is none.
        style_images: Likewise, of any sizes; the first counts.
        seed: Of the noise.

    Returns:
        float32 [1, height, width, 3], 0..255.

    Raises:
        ValueError: A start at an image that there is none of.
    """
    start = STARTS[init](size, content_image, style_images, seed) if isinstance(init, str) else init
    if start is None:
        raise ValueError(f"init={init!r}, but there is no {init} image here. Start from 'noise', or give an image.")
    return resizing.cover(start, *size)


def white_noise(height: int, width: int, *, seed: int) -> tf.Tensor:
    """White noise of one level's standard deviation around mid-grey, the same for the same seed.

    As faint as in the code that Gatys published: what a network does not see of a stronger one stays as speckle, at
    30 levels twice the high frequencies of the picture, for no lower loss.

    Returns:
        float32 [1, height, width, 3], 0..255.
    """
    return tf.random.stateless_normal([1, height, width, 3], [seed, 0], mean=127.5)


STARTS: dict[str, Callable[..., tf.Tensor | None]] = {
    "content": lambda size, content, styles, seed: content,
    "noise": lambda size, content, styles, seed: white_noise(*size, seed=seed),
    "style": lambda size, content, styles, seed: styles[0] if styles else None,
}
