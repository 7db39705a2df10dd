"""Statistics of the first two moments: the Gram matrix; mean and covariance, compared in two ways."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from nst_keras import losses
from nst_keras.losses import shapes
from nst_keras.losses.statistics import base, matrix_root

__all__ = ["Covariance", "Gram", "Wasserstein"]


class Gram(base.Additive):
    """The Gram matrix; that of several styles is the mean of their Gram matrices, weighted by their shares."""

    normalizations = tuple(losses.NORMALIZATIONS)

    def summary(self, features: tf.Tensor, guide: tf.Tensor | None = None) -> dict[str, tf.Tensor]:
        """Returns the Gram matrix per location, [batch, K, K]."""
        return {"gram": losses.gram_matrix(features, per_location=True, guide=guide)}

    def sums(
        self, features: tf.Tensor, target: dict[str, tf.Tensor], guide: tf.Tensor | None = None
    ) -> dict[str, tf.Tensor]:
        """Returns the Gram matrix, [batch, K, K]."""
        return {"gram": losses.gram_matrix(features, guide=guide)}

    def score(
        self, measured: dict[str, tf.Tensor], target: dict[str, tf.Tensor], *, normalization: str, channels: int
    ) -> tf.Tensor:
        """Returns `losses.style_loss` of the Gram matrices."""
        return losses.style_loss(measured["gram"], target["gram"], normalization=normalization, channels=channels)


class Covariance(base.Additive):
    """1/2 ||m - m_s||^2 / ||m_s||^2 + 1/2 ||C - C_s||^2 / ||C_s||^2.

    The mean m_s and covariance C_s of several styles are those of all their points together, each style weighted by its
    share.
    """

    def summary(self, features: tf.Tensor, guide: tf.Tensor | None = None) -> dict[str, tf.Tensor]:
        """Returns the mean [batch, 1, K] and the covariance [batch, K, K]."""
        points, count = base.points(features), base.count(guide, tf.shape(features)[1:3])
        mean = _total(points, guide) / count
        return {"mean": mean, "covariance": _products(points - mean, guide) / count}

    def merged(self, summaries: Sequence[dict[str, tf.Tensor]], shares: Sequence[float]) -> dict[str, tf.Tensor]:
        """Returns the mean and the covariance of all points."""
        average = super().merged(summaries, shares)
        mean = average["mean"]
        apart = base.mean([_square(one["mean"] - mean) for one in summaries], shares)
        return {"mean": mean, "covariance": average["covariance"] + apart}

    def target(self, summaries: Sequence[dict[str, tf.Tensor]], blend: Sequence[float]) -> dict[str, tf.Tensor]:
        """Returns the mean and the covariance of all points, and their Gram matrix, which gives the style's size."""
        merged = self.merged(summaries, blend)
        return {**merged, "gram": merged["covariance"] + _square(merged["mean"])}

    def sums(
        self, features: tf.Tensor, target: dict[str, tf.Tensor], guide: tf.Tensor | None = None
    ) -> dict[str, tf.Tensor]:
        """Returns the sum of the points [batch, 1, K], and the sum of their products [batch, K, K].

        The points are taken relative to the style's mean. Relative to 0, which may be far away, the covariance would
        lose digits.
        """
        points = base.points(features) - target["mean"]
        return {"points": _total(points, guide), "products": _products(points, guide)}

    def score(
        self, measured: dict[str, tf.Tensor], target: dict[str, tf.Tensor], *, normalization: str, channels: int
    ) -> tf.Tensor:
        """Returns the distance, times the Gram loss of a picture without any features."""
        covariance = measured["products"] - _square(measured["points"])
        distance = self.distance(measured["points"], covariance, target)
        return base.unit(target["gram"], normalization=normalization, channels=channels) * distance

    def distance(self, shift: tf.Tensor, covariance: tf.Tensor, target: dict[str, tf.Tensor]) -> tf.Tensor:
        """Returns the distance that the class defines, a scalar; `shift` is m - m_s, [batch, 1, K]."""
        of_means = losses.content_loss(target["mean"] + shift, target["mean"], normalization="relative")
        of_covariances = losses.style_loss(covariance, target["covariance"], normalization="relative")
        return 0.5 * (of_means + of_covariances)


class Wasserstein(Covariance):
    """(||m - m_s||^2 + tr C + tr C_s - 2 tr (C_s^1/2 C C_s^1/2)^1/2) / tr G_s/M, with the m_s and C_s of `Covariance`.

    Both covariances are blurred: they have `BLUR` tr G_s/M added on the diagonal. The root of a singular matrix, such
    as that of fewer points than dimensions, has no gradient.
    """

    BLUR = 5e-5

    def target(self, summaries: Sequence[dict[str, tf.Tensor]], blend: Sequence[float]) -> dict[str, tf.Tensor]:
        """Returns the target of `Covariance`, with the covariance blurred, and the root of that."""
        target = super().target(summaries, blend)
        covariance = self._blurred(target["covariance"], target["gram"])
        return {**target, "covariance": covariance, "root": matrix_root.root(covariance)}

    def distance(self, shift: tf.Tensor, covariance: tf.Tensor, target: dict[str, tf.Tensor]) -> tf.Tensor:
        """Returns the distance that the class defines, a scalar; `shift` is m - m_s, [batch, 1, K]."""
        covariance = self._blurred(covariance, target["gram"])
        common = matrix_root.trace_of_root(target["root"] @ covariance @ target["root"])
        spread = tf.linalg.trace(covariance) + tf.linalg.trace(target["covariance"]) - 2.0 * common
        distance = tf.reduce_sum(tf.square(shift), [1, 2]) + spread
        return tf.reduce_mean(shapes.relative(distance, base.size(target["gram"])))

    def _blurred(self, covariance: tf.Tensor, target_gram: tf.Tensor) -> tf.Tensor:
        variance = self.BLUR * base.size(target_gram)[:, tf.newaxis, tf.newaxis]
        return covariance + variance * tf.eye(shapes.known(covariance, -1))


def _total(points: tf.Tensor, guide: tf.Tensor | None) -> tf.Tensor:
    """Returns the sum of points [batch, M, K], weighted by the guide: [batch, 1, K]."""
    # As a product: where XLA adds one location after the other, rounding grows to a thousandth at 512 px.
    counts = tf.ones_like(points[:, :, :1]) if guide is None else tf.reshape(guide, [1, -1, 1])
    return tf.matmul(counts, points, transpose_a=True)


def _products(points: tf.Tensor, guide: tf.Tensor | None) -> tf.Tensor:
    """Returns the sum of the points' products with themselves, [batch, K, K]."""
    return losses.gram_matrix(points[:, tf.newaxis], guide=guide)


def _square(mean: tf.Tensor) -> tf.Tensor:
    """Returns the matrix m m^T, [batch, K, K], of m [batch, 1, K]."""
    return tf.matmul(mean, mean, transpose_a=True)
