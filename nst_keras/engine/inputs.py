"""The pictures of a run: content, styles, masks, and the start, at each size that it goes through."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from nst_keras.images import colour, digests, resizing, starts
from nst_keras.losses import guidance
from nst_keras.networks import extractors

__all__ = ["Inputs"]


class Inputs(NamedTuple):
    """Pictures, float32 [1, height, width, 3], 0..255, and masks, float32 [1, height, width, 1], 0..1, as resized.

    Attributes:
        size: Height and width of the picture that is made.
        content_image: Of that size; None for a run without content.
        content_target: What the picture's content is compared with: the content image, in the colours of the run.
        style_images: Any number, of any sizes.
        style_targets: What the picture's style is compared with: the style images, in the colours of the run.
        blend: The share of each style, 1 together.
        style_masks: Where each style goes, of the picture's size; empty where all go everywhere.
        content_mask: Where the content image is kept as it is, of the picture's size; None for nowhere.
        init: A name in `starts.STARTS`, or the image that the picture starts from, of any size.
        seed: Of the noise.
        preserve_color: A name in `colour.PRESERVATIONS`.
        content_size: Height and width of the content image before it was reduced; None without one.
        content_alpha: uint8, of that size, 255 where the content image is opaque; None if all of it is.
    """

    size: tuple[int, int]
    content_image: tf.Tensor | None
    content_target: tf.Tensor | None
    style_images: list[tf.Tensor]
    style_targets: list[tf.Tensor]
    blend: list[float]
    style_masks: list[tf.Tensor]
    content_mask: tf.Tensor | None
    init: str | tf.Tensor
    seed: int
    preserve_color: str = "none"
    content_size: tuple[int, int] | None = None
    content_alpha: np.ndarray | None = None

    @property
    def initial_image(self) -> tf.Tensor:
        """Where the picture starts, of its size."""
        initial = starts.initial_image(
            self.init,
            size=self.size,
            content_image=self.content_image,
            style_images=self.style_targets,
            seed=self.seed,
        )
        return colour.PRESERVATIONS[self.preserve_color].content(initial)

    @property
    def regions(self) -> list[guidance.Region]:
        """Where the picture takes on which style: where each one's mask is, and the content image is not kept."""
        painted = None if self.content_mask is None else 1.0 - self.content_mask
        if not self.style_targets:
            return []
        if not self.style_masks:
            return [guidance.Region(self.style_targets, self.blend, painted, _area(painted))]
        masks = [mask if painted is None else mask * painted for mask in self.style_masks]
        return [
            guidance.Region([target], [1.0], mask, len(masks) * share * _area(mask))
            for target, share, mask in zip(self.style_targets, self.blend, masks, strict=True)
        ]

    def seen(self, picture: tf.Tensor) -> tf.Tensor:
        """What the network sees of a picture of this size, between two steps."""
        return self._kept(colour.PRESERVATIONS[self.preserve_color].seen(picture), self.content_target)

    def finished(self, picture: tf.Tensor) -> tf.Tensor:
        """A picture of any size as it is shown: of this size, in its colours, with what is kept of the content."""
        finished = colour.PRESERVATIONS[self.preserve_color].finished
        return self._kept(finished(resizing.resize_to(picture, *self.size), self.content_image), self.content_image)

    def scaled(self, longest_side: int) -> Inputs:
        """The same at another size, to which the styles are scaled along."""
        scale = longest_side / max(self.size)
        size = resizing.scaled_size(*self.size, scale)
        content = _resized(self.content_image, size)
        styles = [_resized(image, resizing.scaled_size(*image.shape[1:3], scale)) for image in self.style_images]
        # A target that is the image itself is not to take its memory twice.
        same = self.content_target is self.content_image
        pairs = zip(self.style_images, styles, self.style_targets, strict=True)
        return self._replace(
            size=size,
            content_image=content,
            content_target=content if same else _resized(self.content_target, size),
            style_images=styles,
            style_targets=[
                scaled if target is image else _resized(target, tuple(scaled.shape[1:3]))
                for image, scaled, target in pairs
            ],
            style_masks=[guidance.guide(mask, *size) for mask in self.style_masks],
            content_mask=None if self.content_mask is None else guidance.guide(self.content_mask, *size),
        )

    def check_sizes(self, extractor: extractors.FeatureExtractor) -> None:
        """Raises `ValueError` where a picture is too small for a network."""
        if self.content_image is not None:
            extractor.check_size("content_image", *self.size)
        for image in self.style_images:
            extractor.check_size("style_image", *image.shape[1:3])
        extractor.check_size("texture_size", *self.size)

    def fingerprint(self) -> dict[str, Any]:
        """{argument: value, or SHA-256 of its pixels}, as `checkpoints` compares it."""
        pictures = {
            "content_image": [] if self.content_image is None else [self.content_image],
            "style_image": self.style_targets,
            "style_mask": self.style_masks,
            "content_mask": [] if self.content_mask is None else [self.content_mask],
            "init": [self.initial_image],
        }
        sums = {name: f"sha256:{digests.digest(*tensors)}" for name, tensors in pictures.items()}
        return {**sums, "preserve_color": self.preserve_color, "style_blend": self.blend}

    def _kept(self, picture: tf.Tensor, content: tf.Tensor | None) -> tf.Tensor:
        if self.content_mask is None:
            return picture
        return self.content_mask * content + (1.0 - self.content_mask) * picture


def _area(mask: tf.Tensor | None) -> float:
    """The part of the picture that a mask covers."""
    return 1.0 if mask is None else float(tf.reduce_mean(mask))


def _resized(image: tf.Tensor | None, size: tuple[int, int]) -> tf.Tensor | None:
    return None if image is None else resizing.resize_to(image, *size)
