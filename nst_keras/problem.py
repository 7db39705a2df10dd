"""What a run solves: an objective and an optimizer, each compiled once for all runs that it fits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import keras

from nst_keras import digests, extractors, inputs, losses, optimizers
from nst_keras import objective as objective_lib

__all__ = ["Problem"]


class Problem:
    """Pictures, layers and the way to compare them, of which a run's weights and learning rate make an objective.

    Args:
        pictures: What the run begins with.
        extractor: Gives the layers.
        style_layers: {layer: weight}.
        content_layers: {layer: weight}.
        normalization: A name in `losses.NORMALIZATIONS`.
        style_statistic: A name in `statistics.STATISTICS`.
        optimizer: As `optimizers.get` takes it.
        jit_compile: A name in `compilation.JIT_MODES`.

    Attributes:
        pictures: What the run begins with.

    Raises:
        ValueError: An unknown optimizer.
        TypeError: An optimizer of another type.
    """

    def __init__(
        self,
        pictures: inputs.Inputs,
        extractor: extractors.FeatureExtractor,
        *,
        style_layers: Mapping[str, float],
        content_layers: Mapping[str, float],
        normalization: str,
        style_statistic: str,
        optimizer: str | keras.optimizers.Optimizer,
        jit_compile: str,
    ) -> None:
        optimizers.get(optimizer)  # For its errors: only a run knows its learning rate.
        self.pictures = pictures
        self._extractor = extractor
        self._layers = {"style_layers": dict(style_layers), "content_layers": dict(content_layers)}
        self._comparison = {"normalization": normalization, "style_statistic": style_statistic}
        self._optimizer_setting = optimizer
        self._jit_compile = jit_compile
        self._objectives: dict[tuple[bool, bool], objective_lib.Objective] = {}
        self._prepared: tuple[optimizers.LearningRate | None, optimizers.Optimizer] | None = None

    def objective(
        self, style_weight: float | None, content_weight: float | None, var_weight: float
    ) -> objective_lib.Objective:
        """The objective for these weights; None stands for the normalization's usual ones.

        A term of weight 0 is left out, and cuts the network shorter.

        Raises:
            ValueError: A weight that is negative or not finite, or neither style nor content.
        """
        usual = losses.NORMALIZATIONS[self._comparison["normalization"]]
        weights = {
            "style_weight": usual.style_weight if style_weight is None else style_weight,
            "content_weight": usual.content_weight if content_weight is None else content_weight,
            "var_weight": var_weight,
        }
        present = (weights["style_weight"] != 0, weights["content_weight"] != 0)
        if not any(present):
            raise ValueError("style_weight and content_weight are both 0. Give one of them a weight.")
        if present not in self._objectives:
            self._objectives[present] = objective_lib.Objective(
                self._extractor.through(self.pictures.seen),
                style_images=self.pictures.style_targets,
                content_image=self.pictures.content_target,
                style_layers=self._layers["style_layers"] if present[0] else {},
                content_layers=self._layers["content_layers"] if present[1] else {},
                jit_compile=self._jit_compile,
                **self._comparison,
                **weights,
            )
        self._objectives[present].set_weights(**weights)
        return self._objectives[present]

    def optimizer(self, learning_rate: optimizers.LearningRate | None) -> optimizers.Optimizer:
        """That of the last run, compiled already, where it was of the same learning rate; a new one otherwise.

        Raises:
            ValueError: A learning rate that does not fit.
        """
        if self._prepared is None or self._prepared[0] != learning_rate:
            made = optimizers.get(self._optimizer_setting, learning_rate=learning_rate, jit_compile=self._jit_compile)
            self._prepared = (learning_rate, made)
        return self._prepared[1]

    def fingerprint(
        self, objective: objective_lib.Objective, learning_rate: optimizers.LearningRate | None
    ) -> dict[str, Any]:
        """{setting: value} of all that decides the pixels of a step, as `checkpoints` compares it."""
        return {
            **self.pictures.fingerprint(),
            "extractor": f"sha256:{self._extractor.fingerprint()}",
            **self._layers,
            **self._comparison,
            **{name: objective.weights[term] for term, name in objective_lib.WEIGHTED_TERMS.items()},
            "optimizer": digests.described(self._optimizer_setting),
            "learning_rate": digests.described(learning_rate),
            "jit_compile": self._jit_compile,
        }

    def need(self) -> dict[str, Any]:
        """What decides the memory of a run, as `capacity` takes it."""
        height, width = self.pictures.content_image.shape[1:3]
        return {
            "height": height,
            "width": width,
            "extractor": self._extractor,
            "optimizer": self._optimizer_setting,
            "style_size": max((tuple(image.shape[1:3]) for image in self.pictures.style_images), key=math.prod),
            "jit_compile": self._jit_compile,
        }
