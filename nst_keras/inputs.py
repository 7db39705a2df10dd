"""The pictures that a run begins with: content, styles, and the start."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from nst_keras import checks, colour, digests, extractors, images, starts

__all__ = ["Inputs", "read"]


class Inputs(NamedTuple):
    """Pictures, float32 [1, height, width, 3], 0..255, as resized.

    Attributes:
        content_image: Gives the picture its size.
        style_images: One or more, of any sizes.
        content_target: What the picture's content is compared with: the content image, in the colours of the run.
        style_targets: Likewise, for each style image.
        initial_image: Where the picture starts, of the content image's size, likewise.
        content_size: Height and width of the content image before it was reduced.
        content_alpha: uint8, of that size, 255 where the content image is opaque; None if all of it is.
        preserve_color: A name in `colour.PRESERVATIONS`.
    """

    content_image: tf.Tensor
    style_images: list[tf.Tensor]
    content_target: tf.Tensor
    style_targets: list[tf.Tensor]
    initial_image: tf.Tensor
    content_size: tuple[int, int]
    content_alpha: np.ndarray | None
    preserve_color: str

    def seen(self, picture: tf.Tensor) -> tf.Tensor:
        """What the network sees of the picture, see `colour.Preservation`."""
        return colour.PRESERVATIONS[self.preserve_color].seen(picture)

    def finished(self, picture: tf.Tensor) -> tf.Tensor:
        """The picture as it is shown, likewise."""
        return colour.PRESERVATIONS[self.preserve_color].finished(picture, self.content_image)

    def check_sizes(self, extractor: extractors.FeatureExtractor) -> None:
        """Raises `ValueError` where a picture is too small for a network."""
        extractor.check_size("content_image", *self.content_image.shape[1:3])
        for image in self.style_images:
            extractor.check_size("style_image", *image.shape[1:3])

    def restarted(self, init: images.ImageSource, seed: int) -> Inputs:
        """The same with another start, as `read` takes it."""
        initial = starts.initial_image(init, self.content_image, self.style_targets, seed=seed)
        return self._replace(initial_image=colour.PRESERVATIONS[self.preserve_color].content(initial))

    def fingerprint(self) -> dict[str, Any]:
        """{argument: value, or SHA-256 of its pixels}, as `checkpoints` compares it."""
        pictures = {"content_image": [self.content_image], "style_image": self.style_images}
        pictures["init"] = [self.initial_image]
        sums = {name: f"sha256:{digests.digest(*tensors)}" for name, tensors in pictures.items()}
        return {**sums, "preserve_color": self.preserve_color}


def read(
    style_image: images.ImageSource | list[images.ImageSource],
    content_image: images.ImageSource,
    *,
    init: images.ImageSource,
    image_size: int | None,
    seed: int,
    preserve_color: str = "none",
) -> Inputs:
    """Reads them all.

    Args:
        style_image: As `images.load` takes it, or a list.
        content_image: As `images.load` takes it.
        init: As `starts.initial_image` takes it.
        image_size: Longest side in pixels that content and style are reduced to; None leaves them as they are.
        seed: Of the noise.
        preserve_color: A name in `colour.PRESERVATIONS`.

    Raises:
        ValueError, TypeError, OSError: As `images.load` and `starts.initial_image` do; an empty list; a bad size; an
            unknown name.
    """
    preservation = colour.PRESERVATIONS[checks.one_of("preserve_color", preserve_color, colour.PRESERVATIONS)]
    image_size = None if image_size is None else checks.integer("image_size", image_size)
    sources = list(style_image) if isinstance(style_image, (list, tuple)) else [style_image]
    if not sources:
        raise ValueError("style_image is an empty list. Give at least one image.")
    styles = [images.load(source, longest_side=image_size, argument="style_image") for source in sources]
    original, alpha = images.read(content_image, argument="content_image")
    content = original if image_size is None else images.resize(original, image_size)
    # Beyond 0..255 lies what no picture could come to.
    targets = [tf.clip_by_value(preservation.style(style, content), 0.0, 255.0) for style in styles]
    pictures = Inputs(
        content_image=content,
        style_images=styles,
        content_target=preservation.content(content),
        style_targets=targets,
        initial_image=content,
        content_size=tuple(original.shape[1:3]),
        content_alpha=alpha,
        preserve_color=preserve_color,
    )
    return pictures.restarted(init, seed)
