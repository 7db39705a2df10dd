"""What every evaluator of an objective gives: the loss of an image, in its terms, and the gradient."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import tensorflow as tf

from nst_keras.objectives import targets

__all__ = ["WEIGHTED_TERMS", "Evaluator", "LossTerms", "Weights", "content_of", "terms_of"]

# The terms of the loss and the names of their weights, in the order in which the terms stand in `LossTerms`.
WEIGHTED_TERMS: dict[str, str] = {
    "style": "style_weight",
    "content": "content_weight",
    "total_variation": "var_weight",
    "alpha_norm": "alpha_norm_weight",
}


class Weights(NamedTuple):
    """The weights of an evaluation, as arguments of the compiled function: float32 scalars.

    Attributes:
        terms: {term in `WEIGHTED_TERMS`: its weight}.
        style_layers: {layer: w_l}.
        content_layers: {layer: w_l}.
        further: {further term: its weight}.
    """

    terms: dict[str, tf.Tensor]
    style_layers: dict[str, tf.Tensor]
    content_layers: dict[str, tf.Tensor]
    further: dict[str, tf.Tensor]


class LossTerms(NamedTuple):
    """The loss of one image in its parts: float32 scalars, each already multiplied by its weights.

    Attributes:
        total: alpha L_content + beta L_style (Gatys et al. 2015, eq. 7), plus `total_variation`, `alpha_norm` and the
            values of `further`.
        style: beta sum_l w_l E_l (eq. 5).
        content: alpha sum_l w_l L_l.
        total_variation: var_weight times the total variation.
        alpha_norm: alpha_norm_weight times the alpha-norm.
        style_layers: {layer: its share of `style`}.
        content_layers: {layer: its share of `content`}.
        further: {further term: its value}. Default: none.
    """

    total: tf.Tensor
    style: tf.Tensor
    content: tf.Tensor
    total_variation: tf.Tensor
    alpha_norm: tf.Tensor
    style_layers: dict[str, tf.Tensor]
    content_layers: dict[str, tf.Tensor]
    further: Mapping[str, tf.Tensor] = types.MappingProxyType({})


class Evaluator(Protocol):
    """Evaluates the loss and its gradient: of the whole image, tile by tile, or shared by several hosts.

    It holds the network and the compiled functions, and no picture. Several runs may share it.
    """

    def targets_of(self, reference: targets.Reference, strength: float) -> Any:
        """Returns what a picture is compared with: `targets.Targets`, or for tiles `passes.TiledTargets`.

        Args:
            reference: The pictures to compare with.
            strength: Share of the style in the style targets, 0..1; the rest is the content image's own.

        Raises:
            ValueError: There are style layers but no style image, or content layers but no content image.
        """
        ...

    def evaluate(self, image: tf.Tensor, weights: Weights, against: Any) -> tuple[LossTerms, tf.Tensor]:
        """Returns the terms of the loss, and the gradient of their total with respect to the image.

        Args:
            image: float32 [1, height, width, 3], 0..255.
            weights: The weights of terms and layers.
            against: The result of `targets_of`.
        """
        ...

    def tracing_count(self) -> int:
        """Returns how often the compiled functions of a step were traced, all together."""
        ...


def content_of(reference: targets.Reference) -> tf.Tensor:
    """Returns the content image; raises `ValueError` where there is none."""
    if reference.content_image is None:
        raise ValueError("content_image is None, but content_layers are given. Give a content image.")
    return reference.content_image


def terms_of(
    style_layers: dict[str, tf.Tensor],
    content_layers: dict[str, tf.Tensor],
    *,
    total_variation: tf.Tensor,
    alpha_norm: tf.Tensor,
    further: Mapping[str, tf.Tensor] = types.MappingProxyType({}),
) -> LossTerms:
    """Returns the terms with their total, given float32 scalars that are multiplied by their weights.

    Args:
        style_layers: {layer: its share of the style term}; may be empty.
        content_layers: {layer: its share of the content term}; may be empty.
        total_variation: The total variation term.
        alpha_norm: The alpha-norm term.
        further: {further term: its value}; default: none.
    """
    shares = {
        "style": _sum(style_layers),
        "content": _sum(content_layers),
        "total_variation": total_variation,
        "alpha_norm": alpha_norm,
    }
    total = tf.add_n([*shares.values(), *further.values()])
    return LossTerms(total, **shares, style_layers=style_layers, content_layers=content_layers, further=dict(further))


def _sum(shares: Mapping[str, tf.Tensor]) -> tf.Tensor:
    return tf.add_n(list(shares.values())) if shares else tf.constant(0.0)
