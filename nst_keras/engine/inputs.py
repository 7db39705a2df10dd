"""The pictures of a run at one size: content image, style images, masks, and the image that it starts from."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from nst_keras.images import colour, digests, resizing, starts
from nst_keras.losses import guidance
from nst_keras.networks import extractors
from nst_keras.objectives import targets

__all__ = ["Inputs"]


class Inputs(NamedTuple):
    """The pictures of a run at one size.

    Images are float32 [1, height, width, 3], 0..255; masks are float32 [1, height, width, 1], 0..1.

    Attributes:
        size: Height and width of the generated picture in pixels.
        content_image: The content image, of that size; None in a mode without content.
        content_target: The image that the content loss compares with: `content_image` after `preserve_color`.
        style_images: The style images, one or more, each of any size; empty in a mode without style.
        style_targets: The images that the style loss compares with: `style_images` after `preserve_color`.
        blend: Share of each style image, 0 or more; together 1.
        style_masks: Where each style goes, of the picture's size. Empty: all styles go everywhere.
        content_mask: Where the content image is kept unchanged, of the picture's size; None for nowhere.
        init: A name in `starts.STARTS`, or the image that the run starts from, of any size.
        seed: Seed of the noise, 0 or more.
        preserve_color: A name in `colour.PRESERVATIONS`.
        content_size: Height and width of the content image before it was reduced; None without one.
        content_alpha: Opacity of the content image before it was reduced, uint8 [height, width], 255 where opaque;
            None if all of it is opaque.
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
        """The image that the run starts from, float32 [1, height, width, 3], 0..255, of the picture's size."""
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
        """The regions of the picture, each with the styles that it takes on; none in a mode without style.

        A region is where its style mask is, less where the content image is kept.
        """
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

    @property
    def reference(self) -> targets.Reference:
        """What the picture is compared with, in the colours of the run."""
        kept = []
        if self.content_mask is not None and self.content_target is not None:
            kept = [targets.Kept(self.content_mask, self.content_target)]
        return targets.Reference(self.regions, self.content_target, kept)

    @property
    def seen(self) -> Callable[[tf.Tensor], tf.Tensor]:
        """Function of a picture to what the network sees of it: in the colours of the run."""
        return colour.PRESERVATIONS[self.preserve_color].seen

    def finished(self, picture: tf.Tensor) -> tf.Tensor:
        """Returns a picture as it is shown and saved.

        Args:
            picture: float32 [1, height, width, 3], 0..255, of any size.

        Returns:
            float32 [1, height, width, 3], of this size: in its final colours, with the content image where
            `content_mask` keeps it.
        """
        resized = resizing.resize_to(picture, *self.size)
        if self.content_image is None:  # Neither colours nor a part of it can be preserved.
            return resized
        finished = colour.PRESERVATIONS[self.preserve_color].finished
        return self._kept(finished(resized, self.content_image), self.content_image)

    def scaled(self, longest_side: int) -> Inputs:
        """Returns the same pictures at another size. Style images are scaled by the same factor.

        Args:
            longest_side: New longest side of the picture in pixels, 1 or more.
        """
        scale = longest_side / max(self.size)
        size = resizing.scaled_size(*self.size, scale)
        content = _resized(self.content_image, size)
        sizes = [resizing.scaled_size(*resizing.size_of(image), scale) for image in self.style_images]
        styles = [resizing.resize_to(image, *new) for image, new in zip(self.style_images, sizes, strict=True)]
        # A target that is the image itself must not take its memory twice.
        same = self.content_target is self.content_image
        return self._replace(
            size=size,
            content_image=content,
            content_target=content if same else _resized(self.content_target, size),
            style_images=styles,
            style_targets=[
                scaled if target is image else resizing.resize_to(target, *new)
                for image, scaled, target, new in zip(self.style_images, styles, self.style_targets, sizes, strict=True)
            ],
            style_masks=[guidance.guide(mask, *size) for mask in self.style_masks],
            content_mask=None if self.content_mask is None else guidance.guide(self.content_mask, *size),
        )

    def check_sizes(self, extractor: extractors.FeatureExtractor) -> None:
        """Checks that each picture is large enough for a network.

        Raises:
            ValueError: A picture is too small. The message names its argument and the least size.
        """
        if self.content_image is not None:
            extractor.check_size("content_image", *self.size)
        for image in self.style_images:
            extractor.check_size("style_image", *resizing.size_of(image))
        extractor.check_size("texture_size", *self.size)

    def fingerprint(self) -> dict[str, object]:
        """Returns {argument: value, or SHA-256 of its pixels}, which a resumed run compares."""
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
        """Returns the picture with the content where `content_mask` keeps it."""
        if self.content_mask is None or content is None:
            return picture
        return self.content_mask * content + (1.0 - self.content_mask) * picture


def _area(mask: tf.Tensor | None) -> float:
    """Returns the share of the picture that a mask covers, 0..1."""
    return 1.0 if mask is None else float(tf.reduce_mean(mask))


def _resized(image: tf.Tensor | None, size: tuple[int, int]) -> tf.Tensor | None:
    return None if image is None else resizing.resize_to(image, *size)
