"""What all runs of one transfer share, prepared once from its settings: pictures read, network cut, layers weighed."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import keras

from nst_keras import checks, optimizers, settings
from nst_keras.engine import inputs, modes, reading, schedule, tile_sizes
from nst_keras.losses import regularizers, statistics
from nst_keras.networks import extractors, layer_weights
from nst_keras.objectives.tiled import evaluator
from nst_keras.runtime import compilation, devices, processors

__all__ = ["Setup", "prepare", "with_seed"]


class Setup(NamedTuple):
    """What all runs of one transfer share.

    Attributes:
        settings: What was asked for, with the seed drawn and the pyramid as its sizes.
        mode: What the runs are for.
        stage_pictures: Pictures at the size of each stage, growing; the last are those of the result.
        stage_sizes: Longest side of the picture at each stage, in pixels.
        stage_shares: Steps of each stage, in proportion; None for the usual ones.
        extractor: Gives the layers.
        style_layers: {layer: w_l}; empty in a mode without style.
        content_layers: {layer: w_l}; empty in a mode without content.
        optimization: The optimizer's options, with the numbers that `averaging` and `preconditioning` stand for.
        tiles: The size of each picture's tiles.
        jit_compile: A name in `compilation.JIT_MODES`: "auto" only where XLA may be the faster.
    """

    settings: settings.TransferSettings
    mode: modes.Mode
    stage_pictures: tuple[inputs.Inputs, ...]
    stage_sizes: tuple[int, ...]
    stage_shares: tuple[float, ...] | None
    extractor: extractors.FeatureExtractor
    style_layers: dict[str, float]
    content_layers: dict[str, float]
    optimization: settings.OptimizerSettings
    tiles: tile_sizes.TileSizes
    jit_compile: str

    @property
    def pictures(self) -> inputs.Inputs:
        """Pictures at the size of the result."""
        return self.stage_pictures[-1]


def prepare(given: settings.TransferSettings, replicas: devices.Replicas) -> Setup:
    """Returns what the runs of these settings share.

    Args:
        given: What is asked for, the seed drawn.
        replicas: What the work is shared out to.

    Raises:
        ValueError: A bad option, one that does not go with another, or a picture that is too small for a stage.
        TypeError: An option of another type.
        OSError: A picture or weights that cannot be read.
    """
    mode = modes.get(given.losses.mode, given.images, given.losses)
    tiles = tile_sizes.TileSizes(_tile_size(given), given.runtime.halo, replicas)
    jit_compile = compilation.jit_mode(given.runtime.jit_compile)
    checks.one_of("variation", given.losses.variation, regularizers.VARIATIONS)
    style_layers, content_layers = _layers("style", mode, given), _layers("content", mode, given)
    seed = given.runtime.seed or 0
    pictures = reading.read(given.images, mode, seed=seed)
    sizes = schedule.stage_sizes(given.schedule.pyramid, max(pictures.size))
    with replicas.scope():
        extractor = _extractor(given, [*style_layers, *content_layers], for_xla=jit_compile != "false")
    suits_graph = jit_compile == "auto" and processors.has_instructions_for(extractor.compute_dtype)
    schedule_used = dataclasses.replace(given.schedule, pyramid=list(sizes) if len(sizes) > 1 else None)
    setup = Setup(
        settings=dataclasses.replace(given, schedule=schedule_used),
        mode=mode,
        stage_pictures=_stages(pictures, sizes),
        stage_sizes=sizes,
        stage_shares=schedule.stage_shares(given.schedule.pyramid_shares, len(sizes)),
        extractor=extractor,
        style_layers=style_layers,
        content_layers=content_layers,
        optimization=_optimization(given.optimization, mode, stages=len(sizes)),
        tiles=tiles,
        jit_compile="false" if suits_graph else jit_compile,
    )
    _check_sizes(setup)
    return setup


def with_seed(setup: Setup, seed: int) -> Setup:
    """Returns the setup with the noise of another seed."""
    given = setup.settings
    return setup._replace(
        settings=dataclasses.replace(given, runtime=dataclasses.replace(given.runtime, seed=seed)),
        stage_pictures=_stages(setup.pictures._replace(seed=seed), setup.stage_sizes),
    )


def _tile_size(given: settings.TransferSettings) -> int | str | None:
    """The option `tile_size`; None where "auto" has no choice, since tiles cannot add up the statistic."""
    statistic = statistics.get(given.losses.style_statistic, normalization=given.losses.normalization)
    asked = given.runtime.tile_size
    if asked == "auto":
        return asked if isinstance(statistic, statistics.Additive) else None
    if asked is not None:
        evaluator.check_statistic(given.losses.style_statistic)
    return asked


def _layers(term: str, mode: modes.Mode, given: settings.TransferSettings) -> dict[str, float]:
    """{layer: w_l} of a term; none for a term that the mode has not."""
    losses = given.losses
    if not mode.has(term):
        return {}
    is_style = term == "style"
    return layer_weights.layer_weights(
        term,
        losses.style_layers if is_style else losses.content_layers,
        losses.n_style_layers if is_style else losses.n_content_layers,
        extractors.known_architecture(given.network.extractor),
        scheme=losses.style_layer_scheme if is_style else "equal",
    )


def _extractor(given: settings.TransferSettings, layers: list[str], *, for_xla: bool) -> extractors.FeatureExtractor:
    network = given.network
    if network.weights == "random":
        keras.utils.set_random_seed(given.runtime.seed or 0)
    return extractors.get(
        network.extractor,
        layers=dict.fromkeys(layers),
        weights=network.weights,
        pooling=network.pooling,
        padding=network.padding,
        smoothing=network.smoothing,
        precision=network.precision,
        for_xla=for_xla,
        preprocess=network.preprocess,
    )


def _stages(pictures: inputs.Inputs, sizes: tuple[int, ...]) -> tuple[inputs.Inputs, ...]:
    return (*(pictures.scaled(size) for size in sizes[:-1]), pictures)


def _optimization(asked: settings.OptimizerSettings, mode: modes.Mode, *, stages: int) -> settings.OptimizerSettings:
    """The options with the numbers that they stand for, each checked: only a run knows its learning rate."""
    averaging, preconditioning = asked.averaging, asked.preconditioning
    if averaging is None:
        averaging = 0.99 if stages > 1 and asked.optimizer == "adam" else 0.0
    if preconditioning == "auto" and not mode.content:
        # Large forms of style alone have no place of their own: moved as easily as grain, they gather at the edges.
        preconditioning = 0.0
    optimizers.get(
        asked.optimizer,
        averaging=averaging,
        lbfgs_history=asked.lbfgs_history,
        preconditioning=preconditioning,
    )
    exponent = optimizers.exponent_of(asked.optimizer, preconditioning)
    return dataclasses.replace(asked, averaging=averaging, preconditioning=exponent)


def _check_sizes(setup: Setup) -> None:
    """Raises `ValueError` where a stage's pictures are too small for the network, or cannot be cut as was asked for."""
    setup.pictures.check_sizes(setup.extractor)
    try:
        setup.stage_pictures[0].check_sizes(setup.extractor)
    except ValueError as error:
        raise ValueError(
            f"pyramid: its stage of {setup.stage_sizes[0]} px is too small for {setup.extractor.name}. Take fewer "
            "stages, or name larger sizes."
        ) from error
    for pictures in setup.stage_pictures:
        setup.tiles.check(setup.extractor, *pictures.size)
