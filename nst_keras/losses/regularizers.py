"""Regularizers: terms of the image that need no network, as sums over its pixels in levels of 0..255.

The module `functional` scales them by a normalization, and says what each is for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from nst_keras.losses import shapes

__all__ = ["ALPHA", "MID_GREY", "VARIATIONS", "Variation", "alpha_norm", "neighbours"]

# The power in Mahendran and Vedaldi's experiments. It is even, and so needs no absolute value.
ALPHA = 6
# In place of the mean of their data set, so that the range is the same above and below, whatever the network.
MID_GREY = 127.5


class Variation(NamedTuple):
    """A kind of total variation.

    Attributes:
        total: image [batch, height, width, channels] -> the sum of its differences, a scalar.
        degree: The power of the differences: the total of c times an image is c ** degree times that of the image.
    """

    total: Callable[[tf.Tensor], tf.Tensor]
    degree: int


def alpha_norm(image: tf.Tensor) -> tf.Tensor:
    """Returns the sum of (level - mid-grey) ** 6, R_alpha of Mahendran and Vedaldi 2015.

    Args:
        image: float32 [batch, height, width, channels] in 0..255, or beyond it.

    Returns:
        A float32 scalar, 0 or more. A million pixels at an end of the range make 1.3e19, well within float32.
    """
    square = tf.square(image - MID_GREY)
    return tf.reduce_sum(square * square * square)


def neighbours(image: tf.Tensor) -> tf.Tensor:
    """Returns the number of pairs of neighbours in rows and columns of an image, in all channels.

    Args:
        image: [batch, height, width, channels].

    Returns:
        A float32 scalar, 1 or more, so that a sum can be divided by it also for an image of one pixel.
    """
    batch, height, width, channels = tf.unstack(tf.cast(tf.shape(image), tf.float32))
    return tf.maximum(batch * channels * ((height - 1.0) * width + height * (width - 1.0)), 1.0)


def _absolute_differences(image: tf.Tensor) -> tf.Tensor:
    # The same as `tf.image.total_variation`. There XLA adds one pixel after the other, and float32 loses a fiftieth of
    # the sum at 4096 px; these products are added up row by row.
    pairs = (image[:, 1:] - image[:, :-1], image[:, :, 1:] - image[:, :, :-1])
    return tf.add_n([_row_by_row(change, tf.stop_gradient(tf.sign(change))) for change in pairs])


def _row_by_row(one: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
    """Returns the sum of the products of two arrays, both [batch, height, width, channels]."""
    rows = [tf.reshape(values, [-1, tf.shape(values)[2] * shapes.known(values, 3)]) for values in (one, other)]
    return tf.reduce_sum(tf.einsum("ri,ri->r", *rows))


def _squared_differences(image: tf.Tensor) -> tf.Tensor:
    # jcjohnson/neural-style has half of it, and leaves out the pairs within the last row and within the last column.
    below = image[:, 1:] - image[:, :-1]
    right = image[:, :, 1:] - image[:, :, :-1]
    return tf.reduce_sum(tf.square(below)) + tf.reduce_sum(tf.square(right))


def _nine_point_differences(image: tf.Tensor) -> tf.Tensor:
    # Weights of 4 to 1, over an image whose border is repeated, as in crowsonkb/style-transfer-pytorch. The gradient is
    # the nine-point Laplacian, which depends less on a detail's direction than the five-point one of "l2". With the
    # factor 1/6 a slope costs as much as under "l2".
    padded = tf.pad(image, [[0, 0], [1, 1], [1, 1], [0, 0]], mode="SYMMETRIC")
    falling = padded[:, 1:, 1:] - padded[:, :-1, :-1]
    rising = padded[:, 1:, :-1] - padded[:, :-1, 1:]
    diagonal = tf.reduce_sum(tf.square(falling)) + tf.reduce_sum(tf.square(rising))
    return (4.0 * _squared_differences(image) + diagonal) / 6.0


VARIATIONS: dict[str, Variation] = {
    "l1": Variation(_absolute_differences, degree=1),
    "l2": Variation(_squared_differences, degree=2),
    "9_point": Variation(_nine_point_differences, degree=2),
}
