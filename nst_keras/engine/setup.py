"""What all runs of one transfer share, prepared once: pictures read, network cut to its layers, layer weights set."""

from __future__ import annotations

import dataclasses
import numbers
from collections.abc import Collection, Iterable
from typing import NamedTuple

import tensorflow as tf

from nst_keras import checks, optimizers, settings
from nst_keras.engine import inputs, reading, schedule, tile_sizes
from nst_keras.losses import regularizers, statistics, terms
from nst_keras.networks import architectures, extractors, layer_weights
from nst_keras.runtime import compilation, defaults, devices, hosts, phases, processors
from nst_keras.settings import modes

__all__ = ["Setup", "from_picture", "prepare", "with_images", "with_network", "with_seed"]


class Setup(NamedTuple):
    """What all runs of one transfer share.

    Attributes:
        settings: The settings of the transfer. Seed and precision are chosen if they were not given; a pyramid given
            by sizes has those of all its stages.
        mode: The kind of run.
        stage_pictures: The pictures at the size of each stage, growing; the last have the result's size.
        stage_sizes: Longest side of the picture at each stage, in pixels.
        stage_shares: Steps of each stage, in proportion; None for `schedule.stage_ends`'s default.
        extractor: The network, cut to the style and content layers.
        style_layers: {layer: weight w_l}; empty in a mode without style.
        content_layers: {layer: weight w_l}; empty in a mode without content.
        further: Further terms of the loss.
        optimization: The optimizer's options. `averaging` and `preconditioning` are numbers.
        tiles: The tile size of each picture.
        jit_compile: A name in `compilation.JIT_MODES`. "auto" is "false" already where TensorFlow's own convolutions
            are faster; `plan` then decides for each stage.
    """

    settings: settings.TransferSettings
    mode: modes.Mode
    stage_pictures: tuple[inputs.Inputs, ...]
    stage_sizes: tuple[int, ...]
    stage_shares: tuple[float, ...] | None
    extractor: extractors.FeatureExtractor
    style_layers: dict[str, float]
    content_layers: dict[str, float]
    further: tuple[terms.Term, ...]
    optimization: settings.OptimizerSettings
    tiles: tile_sizes.TileSizes
    jit_compile: str

    @property
    def pictures(self) -> inputs.Inputs:
        """The pictures at the size of the result."""
        return self.stage_pictures[-1]


def prepare(given: settings.TransferSettings, replicas: devices.Replicas) -> Setup:
    """Returns what all runs of these settings share.

    Args:
        given: The settings of the transfer, with a seed and a precision.
        replicas: The devices that share the work.

    Raises:
        ValueError: A bad option, options that contradict each other, or a picture that is too small for a stage.
        TypeError: An option of an unsupported type.
        OSError: A picture or weights cannot be read.
    """
    mode = modes.get(given.losses.mode, given.images, given.losses)
    tiles = tile_sizes.TileSizes(_tile_size(given), given.runtime.halo, replicas)
    jit_compile = compilation.jit_mode(given.runtime.jit_compile)
    checks.one_of("variation", given.losses.variation, regularizers.VARIATIONS)
    further = terms.checked("losses", given.losses.losses)
    style_layers, content_layers = _layers("style", mode, given), _layers("content", mode, given)
    with phases.named("reading the pictures"):
        pictures = reading.read(given.images, mode, seed=given.runtime.seed or 0)
    with replicas.scope(), phases.named(f"loading {_network_name(given.network.extractor)}"):
        extractor = _extractor(given, style_layers, content_layers, further)
    setup = Setup(
        settings=given,
        mode=mode,
        stage_pictures=(pictures,),
        stage_sizes=(max(pictures.size),),
        stage_shares=None,
        extractor=extractor,
        style_layers=style_layers,
        content_layers=content_layers,
        further=further,
        optimization=given.optimization,
        tiles=tiles,
        jit_compile=_jit_mode(jit_compile, extractor, replicas),
    )
    return _with_pictures(setup, given, pictures)


def with_images(setup: Setup, given: settings.TransferSettings, changed: Collection[str]) -> Setup:
    """Returns the same setup with other pictures: the network and all that is compiled stay.

    Args:
        setup: The setup so far.
        given: The settings of the transfer as given, with other images.
        changed: Names of the image settings that have changed; pictures that depend on none of them are not read again.

    Raises:
        ValueError: A bad option, options that contradict each other, or a picture that is too small for a stage.
        TypeError: An option of an unsupported type.
        OSError: A picture cannot be read.
    """
    mode = modes.get(given.losses.mode, given.images, given.losses)
    seed, before = given.runtime.seed or 0, setup.pictures
    return _with_pictures(setup, given, reading.read(given.images, mode, seed=seed, before=before, changed=changed))


def from_picture(setup: Setup, image: tf.Tensor) -> Setup:
    """Returns the same setup with an image to start from, at the size of the result alone.

    Args:
        setup: The setup so far.
        image: float32 [1, height, width, 3], 0..255, of any size.
    """
    given = setup.settings
    images = dataclasses.replace(given.images, init=image)
    return setup._replace(
        settings=dataclasses.replace(given, images=images, schedule=settings.ScheduleSettings()),
        stage_pictures=(setup.pictures._replace(init=image),),
        stage_sizes=setup.stage_sizes[-1:],
        stage_shares=None,
    )


def with_seed(setup: Setup, seed: int) -> Setup:
    """Returns the same setup with another seed for the noise."""
    given = setup.settings
    return setup._replace(
        settings=dataclasses.replace(given, runtime=dataclasses.replace(given.runtime, seed=seed)),
        stage_pictures=_stages(setup.pictures._replace(seed=seed), setup.stage_sizes),
    )


def with_network(setup: Setup, **changes: str) -> Setup:
    """Returns the same setup with a network of another precision or smoothing.

    Args:
        setup: The setup so far.
        **changes: {option of `NetworkSettings`: value}.
    """
    given = setup.settings
    if all(getattr(given.network, name) == value for name, value in changes.items()):
        return setup
    given = dataclasses.replace(given, network=dataclasses.replace(given.network, **changes))
    with setup.tiles.replicas.scope():
        extractor = _extractor(given, setup.style_layers, setup.content_layers, setup.further)
    asked = compilation.jit_mode(given.runtime.jit_compile)
    jit_compile = _jit_mode(asked, extractor, setup.tiles.replicas)
    return setup._replace(settings=given, extractor=extractor, jit_compile=jit_compile)


def _with_pictures(setup: Setup, given: settings.TransferSettings, pictures: inputs.Inputs) -> Setup:
    """Returns the setup with pictures at the size of the result, and with the stages that they have."""
    sizes = schedule.stage_sizes(given.schedule.pyramid, max(pictures.size))
    is_number = isinstance(given.schedule.pyramid, numbers.Integral)  # It keeps its meaning where the size changes.
    used = int(given.schedule.pyramid) if is_number else list(sizes)  # pyright: ignore[reportArgumentType]
    schedule_used = dataclasses.replace(given.schedule, pyramid=used if len(sizes) > 1 else None)
    setup = setup._replace(
        settings=dataclasses.replace(given, schedule=schedule_used),
        stage_pictures=_stages(pictures, sizes),
        stage_sizes=sizes,
        stage_shares=schedule.stage_shares(given.schedule.pyramid_shares, len(sizes)),
        optimization=_optimization(given.optimization, setup.mode, stages=len(sizes)),
    )
    _check_sizes(setup)
    return setup


def _tile_size(given: settings.TransferSettings) -> int | str | None:
    """Returns `tile_size`; None for "auto" where the style statistic or a further term needs the whole picture."""
    statistic = statistics.get(given.losses.style_statistic, normalization=given.losses.normalization)
    asked = given.runtime.tile_size
    if asked == "auto":
        return asked if isinstance(statistic, statistics.Additive) and not given.losses.losses else None
    if asked is not None:
        statistics.additive(given.losses.style_statistic)
        if given.losses.losses:
            raise ValueError(
                f"losses: further terms need the whole picture, but tile_size={asked!r}. Set tile_size=None."
            )
    return asked


def _layers(term: str, mode: modes.Mode, given: settings.TransferSettings) -> dict[str, float]:
    """Returns {layer: weight w_l} of a term, `"style"` or `"content"`; empty if the mode does not have it."""
    losses = given.losses
    if not mode.has(term):
        return {}
    is_style = term == "style"
    return layer_weights.layer_weights(
        term,
        losses.style_layers if is_style else losses.content_layers,
        losses.n_style_layers if is_style else losses.n_content_layers,
        architectures.known_architecture(given.network.extractor),
        scheme=losses.style_layer_scheme if is_style else "equal",
    )


def _extractor(
    given: settings.TransferSettings,
    style_layers: Iterable[str],
    content_layers: Iterable[str],
    further: Iterable[terms.Term],
) -> extractors.FeatureExtractor:
    """Returns the network, cut to all layers that the loss needs, with the options of the settings."""
    network = given.network
    layers = [*style_layers, *content_layers, *(layer for term in further for layer in term.layers)]
    with defaults.seeded(given.runtime.seed or 0):  # For random weights.
        return extractors.get(
            network.extractor,
            layers=dict.fromkeys(layers),
            weights=network.weights,
            pooling=network.pooling,
            padding=network.padding,
            smoothing=network.smoothing,
            precision=network.precision,
            for_xla=compilation.jit_mode(given.runtime.jit_compile) != "false",
            preprocess=network.preprocess,
        )


def _network_name(extractor: object) -> str:
    """Returns the name of a network that is given by its name or as an object."""
    return extractor if isinstance(extractor, str) else getattr(extractor, "name", "the network")


def _stages(pictures: inputs.Inputs, sizes: tuple[int, ...]) -> tuple[inputs.Inputs, ...]:
    """Returns the pictures at the size of each stage, given those at the size of the result."""
    return (*(pictures.scaled(size) for size in sizes[:-1]), pictures)


def _optimization(asked: settings.OptimizerSettings, mode: modes.Mode, *, stages: int) -> settings.OptimizerSettings:
    """Returns the optimizer's options with numbers for `averaging` and `preconditioning`, each checked.

    The learning rate is an option of a run, and so is checked there.
    """
    asked = dataclasses.replace(asked, optimizer=optimizers.canonical(asked.optimizer))
    averaging, preconditioning = asked.averaging, asked.preconditioning
    if averaging is None:
        averaging = 0.99 if stages > 1 and asked.optimizer == "adam" else 0.0
    if preconditioning == "auto" and not mode.content:
        # Without content nothing holds large forms in place: preconditioning would gather them at the edges.
        preconditioning = 0.0
    optimizers.get(
        asked.optimizer,
        averaging=averaging,
        lbfgs_history=asked.lbfgs_history,
        preconditioning=preconditioning,
    )
    exponent = optimizers.exponent_of(asked.optimizer, preconditioning)
    return dataclasses.replace(asked, averaging=averaging, preconditioning=exponent)


def _jit_mode(asked: str, extractor: extractors.FeatureExtractor, replicas: devices.Replicas) -> str:
    """Returns "false" for "auto" where TensorFlow's own convolutions are faster; `plan` chooses for each stage."""
    if asked != "auto":
        return asked
    suits_graph = processors.has_instructions_for(extractor.compute_dtype)
    return "false" if hosts.answer_of_chief(replicas, suits_graph) else asked


def _check_sizes(setup: Setup) -> None:
    """Raises `ValueError` if the pictures of a stage are too small for the network, or tiles do not suit it."""
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
