"""The interface of every style statistic: a summary of features, and a distance from it."""

from __future__ import annotations

import abc
from collections.abc import Sequence

import tensorflow as tf

from nst_keras import losses
from nst_keras.losses import shapes

__all__ = ["Additive", "StyleStatistic", "count", "mean", "points", "size", "unit"]


class StyleStatistic(abc.ABC):
    """A property of a layer's features that counts as style.

    Features are [batch, height, width, K], of any floating type: K coordinates of N channels. All else is float32. An
    object of a subclass can be given wherever a name in `STATISTICS` can.

    Attributes:
        normalizations: The names in `losses.NORMALIZATIONS` for which it is defined.
    """

    normalizations: tuple[str, ...] = ("mean", "relative")

    @abc.abstractmethod
    def summary(self, features: tf.Tensor, guide: tf.Tensor | None = None) -> dict[str, tf.Tensor]:
        """Returns {name: tensor}: what is kept of the features of one style image.

        Args:
            features: Features of the style image; for a strength below 1 also of the content image.
            guide: The weight of each location, [1, height, width, 1], 0 or more. Only a strength below 1 beside masks
                gives one. Default: 1 each.
        """

    def target(self, summaries: Sequence[dict[str, tf.Tensor]], blend: Sequence[float]) -> dict[str, tf.Tensor]:
        """Returns what the picture is compared with. Default: the weighted mean of the summaries.

        Args:
            summaries: The summary of each style image.
            blend: The share of each style image; the shares sum to 1.
        """
        return {name: mean([one[name] for one in summaries], blend) for name in summaries[0]}

    @abc.abstractmethod
    def measured(
        self, features: tf.Tensor, target: dict[str, tf.Tensor], guide: tf.Tensor | None = None
    ) -> dict[str, tf.Tensor]:
        """Returns {name: tensor}: what the loss needs of the picture's features; the arguments are those of `loss`."""

    @abc.abstractmethod
    def score(
        self, measured: dict[str, tf.Tensor], target: dict[str, tf.Tensor], *, normalization: str, channels: int
    ) -> tf.Tensor:
        """Returns the loss of a picture, from the result of `measured`; the other arguments are those of `loss`."""

    def loss(
        self,
        features: tf.Tensor,
        target: dict[str, tf.Tensor],
        *,
        normalization: str,
        channels: int,
        guide: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Returns the distance of the picture's features from the style's.

        Args:
            features: The picture's features; height and width may differ from the style's.
            target: The result of the method `target`.
            normalization: One of `normalizations`.
            channels: N.
            guide: The weight of each location, [1, height, width, 1], 0 or more, see `guidance`. Default: 1 each.

        Returns:
            A float32 scalar; 0, but for rounding, where they agree.
        """
        measured = self.measured(features, target, guide)
        return self.score(measured, target, normalization=normalization, channels=channels)


class Additive(StyleStatistic):
    """A statistic of sums over locations, which can be added up over parts of a picture."""

    @abc.abstractmethod
    def summary(self, features: tf.Tensor, guide: tf.Tensor | None = None) -> dict[str, tf.Tensor]:
        """Returns {name: tensor}: what is kept of the features of one style image, or of a part of it.

        Parts are put together by `merged`, where each has the share of the guide's sum that lies in it.

        Args:
            features: Features of the style image, or of the part.
            guide: The weight of each location, [1, height, width, 1], 0 or more. Default: 1 each.
        """

    def merged(self, summaries: Sequence[dict[str, tf.Tensor]], shares: Sequence[float]) -> dict[str, tf.Tensor]:
        """Returns the summary of several parts together.

        Args:
            summaries: The summary of each part.
            shares: The share of each part; the shares sum to 1.
        """
        return {name: mean([one[name] for one in summaries], shares) for name in summaries[0]}

    @abc.abstractmethod
    def sums(
        self, features: tf.Tensor, target: dict[str, tf.Tensor], guide: tf.Tensor | None = None
    ) -> dict[str, tf.Tensor]:
        """Returns {name: tensor}: sums over locations, weighted by the guide; the arguments are those of `loss`."""

    def measured(
        self, features: tf.Tensor, target: dict[str, tf.Tensor], guide: tf.Tensor | None = None
    ) -> dict[str, tf.Tensor]:
        """Returns the sums, divided by the sum of the guide."""
        counted = count(guide, tf.shape(features)[1:3])
        return {name: total / counted for name, total in self.sums(features, target, guide).items()}


def unit(target_gram: tf.Tensor, *, normalization: str, channels: int) -> tf.Tensor:
    """Returns the Gram loss of a picture without any features, a scalar; 1 under `"relative"`.

    Statistics that are relative to the style's own size are multiplied by it.
    """
    return losses.style_loss(tf.zeros_like(target_gram), target_gram, normalization=normalization, channels=channels)


def count(guide: tf.Tensor | None, size: Sequence[int] | tf.Tensor) -> tf.Tensor:
    """Returns the sum of the weights of all locations of a layer, a float32 scalar above 0.

    Args:
        guide: The weight of each location, [1, height, width, 1]; None for 1 each.
        size: Height and width of the layer.
    """
    if guide is None:
        return tf.cast(tf.reduce_prod(size), tf.float32)
    # Float32 would lose digits of this long a sum. Where it is 0, so are the sums, whatever their divisor.
    return tf.maximum(tf.cast(tf.reduce_sum(tf.cast(guide, tf.float64)), tf.float32), shapes.FLOOR)


def points(features: tf.Tensor) -> tf.Tensor:
    """Returns features [batch, height, width, K] as points, float32 [batch, M, K]."""
    features = tf.cast(features, tf.float32)
    return tf.reshape(features, [tf.shape(features)[0], -1, shapes.known(features, -1)])


def mean(values: Sequence[tf.Tensor], blend: Sequence[float]) -> tf.Tensor:
    """Returns the weighted mean of values, whose shares of a blend sum to 1."""
    return tf.add_n([share * value for share, value in zip(blend, values, strict=True)])


def size(target_gram: tf.Tensor) -> tf.Tensor:
    """Returns the trace of G_s/M, [batch]. It has the floor that `losses` uses, for a style without any features."""
    return tf.maximum(tf.linalg.trace(target_gram), shapes.FLOOR)
