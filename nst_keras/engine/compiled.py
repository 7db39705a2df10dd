"""Objectives and optimizers of stages, each built and compiled once and then reused by later runs."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple

from nst_keras import optimizers, settings
from nst_keras.engine import plan as plan_lib
from nst_keras.objectives import objective

__all__ = ["Compiled", "Stage"]


class Stage(NamedTuple):
    """A stage that is ready to run.

    Attributes:
        plan: The plan of the stage.
        objective: The objective that the stage minimises.
        optimizer: Returns this stage's optimizer, reusing a compiled one.
    """

    plan: plan_lib.StagePlan
    objective: objective.Objective
    optimizer: Callable[[], optimizers.Optimizer]


class _Key(NamedTuple):
    """The values that an objective is built for. Weights are not among them: they can be changed afterwards."""

    size: tuple[int, int]
    has_style: bool
    has_content: bool
    jit_compile: str
    tile_size: int | None


class Compiled:
    """The objectives and the optimizer that were built for the runs of one setup."""

    def __init__(self) -> None:
        self._objectives: dict[_Key, objective.Objective] = {}
        self._optimizer: tuple[settings.LearningRate | None, optimizers.Optimizer] | None = None

    def stages(self, plan: plan_lib.Plan) -> list[Stage]:
        """Returns the stages of a run, ready to run.

        A style or content term of weight 0 is not computed, and the network is cut after the last layer still needed.

        Raises:
            ValueError: The learning rate is out of range, or the optimizer has none.
        """
        rate = plan.fit.learning_rate
        if self._optimizer is None or self._optimizer[0] != rate:
            self._optimizer = (rate, _optimizer(plan, plan.setup.jit_compile))
        made = self._optimizer[1]
        is_one = len(plan.stages) == 1
        return [
            Stage(
                stage,
                self._objective(plan, stage),
                (lambda: made) if is_one else functools.partial(_optimizer, plan, stage.jit_compile),
            )
            for stage in plan.stages
        ]

    def _objective(self, plan: plan_lib.Plan, stage: plan_lib.StagePlan) -> objective.Objective:
        fit = plan.fit
        key = _Key(
            stage.pictures.size, bool(fit.style_weight), bool(fit.content_weight), stage.jit_compile, stage.tile_size
        )
        if key not in self._objectives:
            self._objectives[key] = _built(plan, stage)
        self._objectives[key].set_weights(
            style_weight=fit.style_weight or 0.0,
            content_weight=fit.content_weight or 0.0,
            var_weight=fit.var_weight,
            alpha_norm_weight=fit.alpha_norm_weight,
        )
        return self._objectives[key]


def _built(plan: plan_lib.Plan, stage: plan_lib.StagePlan) -> objective.Objective:
    """Returns a new objective for a stage."""
    setup, losses = plan.setup, plan.setup.settings.losses
    return objective.Objective(
        setup.extractor,
        regions=stage.pictures.regions,
        content_image=stage.pictures.content_target,
        style_layers=setup.style_layers if plan.fit.style_weight else {},
        content_layers=setup.content_layers if plan.fit.content_weight else {},
        normalization=losses.normalization,
        style_statistic=losses.style_statistic,
        variation=losses.variation,
        seen=stage.pictures.seen,
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
        jit_compile=jit_compile,
        on_host=plan.stages[-1].tile_size is not None,
    )
