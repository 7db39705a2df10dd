"""Statistics of the first two moments: the Gram matrix, and mean and covariance, compared in two ways."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from nst_keras import losses
from nst_keras.statistics import base, matrix_root

__all__ = ["Covariance", "Gram", "Wasserstein"]


class Gram(base.StyleStatistic):
    """The Gram matrix; that of several styles is the mean of theirs, by their shares."""

    normalizations = tuple(losses.NORMALIZATIONS)

    def summary(self, features: tf.Tensor) -> dict[str, tf.Tensor]:
        """The Gram matrix per location, [batch, K, K]."""
        return {"gram": losses.gram_matrix(features, per_location=True)}

    def loss(
        self,
        features: tf.Tensor,
        target: dict[str, tf.Tensor],
        *,
        normalization: str,
        channels: int,
        guide: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """See `losses.style_loss`."""
        gram = losses.gram_matrix(features, per_location=True, guide=guide)
        return losses.style_loss(gram, target["gram"], normalization=normalization, channels=channels)


class Covariance(base.Relative):
    """1/2 ||m - m_s||^2 / ||m_s||^2 + 1/2 ||C - C_s||^2 / ||C_s||^2.

    The mean m_s and covariance C_s of several styles are those of all their points together, each style counting
    for its share.
    """

    def summary(self, features: tf.Tensor) -> dict[str, tf.Tensor]:
        """The mean [batch, 1, K] and the covariance [batch, K, K]."""
        mean, covariance = _moments(features)
        return {"mean": mean, "covariance": covariance}

    def target(self, summaries: Sequence[dict[str, tf.Tensor]], blend: Sequence[float]) -> dict[str, tf.Tensor]:
        """Mean and covariance of all points, and their Gram matrix, which tells their size."""
        average = super().target(summaries, blend)
        mean = average["mean"]
        covariance = average["covariance"] + base.mean([_square(one["mean"] - mean) for one in summaries], blend)
        return {"mean": mean, "covariance": covariance, "gram": covariance + _square(mean)}

    def distance(self, features: tf.Tensor, target: dict[str, tf.Tensor], guide: tf.Tensor | None = None) -> tf.Tensor:
        """See the class."""
        mean, covariance = _moments(features, guide)
        of_means = losses.content_loss(mean, target["mean"], normalization="relative")
        of_covariances = losses.style_loss(covariance, target["covariance"], normalization="relative")
        return 0.5 * (of_means + of_covariances)


class Wasserstein(Covariance):
    """(||m - m_s||^2 + tr C + tr C_s - 2 tr (C_s^1/2 C C_s^1/2)^1/2) / tr G_s/M, with m_s and C_s as for `Covariance`.

    Both covariances are those of blurred points, with `BLUR` tr G_s/M more on the diagonal: a singular matrix, as that
    of fewer points than dimensions is, has a root without a gradient.
    """

    BLUR = 5e-5

    def target(self, summaries: Sequence[dict[str, tf.Tensor]], blend: Sequence[float]) -> dict[str, tf.Tensor]:
        """As for `Covariance`, but the covariance blurred; and its root."""
        target = super().target(summaries, blend)
        covariance = self._blurred(target["covariance"], target["gram"])
        return {**target, "covariance": covariance, "root": matrix_root.root(covariance)}

    def distance(self, features: tf.Tensor, target: dict[str, tf.Tensor], guide: tf.Tensor | None = None) -> tf.Tensor:
        """See the class."""
        mean, covariance = _moments(features, guide)
        covariance = self._blurred(covariance, target["gram"])
        common = matrix_root.trace_of_root(target["root"] @ covariance @ target["root"])
        spread = tf.linalg.trace(covariance) + tf.linalg.trace(target["covariance"]) - 2.0 * common
        shift = tf.reduce_sum(tf.math.squared_difference(mean, target["mean"]), [1, 2])
        return tf.reduce_mean((shift + spread) / base.size(target["gram"]))

    def _blurred(self, covariance: tf.Tensor, target_gram: tf.Tensor) -> tf.Tensor:
        variance = self.BLUR * base.size(target_gram)[:, tf.newaxis, tf.newaxis]
        return covariance + variance * tf.eye(covariance.shape[-1])


def _moments(features: tf.Tensor, guide: tf.Tensor | None = None) -> tuple[tf.Tensor, tf.Tensor]:
    """Mean [batch, 1, K] and covariance [batch, K, K], of centred points: their difference would lose digits."""
    points = base.points(features)
    mean = tf.reduce_sum(points * base.weights(features, guide), 1, keepdims=True)
    return mean, losses.gram_matrix((points - mean)[:, tf.newaxis], per_location=True, guide=guide)


def _square(mean: tf.Tensor) -> tf.Tensor:
    """The matrix m m^T, [batch, K, K]."""
    return tf.matmul(mean, mean, transpose_a=True)
