"""Chooses what the settings leave open: the seed and the precision; a resumed run keeps what was chosen, also XLA."""

from __future__ import annotations

import dataclasses
import secrets
from typing import Any

from nst_keras import checks, settings
from nst_keras.engine import plan as plan_lib
from nst_keras.engine import setup as setup_lib
from nst_keras.networks import extractors, surgery
from nst_keras.runtime import compilation, devices, hosts, processors

__all__ = ["AUTO", "as_begun", "compiled_as_begun", "made"]

AUTO = "auto"  # The precision that suits the machine.


def made(given: settings.TransferSettings, replicas: devices.Replicas) -> settings.TransferSettings:
    """Returns the settings with a seed and a precision, the same on all hosts.

    Args:
        given: The settings as given.
        replicas: The devices that share the work. With several hosts, the chief draws the seed for all.

    Raises:
        ValueError: The precision is unknown.
        ConnectionError: Another host is lost.
    """
    runtime, network = given.runtime, given.network
    checks.one_of("precision", network.precision, [AUTO, *surgery.PRECISIONS])
    if runtime.seed is None:
        seed = hosts.number_of_chief(replicas, secrets.randbelow(2**31))
        runtime = dataclasses.replace(runtime, seed=seed)
    if network.precision == AUTO:
        # TensorFlow sends no bfloat16 from one host to another.
        is_half = not replicas.has_other_hosts() and _suits_bfloat16(given)
        network = dataclasses.replace(network, precision="mixed_bfloat16" if is_half else "float32")
    return dataclasses.replace(given, runtime=runtime, network=network)


def as_begun(setup: setup_lib.Setup, given: settings.TransferSettings, record: dict[str, Any]) -> setup_lib.Setup:
    """Returns a setup with what an earlier run has chosen, so that a resumed run makes the same pixels.

    Args:
        setup: The setup, with its own choices.
        given: The settings as given: what they fix stays.
        record: The record of the earlier run's checkpoint.
    """
    if given.runtime.seed is None:
        setup = setup_lib.with_seed(setup, record["seed"])
    if given.network.precision == AUTO:
        # Versions that wrote no precision had float32 as their default.
        setup = setup_lib.with_network(setup, precision=record["fingerprint"].get("precision", "float32"))
    setup = _smoothed_as_begun(setup, record["fingerprint"].get("extractor"))
    sizes = record["fingerprint"].get("tile_size", ())
    setup.tiles.take(dict(zip((pictures.size for pictures in setup.stage_pictures), sizes, strict=False)))
    return setup


def _smoothed_as_begun(setup: setup_lib.Setup, digest: str | None) -> setup_lib.Setup:
    """Returns a setup with softmax behind InceptionV3's layers, as by default in earlier versions, if a run had it."""
    has_own = isinstance(setup.settings.network.extractor, extractors.FeatureExtractor)
    if has_own or setup.extractor.name != "inception_v3" or plan_lib.extractor_digest(setup) == digest:
        return setup
    earlier = setup_lib.with_network(setup, smoothing="softmax")
    return earlier if plan_lib.extractor_digest(earlier) == digest else setup


def compiled_as_begun(plan: plan_lib.Plan, record: dict[str, Any]) -> plan_lib.Plan:
    """Returns a plan whose stages are compiled as an earlier run compiled them, where the settings leave it open.

    Args:
        plan: The plan, with its own choices.
        record: The record of the earlier run's checkpoint. Older versions wrote none of it: the plan's choices stay.
    """
    modes = record["fingerprint"].get("compiled", [])
    if plan.setup.jit_compile != "auto" or len(modes) != len(plan.stages):
        return plan
    stages = [
        stage._replace(jit_compile=mode if mode in compilation.JIT_MODES else stage.jit_compile)
        for stage, mode in zip(plan.stages, modes, strict=True)
    ]
    return plan._replace(stages=tuple(stages))


def _suits_bfloat16(given: settings.TransferSettings) -> bool:
    """Returns whether bfloat16 is the faster on this machine, and makes pictures as good.

    It was measured for the networks that are known by name. XLA does not use a processor's instructions for it.
    """
    asks_xla = compilation.jit_mode(given.runtime.jit_compile) == "true" and not processors.has_accelerator()
    is_measured = isinstance(given.network.extractor, str) and not given.runtime.deterministic
    return is_measured and not asks_xla and processors.is_fast_in_bfloat16()
