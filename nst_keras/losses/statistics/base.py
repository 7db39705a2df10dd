"""What every style statistic is: a summary of features, and a distance from it."""

from __future__ import annotations

import abc
from collections.abc import Sequence

import keras
import tensorflow as tf

from nst_keras import losses

__all__ = ["Additive", "StyleStatistic", "count", "mean", "points", "size", "unit"]


class StyleStatistic(abc.ABC):
    """What of a layer's features counts as style; a new one is a subclass, a line in `STATISTICS` and a test.

    Features are [batch, height, width, K], of any floating type: K coordinates of N channels. All else is float32.

    Attributes:
        normalizations: The names in `losses.NORMALIZATIONS` under which it has a meaning.
    """

    normalizations: tuple[str, ...] = ("mean", "relative")

    @abc.abstractmethod
    def summary(self, features: tf.Tensor) -> dict[str, tf.Tensor]:
        """What is kept of the features of one style image."""

    def target(self, summaries: Sequence[dict[str, tf.Tensor]], blend: Sequence[float]) -> dict[str, tf.Tensor]:
        """What the picture is compared with, made once, of one or more style images' summaries: their weighted mean.

        Args:
            summaries: Of each style image.
            blend: The share of each, 1 together.
        """
        return {name: mean([one[name] for one in summaries], blend) for name in summaries[0]}

    @abc.abstractmethod
    def measured(
        self, features: tf.Tensor, target: dict[str, tf.Tensor], guide: tf.Tensor | None = None
    ) -> dict[str, tf.Tensor]:
        """What of the picture's features the loss is a function of; the arguments are those of `loss`."""

    @abc.abstractmethod
    def score(
        self, measured: dict[str, tf.Tensor], target: dict[str, tf.Tensor], *, normalization: str, channels: int
    ) -> tf.Tensor:
        """The loss of a picture whose features are `measured` so."""

    def loss(
        self,
        features: tf.Tensor,
        target: dict[str, tf.Tensor],
        *,
        normalization: str,
        channels: int,
        guide: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """How far the picture's features are from the style's.

        Args:
            features: The picture's; height and width need not be the style's.
            target: As the method `target` gives it.
            normalization: One of `normalizations`.
            channels: N.
            guide: [1, height, width, 1], 0 or more: what each location counts, see `guidance`; all alike if left out.

        Returns:
            A float32 scalar; 0, but for rounding, where they agree.
        """
        measured = self.measured(features, target, guide)
        return self.score(measured, target, normalization=normalization, channels=channels)


class Additive(StyleStatistic):
    """A statistic that knows the picture's features by sums over its locations, which its parts can add up apart."""

    @abc.abstractmethod
    def summary(self, features: tf.Tensor, guide: tf.Tensor | None = None) -> dict[str, tf.Tensor]:
        """What is kept of the features of one style image, or of a part of it.

        Args:
            features: Of the style image.
            guide: As `loss` takes it. Several parts `merged`, each with the share of what the guide counts there,
                are the whole.
        """

    def merged(self, summaries: Sequence[dict[str, tf.Tensor]], shares: Sequence[float]) -> dict[str, tf.Tensor]:
        """The summary of several parts together, of their summaries and the share of each, 1 together."""
        return {name: mean([one[name] for one in summaries], shares) for name in summaries[0]}

    @abc.abstractmethod
    def sums(
        self, features: tf.Tensor, target: dict[str, tf.Tensor], guide: tf.Tensor | None = None
    ) -> dict[str, tf.Tensor]:
        """The sums over locations, each counted as the guide says; the arguments are those of `loss`."""

    def measured(
        self, features: tf.Tensor, target: dict[str, tf.Tensor], guide: tf.Tensor | None = None
    ) -> dict[str, tf.Tensor]:
        """The sums, divided by what all locations count together."""
        counted = count(guide, tf.shape(features)[1:3])
        return {name: total / counted for name, total in self.sums(features, target, guide).items()}


def unit(target_gram: tf.Tensor, *, normalization: str, channels: int) -> tf.Tensor:
    """The Gram loss of a picture without any features, a scalar; 1 under `"relative"`.

    What a statistic that is defined relative to the style's own size is multiplied by, under another normalization.
    """
    return losses.style_loss(tf.zeros_like(target_gram), target_gram, normalization=normalization, channels=channels)


def count(guide: tf.Tensor | None, size: Sequence[int] | tf.Tensor) -> tf.Tensor:
    """What all locations of a layer count together, a float32 scalar.

    Args:
        guide: What each counts, [1, height, width, 1]; 1 each for None.
        size: Height and width of the layer.
    """
    if guide is None:
        return tf.cast(tf.reduce_prod(size), tf.float32)
    # Float32 would lose digits of so long a sum; of one that is 0 the sums are 0, whatever they are divided by.
    return tf.maximum(tf.cast(tf.reduce_sum(tf.cast(guide, tf.float64)), tf.float32), keras.config.epsilon())


def points(features: tf.Tensor) -> tf.Tensor:
    """Features as [batch, M, K]."""
    features = tf.cast(features, tf.float32)
    return tf.reshape(features, [tf.shape(features)[0], -1, features.shape[-1]])


def mean(values: Sequence[tf.Tensor], blend: Sequence[float]) -> tf.Tensor:
    """Their mean, each counting for its share of a blend, 1 together."""
    return tf.add_n([share * value for share, value in zip(blend, values, strict=True)])


def size(target_gram: tf.Tensor) -> tf.Tensor:
    """The trace of G_s/M, [batch]; its floor is that of `losses`, for a style without any features."""
    return tf.maximum(tf.linalg.trace(target_gram), keras.config.epsilon())
