"""Chooses the picture's colours: the style's, or the content's, preserved in one of three ways.

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

# Weights of R, G and B in Y of YIQ, the colour space of the paper (ITU-R BT.601).
_LUMINANCE = (0.299, 0.587, 0.114)
# Variance that rounding to whole levels causes. A smaller variance is not a colour's, and is not stretched.
_ROUNDING = 1 / 12


def grey(image: tf.Tensor) -> tf.Tensor:
    """Returns the luminance of each pixel, in all three channels.

    Args:
        image: float32 [1, height, width, 3], 0..255.

    Returns:
        float32 of the same shape and range.
    """
    luminance = tf.tensordot(image, tf.constant(_LUMINANCE), 1)
    return tf.repeat(luminance[..., tf.newaxis], 3, axis=-1)


def with_chrominance(image: tf.Tensor, source: tf.Tensor) -> tf.Tensor:
    """Returns an image's luminance with another's chrominance, YIQ's I and Q (the paper's "luminance-only transfer").

    A colour outside of RGB keeps its luminance and hue, and as much saturation as fits. Clipping its channels at 0 and
    255 would change all three.

    Args:
        image: float32 [1, height, width, 3], 0..255. Its own chrominance does not count.
        source: float32 [1, height, width, 3], 0..255, of the same size.

    Returns:
        float32 of the same shape, 0..255.
    """
    luminance = tf.clip_by_value(grey(image), 0.0, 255.0)
    # Adding the same to all channels changes neither I nor Q, so the difference from grey stands for both.
    chrominance = source - grey(source)
    room = tf.where(chrominance > 0, 255.0 - luminance, luminance)
    saturation = tf.reduce_min(room / tf.maximum(tf.abs(chrominance), 1e-6), axis=-1, keepdims=True)
    return tf.clip_by_value(luminance + tf.minimum(saturation, 1.0) * chrominance, 0.0, 255.0)


def match_luminance(image: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """Returns an image in grey, with the mean and standard deviation of another's luminance (for the same transfer).

    Args:
        image: float32 [1, height, width, 3], 0..255. A flat image stays flat.
        target: float32 [1, any height, any width, 3], 0..255.

    Returns:
        float32 of the image's shape. Values beyond 0..255 are kept, since clipping would change the moments.
    """
    own, wanted = grey(image).numpy(), grey(target).numpy()
    deviation = np.sqrt(max(np.var(own, dtype=np.float64), _ROUNDING))
    mean, wanted_mean = np.mean(own, dtype=np.float64), np.mean(wanted, dtype=np.float64)
    matched = (own - mean) * (np.std(wanted, dtype=np.float64) / deviation) + wanted_mean
    return tf.constant(matched, tf.float32)


def match_moments(image: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """Returns an image with its colours mapped linearly to the mean and covariance of another's.

    x' = A (x - mean) + mean of the target, with A = C^1/2 S^-1/2, where S and C are the covariances of the image and
    the target: the paper's "color histogram matching" in its Image Analogies form. The covariances match only along
    directions in which the image's colours vary; those of a grey image do not vary along two.

    Args:
        image: float32 [1, height, width, 3], 0..255.
        target: float32 [1, any height, any width, 3], 0..255.

    Returns:
        float32 of the image's shape. Values beyond 0..255 are kept, since clipping would change the moments.
    """
    own, wanted = (np.reshape(picture, (-1, 3)).astype(np.float64) for picture in (image, target))
    unmixing = _power(_covariance(own), -0.5, least=_ROUNDING)
    mapping = _power(_covariance(wanted), 0.5) @ unmixing
    matched = (own - own.mean(0)) @ mapping.T + wanted.mean(0)
    return tf.constant(matched, tf.float32, image.shape)


def match_histograms(image: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """Returns an image whose channels have the histograms of another's.

    Each value becomes the target's value with the same share of its channel below. Half of the equal values count as
    below, so that a flat channel takes the median. Equal values stay equal, so no texture appears in flat areas. Each
    channel is matched alone, so colours may appear that neither image has.

    Args:
        image: float32 [1, height, width, 3], 0..255.
        target: float32 [1, any height, any width, 3], 0..255.

    Returns:
        float32 of the image's shape, within the target's range.
    """
    own, wanted = np.reshape(image, (-1, 3)), np.reshape(target, (-1, 3))
    channels = [_matched_channel(own[:, channel], wanted[:, channel]) for channel in range(3)]
    return tf.constant(np.stack(channels, axis=-1), tf.float32, image.shape)


class Preservation(NamedTuple):
    """One way to preserve the content's colours: functions of images, float32 [1, height, width, 3], 0..255.

    By default each function returns its first image unchanged.

    Attributes:
        style: (style image, content image) -> the style image that the picture is compared with. It may leave 0..255.
        content: image -> the content image that the picture is compared with, and the start.
        seen: picture -> what the network sees of it in each step. It keeps the colours as `content` made them.
        finished: (picture, content image) -> the picture to show.
    """

    style: Callable[[tf.Tensor, tf.Tensor], tf.Tensor] = lambda style_image, content_image: style_image
    content: Callable[[tf.Tensor], tf.Tensor] = lambda image: image
    seen: Callable[[tf.Tensor], tf.Tensor] = lambda image: image
    finished: Callable[[tf.Tensor, tf.Tensor], tf.Tensor] = lambda picture, content_image: picture


def _channels_mean(image: tf.Tensor) -> tf.Tensor:
    """Returns a grey image unchanged, with a grey gradient, so that a grey picture stays grey under every optimizer.

    Without this, a picture takes on colours of 50 levels that lower the loss. `finished` removes them, and the style
    loss then is a fifth to a third higher.
    """
    return tf.repeat(tf.reduce_mean(image, axis=-1, keepdims=True), 3, axis=-1)


def _covariance(colours: np.ndarray) -> np.ndarray:
    """Returns the covariance, [3, 3], of colours [pixels, 3]."""
    centred = colours - colours.mean(0)
    return centred.T @ centred / len(colours)


def _power(matrix: np.ndarray, exponent: float, *, least: float = 0.0) -> np.ndarray:
    """Returns the power of a symmetric matrix, whose eigenvalues are first raised to at least `least`."""
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
