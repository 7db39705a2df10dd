"""The plan of a run: what each stage is, as values alone."""

from __future__ import annotations

import dataclasses
import math
from typing import NamedTuple

from nst_keras import losses, optimizers, settings
from nst_keras.engine import inputs, memory_estimate, schedule
from nst_keras.engine import setup as setup_lib
from nst_keras.export import record
from nst_keras.runtime import compilation

__all__ = ["Plan", "StagePlan", "asked", "fingerprint", "make", "memory_request", "used"]

# XLA takes some 10 seconds to compile a step, at any size, and then saves 0.07 to 0.1 s of 0.26 with VGG19 at 256 px: a
# stage of fewer pixels, times its steps, is left to the graph.
_LEAST_FOR_XLA = 140 * 256**2


class StagePlan(NamedTuple):
    """A run, or the part of it that is at one size.

    Attributes:
        pictures: At that size.
        end: The step after which the next stage begins.
        tile_size: Side of the tiles in pixels; None for a picture that is taken whole.
        jit_compile: A name in `compilation.JIT_MODES`.
    """

    pictures: inputs.Inputs
    end: int
    tile_size: int | None
    jit_compile: str


class Plan(NamedTuple):
    """What a run does.

    Attributes:
        setup: Pictures, network and layers.
        fit: Steps and weights, each weight a number.
        stages: One or more, in order.
    """

    setup: setup_lib.Setup
    fit: settings.FitSettings
    stages: tuple[StagePlan, ...]

    @property
    def total_steps(self) -> int:
        """Steps of the whole run."""
        return self.stages[-1].end


def make(setup: setup_lib.Setup, fit: settings.FitSettings) -> Plan:
    """Returns the plan of a run.

    Raises:
        ValueError: More stages than steps, or neither style nor content.
    """
    ends = schedule.stage_ends(len(setup.stage_sizes), fit.epochs * fit.steps_per_epoch, setup.stage_shares)
    stages = tuple(
        StagePlan(
            pictures,
            end,
            setup.tiles.of(memory_request(setup, pictures)),
            _jit_mode(setup, pictures, end - begin),
        )
        for pictures, begin, end in zip(setup.stage_pictures, (0, *ends), ends, strict=False)
    )
    return Plan(setup, _weighted(setup, fit), stages)


def memory_request(
    setup: setup_lib.Setup, pictures: inputs.Inputs, *, tile_size: int | None = None, frames: int = 0
) -> memory_estimate.MemoryRequest:
    """Returns what decides the memory of a stage.

    Args:
        setup: What its run is of.
        pictures: At its size.
        tile_size: Side of its tiles in pixels; None for a picture that is taken whole.
        frames: How many frames the run keeps in memory.
    """
    height, width = pictures.size
    styles = [(image.shape[1], image.shape[2]) for image in pictures.style_images]
    return memory_estimate.MemoryRequest(
        height=height,
        width=width,
        extractor=setup.extractor,
        optimizer=setup.optimization.optimizer,
        averaging=setup.optimization.averaging,
        lbfgs_history=setup.optimization.lbfgs_history,
        preconditioning=setup.optimization.preconditioning,
        style_size=max(styles, key=math.prod, default=None),
        jit_compile=setup.jit_compile,
        tile_size=tile_size,
        halo=setup.tiles.halo if tile_size else None,
        frames=frames,
    )


def fingerprint(plan: Plan) -> dict[str, object]:
    """Returns {option: value, or SHA-256} of all that decides the pixels of a step, for checkpoints to compare."""
    setup, fit, asked = plan.setup, plan.fit, plan.setup.settings
    found = setup.pictures.fingerprint() | {
        "extractor": f"sha256:{setup.extractor.fingerprint()}",
        "style_layers": setup.style_layers,
        "content_layers": setup.content_layers,
        "normalization": asked.losses.normalization,
        "style_statistic": record.described(asked.losses.style_statistic),
        "variation": asked.losses.variation,
        "style_weight": fit.style_weight,
        "content_weight": fit.content_weight,
        "var_weight": fit.var_weight,
        "alpha_norm_weight": fit.alpha_norm_weight,
        "optimizer": record.described(setup.optimization.optimizer),
        "averaging": setup.optimization.averaging,
        "lbfgs_history": setup.optimization.lbfgs_history,
        "preconditioning": setup.optimization.preconditioning,
        "tile_size": [stage.tile_size for stage in plan.stages],
        "halo": setup.tiles.halo,
        "learning_rate": record.described(fit.learning_rate),
        "jit_compile": compilation.jit_mode(asked.runtime.jit_compile),
        "steps_per_epoch": fit.steps_per_epoch,
        "frame_interval": asked.frames.frame_interval,
    }
    if len(plan.stages) > 1:
        found["pyramid"] = [[size, stage.end] for size, stage in zip(setup.stage_sizes, plan.stages, strict=True)]
    return found


def asked(plan: Plan) -> dict[str, object]:
    """Returns {option: value} of all that was asked for, the seed drawn."""
    return settings.values(plan.setup.settings) | settings.values(plan.fit)


def used(plan: Plan) -> dict[str, object]:
    """Returns {option: value} of all options of a run, with the numbers that it uses in the place of None."""
    setup, asked = plan.setup, plan.setup.settings
    options = settings.values(asked) | settings.values(setup.optimization) | settings.values(plan.fit)
    numbers: dict[str, object] = {"init": setup.mode.init, "seed": setup.pictures.seed}
    if len(setup.pictures.blend) > 1:
        numbers["style_blend"] = list(setup.pictures.blend)
    if setup.optimization.optimizer == "lbfgs":
        numbers["lbfgs_history"] = optimizers.HISTORY
    elif setup.optimization.optimizer == "adam":
        numbers["learning_rate"] = optimizers.LEARNING_RATE
    tile_sizes = {stage.tile_size for stage in plan.stages}
    if len(tile_sizes) == 1:
        options["tile_size"] = tile_sizes.pop()
    return options | {name: value for name, value in numbers.items() if options[name] is None}


def _weighted(setup: setup_lib.Setup, fit: settings.FitSettings) -> settings.FitSettings:
    """The run with a number for each weight. A term that the mode has not has the weight 0."""
    usual = losses.NORMALIZATIONS[setup.settings.losses.normalization]
    style, content = fit.style_weight, fit.content_weight
    if style is None:
        style = usual.style_weight if setup.mode.style else 0.0
    if content is None:
        content = usual.content_weight if setup.mode.content else 0.0
    if not (style or content):
        raise ValueError("style_weight and content_weight are both 0. Give one of them a weight.")
    return dataclasses.replace(
        fit,
        style_weight=style,
        content_weight=content,
        var_weight=fit.var_weight or 0.0,
        alpha_norm_weight=fit.alpha_norm_weight or 0.0,
    )


def _jit_mode(setup: setup_lib.Setup, pictures: inputs.Inputs, steps: int) -> str:
    is_short = len(setup.stage_sizes) > 1 and steps * math.prod(pictures.size) < _LEAST_FOR_XLA
    return "false" if is_short and setup.jit_compile == "auto" else setup.jit_compile
