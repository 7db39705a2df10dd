"""The plan of a run: what each stage does, as values alone, before anything is built or computed."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

from nst_keras import checks, losses, optimizers, settings
from nst_keras.engine import compile_cost, inputs, memory_estimate, memory_requests, schedule
from nst_keras.engine import setup as setup_lib
from nst_keras.export import record
from nst_keras.runtime import compilation, hosts
from nst_keras.settings import modes

__all__ = [
    "STEERED",
    "Plan",
    "StagePlan",
    "asked",
    "extractor_digest",
    "fingerprint",
    "loss_fingerprint",
    "make",
    "optimizer_defaults",
    "stage_memory",
    "start",
    "used",
    "with_fit",
    "with_setup",
    "without_callbacks",
]

# Options of a run that can be changed while it is going.
STEERED = ("style_weight", "content_weight", "var_weight", "alpha_norm_weight", "strength")


class StagePlan(NamedTuple):
    """One stage of a run: all steps at one size.

    Attributes:
        pictures: The run's pictures at this size.
        end: The step after which the stage ends, counted from the start of the run.
        tile_size: Side of the tiles in pixels; None if the picture is evaluated whole.
        jit_compile: A name in `compilation.JIT_MODES`.
    """

    pictures: inputs.Inputs
    end: int
    tile_size: int | None
    jit_compile: str


class Plan(NamedTuple):
    """Everything that decides a run.

    Attributes:
        setup: Pictures, network and layers.
        fit: Steps and weights. Each weight is a number, never None.
        stages: The stages in order, one or more.
        further: {further term: its weight}.
        terms: The terms that are computed, of `"style"` and `"content"`. A term of weight 0 is left out, unless it had
            a weight at an earlier step.
        went_on: What the run started from, in words, for the record. Default: empty, for a run from `init`.
    """

    setup: setup_lib.Setup
    fit: settings.FitSettings
    stages: tuple[StagePlan, ...]
    further: dict[str, float]
    terms: tuple[str, ...]
    went_on: str = ""

    @property
    def total_steps(self) -> int:
        """Number of steps of the whole run."""
        return self.stages[-1].end


def make(setup: setup_lib.Setup, fit: settings.FitSettings, *, went_on: str = "") -> Plan:
    """Returns the plan of a run.

    Args:
        setup: What all runs of the transfer share.
        fit: Steps and weights. A weight of None becomes the normalization's usual weight.
        went_on: See `Plan`.

    Raises:
        ValueError: More stages than steps, weights of 0 for both style and content, or a strength without effect.
    """
    ends = schedule.stage_ends(len(setup.stage_sizes), fit.epochs * fit.steps_per_epoch, setup.stage_shares)
    stages = tuple(
        _stage(setup, pictures, begin, end)
        for pictures, begin, end in zip(setup.stage_pictures, (0, *ends), ends, strict=False)
    )
    weighted = _weighted(setup, fit)
    return Plan(setup, weighted, stages, _further(setup), _terms(weighted), went_on)


def with_fit(plan: Plan, **changes: Any) -> Plan:
    """Returns the same plan with other weights or another strength, for a run that is going.

    Args:
        plan: The plan so far.
        changes: Options of `FitSettings`, and weights of further terms by their names.

    Raises:
        ValueError: A bad value, an unknown name, a term that the run does not have, or weights of 0 for both terms.
    """
    further = {name: checks.non_negative(name, changes.pop(name)) for name in list(changes) if name in plan.further}
    for name in changes:
        checks.one_of("the name of a weight", name, [*STEERED, *plan.further])
    fit = dataclasses.replace(plan.fit, **changes)
    modes.get(plan.setup.settings.losses.mode, settings.FitSettings(**changes))  # Raises for a term it lacks.
    weighted = _weighted(plan.setup, fit)
    terms = tuple(dict.fromkeys([*plan.terms, *_terms(weighted)]))
    return plan._replace(fit=weighted, further=plan.further | further, terms=terms)


def without_callbacks(plan: Plan) -> Plan:
    """Returns the same plan without the user's callbacks, which know their run."""
    return plan._replace(fit=dataclasses.replace(plan.fit, callbacks=()))


def with_setup(plan: Plan, setup: setup_lib.Setup) -> Plan:
    """Returns the same plan with other pictures of the same sizes, for a run that is going.

    Raises:
        ValueError: The pictures have other sizes.
    """
    pictures = setup.stage_pictures[-len(plan.stages) :]
    if [one.size for one in pictures] != [stage.pictures.size for stage in plan.stages]:
        height, width = setup.pictures.size
        raise ValueError(
            f"style_image makes the picture {width}x{height} px, but its size cannot change during a run. Call "
            "set_images before the next run."
        )
    stages = (stage._replace(pictures=one) for stage, one in zip(plan.stages, pictures, strict=True))
    # The optimizer goes on as the run began it: a warm start keeps what a pyramid has chosen.
    return plan._replace(setup=setup._replace(optimization=plan.setup.optimization), stages=tuple(stages))


def stage_memory(plan: Plan, *, frames: int) -> memory_estimate.MemoryRequest:
    """Returns the request for an estimate of the memory of a run's last stage, the largest.

    Args:
        plan: The run.
        frames: Number of frames that the run keeps in memory, 0 or more.
    """
    last = plan.stages[-1]
    return memory_requests.of(
        plan.setup, last.pictures, jit_compile=last.jit_compile, tile_size=last.tile_size, frames=frames
    )


def extractor_digest(setup: setup_lib.Setup) -> str:
    """Returns the SHA-256 of all that determines the features, as a fingerprint holds it."""
    return f"sha256:{setup.extractor.fingerprint()}"


def fingerprint(plan: Plan) -> dict[str, object]:
    """Returns {option: value, or SHA-256} of all that decides the pixels of a step. A resumed run compares it."""
    setup, fit, given = plan.setup, plan.fit, plan.setup.settings
    found: dict[str, object] = setup.pictures.fingerprint() | {
        "extractor": extractor_digest(setup),
        "precision": given.network.precision,
        "style_layers": setup.style_layers,
        "content_layers": setup.content_layers,
        "normalization": given.losses.normalization,
        "style_statistic": record.described(given.losses.style_statistic),
        "variation": given.losses.variation,
        "style_weight": fit.style_weight,
        "content_weight": fit.content_weight,
        "var_weight": fit.var_weight,
        "alpha_norm_weight": fit.alpha_norm_weight,
        **({} if fit.strength == 1.0 else {"strength": fit.strength}),
        **{f"{name}_weight": weight for name, weight in plan.further.items()},  # No option has such a name.
        "optimizer": record.described(setup.optimization.optimizer),
        "averaging": setup.optimization.averaging,
        "lbfgs_history": setup.optimization.lbfgs_history,
        "preconditioning": setup.optimization.preconditioning,
        **({"tolerance": setup.optimization.tolerance} if setup.optimization.tolerance else {}),
        "tile_size": [stage.tile_size for stage in plan.stages],
        "halo": setup.tiles.halo,
        "learning_rate": record.described(fit.learning_rate),
        "jit_compile": compilation.jit_mode(given.runtime.jit_compile),
        "compiled": [stage.jit_compile for stage in plan.stages],  # Kept by a run that resumes this one.
        "steps_per_epoch": fit.steps_per_epoch,
    }
    if len(plan.stages) > 1:
        found["pyramid"] = [[size, stage.end] for size, stage in zip(setup.stage_sizes, plan.stages, strict=True)]
    return found


def loss_fingerprint(plan: Plan) -> dict[str, object]:
    """Returns the part of `fingerprint` that decides the last stage's loss and optimizer, but not where it starts."""
    found = fingerprint(plan) | {"tile_size": plan.stages[-1].tile_size}
    for name in ("init", "steps_per_epoch", "compiled", "pyramid"):
        found.pop(name, None)
    return found


def asked(plan: Plan) -> dict[str, object]:
    """Returns {option: value} of the transfer and of the run as given, with the seed that was drawn if none was."""
    return settings.values(plan.setup.settings) | settings.values(plan.fit)


def used(plan: Plan) -> dict[str, object]:
    """Returns {option: value} of all options of a run, with the number that the run uses where None was given."""
    setup = plan.setup
    options = settings.values(setup.settings) | settings.values(setup.optimization) | settings.values(plan.fit)
    numbers: dict[str, object] = {"init": setup.mode.init, "seed": setup.pictures.seed}
    numbers |= optimizer_defaults(setup)
    # `tile_size` stays as given: the same picture may need tiles on another machine.
    return options | {name: value for name, value in numbers.items() if options[name] is None}


def optimizer_defaults(setup: setup_lib.Setup) -> dict[str, object]:
    """Returns {option: the number that None stands for} of the optimizer in use."""
    return optimizers.defaults(setup.optimization.optimizer)


def start(setup: setup_lib.Setup) -> Plan:
    """Returns a plan of the start image alone, for a result before the first run. It chooses no tiles."""
    pictures = setup.pictures
    stage = StagePlan(pictures, 0, None, setup.jit_compile)
    weighted = _weighted(setup, settings.FitSettings())
    return Plan(setup, weighted, (stage,), _further(setup), _terms(weighted))


def _weighted(setup: setup_lib.Setup, fit: settings.FitSettings) -> settings.FitSettings:
    """Returns the settings of a run with a number for each weight: 0 for a term that the mode does not have."""
    usual = losses.NORMALIZATIONS[setup.settings.losses.normalization]
    style, content = fit.style_weight, fit.content_weight
    if style is None:
        style = usual.style_weight if setup.mode.style else 0.0
    if content is None:
        content = usual.content_weight if setup.mode.content else 0.0
    if not (style or content):
        raise ValueError("style_weight and content_weight are both 0. Give one of them a weight.")
    if fit.strength != 1.0 and not (setup.mode.style and setup.mode.content):
        raise ValueError(
            f"strength={fit.strength!r} has no effect in mode={setup.settings.losses.mode!r}, which lacks style or "
            "content. Leave it out."
        )
    return dataclasses.replace(
        fit,
        style_weight=style,
        content_weight=content,
        var_weight=fit.var_weight or 0.0,
        alpha_norm_weight=fit.alpha_norm_weight or 0.0,
    )


def _terms(fit: settings.FitSettings) -> tuple[str, ...]:
    """Returns the terms that have a weight, of `"style"` and `"content"`."""
    weights = {"style": fit.style_weight, "content": fit.content_weight}
    return tuple(term for term, weight in weights.items() if weight)


def _further(setup: setup_lib.Setup) -> dict[str, float]:
    """Returns {further term: its own weight}."""
    return {term.name: float(term.weight) for term in setup.further}


def _stage(setup: setup_lib.Setup, pictures: inputs.Inputs, begin: int, end: int) -> StagePlan:
    """Returns the plan of the stage between two steps."""
    jit_compile = _stage_jit_mode(setup, pictures, end - begin)
    tile_size = setup.tiles.of(memory_requests.of(setup, pictures, jit_compile=jit_compile))
    return StagePlan(pictures, end, tile_size, jit_compile)


def _stage_jit_mode(setup: setup_lib.Setup, pictures: inputs.Inputs, steps: int) -> str:
    """Returns how a stage is compiled: "auto" does without XLA in a stage too short to win back XLA's compile time."""
    if setup.jit_compile != "auto":
        return setup.jit_compile
    pays = compile_cost.pays(setup.extractor.name, pictures.size, steps)
    return "auto" if hosts.answer_of_chief(setup.tiles.replicas, pays) else "false"
