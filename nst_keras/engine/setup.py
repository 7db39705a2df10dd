"""From what a user asks for to the problem that a run solves: layers, pictures and network, put together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from nst_keras import checks
from nst_keras.engine import modes, plan, reading, schedule, tile_sizes
from nst_keras.losses import regularizers, statistics
from nst_keras.networks import extractors, layer_weights
from nst_keras.objectives.tiled import evaluator
from nst_keras.runtime import compilation, devices

__all__ = ["problem_of"]

# Settings of `NeuralStyleTransfer` that go on as they are: to the pictures, the network, and their comparison.
_PICTURES = ("style_image", "content_image", "mode", "style_blend", "style_scale", "style_mask", "content_mask")
_PICTURES += ("preserve_color", "init", "image_size", "enlarge", "texture_size", "seed")
_NETWORK = ("weights", "pooling", "padding", "smoothing", "precision", "preprocess")
_COMPARISON = ("normalization", "style_statistic", "variation")


def problem_of(settings: Mapping[str, Any], replicas: devices.Replicas) -> plan.Problem:
    """The problem that these settings describe.

    Args:
        settings: {argument: value} of `NeuralStyleTransfer`, its seed drawn.
        replicas: What the work is shared out to.

    Raises:
        ValueError: A bad argument, or one that does not go with another.
        TypeError: An argument of another type.
        OSError: A picture or weights that cannot be read.
    """
    # For their errors, before pictures are read.
    mode = modes.get(settings["mode"], settings)
    statistics.get(settings["style_statistic"], normalization=settings["normalization"])
    tile_size = _tile_size(settings["tile_size"], settings["style_statistic"])
    tiled = tile_sizes.TileSizes(tile_size, settings["halo"], replicas)
    checks.one_of("variation", settings["variation"], regularizers.VARIATIONS)
    jit_compile = compilation.jit_mode(settings["jit_compile"])
    layers = _layers(mode, settings)
    pictures = reading.read(**_chosen(settings, _PICTURES))
    if settings["weights"] == "random":
        keras.utils.set_random_seed(settings["seed"])
    stage_sizes = schedule.stage_sizes(settings["pyramid"], max(pictures.size))
    with replicas.scope():
        network = extractors.get(
            settings["extractor"],
            layers=dict.fromkeys([*layers["style_layers"], *layers["content_layers"]]),
            for_xla=jit_compile != "false",
            **_chosen(settings, _NETWORK),
        )
    return plan.Problem(
        pictures,
        network,
        mode=mode,
        comparison=_chosen(settings, _COMPARISON),
        stage_sizes=stage_sizes,
        stage_shares=schedule.stage_shares(settings["pyramid_shares"], len(stage_sizes)),
        tiled=tiled,
        jit_compile=jit_compile,
        **_chosen(settings, ("optimizer", "averaging", "lbfgs_history", "preconditioning")),
        **layers,
    )


def _tile_size(setting: int | str | None, style_statistic: str) -> int | str | None:
    """The setting; None where a statistic that tiles cannot add up leaves "auto" no choice."""
    if setting == "auto":
        return setting if isinstance(statistics.STATISTICS[style_statistic], statistics.Additive) else None
    if setting is not None:
        evaluator.check_statistic(style_statistic)
    return setting


def _layers(mode: modes.Mode, settings: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """{argument: {layer: weight}} for the two kinds of layers; none for a term that the mode has not."""
    documented = extractors.known_architecture(settings["extractor"])
    return {
        f"{kind}_layers": layer_weights.layer_weights(
            kind, settings[f"{kind}_layers"], settings[f"n_{kind}_layers"], documented, scheme=scheme
        )
        if getattr(mode, kind)
        else {}
        for kind, scheme in (("style", settings["style_layer_scheme"]), ("content", "equal"))
    }


def _chosen(settings: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: settings[name] for name in names}
