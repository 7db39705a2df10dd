"""What every style statistic is: a summary of features, and a distance from it."""

from __future__ import annotations

import abc
from collections.abc import Sequence

import keras
import tensorflow as tf

from nst_keras import losses

__all__ = ["Relative", "StyleStatistic", "mean", "points", "size", "weights"]


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


class Relative(StyleStatistic):
    """A statistic that is defined relative to the style's own size, with the Gram matrix in its target for the rest."""

    @abc.abstractmethod
    def distance(self, features: tf.Tensor, target: dict[str, tf.Tensor], guide: tf.Tensor | None = None) -> tf.Tensor:
        """The loss under `"relative"`, a float32 scalar."""

    def loss(
        self,
        features: tf.Tensor,
        target: dict[str, tf.Tensor],
        *,
        normalization: str,
        channels: int,
        guide: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """The distance, times the Gram loss of a picture without any features, which is 1 under `"relative"`."""
        gram = target["gram"]
        unit = losses.style_loss(tf.zeros_like(gram), gram, normalization=normalization, channels=channels)
        return unit * self.distance(features, target, guide)


def points(features: tf.Tensor) -> tf.Tensor:
    """Features as [batch, M, K]."""
    features = tf.cast(features, tf.float32)
    return tf.reshape(features, [tf.shape(features)[0], -1, features.shape[-1]])


def weights(features: tf.Tensor, guide: tf.Tensor | None) -> tf.Tensor:
    """What each point counts, 1 together: [1, M, 1]."""
    if guide is None:
        guide = tf.ones([1, *tf.unstack(tf.shape(features)[1:3]), 1])
    # In double precision: XLA adds one location after the other, whose rounding adds up to a thousandth at 512 px.
    counts = tf.cast(tf.reshape(guide, [1, -1, 1]), tf.float64)
    return tf.cast(counts / tf.maximum(tf.reduce_sum(counts), keras.config.epsilon()), tf.float32)


def mean(values: Sequence[tf.Tensor], blend: Sequence[float]) -> tf.Tensor:
    """Their mean, each counting for its share of a blend, 1 together."""
    return tf.add_n([share * value for share, value in zip(blend, values, strict=True)])


def size(target_gram: tf.Tensor) -> tf.Tensor:
    """The trace of G_s/M, [batch]; its floor is that of `losses`, for a style without any features."""
    return tf.maximum(tf.linalg.trace(target_gram), keras.config.epsilon())
