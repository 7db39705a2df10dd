"""Whose colours the picture has: the style's, or the content's, kept in one of three ways.

Gatys, Bethge, Hertzmann and Shechtman, "Preserving Color in Neural Artistic Style Transfer" (arXiv 1606.05897).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

__all__ = [
    "PRESERVATIONS",
    "Preservation",
    "grey",
    "match_histograms",
    "match_luminance",
    "match_moments",
    "with_chrominance",
]

# Y of YIQ, the space that the paper takes, from R, G and B (ITU-R BT.601).
_LUMINANCE = (0.299, 0.587, 0.114)
# Variance that rounding to whole levels makes by itself. A smaller one is no colour's, and is not stretched.
_ROUNDING = 1 / 12


def grey(image: tf.Tensor) -> tf.Tensor:
    """The luminance of each pixel, in all three channels.

    Args:
        image: float32 [1, height, width, 3], 0..255.

    Returns:
        float32 of the same shape and range.
    """
    luminance = tf.tensordot(image, tf.constant(_LUMINANCE), 1)
    return tf.repeat(luminance[..., tf.newaxis], 3, axis=-1)


def with_chrominance(image: tf.Tensor, source: tf.Tensor) -> tf.Tensor:
    """An image's luminance with another's chrominance, YIQ's I and Q (the paper's "luminance-only transfer").

    Where the two make a colour that RGB does not hold, it keeps luminance and hue, and as much saturation as there is
    room for: cutting off the channels at 0 and 255 would change all three.

    Args:
        image: float32 [1, height, width, 3], 0..255; its own chrominance does not count.
        source: Likewise, of the same size.

    Returns:
        float32 of the same shape, 0..255.
    """
    luminance = tf.clip_by_value(grey(image), 0.0, 255.0)
    # The same added to all channels changes neither I nor Q, so that the distance from grey stands for both of them.
    chrominance = source - grey(source)
    room = tf.where(chrominance > 0, 255.0 - luminance, luminance)
    saturation = tf.reduce_min(room / tf.maximum(tf.abs(chrominance), 1e-6), axis=-1, keepdims=True)
    return tf.clip_by_value(luminance + tf.minimum(saturation, 1.0) * chrominance, 0.0, 255.0)


def match_luminance(image: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """An image made grey, with the mean and standard deviation of another's luminance (from the same section).

    Args:
        image: float32 [1, height, width, 3], 0..255; a flat one stays flat.
        target: Likewise, of any size.

    Returns:
        float32 of the image's shape; what the stretching brings beyond 0..255 is left there, for the moments to hold.
    """
    own, wanted = grey(image), grey(target)
    deviation = np.sqrt(max(np.var(own, dtype=np.float64), _ROUNDING))
    mean, wanted_mean = np.mean(own, dtype=np.float64), np.mean(wanted, dtype=np.float64)
    matched = (own.numpy() - mean) * (np.std(wanted, dtype=np.float64) / deviation) + wanted_mean
    return tf.constant(matched, tf.float32)


def match_moments(image: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """An image with its colours mapped linearly, so that their mean and covariance are another's.

    x' = A (x - mean) + target's mean, with A = C^1/2 S^-1/2, of the covariances S of the image and C of the target: the
    paper's "color histogram matching", in its Image Analogies form. It holds where S has no variance near 0: along a
    direction in which the image's colours do not differ (a grey image has two), they cannot be made to.

    Args:
        image: float32 [1, height, width, 3], 0..255.
        target: Likewise, of any size.

    Returns:
        float32 of the image's shape; what the mapping brings beyond 0..255 is left there, for the moments to hold.
    """
    own, wanted = (np.reshape(picture, (-1, 3)).astype(np.float64) for picture in (image, target))
    unmixing = _power(_covariance(own), -0.5, least=_ROUNDING)
    mapping = _power(_covariance(wanted), 0.5) @ unmixing
    matched = (own - own.mean(0)) @ mapping.T + wanted.mean(0)
    return tf.constant(matched.reshape(image.shape), tf.float32)


def match_histograms(image: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """An image whose every channel has the histogram of another's.

    A value becomes that which has the same share of the target's channel below it; half of those equal to it count as
    below, so that a flat channel takes the median. Equal values stay equal: no texture comes up where there was none.
    How the channels go together does not count: colours may come up that neither image has.

    Args:
        image: float32 [1, height, width, 3], 0..255.
        target: Likewise, of any size.

    Returns:
        float32 of the image's shape, within the target's range.
    """
    own, wanted = np.reshape(image, (-1, 3)), np.reshape(target, (-1, 3))
    channels = [_matched_channel(own[:, channel], wanted[:, channel]) for channel in range(3)]
    return tf.constant(np.stack(channels, axis=-1).reshape(image.shape), tf.float32)


class Preservation(NamedTuple):
    """One way to keep the content's colours: functions of images, float32 [1, height, width, 3], 0..255.

    Those left out change nothing.

    Attributes:
        style: (style image, content image) -> what the picture's style is compared with; may leave 0..255.
        content: What the picture's content is compared with, and the start, of an image.
        seen: What the network sees of the picture, between two steps: it keeps the picture where `content` put it.
        finished: (picture, content image) -> the picture as it is shown.
    """

    style: Callable[[tf.Tensor, tf.Tensor], tf.Tensor] = lambda style_image, content_image: style_image
    content: Callable[[tf.Tensor], tf.Tensor] = lambda image: image
    seen: Callable[[tf.Tensor], tf.Tensor] = lambda image: image
    finished: Callable[[tf.Tensor, tf.Tensor], tf.Tensor] = lambda picture, content_image: picture


def _channels_mean(image: tf.Tensor) -> tf.Tensor:
    """A grey image as it is; but its gradient is grey too, and so a grey picture stays grey under every optimizer.

    Left free, a picture takes on colours of 50 levels that lower the loss, and that are lost when it is finished: the
    style loss then is a fifth to a third higher.
    """
    return tf.repeat(tf.reduce_mean(image, axis=-1, keepdims=True), 3, axis=-1)


def _covariance(colours: np.ndarray) -> np.ndarray:
    """[3, 3] of colours [pixels, 3]."""
    centred = colours - colours.mean(0)
    return centred.T @ centred / len(colours)


def _power(matrix: np.ndarray, exponent: float, *, least: float = 0.0) -> np.ndarray:
    """The power of a symmetric matrix, of eigenvalues raised to at least `least`."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.maximum(values, least) ** exponent) @ vectors.T


def _matched_channel(values: np.ndarray, target: np.ndarray) -> np.ndarray:
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    shares = (np.cumsum(counts) - counts / 2) / values.size
    return np.interp(shares, (np.arange(target.size) + 0.5) / target.size, np.sort(target))[places]


PRESERVATIONS: dict[str, Preservation] = {
    "none": Preservation(),
    "luminance": Preservation(match_luminance, grey, _channels_mean, with_chrominance),
    "match": Preservation(match_moments),
    "histogram": Preservation(match_histograms),
}
