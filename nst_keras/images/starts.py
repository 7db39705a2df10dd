"""Images that a run starts from: the content image, noise, the style image, or an image of the user."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

import tensorflow as tf

from nst_keras import checks
from nst_keras.images import loading, resizing

__all__ = ["STARTS", "initial_image", "read", "white_noise"]


def read(init: loading.ImageSource) -> str | tf.Tensor:
    """Returns an `init` as a name in `STARTS`, or loaded as an image, float32 [1, height, width, 3], 0..255.

    Raises:
        ValueError: Neither a name in `STARTS` nor an image.
        OSError: The file or URL cannot be read.
        TypeError: An `init` of another type.
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
    """Returns the image that a run starts from. An image of another size is scaled and cropped, never squashed.

    Args:
        init: A name in `STARTS`, or an image, float32 [1, any height, any width, 3], 0..255.
        size: Height and width of the picture.
        content_image: float32 [1, height, width, 3], 0..255, of that size. None in a run without content.
        style_images: float32 [1, any height, any width, 3], 0..255, each. `"style"` starts from the first.
        seed: Seed of the noise.

    Returns:
        float32 [1, height, width, 3], 0..255.

    Raises:
        ValueError: `init` names the content or style image, but there is none.
    """
    start = STARTS[init](size, content_image, style_images, seed) if isinstance(init, str) else init
    if start is None:
        raise ValueError(f"init={init!r}, but there is no {init} image here. Start from 'noise', or give an image.")
    return resizing.cover(start, *size)


def white_noise(height: int, width: int, *, seed: int) -> tf.Tensor:
    """Returns white noise around mid-grey, with a standard deviation of one level; the same for the same seed.

    It is as faint as in the code that Gatys published. Of stronger noise, what the network does not see stays as
    speckle: with a deviation of 30 levels, twice the picture's high frequencies, and no lower loss.

    Returns:
        float32 [1, height, width, 3], 0..255.
    """
    return tf.random.stateless_normal([1, height, width, 3], (seed, 0), mean=127.5)


STARTS: dict[str, Callable[..., tf.Tensor | None]] = {
    "content": lambda size, content, styles, seed: content,
    "noise": lambda size, content, styles, seed: white_noise(*size, seed=seed),
    "style": lambda size, content, styles, seed: styles[0] if styles else None,
}
