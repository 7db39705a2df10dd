"""The temporal loss of a video: along the motion, a frame stays as the frames before it were painted.

Ruder, Dosovitskiy and Brox, "Artistic style transfer for videos" (GCPR 2016, arXiv 1604.08610; IJCV 2018), section 4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf

from nst_keras.losses import guidance, statistics, terms

__all__ = ["Temporal", "combined", "newcomers_loss", "temporal_loss"]


def temporal_loss(image: tf.Tensor, reference: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Returns L_temporal: the mean over all pixels and channels of c (x - omega) ** 2.

    Args:
        image: x, the frame, float32 [1, height, width, 3], 0..255.
        reference: omega, an earlier frame's picture, moved to where its surfaces are now; of the image's shape.
        weights: c, how much each pixel counts, float32 [1, height, width, 1], 0 or more: 0 where nothing earlier is
            seen.

    Returns:
        A float32 scalar in squared levels of 0..255, 0 or more.
    """
    return tf.reduce_mean(weights * tf.square(image - reference))


def newcomers_loss(
    features: tf.Tensor,
    young: tf.Tensor,
    share: tf.Tensor,
    *,
    statistic: statistics.StyleStatistic,
    normalization: str,
    channels: int,
) -> tf.Tensor:
    """Returns how far the style of what has come into view is from that of the rest of the frame, in one layer.

    The statistics of a whole frame hardly tell that a narrow strip of it lacks style, so that nothing would bring style
    there. The rest is taken as it is, and the share of the frame that is young makes a small part count as it does in a
    picture by itself.

    Args:
        features: Features of the frame in one layer, [1, height, width, K].
        young: How young each location is, float32 [1, height, width, 1], 0..1: 1 for what was not seen before.
        share: The mean of this over the frame, a float32 scalar.
        statistic: Measures style.
        normalization: The loss convention.
        channels: N of the layer.

    Returns:
        A float32 scalar, 0 or more.
    """
    target = statistic.target([statistic.summary(tf.stop_gradient(features), 1.0 - young)], [1.0])
    return share * statistic.loss(features, target, normalization=normalization, channels=channels, guide=young)


def combined(references: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Returns one reference and its weights in the place of several: for each pixel, the nearest frame that shows it.

    The paper's long-term weights leave each pixel to the nearest of the earlier frames in which it is visible, so the
    sum of their losses is the loss of this one.

    Args:
        references: (reference, weights) of each earlier frame, the nearest first: float32 [height, width, 3], and
            float32 [height, width], 0 where it does not show what the frame shows. One or more.

    Returns:
        A reference and weights of these forms.
    """
    reference, weights = references[0][0].copy(), references[0][1].copy()
    for image, visible in references[1:]:
        added = (visible > 0) & (weights == 0)
        reference[added], weights[added] = image[added], visible[added]
    return reference, weights


class Temporal:
    """The terms of the loss that know other frames. What they know changes from frame to frame without compiling again.

    Args:
        size: Height and width of the frames in pixels.
        layer_sizes: {style layer: height and width of its features}.
        style_layers: {layer: its weight w_l}.
        style_weight: beta.
        statistic: Measures style.
        normalization: The loss convention.
        channels: {layer: N}.

    Attributes:
        terms: For a transfer's `losses`. `compare_with` already multiplies the first by its weight.
    """

    def __init__(
        self,
        size: tuple[int, int],
        layer_sizes: Mapping[str, tuple[int, int]],
        style_layers: Mapping[str, float],
        *,
        style_weight: float,
        statistic: statistics.StyleStatistic,
        normalization: str,
        channels: Mapping[str, int],
    ) -> None:
        self._reference = tf.Variable(tf.zeros([1, *size, 3]), trainable=False)
        self._weights = tf.Variable(tf.zeros([1, *size, 1]), trainable=False)
        self._share = tf.Variable(tf.zeros([]), trainable=False)
        self._young = {
            name: tf.Variable(tf.zeros([1, *layer_sizes[name], 1]), trainable=False) for name in style_layers
        }
        self._sizes = dict(layer_sizes)
        self._layers, self._statistic = dict(style_layers), statistic
        self._normalization, self._channels = normalization, channels
        self.terms = (
            terms.Term("temporal", self._of_pixels),
            terms.Term("newcomers", self._of_newcomers, weight=style_weight),
        )

    def compare_with(self, reference: tf.Tensor, weights: tf.Tensor, young: tf.Tensor) -> None:
        """Sets what the next frame is compared with; see `temporal_loss` and `newcomers_loss`."""
        self._reference.assign(reference)
        self._weights.assign(weights)
        self._share.assign(tf.reduce_mean(young))
        for name, guide in self._young.items():
            guide.assign(guidance.guide(young, *self._sizes[name]))

    def _of_pixels(self, image: tf.Tensor, features: object) -> tf.Tensor:
        """Returns the temporal loss of a frame. The features are not used."""
        return temporal_loss(image, *map(tf.convert_to_tensor, (self._reference, self._weights)))

    def _of_newcomers(self, image: tf.Tensor, features: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Returns the loss of what has come into view, over the style layers."""
        values = [weight * self._of_layer(name, features[name]) for name, weight in self._layers.items()]
        return tf.add_n(values)

    def _of_layer(self, name: str, features: tf.Tensor) -> tf.Tensor:
        """Returns the loss of what has come into view in one layer."""
        return newcomers_loss(
            features,
            self._young[name],
            tf.convert_to_tensor(self._share),
            statistic=self._statistic,
            normalization=self._normalization,
            channels=self._channels[name],
        )
