"""The package's own optimizers and settings, over the losses of the references."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from nst_keras import optimizers
from nst_keras.losses import guidance
from nst_keras.networks import extractors
from nst_keras.objectives import objective
from references import recipe

__all__ = [
    "gram_objective",
    "gram_settings",
    "recipes",
    "tutorial_objective",
    "tutorial_settings",
    "wasserstein_objective",
]

# Of VGG19's style layers.
_CHANNELS = dict(zip(recipe.STYLE_LAYERS, (64, 128, 256, 512, 512), strict=True))


def recipes(objective_of: Callable[..., objective.Objective], *, compiled: bool = True) -> dict[str, recipe.Recipe]:
    """{name: recipe}, each lowering the objective that a task and a `jit_compile` have.

    Args:
        objective_of: Makes the objective.
        compiled: Whether those that are not named "no XLA" compile with it.
    """
    settings = {
        "L-BFGS": {"identifier": "lbfgs"},
        "L-BFGS, no XLA": {"identifier": "lbfgs", "jit_compile": "false"},
        "L-BFGS, mixed_bfloat16": {"identifier": "lbfgs", "jit_compile": "false", "precision": "mixed_bfloat16"},
        "L-BFGS, not preconditioned": {"identifier": "lbfgs", "preconditioning": 0},
        "Adam": {"identifier": "adam"},
    }
    usual = {"jit_compile": "true" if compiled else "false"}
    return {f"ours: {name}": _recipe(objective_of, **{**usual, **options}) for name, options in settings.items()}


def _recipe(
    objective_of: Callable[..., objective.Objective],
    *,
    jit_compile: str,
    precision: str = "float32",
    **options: Any,
) -> recipe.Recipe:
    def iterates(task: recipe.Task) -> Iterator[recipe.Iterate]:
        goal = objective_of(task, jit_compile=jit_compile, precision=precision)
        exact = functools.cache(lambda: objective_of(task, jit_compile="false"))
        optimizer = optimizers.get(jit_compile=jit_compile, **options)
        optimizer.start(tf.constant(task.start))
        while True:
            yield recipe.Iterate(
                float(optimizer.step(goal).terms.total),
                lambda: optimizer.result().numpy(),
                None
                if precision == "float32"
                else lambda: float(exact().value_and_gradient(optimizer.result())[0].total),
            )

    return iterates


def gram_settings() -> dict[str, Any]:
    """`recipe.GRAM_LOSS` in the package's terms: `mean` divides Gram matrices by M, and not by N M."""
    weights = recipe.GRAM_LOSS
    return {
        "normalization": "mean",
        "style_layers": {name: channels**-2.0 for name, channels in _CHANNELS.items()},
        "content_layers": {recipe.CONTENT_LAYER: 1.0},
        "style_weight": weights.style_weight,
        "content_weight": weights.content_weight,
        "var_weight": 255.0 * weights.var_weight,
    }


def tutorial_settings() -> dict[str, Any]:
    """`recipe.TUTORIAL_LOSS`, whose convention `mean` is."""
    return {
        "normalization": "mean",
        "style_layers": dict.fromkeys(recipe.STYLE_LAYERS, 1.0 / len(recipe.STYLE_LAYERS)),
        "content_layers": {recipe.TUTORIAL_CONTENT_LAYER: 1.0},
        **recipe.TUTORIAL_LOSS._asdict(),
    }


def gram_objective(task: recipe.Task, *, jit_compile: str = "true", precision: str = "float32") -> objective.Objective:
    """The objective of `gram_settings`."""
    return _objective(task, jit_compile, {"padding": "zeros", "precision": precision}, **gram_settings())


def tutorial_objective(
    task: recipe.Task, *, jit_compile: str = "true", precision: str = "float32"
) -> objective.Objective:
    """The objective of `tutorial_settings`."""
    return _objective(task, jit_compile, {"padding": "zeros", "precision": precision}, **tutorial_settings())


def wasserstein_objective(
    task: recipe.Task, *, jit_compile: str = "true", precision: str = "float32"
) -> objective.Objective:
    """`recipe.WASSERSTEIN_LOSS`: `relative` divides by the targets' own squares, which are multiplied back."""
    of_network, weights = {"padding": "replicate", "precision": precision}, recipe.WASSERSTEIN_LOSS
    extractor = _extractor(task, jit_compile, [*recipe.STYLE_LAYERS, recipe.CONTENT_LAYER], **of_network)
    style, content = extractor(tf.constant(task.style)), extractor(tf.constant(task.content))
    shares = zip(recipe.STYLE_LAYERS, weights.style_weights, strict=True)
    pixels = tf.size(task.content, out_type=tf.float32) / 3
    neighbours = 2 * pixels - sum(task.content.shape[1:3])
    return _objective(
        task,
        jit_compile,
        of_network,
        normalization="relative",
        style_statistic="wasserstein",
        variation="9_point",
        style_layers={name: share * _mean_square(style[name]) for name, share in shares},
        content_layers={recipe.CONTENT_LAYER: 1.0},
        style_weight=weights.feature_scale**-2,
        content_weight=weights.content_weight * _mean_square(content[recipe.CONTENT_LAYER]) / weights.feature_scale**2,
        # Theirs is the mean over pixels of differences squared; ours, over pairs of neighbours.
        var_weight=weights.var_weight * float(neighbours / pixels),
    )


def _extractor(
    task: recipe.Task, jit_compile: str, layers: Sequence[str], **options: str
) -> extractors.FeatureExtractor:
    return extractors.FeatureExtractor(
        task.network,
        keras.applications.vgg19.preprocess_input,
        layers=layers,
        for_xla=jit_compile == "true",
        **options,
    )


def _objective(
    task: recipe.Task, jit_compile: str, of_network: Mapping[str, str], **options: Any
) -> objective.Objective:
    layers = [*options["style_layers"], *options["content_layers"]]
    return objective.Objective(
        _extractor(task, jit_compile, layers, **of_network),
        regions=guidance.everywhere([tf.constant(task.style)]),
        content_image=tf.constant(task.content),
        jit_compile=jit_compile,
        **options,
    )


def _mean_square(features: tf.Tensor) -> float:
    return float(tf.reduce_mean(tf.square(features)))
