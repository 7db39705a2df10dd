"""The losses of neural style transfer, as pure functions of features.

Notation, as in Gatys, Ecker and Bethge, "A Neural Algorithm of Artistic Style" (arXiv 1508.06576), and in the code:
F `features` of the generated image and P `target` of the content image, both [batch, height, width, N];
G `gram` and A `target_gram`, Gram matrices [batch, N, N]; N channels; M locations (height times width).

A normalization is a convention for the divisor of each loss. There are three, in `NORMALIZATIONS`:

- `"gatys2015"`: the paper's own equations 1 and 4, sums and raw Gram matrices.
- `"mean"`: mean squares, as in TensorFlow's style transfer tutorial.
- `"relative"`: squares relative to the target's own, so that a weight keeps its meaning from one network, layer and
  image size to another.

It also scales the regularizers, total variation and the alpha-norm. Under `"gatys2015"` they are sums in levels of
0..255 (the paper itself has no such term). Under `"mean"` they are sums of terms that are at most 1 each. Under
`"relative"` they are the means of those terms, which do not depend on the image's size.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from nst_keras import checks
from nst_keras.losses import regularizers, shapes

__all__ = [
    "NORMALIZATIONS",
    "Normalization",
    "alpha_norm_loss",
    "content_loss",
    "content_score",
    "gram_matrix",
    "style_loss",
    "total_variation_loss",
]


class Normalization(NamedTuple):
    """A named loss convention.

    Attributes:
        content: (squares, energy, size) -> scalar, from sum (F - P)^2, sum P^2 and the number of features M N.
        style: (gram, target_gram, N) -> scalar, from Gram matrices divided by their own number of locations.
        prior: (total, most, count) -> scalar, from a regularizer's sum in levels of 0..255, the largest value of one
            term in that sum, and the number of terms.
        style_weight: The usual style weight.
        content_weight: The usual content weight.
    """

    content: Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]
    style: Callable[[tf.Tensor, tf.Tensor, int], tf.Tensor]
    prior: Callable[[tf.Tensor, float, tf.Tensor], tf.Tensor]
    style_weight: float
    content_weight: float


def gram_matrix(features: tf.Tensor, *, per_location: bool = False, guide: tf.Tensor | None = None) -> tf.Tensor:
    """Returns the Gram matrix of features, G_ij = sum_k F_ik F_jk (Gatys et al. 2015, eq. 3).

    Args:
        features: F, [batch, height, width, N], of any floating type. The sum is float32: half precision overflows.
        per_location: Whether to divide by M = height * width, so that images of different sizes compare.
        guide: The weight of each location, float32 [1, height, width, 1], 0 or more, see `guidance`; M is then its sum.
            Default: all locations count 1.

    Returns:
        G, float32 [batch, N, N], symmetric.

    Example:
    >>> features = tf.constant([[[[1.0, 2.0]], [[3.0, 4.0]]]])  # Two locations, two channels.
    >>> gram_matrix(features).numpy().tolist()
    [[[10.0, 14.0], [14.0, 20.0]]]
    >>> gram_matrix(features, per_location=True).numpy().tolist()
    [[[5.0, 7.0], [7.0, 10.0]]]
    """
    features = tf.cast(features, tf.float32)
    # The locations as one axis: XLA's product over two takes up to twice as long on a CPU.
    locations = tf.reshape(features, [tf.shape(features)[0], -1, shapes.known(features, -1)])
    if guide is None:
        gram, count = _inner_products(locations), tf.cast(tf.shape(locations)[1], tf.float32)
    else:
        # Float32 would lose digits of this long a sum. Where it is 0, so is the Gram matrix, whatever its divisor.
        count = tf.cast(tf.reduce_sum(tf.cast(guide, tf.float64)), tf.float32)
        gram, count = _guided_products(locations, guide), tf.maximum(count, shapes.FLOOR)
    return gram / count if per_location else gram


def content_loss(
    features: tf.Tensor, target: tf.Tensor, *, normalization: str = "mean", channels: int | None = None
) -> tf.Tensor:
    """Returns the content loss of one layer, between the features of the generated and of the content image.

    - `"gatys2015"`: 1/2 sum (F - P)^2 (Gatys et al. 2015, eq. 1).
    - `"mean"`: mean (F - P)^2 (TensorFlow's tutorial).
    - `"relative"`: ||F - P||^2 / ||P||^2, bounded as in `shapes.relative`.

    Args:
        features: F, [batch, height, width, N], any floating type.
        target: P, of the same shape.
        normalization: A name in `NORMALIZATIONS`.
        channels: N, where the last axis holds fewer coordinates of N channels. Default: the size of that axis.

    Returns:
        A float32 scalar, 0 or more.

    Raises:
        ValueError: Unknown `normalization`.
    """
    features, target = tf.cast(features, tf.float32), tf.cast(target, tf.float32)
    squares = tf.reduce_sum(tf.math.squared_difference(features, target))
    # A float, because the number of a large picture's features overflows an integer of 32 bits.
    size = tf.reduce_prod(tf.cast(tf.shape(features)[:-1], tf.float32)) * float(channels or shapes.known(features, -1))
    return content_score(squares, tf.reduce_sum(tf.square(target)), size, normalization=normalization)


def content_score(squares: tf.Tensor, energy: tf.Tensor, size: tf.Tensor, *, normalization: str = "mean") -> tf.Tensor:
    """Returns the content loss of one layer, from sums that can be added up over parts of an image.

    Args:
        squares: sum (F - P)^2, a float32 scalar.
        energy: sum P^2, a float32 scalar.
        size: The number of features M N, a float32 scalar.
        normalization: A name in `NORMALIZATIONS`.

    Returns:
        A float32 scalar, 0 or more.

    Raises:
        ValueError: Unknown `normalization`.
    """
    return _convention(normalization).content(squares, energy, size)


def style_loss(
    gram: tf.Tensor, target_gram: tf.Tensor, *, normalization: str = "mean", channels: int | None = None
) -> tf.Tensor:
    """Returns the style loss of one layer, between the Gram matrices of the generated and of the style image.

    Each matrix is divided by its own number of locations, so the two images may differ in size:

    - `"gatys2015"`: 1/(4 N^2 M^2) sum (G - A)^2 of raw Gram matrices (Gatys et al. 2015, eq. 4). For images of one size
      this is a quarter of the mean of (G/M - A/M)^2.
    - `"mean"`: mean (G/M - A/M)^2 (TensorFlow's tutorial).
    - `"relative"`: ||G/M - A/M||^2 / ||A/M||^2, bounded as in `shapes.relative`.

    Args:
        gram: G/M, float32 [batch, N, N]: `gram_matrix(features, per_location=True)`.
        target_gram: A/M, of the same shape.
        normalization: A name in `NORMALIZATIONS`.
        channels: N, where the Gram matrices are those of fewer coordinates of N channels. Default: their side.

    Returns:
        A float32 scalar, 0 or more.

    Raises:
        ValueError: Unknown `normalization`.
    """
    return _convention(normalization).style(gram, target_gram, channels or shapes.known(gram, -1))


def total_variation_loss(image: tf.Tensor, *, normalization: str = "mean", variation: str = "l1") -> tf.Tensor:
    """Returns the total variation: differences between neighbouring pixels, which smoothing lowers.

    `variation` chooses the differences, by a name in `regularizers.VARIATIONS`:

    - `"l1"`: absolute differences (`tf.image.total_variation`). They keep edges and flatten what lies between.
    - `"l2"`: squared differences (Mahendran and Vedaldi 2015, R_V with beta = 2). They soften edges and spare slopes.
    - `"9_point"`: squared differences to all eight neighbours, the same in every direction.

    `normalization` chooses the scale:

    - `"gatys2015"`: the sum, in levels of 0..255.
    - `"mean"`: the sum, for an image in 0..1 (TensorFlow's tutorial).
    - `"relative"`: the mean over all pairs of neighbours in rows and columns, for an image in 0..1.

    Args:
        image: float32 [batch, height, width, channels] in 0..255.
        normalization: A name in `NORMALIZATIONS`.
        variation: A name in `regularizers.VARIATIONS`.

    Returns:
        A float32 scalar, 0 or more.

    Raises:
        ValueError: Unknown `normalization` or `variation`.
    """
    kind = regularizers.VARIATIONS[checks.one_of("variation", variation, regularizers.VARIATIONS)]
    return _convention(normalization).prior(kind.total(image), 255.0**kind.degree, regularizers.neighbours(image))


def alpha_norm_loss(image: tf.Tensor, *, normalization: str = "mean") -> tf.Tensor:
    """Returns the alpha-norm: distances of levels from mid-grey to the power 6, which keeps levels within their range.

    R_alpha(x) = ||x||_alpha^alpha, with alpha = 6, where x is the image less its mean (Mahendran and Vedaldi,
    "Understanding Deep Image Representations by Inverting Them", CVPR 2015). Here mid-grey stands for the mean, so that
    the range B is 127.5 on both sides. The high power spares the levels in the middle and weighs on those near the ends
    and beyond.

    - `"gatys2015"`: the sum of x^6.
    - `"mean"`: the sum of (x/B)^6.
    - `"relative"`: the mean of (x/B)^6, which is 1 for an image in black and white. The paper divides by H W B^alpha in
      the same way; here the channels count too.

    Args:
        image: float32 [batch, height, width, channels] in 0..255, or beyond it.
        normalization: A name in `NORMALIZATIONS`.

    Returns:
        A float32 scalar, 0 or more.

    Raises:
        ValueError: Unknown `normalization`.
    """
    count = tf.cast(tf.size(image), tf.float32)
    return _convention(normalization).prior(
        regularizers.alpha_norm(image), regularizers.MID_GREY**regularizers.ALPHA, count
    )


def _inner_products(locations: tf.Tensor) -> tf.Tensor:
    """Returns sum_k F_ki F_kj, [batch, N, N], of F [batch, M, N]."""
    return _differentiable_products(locations)  # pyright: ignore[reportReturnType]  # The decorator has no annotation.


@tf.custom_gradient
def _differentiable_products(locations: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    # By itself `einsum` gives its gradient as the sum of two products, F U^T and F U. Each is as large as the features,
    # and a compiled step holds those of all style layers at once.
    def gradient(upstream: tf.Tensor) -> tf.Tensor:
        """Returns F (U + U^T), [batch, M, N]."""
        return tf.matmul(locations, upstream + tf.linalg.matrix_transpose(upstream))

    return tf.linalg.einsum("bmi,bmj->bij", locations, locations), gradient


def _guided_products(locations: tf.Tensor, guide: tf.Tensor) -> tf.Tensor:
    """Returns sum_k t_k F_ki F_kj. The features take the root of the guide, so that both factors are one tensor."""
    return _inner_products(locations * tf.sqrt(tf.reshape(guide, [1, -1, 1])))


def _convention(normalization: str) -> Normalization:
    return NORMALIZATIONS[checks.one_of("normalization", normalization, NORMALIZATIONS)]


def _mean_squared_grams(gram: tf.Tensor, target: tf.Tensor, channels: int) -> tf.Tensor:
    return tf.reduce_mean(tf.math.squared_difference(gram, target)) * (shapes.known(gram, -1) / channels) ** 2


def _relative_squared_distance(gram: tf.Tensor, target: tf.Tensor, _: int) -> tf.Tensor:
    return shapes.relative(tf.reduce_sum(tf.math.squared_difference(gram, target)), tf.reduce_sum(tf.square(target)))


NORMALIZATIONS: dict[str, Normalization] = {
    "gatys2015": Normalization(
        content=lambda squares, energy, size: 0.5 * squares,
        style=lambda gram, target, channels: 0.25 * _mean_squared_grams(gram, target, channels),
        prior=lambda total, most, count: total,
        style_weight=1e3,  # alpha/beta = 1e-3, the paper's figure 3.
        content_weight=1.0,
    ),
    "mean": Normalization(
        content=lambda squares, energy, size: squares / size,
        style=_mean_squared_grams,
        prior=lambda total, most, count: total / most,
        style_weight=1e-2,  # TensorFlow's tutorial.
        content_weight=1e4,
    ),
    "relative": Normalization(
        content=lambda squares, energy, size: shapes.relative(squares, energy),
        style=_relative_squared_distance,
        prior=lambda total, most, count: total / (most * count),
        style_weight=1.0,
        content_weight=0.02,
    ),
}
