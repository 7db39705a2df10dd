"""The objective of a picture: targets and weights -> value_and_gradient(image) -> (LossTerms, gradient)."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from nst_keras import checks
from nst_keras.losses import guidance, statistics
from nst_keras.losses import terms as further_terms
from nst_keras.networks import extractors
from nst_keras.objectives import base, comparison, shared, targets, whole
from nst_keras.objectives.base import WEIGHTED_TERMS, LossTerms
from nst_keras.objectives.tiled import evaluator
from nst_keras.runtime import devices

__all__ = ["WEIGHTED_TERMS", "LossTerms", "Objective"]

# Evaluators of a process that are kept for other objectives of the same network and losses. TensorFlow never frees what
# it has compiled, so each new one would take memory for good: 20 MB as a graph, 110 MB with XLA for `compact`.
_SHARED_EVALUATORS = 8


def _itself(image: tf.Tensor) -> tf.Tensor:
    return image


class Objective:
    """Style, content and regularizers of an image, compared with targets that are computed once.

    Objectives of one network and the same losses share their compiled functions.

    Args:
        extractor: Network that gives at least the layers named below.
        regions: See `targets.Reference`. Default: none. Without a content image too, call `compare_with` before the
            first evaluation.
        content_image: float32 [1, height, width, 3], 0..255. May be None without `content_layers`.
        style_layers: {layer: w_l}; empty for no style.
        content_layers: {layer: w_l}; empty for no content.
        kept: See `targets.Reference`.
        strength: Share of the style in the style targets, 0..1; the rest is the content image's own style.
        style_weight: beta, 0 or more.
        content_weight: alpha, 0 or more.
        var_weight: Weight of the total variation, 0 or more.
        alpha_norm_weight: Weight of the alpha-norm, 0 or more.
        normalization: Loss convention, a name in `losses.NORMALIZATIONS`.
        style_statistic: Statistic that is compared, a name in `statistics.STATISTICS` or a `StyleStatistic`.
        variation: Kind of total variation, a name in `regularizers.VARIATIONS`.
        seen: Function from the image to one of the same shape, which the network and the regularizers see. Default:
            they see the image itself.
        further: Further terms of the loss. Each begins with its own weight.
        tile_size: Size of a tile in pixels, for pictures larger than memory. Default: the picture as a whole.
        halo: Context pixels around each tile, a multiple of the network's stride. Default: the receptive field, which
            makes gradients exact.
        replicas: Devices that share the tiles. Over several hosts, a picture without tiles takes the chief's result.
            Default: one device.
        jit_compile: A name in `compilation.JIT_MODES`, or a bool.

    Attributes:
        weights: {term: its weight}, those of `WEIGHTED_TERMS` and of further terms; see `set_weights`.
        evaluator: Evaluates the loss and its gradient.
        targets: What the image is compared with, as the evaluator made it.

    Raises:
        ValueError: A negative weight; an unknown name; neither style nor content layers; layers without an image to
            compare with; or a `tile_size` or `halo` that does not suit the network or the statistic.
    """

    def __init__(
        self,
        extractor: extractors.FeatureExtractor,
        *,
        regions: Sequence[guidance.Region] | None = None,
        content_image: tf.Tensor | None = None,
        style_layers: Mapping[str, float],
        content_layers: Mapping[str, float],
        kept: Sequence[targets.Kept] = (),
        strength: float = 1.0,
        style_weight: float = 1.0,
        content_weight: float = 1.0,
        var_weight: float = 0.0,
        alpha_norm_weight: float = 0.0,
        normalization: str = "mean",
        style_statistic: str | statistics.StyleStatistic = "gram",
        variation: str = "l1",
        seen: Callable[[tf.Tensor], tf.Tensor] = _itself,
        further: Sequence[further_terms.Term] = (),
        tile_size: int | None = None,
        halo: int | None = None,
        replicas: devices.Replicas | None = None,
        jit_compile: str | bool = "auto",
    ) -> None:
        self._rest: tf.Tensor | None = None
        self._network = extractor.name
        self.weights = {term.name: float(term.weight) for term in further}
        self.set_weights(
            style_weight=style_weight,
            content_weight=content_weight,
            var_weight=var_weight,
            alpha_norm_weight=alpha_norm_weight,
        )
        self._style_layers, self._content_layers = _scalars(style_layers), _scalars(content_layers)
        # What cannot be told apart from others, such as a statistic that may change, has an evaluator of its own.
        is_shared = isinstance(style_statistic, Hashable) and isinstance(seen, Hashable)
        self.evaluator = (_evaluator if is_shared else _evaluator.__wrapped__)(
            extractor,
            tuple(style_layers),
            tuple(content_layers),
            normalization,
            style_statistic,
            variation,
            seen,
            tuple(further),
            tile_size,
            halo,
            replicas if replicas and (tile_size is not None or replicas.has_other_hosts()) else None,
            str(jit_compile).lower(),
        )
        if regions is not None or content_image is not None:
            self.compare_with(targets.Reference(regions or [], content_image, kept), strength)

    def __repr__(self) -> str:
        """Names the network, the layers and the weights."""
        style, content = len(self._style_layers), len(self._content_layers)
        weights = ", ".join(f"{name} {weight:g}" for name, weight in self.weights.items() if weight)
        layers = f"{style} style and {content} content layers of {self._network}"
        return f"<{type(self).__name__}: {layers}; weights: {weights or 'all 0'}>"

    def set_weights(
        self,
        *,
        style_weight: float,
        content_weight: float,
        var_weight: float,
        alpha_norm_weight: float = 0.0,
        **further: float,
    ) -> None:
        """Sets the weights of the terms, each 0 or more; nothing is compiled again.

        Args:
            style_weight: beta.
            content_weight: alpha.
            var_weight: Weight of the total variation.
            alpha_norm_weight: Weight of the alpha-norm.
            further: Weights of further terms, by their names. Those not named keep theirs.

        Raises:
            ValueError: A weight is negative or not finite, or there is no such term.
        """
        given = {
            "style_weight": style_weight,
            "content_weight": content_weight,
            "var_weight": var_weight,
            "alpha_norm_weight": alpha_norm_weight,
        }
        for name in further:
            checks.one_of("the name of a weight", name, list(self.weights))
        checked = {name: checks.non_negative(name, weight) for name, weight in (given | further).items()}
        terms = {term: checked.pop(name) for term, name in WEIGHTED_TERMS.items()}
        self.weights = terms | {name: weight for name, weight in self.weights.items() if name not in terms} | checked

    def compare_with(self, reference: targets.Reference, strength: float = 1.0) -> None:
        """Sets the pictures to compare with; for pictures of a size seen before, nothing is compiled again.

        Args:
            reference: The pictures.
            strength: Share of the style in the style targets, 0..1; the rest is the content image's own style.

        Raises:
            ValueError: Layers without an image to compare with.
        """
        self.targets: Any = self.evaluator.targets_of(reference, strength)
        self._rest = reference.content_image if strength == 0.0 else None

    def forget_pictures(self) -> None:
        """Lets go of what was computed of pictures; `compare_with` must be called before the next evaluation."""
        self.targets = self._rest = None

    def value_and_gradient(self, image: tf.Tensor) -> tuple[LossTerms, tf.Tensor]:
        """Returns the loss and its gradient with respect to the image, from one forward and one backward pass.

        In tiles, the forward pass is made twice. At strength 0, the gradient at the content image itself is 0, without
        the rounding that would lead Adam away from it: its steps are as long whatever the gradient's size.

        Args:
            image: float32 [1, height, width, 3], 0..255; of the content image's size where there is content.

        Returns:
            The terms, and the gradient of their total, of the image's shape.
        """
        image = tf.convert_to_tensor(image)
        terms, gradient = self.evaluator.evaluate(image, self._weights_of(*self.weights), self.targets)
        return terms, tf.zeros_like(gradient) if self._is_at_rest(image) else gradient

    def term_gradient(self, term: str, image: tf.Tensor) -> tf.Tensor:
        """Returns the gradient of one weighted term alone, at the cost of one evaluation and without compiling.

        Args:
            term: A name in `WEIGHTED_TERMS`, or of a further term.
            image: float32 [1, height, width, 3], 0..255; of the content image's size where there is content.

        Returns:
            The gradient, of the image's shape; zeros for a term of weight 0.

        Raises:
            ValueError: An unknown term.
        """
        checks.one_of("term", term, list(self.weights))
        return self.evaluator.evaluate(tf.convert_to_tensor(image), self._weights_of(term), self.targets)[1]

    def tracing_count(self) -> int:
        """Returns how often the compiled functions of a step were traced, by all objectives that share them.

        Without XLA, that is once for pictures of all sizes; in tiles, four times. With XLA, the same for each size.
        """
        return self.evaluator.tracing_count()

    def _is_at_rest(self, image: tf.Tensor) -> bool:
        """Returns whether an image is the content image at strength 0, and only style and content have a weight."""
        if self._rest is None or image.shape != self._rest.shape:
            return False
        others = sum(weight for term, weight in self.weights.items() if term not in ("style", "content"))
        return not others and bool(tf.reduce_all(image == self._rest))

    def _weights_of(self, *terms: str) -> base.Weights:
        """Returns the weights as an argument of the compiled function, those of other terms set to 0."""
        weights = _scalars({term: weight if term in terms else 0.0 for term, weight in self.weights.items()})
        of_terms = {term: weights.pop(term) for term in WEIGHTED_TERMS}
        return base.Weights(of_terms, self._style_layers, self._content_layers, weights)


@functools.lru_cache(maxsize=_SHARED_EVALUATORS)
def _evaluator(
    extractor: extractors.FeatureExtractor,
    style_layers: tuple[str, ...],
    content_layers: tuple[str, ...],
    normalization: str,
    style_statistic: str | statistics.StyleStatistic,
    variation: str,
    seen: Callable[[tf.Tensor], tf.Tensor],
    further: tuple[further_terms.Term, ...],
    tile_size: int | None,
    halo: int | None,
    replicas: devices.Replicas | None,
    jit_compile: str,
) -> base.Evaluator:
    """Returns the evaluator of these losses, the same one for the same arguments, which are those of `Objective`."""
    compared = comparison.make(
        extractor,
        style_layers=style_layers,
        content_layers=content_layers,
        normalization=normalization,
        style_statistic=style_statistic,
        variation=variation,
        seen=seen,
        further=further,
    )
    if tile_size is not None:
        return evaluator.Tiled(compared, tile_size=tile_size, halo=halo, replicas=replicas, jit_compile=jit_compile)
    if halo is not None:
        raise ValueError(f"halo={halo!r} has no effect with tile_size=None. Leave it out, or give a tile_size.")
    of_image = whole.Whole(compared, jit_compile=jit_compile)
    if replicas is not None and replicas.has_other_hosts():
        return shared.OverHosts(of_image, replicas)
    return of_image


def _scalars(weights: Mapping[str, float]) -> dict[str, tf.Tensor]:
    return {name: tf.constant(weight, tf.float32) for name, weight in weights.items()}
