"""The objective of a picture: targets and weights -> value_and_gradient(image) -> (LossTerms, gradient)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import tensorflow as tf

from nst_keras import checks
from nst_keras.losses import guidance, statistics
from nst_keras.networks import extractors
from nst_keras.objectives import base, comparison, shared, whole
from nst_keras.objectives.base import WEIGHTED_TERMS, LossTerms
from nst_keras.objectives.tiled import evaluator
from nst_keras.runtime import devices

__all__ = ["WEIGHTED_TERMS", "LossTerms", "Objective"]


class Objective:
    """Style, content and regularizers of an image, compared with targets that are computed once.

    Args:
        extractor: Network that gives at least the layers named below.
        regions: Regions of the picture with the style images of each; `guidance.everywhere` makes them for styles of
            the whole picture. The style term is the sum over the regions. May be empty without `style_layers`.
        content_image: float32 [1, height, width, 3], 0..255. May be None without `content_layers`.
        style_layers: {layer: w_l}; empty for no style.
        content_layers: {layer: w_l}; empty for no content.
        style_weight: beta, 0 or more.
        content_weight: alpha, 0 or more.
        var_weight: Weight of the total variation, 0 or more.
        alpha_norm_weight: Weight of the alpha-norm, 0 or more.
        normalization: Loss convention, a name in `losses.NORMALIZATIONS`.
        style_statistic: Statistic that is compared, a name in `statistics.STATISTICS` or a `StyleStatistic`.
        variation: Kind of total variation, a name in `regularizers.VARIATIONS`.
        seen: Function of the image, to the same shape. The network and the regularizers see its result. Default: the
            image itself.
        tile_size: Size of a tile in pixels, for pictures larger than memory. Default: the picture as a whole.
        halo: Context pixels around each tile, a multiple of the network's stride. Default: the receptive field, which
            makes gradients exact.
        replicas: Devices that share the tiles. Over several hosts, a picture without tiles takes the chief's result.
            Default: one device.
        jit_compile: A name in `compilation.JIT_MODES`, or a bool.

    Attributes:
        weights: {term: its weight}, in the order of `WEIGHTED_TERMS`; see `set_weights`.
        evaluator: Evaluates the loss and its gradient.

    Raises:
        ValueError: A negative weight; an unknown name; neither style nor content layers; layers without an image to
            compare with; or a `tile_size` or `halo` that does not suit the network or the statistic.
    """

    def __init__(
        self,
        extractor: extractors.FeatureExtractor,
        *,
        regions: Sequence[guidance.Region],
        content_image: tf.Tensor | None,
        style_layers: Mapping[str, float],
        content_layers: Mapping[str, float],
        style_weight: float = 1.0,
        content_weight: float = 1.0,
        var_weight: float = 0.0,
        alpha_norm_weight: float = 0.0,
        normalization: str = "mean",
        style_statistic: str | statistics.StyleStatistic = "gram",
        variation: str = "l1",
        seen: Callable[[tf.Tensor], tf.Tensor] = lambda image: image,
        tile_size: int | None = None,
        halo: int | None = None,
        replicas: devices.Replicas | None = None,
        jit_compile: str | bool = "auto",
    ) -> None:
        self.set_weights(
            style_weight=style_weight,
            content_weight=content_weight,
            var_weight=var_weight,
            alpha_norm_weight=alpha_norm_weight,
        )
        compared = comparison.make(
            extractor,
            style_layers=style_layers,
            content_layers=content_layers,
            normalization=normalization,
            style_statistic=style_statistic,
            variation=variation,
            seen=seen,
        )
        self.evaluator = _evaluator(
            compared,
            regions,
            content_image,
            tile_size=tile_size,
            halo=halo,
            replicas=replicas,
            jit_compile=jit_compile,
        )

    def set_weights(
        self, *, style_weight: float, content_weight: float, var_weight: float, alpha_norm_weight: float = 0.0
    ) -> None:
        """Sets the weights of the terms, each 0 or more; nothing is compiled again.

        Raises:
            ValueError: A weight is negative or not finite.
        """
        self.weights = {
            "style": checks.non_negative("style_weight", style_weight),
            "content": checks.non_negative("content_weight", content_weight),
            "total_variation": checks.non_negative("var_weight", var_weight),
            "alpha_norm": checks.non_negative("alpha_norm_weight", alpha_norm_weight),
        }

    def value_and_gradient(self, image: tf.Tensor) -> tuple[LossTerms, tf.Tensor]:
        """Returns the loss and its gradient with respect to the image, from one forward and one backward pass.

        In tiles, the forward pass is made twice.

        Args:
            image: float32 [1, height, width, 3], 0..255; of the content image's size where there is content.

        Returns:
            The terms, and the gradient of their total, of the image's shape.
        """
        return self.evaluator.evaluate(tf.convert_to_tensor(image), self._weights_of(*self.weights))

    def term_gradient(self, term: str, image: tf.Tensor) -> tf.Tensor:
        """Returns the gradient of one weighted term alone, at the cost of one evaluation and without compiling.

        Args:
            term: A name in `WEIGHTED_TERMS`.
            image: float32 [1, height, width, 3], 0..255; of the content image's size where there is content.

        Returns:
            The gradient, of the image's shape; zeros for a term of weight 0.

        Raises:
            ValueError: An unknown term.
        """
        checks.one_of("term", term, WEIGHTED_TERMS)
        return self.evaluator.evaluate(tf.convert_to_tensor(image), self._weights_of(term))[1]

    def tracing_count(self) -> int:
        """Returns how often compiled functions were traced: for a whole run 1, in tiles 4."""
        return self.evaluator.tracing_count()

    def _weights_of(self, *terms: str) -> tf.Tensor:
        """Returns the weights as an argument of the compiled function, those of other terms set to 0."""
        return tf.constant([self.weights[term] if term in terms else 0.0 for term in WEIGHTED_TERMS], tf.float32)


def _evaluator(
    compared: comparison.Comparison,
    regions: Sequence[guidance.Region],
    content_image: tf.Tensor | None,
    *,
    tile_size: int | None,
    halo: int | None,
    replicas: devices.Replicas | None,
    jit_compile: str | bool,
) -> base.Evaluator:
    if compared.content_layers and content_image is None:
        raise ValueError("content_image is None, but content_layers are given. Give a content image.")
    if tile_size is not None:
        return evaluator.Tiled(
            compared,
            regions,
            content_image,
            tile_size=tile_size,
            halo=halo,
            replicas=replicas,
            jit_compile=jit_compile,
        )
    if halo is not None:
        raise ValueError(f"halo={halo!r} has no effect with tile_size=None. Leave it out, or give a tile_size.")
    of_image = whole.Whole(compared, regions, content_image, jit_compile=jit_compile)
    if replicas is not None and replicas.has_other_hosts():
        return shared.OverHosts(of_image, replicas)
    return of_image
