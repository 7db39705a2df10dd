"""Distances that the points of a layer have to move along lines, whatever the shape of their cloud."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from nst_keras import losses
from nst_keras.losses import shapes
from nst_keras.losses.statistics import base

__all__ = ["SlicedWasserstein"]

# Points of equal weight that stand for each weighted one, and the least number for all of a layer: a picture's distance
# from itself is then some 1e-6.
_FINER, _LEAST = 4, 1024


class SlicedWasserstein(base.StyleStatistic):
    """sum_k mean_i (p_ki - q_ki)^2 / tr G_s/M, with the picture's points p_k and the style's q_k sorted along line k.

    The K lines are at right angles, in random directions that are the same in every run. (Heitz et al. draw K
    directions independently, and new ones at each step. Here a run minimises one function, as L-BFGS needs, and right
    angles leave no dimension unseen.) Sorting makes a step several times as long as with the other statistics.

    A style of fewer or more locations than the picture is interpolated between its points. For several styles, q_k is
    the mean.
    """

    def summary(self, features: tf.Tensor, guide: tf.Tensor | None = None) -> dict[str, tf.Tensor]:
        """Returns the points sorted along each line, [batch, K, M], and the Gram matrix, for the style's size.

        With a guide, more points, of equal weight, stand for the weighted ones.
        """
        gram = losses.gram_matrix(features, per_location=True, guide=guide)
        points = _along_lines(features)
        return {"sorted": tf.sort(points) if guide is None else _of_equal_weight(points, guide), "gram": gram}

    def target(self, summaries: Sequence[dict[str, tf.Tensor]], blend: Sequence[float]) -> dict[str, tf.Tensor]:
        """Returns the mean of the summaries, each interpolated to the number of points of the largest."""
        most = max(shapes.known(one["sorted"], -1) for one in summaries)
        resampled = [{**one, "sorted": _read_at(one["sorted"], _middles(most))} for one in summaries]
        return super().target(resampled, blend)

    def measured(
        self, features: tf.Tensor, target: dict[str, tf.Tensor], guide: tf.Tensor | None = None
    ) -> dict[str, tf.Tensor]:
        """Returns the distance that the class defines, a scalar."""
        points = _along_lines(features)
        order = tf.argsort(points)
        goals = _in_place(order, _read_at(target["sorted"], _shares(order, guide)))
        squares = tf.math.squared_difference(points, goals)
        counted = squares if guide is None else squares * tf.reshape(guide, [1, 1, -1])
        count = base.count(guide, tf.shape(features)[1:3])
        distance = shapes.relative(tf.reduce_sum(counted, [1, 2]) / count, base.size(target["gram"]))
        return {"distance": tf.reduce_mean(distance)}

    def score(
        self, measured: dict[str, tf.Tensor], target: dict[str, tf.Tensor], *, normalization: str, channels: int
    ) -> tf.Tensor:
        """Returns the distance, times the Gram loss of a picture without any features."""
        return base.unit(target["gram"], normalization=normalization, channels=channels) * measured["distance"]


def _along_lines(features: tf.Tensor) -> tf.Tensor:
    """Returns the points' coordinates along each of K lines, [batch, K, M]."""
    points = base.points(features)
    dimensions = shapes.known(points, -1)
    random = np.random.default_rng(0).normal(size=(dimensions, dimensions))
    lines = tf.constant(np.linalg.qr(random)[0], tf.float32)
    return tf.matmul(lines, points, transpose_a=True, transpose_b=True)


def _middles(count: int | tf.Tensor) -> tf.Tensor:
    """Returns the share of points below each of M equal points, half of the point itself included: [M]."""
    return (tf.range(count, dtype=tf.float32) + 0.5) / tf.cast(count, tf.float32)


def _shares(order: tf.Tensor, guide: tf.Tensor | None) -> tf.Tensor:
    """Returns the share of points below each sorted point, weighted by a guide: [batch, K, M]; [M] without a guide."""
    if guide is None:
        return _middles(tf.shape(order)[-1])
    # In double precision: over the locations of a layer at 512 px, the rounding of a float32 sum moves points far.
    counts = tf.cast(tf.reshape(guide, [-1]), tf.float64)
    in_order = tf.gather(counts, order)
    below = tf.cumsum(in_order, axis=-1) - 0.5 * in_order
    return tf.cast(below / tf.maximum(tf.reduce_sum(counts), shapes.FLOOR), tf.float32)


def _of_equal_weight(points: tf.Tensor, guide: tf.Tensor) -> tf.Tensor:
    """Returns sorted points of weight 1 each, [batch, K, M'], in the place of points weighted by a guide.

    They are interpolated linearly between the weighted points [batch, K, M], by the shares that lie below each. M' is
    `_FINER` M, or `_LEAST` if that is more.
    """
    order = tf.argsort(points)
    shares = tf.reshape(_shares(order, guide), [-1, tf.shape(points)[-1]])
    in_order = tf.reshape(tf.gather(points, order, axis=-1, batch_dims=2), tf.shape(shares))
    count = tf.maximum(_FINER * tf.shape(points)[-1], _LEAST)
    wanted = tf.broadcast_to(_middles(count), [tf.shape(shares)[0], count])
    found = _between(shares, in_order, wanted)
    return tf.reshape(found, [tf.shape(points)[0], shapes.known(points, -2), count])


def _between(places: tf.Tensor, values: tf.Tensor, wanted: tf.Tensor) -> tf.Tensor:
    """Returns values [rows, M] at sorted places [rows, M], interpolated at wanted places [rows, M']."""
    last = tf.shape(places)[-1] - 1
    after = tf.searchsorted(places, wanted, side="right")
    ends = tf.clip_by_value(after - 1, 0, last), tf.clip_by_value(after, 0, last)
    (low, below), (high, above) = (
        tuple(tf.gather(given, end, axis=-1, batch_dims=1) for given in (places, values)) for end in ends
    )
    part = tf.clip_by_value(tf.math.divide_no_nan(wanted - low, high - low), 0.0, 1.0)
    return (1.0 - part) * below + part * above


def _read_at(ordered: tf.Tensor, shares: tf.Tensor) -> tf.Tensor:
    """Returns sorted values [batch, K, M'], interpolated linearly where the given shares of them lie below."""
    own = tf.shape(ordered)[-1]
    position = shares * tf.cast(own, tf.float32) - 0.5
    low = tf.clip_by_value(tf.cast(tf.floor(position), tf.int32), 0, own - 1)
    high = tf.minimum(low + 1, own - 1)
    part = tf.clip_by_value(position - tf.cast(low, tf.float32), 0.0, 1.0)
    below, above = (tf.gather(ordered, place, axis=-1, batch_dims=len(shares.shape) - 1) for place in (low, high))
    return (1.0 - part) * below + part * above


def _in_place(order: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """Returns sorted values [batch, K, M] in the order of the points, so that no gradient has to pass a sort."""
    shape = tf.shape(order)
    rows = tf.reshape(tf.range(shape[0] * shape[1]) * shape[2], [shape[0], shape[1], 1])
    places = tf.reshape(rows + order, [-1, 1])
    return tf.reshape(tf.scatter_nd(places, tf.reshape(values, [-1]), [tf.size(order)]), shape)
