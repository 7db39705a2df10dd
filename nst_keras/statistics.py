"""Style statistics: what of a layer's features counts as style, and how far the picture's is from the style's.

Each takes the features as a cloud of M points in N dimensions, one a location, and forgets where the points were:

- `"gram"`: the Gram matrix G/M, each two channels' mean product (Gatys et al. 2015, eq. 3). It is C + m m^T, where m is
  the cloud's mean and C its covariance matrix, and knows but the sum of the two.
- `"covariance"`: m and C, each for itself (what Li et al. transfer, "Universal Style Transfer via Feature Transforms",
  NeurIPS 2017).
- `"wasserstein"`: how far the points of a normal distribution of that m and C have to go, the squared 2-Wasserstein
  distance (as in https://github.com/crowsonkb/style-transfer-pytorch).
- `"sliced_wasserstein"`: how far the cloud's own points have to go, whatever its shape, along each of many lines
  (Heitz et al., "A Sliced Wasserstein Loss for Neural Texture Synthesis", CVPR 2021).

Where G_s/M is the style's Gram matrix, its trace is the mean square of a point's length. The statistics beside `"gram"`
are defined relative to the style's own size, as `normalization="relative"` asks for. Under `"mean"` they are multiplied
by mean (G_s/M)^2, which the Gram loss of a picture without any features is, so that the usual weights keep their
meaning. `"gatys2015"` is the paper's own loss, of Gram matrices alone.

With `compact`, whose features are coordinates of VGG19's, means, covariances and distances are those in VGG19's N
dimensions. Lines lie among the dimensions that the coordinates span; any others would show the same cloud, shortened,
of the picture and of the style alike.
"""

from __future__ import annotations

import abc
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from nst_keras import checks, losses, matrix_root

__all__ = ["STATISTICS", "Covariance", "Gram", "Relative", "SlicedWasserstein", "StyleStatistic", "Wasserstein", "get"]


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

    def target(self, summaries: Sequence[dict[str, tf.Tensor]]) -> dict[str, tf.Tensor]:
        """What the picture is compared with, made once, of one or more style images' summaries: their mean."""
        return {name: tf.add_n([one[name] for one in summaries]) / len(summaries) for name in summaries[0]}

    @abc.abstractmethod
    def loss(
        self, features: tf.Tensor, target: dict[str, tf.Tensor], *, normalization: str, channels: int
    ) -> tf.Tensor:
        """How far the picture's features are from the style's.

        Args:
            features: The picture's; height and width need not be the style's.
            target: As the method `target` gives it.
            normalization: One of `normalizations`.
            channels: N.

        Returns:
            A float32 scalar; 0, but for rounding, where they agree.
        """


class Gram(StyleStatistic):
    """The Gram matrix; that of several styles is the mean of theirs."""

    normalizations = tuple(losses.NORMALIZATIONS)

    def summary(self, features: tf.Tensor) -> dict[str, tf.Tensor]:
        """The Gram matrix per location, [batch, K, K]."""
        return {"gram": losses.gram_matrix(features, per_location=True)}

    def loss(
        self, features: tf.Tensor, target: dict[str, tf.Tensor], *, normalization: str, channels: int
    ) -> tf.Tensor:
        """See `losses.style_loss`."""
        gram = losses.gram_matrix(features, per_location=True)
        return losses.style_loss(gram, target["gram"], normalization=normalization, channels=channels)


class Relative(StyleStatistic):
    """A statistic that is defined relative to the style's own size, with the Gram matrix in its target for the rest."""

    @abc.abstractmethod
    def distance(self, features: tf.Tensor, target: dict[str, tf.Tensor]) -> tf.Tensor:
        """The loss under `"relative"`, a float32 scalar."""

    def loss(
        self, features: tf.Tensor, target: dict[str, tf.Tensor], *, normalization: str, channels: int
    ) -> tf.Tensor:
        """The distance, times the Gram loss of a picture without any features, which is 1 under `"relative"`."""
        gram = target["gram"]
        unit = losses.style_loss(tf.zeros_like(gram), gram, normalization=normalization, channels=channels)
        return unit * self.distance(features, target)


class Covariance(Relative):
    """1/2 ||m - m_s||^2 / ||m_s||^2 + 1/2 ||C - C_s||^2 / ||C_s||^2.

    The mean m_s and covariance C_s of several styles are those of all their points together, each style counting alike.
    """

    def summary(self, features: tf.Tensor) -> dict[str, tf.Tensor]:
        """The mean [batch, 1, K] and the covariance [batch, K, K]."""
        mean, covariance = _moments(features)
        return {"mean": mean, "covariance": covariance}

    def target(self, summaries: Sequence[dict[str, tf.Tensor]]) -> dict[str, tf.Tensor]:
        """Mean and covariance of all points, and their Gram matrix, which tells their size."""
        average = super().target(summaries)
        mean = average["mean"]
        covariance = average["covariance"] + _covariance_of_means([one["mean"] for one in summaries], mean)
        return {"mean": mean, "covariance": covariance, "gram": covariance + _square(mean)}

    def distance(self, features: tf.Tensor, target: dict[str, tf.Tensor]) -> tf.Tensor:
        """See the class."""
        mean, covariance = _moments(features)
        of_means = losses.content_loss(mean, target["mean"], normalization="relative")
        of_covariances = losses.style_loss(covariance, target["covariance"], normalization="relative")
        return 0.5 * (of_means + of_covariances)


class Wasserstein(Covariance):
    """(||m - m_s||^2 + tr C + tr C_s - 2 tr (C_s^1/2 C C_s^1/2)^1/2) / tr G_s/M, with m_s and C_s as for `Covariance`.

    Both covariances are those of blurred points, with `BLUR` tr G_s/M more on the diagonal: a singular matrix, as that
    of fewer points than dimensions is, has a root without a gradient.
    """

    BLUR = 5e-5

    def target(self, summaries: Sequence[dict[str, tf.Tensor]]) -> dict[str, tf.Tensor]:
        """As for `Covariance`, but the covariance blurred; and its root."""
        target = super().target(summaries)
        covariance = self._blurred(target["covariance"], target["gram"])
        return {**target, "covariance": covariance, "root": matrix_root.root(covariance)}

    def distance(self, features: tf.Tensor, target: dict[str, tf.Tensor]) -> tf.Tensor:
        """See the class."""
        mean, covariance = _moments(features)
        covariance = self._blurred(covariance, target["gram"])
        common = matrix_root.trace_of_root(target["root"] @ covariance @ target["root"])
        spread = tf.linalg.trace(covariance) + tf.linalg.trace(target["covariance"]) - 2.0 * common
        shift = tf.reduce_sum(tf.math.squared_difference(mean, target["mean"]), [1, 2])
        return tf.reduce_mean((shift + spread) / _size(target["gram"]))

    def _blurred(self, covariance: tf.Tensor, target_gram: tf.Tensor) -> tf.Tensor:
        variance = self.BLUR * _size(target_gram)[:, tf.newaxis, tf.newaxis]
        return covariance + variance * tf.eye(covariance.shape[-1])


class SlicedWasserstein(Relative):
    """sum_k mean_i (p_ki - q_ki)^2 / tr G_s/M, of the picture's points p_k and the style's q_k, in order along line k.

    The K lines are at right angles, in random directions that are the same in every run. (Differs from Heitz et al.,
    who draw K directions independently, and others at each step: a run here minimises one function, as L-BFGS asks for,
    and right angles leave no dimension unseen.) Sorting makes a step several times as long as with the other
    statistics.

    A style of fewer or more locations than the picture is read between its points; of several styles, q_k is the mean.
    """

    def summary(self, features: tf.Tensor) -> dict[str, tf.Tensor]:
        """The points along each line in order, [batch, K, M], and the Gram matrix, which tells their size."""
        gram = losses.gram_matrix(features, per_location=True)
        return {"sorted": tf.sort(_along_lines(features)), "gram": gram}

    def target(self, summaries: Sequence[dict[str, tf.Tensor]]) -> dict[str, tf.Tensor]:
        """The mean of the summaries, at as many points as the largest has."""
        most = max(one["sorted"].shape[-1] for one in summaries)
        return super().target([{**one, "sorted": _resampled(one["sorted"], most)} for one in summaries])

    def distance(self, features: tf.Tensor, target: dict[str, tf.Tensor]) -> tf.Tensor:
        """See the class."""
        points = _along_lines(features)
        goals = _in_order_of(points, _resampled(target["sorted"], tf.shape(points)[-1]))
        distance = tf.reduce_sum(tf.reduce_mean(tf.math.squared_difference(points, goals), -1), -1)
        return tf.reduce_mean(distance / _size(target["gram"]))


STATISTICS: dict[str, StyleStatistic] = {
    "gram": Gram(),
    "covariance": Covariance(),
    "wasserstein": Wasserstein(),
    "sliced_wasserstein": SlicedWasserstein(),
}


def get(style_statistic: str, *, normalization: str) -> StyleStatistic:
    """The statistic that a name stands for.

    Args:
        style_statistic: A name in `STATISTICS`.
        normalization: A name in `losses.NORMALIZATIONS`.

    Raises:
        ValueError: An unknown name, or a normalization under which the statistic has no meaning.
    """
    checks.one_of("normalization", normalization, losses.NORMALIZATIONS)
    statistic = STATISTICS[checks.one_of("style_statistic", style_statistic, STATISTICS)]
    if normalization not in statistic.normalizations:
        raise ValueError(
            f"normalization={normalization!r} is not defined for style_statistic={style_statistic!r}: choose one of "
            f"{', '.join(statistic.normalizations)}, or style_statistic='gram'."
        )
    return statistic


def _points(features: tf.Tensor) -> tf.Tensor:
    """Features as [batch, M, K]."""
    features = tf.cast(features, tf.float32)
    return tf.reshape(features, [tf.shape(features)[0], -1, features.shape[-1]])


def _moments(features: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Mean [batch, 1, K] and covariance [batch, K, K], of centred points: their difference would lose digits."""
    points = _points(features)
    mean = tf.reduce_mean(points, 1, keepdims=True)
    return mean, losses.gram_matrix((points - mean)[:, tf.newaxis], per_location=True)


def _covariance_of_means(means: Sequence[tf.Tensor], mean: tf.Tensor) -> tf.Tensor:
    return tf.add_n([_square(one - mean) for one in means]) / len(means)


def _square(mean: tf.Tensor) -> tf.Tensor:
    """The matrix m m^T, [batch, K, K]."""
    return tf.matmul(mean, mean, transpose_a=True)


def _size(target_gram: tf.Tensor) -> tf.Tensor:
    """The trace of G_s/M, [batch]; its floor is that of `losses`, for a style without any features."""
    return tf.maximum(tf.linalg.trace(target_gram), keras.config.epsilon())


def _along_lines(features: tf.Tensor) -> tf.Tensor:
    """The points' coordinates along each of K lines, [batch, K, M]."""
    points = _points(features)
    random = np.random.default_rng(0).normal(size=(points.shape[-1], points.shape[-1]))
    lines = tf.constant(np.linalg.qr(random)[0], tf.float32)
    return tf.matmul(lines, points, transpose_a=True, transpose_b=True)


def _resampled(ordered: tf.Tensor, count: int | tf.Tensor) -> tf.Tensor:
    """Values in order [..., M], read at as many even steps as `count` says, between neighbours where need be."""
    own = tf.shape(ordered)[-1]
    ratio = tf.cast(own, tf.float32) / tf.cast(count, tf.float32)
    position = (tf.range(count, dtype=tf.float32) + 0.5) * ratio - 0.5
    low = tf.clip_by_value(tf.cast(tf.floor(position), tf.int32), 0, own - 1)
    high = tf.minimum(low + 1, own - 1)
    share = tf.clip_by_value(position - tf.cast(low, tf.float32), 0.0, 1.0)
    return (1.0 - share) * tf.gather(ordered, low, axis=-1) + share * tf.gather(ordered, high, axis=-1)


def _in_order_of(points: tf.Tensor, ordered: tf.Tensor) -> tf.Tensor:
    """Puts values in order [batch, K, M] where the points of the same rank are: no gradient has to pass a sort."""
    shape = tf.shape(points)
    rows = tf.reshape(tf.range(shape[0] * shape[1]) * shape[2], [shape[0], shape[1], 1])
    places = tf.reshape(rows + tf.argsort(points), [-1, 1])
    return tf.reshape(tf.scatter_nd(places, tf.reshape(ordered, [-1]), [tf.size(points)]), shape)
