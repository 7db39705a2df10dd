"""What an image is compared with: statistics of the style images, and features of the content image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol, cast

import tensorflow as tf

from nst_keras.losses import guidance, statistics
from nst_keras.networks import extractors
from nst_keras.objectives import remembered
from nst_keras.runtime import compilation

__all__ = [
    "Kept",
    "Reference",
    "StyleTarget",
    "Summaries",
    "Summarise",
    "Summary",
    "Targets",
    "guides_of",
    "style_targets",
    "whole_summary",
]

# A statistic's summary of one layer: float32 tensors by name.
Summary = dict[str, tf.Tensor]
# {layer: summary}.
Summaries = dict[str, Summary]


class Kept(NamedTuple):
    """A part of the picture that a run leaves as it is.

    Attributes:
        mask: float32 [1, height, width, 1], 1 where the picture is kept, 0 where it is painted.
        image: float32 [1, height, width, 3], 0..255: what stands there.
    """

    mask: tf.Tensor
    image: tf.Tensor


class Reference(NamedTuple):
    """The pictures that an image is compared with.

    Attributes:
        regions: Regions of the picture with the style images of each; `guidance.everywhere` makes them for styles of
            the whole picture. The style term is the sum over the regions. May be empty without style layers.
        content_image: float32 [1, height, width, 3], 0..255; None without content.
        kept: One part of the picture that is kept, or none.
    """

    regions: Sequence[guidance.Region]
    content_image: tf.Tensor | None = None
    kept: Sequence[Kept] = ()


class Summarise(Protocol):
    """Function that summarises one image, or the part of it that guides select."""

    def __call__(self, image: tf.Tensor, guides: dict[str, tf.Tensor], /) -> Summaries:
        """Returns {layer: summary} of an image, float32 [1, height, width, 3], 0..255.

        `guides` is {layer: how much each location counts, [1, layer's height, layer's width, 1]}; empty for 1 each.
        """
        ...


class StyleTarget(NamedTuple):
    """Style of one region of the picture.

    Attributes:
        layers: {layer: the statistic's target, float32 tensors by name}.
        guides: {layer: how much each location counts, float32 [1, height, width, 1], 0..1}; empty for a region that
            covers the whole picture.
        strength: Weight of the region's loss beside those of other regions, a float32 scalar.
    """

    layers: Summaries
    guides: dict[str, tf.Tensor]
    strength: tf.Tensor


class Targets(NamedTuple):
    """All that a whole image is compared with, as arguments of the compiled function.

    Attributes:
        style: One target per region; empty without style layers.
        content: {layer: P, the content image's features, [1, height, width, K]}; empty without content layers.
        kept: One part of the picture that is kept, or none.
    """

    style: list[StyleTarget]
    content: dict[str, tf.Tensor]
    kept: list[Kept]


def style_targets(
    statistic: statistics.StyleStatistic,
    extractor: extractors.FeatureExtractor,
    reference: Reference,
    *,
    strength: float = 1.0,
    summarise: Summarise | None = None,
    memory: remembered.Remembered | None = None,
) -> list[StyleTarget]:
    """Returns one target per region.

    A strength s below 1 blends the style with the content image's own, layer by layer: for Gram matrices the target is
    (1 - s) G(content) + s A.

    Args:
        statistic: Measures style.
        extractor: Network that gives the style layers, and no others.
        reference: The pictures, with one region or more.
        strength: s, 0..1.
        summarise: Function: image, guides -> {layer: summary}. Default: `whole_summary`.
        memory: Remembers the summaries. Default: each is computed.

    Raises:
        ValueError: A region without a style image, or no region; or no content image for a strength below 1.
    """
    regions = reference.regions
    if not regions or not all(len(region.images) for region in regions):
        raise ValueError(
            "regions has no style image, but style_layers are given. Give one style image or more to each."
        )
    if strength < 1.0 and reference.content_image is None:
        raise ValueError(f"strength={strength!r} needs a content image, whose own style fills the rest. Leave it out.")
    measure = _measure(
        summarise or whole_summary(statistic, extractor), remembered.Remembered(0) if memory is None else memory
    )
    return [_target(statistic, extractor, region, reference.content_image, strength, measure) for region in regions]


def whole_summary(statistic: statistics.StyleStatistic, extractor: extractors.FeatureExtractor) -> Summarise:
    """Returns a function that summarises an image as a whole: image, guides -> {layer: summary}."""

    def summaries_of(image: tf.Tensor, guides: dict[str, tf.Tensor]) -> Summaries:
        """Returns {layer: summary} of an image, float32 [1, height, width, 3]."""
        features = extractor(image)
        # Without guides, a statistic need not know of them.
        return {
            name: statistic.summary(features[name], guide=guides[name]) if guides else statistic.summary(features[name])
            for name in extractor.layers
        }

    return compilation.compiled(summaries_of, jit_compile="false", any_size=True)


def guides_of(region: guidance.Region, extractor: extractors.FeatureExtractor) -> dict[str, tf.Tensor]:
    """Returns {layer: how much each location counts}; empty for a region that covers the whole picture."""
    if region.mask is None:
        return {}
    height, width = cast("tuple[int, int]", region.mask.shape[1:3])
    sizes = extractor.sizes(height, width)
    return {name: guidance.guide(region.mask, *size) for name, size in sizes.items()}


def _measure(summarise: Summarise, memory: remembered.Remembered) -> Summarise:
    """Returns `summarise` with a memory."""

    def measure(image: tf.Tensor, guides: dict[str, tf.Tensor]) -> Summaries:
        """Returns {layer: summary} of an image, computed or remembered."""
        return memory.get("summary", (image, *guides.values()), lambda: summarise(image, guides))

    return measure


def _target(
    statistic: statistics.StyleStatistic,
    extractor: extractors.FeatureExtractor,
    region: guidance.Region,
    content_image: tf.Tensor | None,
    strength: float,
    measure: Summarise,
) -> StyleTarget:
    """Returns the target of a region: the blend of its styles, and of the content's own for a strength below 1."""
    guides = guides_of(region, extractor)
    # A style without a share is not summarised: its size would change at how many points other styles are sampled.
    shares = [(image, strength * share) for image, share in zip(region.images, region.blend, strict=True)]
    summaries = [(measure(image, {}), share) for image, share in shares if share]
    if strength < 1.0 and content_image is not None:
        summaries.append((measure(content_image, guides), 1.0 - strength))
    blend = [share for _, share in summaries]
    layers = {name: statistic.target([one[name] for one, _ in summaries], blend) for name in extractor.layers}
    return StyleTarget(layers, guides, tf.constant(region.strength, tf.float32))
