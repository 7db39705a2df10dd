"""Objectives and the optimizer of runs, each built once and then reused by later stages and runs."""

from __future__ import annotations

from typing import NamedTuple

from nst_keras import optimizers, settings
from nst_keras.engine import inputs
from nst_keras.engine import plan as plan_lib
from nst_keras.networks import extractors
from nst_keras.objectives import objective
from nst_keras.runtime import phases

__all__ = ["Compiled"]


class _Key(NamedTuple):
    """The values that an objective is built for. Pictures and weights can be changed afterwards."""

    extractor: extractors.FeatureExtractor
    has_style: bool
    has_content: bool
    jit_compile: str
    tile_size: int | None
    preserve_color: str


class _OptimizerKey(NamedTuple):
    """The values that an optimizer is built for."""

    learning_rate: settings.LearningRate | None
    size: tuple[int, int]
    jit_compile: str


class _Compared(NamedTuple):
    """What an objective compares with at present."""

    pictures: inputs.Inputs
    strength: float


class Compiled:
    """The objectives and the optimizer that were built for the runs of one session."""

    def __init__(self) -> None:
        self._objectives: dict[_Key, objective.Objective] = {}
        self._compared: dict[_Key, _Compared] = {}
        self._optimizer: tuple[_OptimizerKey, optimizers.Optimizer] | None = None

    def objective(self, plan: plan_lib.Plan, stage: plan_lib.StagePlan) -> objective.Objective:
        """Returns the objective of a stage, with the weights and the pictures of the plan.

        A style or content term of weight 0 is not computed, and the network is cut after the last layer still needed.
        Stages may share an objective: each asks for it when it begins.
        """
        fit = plan.fit
        key = _Key(
            plan.setup.extractor,
            "style" in plan.terms,
            "content" in plan.terms,
            stage.jit_compile,
            stage.tile_size,
            stage.pictures.preserve_color,
        )
        if key not in self._objectives:
            self._objectives[key] = _built(plan, stage)
        made, compared = self._objectives[key], _Compared(stage.pictures, fit.strength)
        made.set_weights(
            style_weight=fit.style_weight or 0.0,
            content_weight=fit.content_weight or 0.0,
            var_weight=fit.var_weight,
            alpha_norm_weight=fit.alpha_norm_weight,
            **plan.further,
        )
        before = self._compared.get(key)
        if before is None or before.pictures is not compared.pictures or before.strength != compared.strength:
            self._compared.pop(key, None)  # Then, if this fails, the next call computes targets again.
            with phases.named(f"measuring the {'style' if key.has_style else 'content'}"):
                made.compare_with(stage.pictures.reference, fit.strength)
            self._compared[key] = compared
        return made

    def forget_pictures(self) -> None:
        """Frees the targets of all objectives. They are computed again when a stage asks for its objective."""
        self._compared.clear()
        for made in self._objectives.values():
            made.forget_pictures()

    def optimizer(self, plan: plan_lib.Plan, stage: plan_lib.StagePlan) -> optimizers.Optimizer:
        """Returns the optimizer of a stage: a new one with a pyramid, else that of the last run if it suits this one.

        Raises:
            ValueError: The learning rate is out of range, or the optimizer has none.
        """
        if len(plan.stages) > 1:
            return _optimizer(plan, stage.jit_compile)
        key = _OptimizerKey(plan.fit.learning_rate, stage.pictures.size, stage.jit_compile)
        if self._optimizer is None or self._optimizer[0] != key:
            self._optimizer = None  # Frees its images before the next ones are made.
            self._optimizer = (key, _optimizer(plan, stage.jit_compile))
        return self._optimizer[1]


def _built(plan: plan_lib.Plan, stage: plan_lib.StagePlan) -> objective.Objective:
    """Returns a new objective for a stage, which compares with nothing yet."""
    setup, losses = plan.setup, plan.setup.settings.losses
    return objective.Objective(
        setup.extractor,
        style_layers=setup.style_layers if "style" in plan.terms else {},
        content_layers=setup.content_layers if "content" in plan.terms else {},
        normalization=losses.normalization,
        style_statistic=losses.style_statistic,
        variation=losses.variation,
        seen=stage.pictures.seen,
        further=setup.further,
        jit_compile=stage.jit_compile,
        tile_size=stage.tile_size,
        halo=setup.tiles.halo if stage.tile_size else None,
        replicas=setup.tiles.replicas,
    )


def _optimizer(plan: plan_lib.Plan, jit_compile: str) -> optimizers.Optimizer:
    """Returns a new optimizer for a run."""
    asked = plan.setup.optimization
    return optimizers.get(
        asked.optimizer,
        learning_rate=plan.fit.learning_rate,
        averaging=asked.averaging or 0.0,
        lbfgs_history=asked.lbfgs_history,
        preconditioning=asked.preconditioning,
        tolerance=asked.tolerance,
        jit_compile=jit_compile,
        on_host=plan.stages[-1].tile_size is not None,
    )
