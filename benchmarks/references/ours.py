"""The package's own optimizers and settings, over the losses of the references."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf

from nst_keras import optimizers
from nst_keras.losses import guidance
from nst_keras.networks import extractors
from nst_keras.objectives import objective
from references import recipe

__all__ = ["gram_objective", "recipes", "wasserstein_objective"]

_LAYERS = [*recipe.STYLE_LAYERS, recipe.CONTENT_LAYER]


def recipes(objective_of: Callable[..., objective.Objective]) -> dict[str, recipe.Recipe]:
    """{name: recipe}, each lowering the objective that a task and a `jit_compile` have."""
    settings = {
        "L-BFGS": {"identifier": "lbfgs"},
        "L-BFGS, no XLA": {"identifier": "lbfgs", "jit_compile": "false"},
        "L-BFGS, mixed_bfloat16": {"identifier": "lbfgs", "jit_compile": "false", "precision": "mixed_bfloat16"},
        "L-BFGS, not preconditioned": {"identifier": "lbfgs", "preconditioning": 0},
        "Adam": {"identifier": "adam"},
    }
    return {f"ours: {name}": _recipe(objective_of, **options) for name, options in settings.items()}


def _recipe(
    objective_of: Callable[..., objective.Objective],
    *,
    jit_compile: str = "true",
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


def gram_objective(task: recipe.Task, *, jit_compile: str = "true", precision: str = "float32") -> objective.Objective:
    """`recipe.GRAM_LOSS` in the package's terms: `mean` divides Gram matrices by M, and not by N M."""
    extractor = _extractor(task, jit_compile, padding="zeros", precision=precision)
    weights = recipe.GRAM_LOSS
    return _objective(
        task,
        extractor,
        jit_compile,
        normalization="mean",
        style_layers={name: extractor.channels[name] ** -2.0 for name in recipe.STYLE_LAYERS},
        style_weight=weights.style_weight,
        content_weight=weights.content_weight,
        var_weight=255.0 * weights.var_weight,
    )


def wasserstein_objective(
    task: recipe.Task, *, jit_compile: str = "true", precision: str = "float32"
) -> objective.Objective:
    """`recipe.WASSERSTEIN_LOSS`: `relative` divides by the targets' own squares, which are multiplied back."""
    extractor = _extractor(task, jit_compile, padding="replicate", precision=precision)
    weights = recipe.WASSERSTEIN_LOSS
    style, content = extractor(tf.constant(task.style)), extractor(tf.constant(task.content))
    shares = zip(recipe.STYLE_LAYERS, weights.style_weights, strict=True)
    pixels = tf.size(task.content, out_type=tf.float32) / 3
    neighbours = 2 * pixels - sum(task.content.shape[1:3])
    return _objective(
        task,
        extractor,
        jit_compile,
        normalization="relative",
        style_statistic="wasserstein",
        variation="9_point",
        style_layers={name: share * _mean_square(style[name]) for name, share in shares},
        style_weight=weights.feature_scale**-2,
        content_weight=weights.content_weight * _mean_square(content[recipe.CONTENT_LAYER]) / weights.feature_scale**2,
        # Theirs is the mean over pixels of differences squared; ours, over pairs of neighbours.
        var_weight=weights.var_weight * float(neighbours / pixels),
    )


def _extractor(task: recipe.Task, jit_compile: str, **options: str) -> extractors.FeatureExtractor:
    return extractors.FeatureExtractor(
        task.network,
        keras.applications.vgg19.preprocess_input,
        layers=_LAYERS,
        for_xla=jit_compile == "true",
        **options,
    )


def _objective(
    task: recipe.Task, extractor: extractors.FeatureExtractor, jit_compile: str, **options: Any
) -> objective.Objective:
    return objective.Objective(
        extractor,
        regions=guidance.everywhere([tf.constant(task.style)]),
        content_image=tf.constant(task.content),
        content_layers={recipe.CONTENT_LAYER: 1.0},
        jit_compile=jit_compile,
        **options,
    )


def _mean_square(features: tf.Tensor) -> float:
    return float(tf.reduce_mean(tf.square(features)))
