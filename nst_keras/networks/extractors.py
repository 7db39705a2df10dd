"""Returns feature extractors by name, or of a model. Those known by name are built once for a process."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Hashable, Iterable
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from nst_keras.networks import architectures
from nst_keras.networks.feature_extractor import FeatureExtractor
from nst_keras.runtime import defaults

__all__ = ["FeatureExtractor", "get"]

# Extractors of a process that are kept for other runs of the same network, so that none is loaded or compiled twice.
_SHARED = 4


@defaults.keras_defaults()
def get(
    identifier: str | keras.Model | FeatureExtractor,
    *,
    layers: Iterable[str],
    weights: str = "imagenet",
    pooling: str = "max",
    padding: str = "zeros",
    smoothing: str = "none",
    precision: str = "float32",
    for_xla: bool = False,
    preprocess: Callable[[tf.Tensor], Any] | None = None,
) -> FeatureExtractor:
    """Returns an extractor of some layers, from a name, a model or another extractor.

    Args:
        identifier: A name in `architectures.ARCHITECTURES`, a `keras.Model`, or a `FeatureExtractor`.
        layers: Names of the layers to output.
        weights: For a name: `"imagenet"`, `"random"`, or the path of a Keras weights file. `"imagenet"` is a file in
            the folder `NST_KERAS_WEIGHTS_DIR` whose name begins with the network's, else Keras's download with its hash
            check; for `compact` and `compact_v2` it is the package's own file.
        pooling: A name in `surgery.POOLINGS`, see `FeatureExtractor`.
        padding: A name in `surgery.PADDINGS`, see `FeatureExtractor`.
        smoothing: A name in `surgery.SMOOTHINGS`, see `FeatureExtractor`.
        precision: A name in `surgery.PRECISIONS`, see `FeatureExtractor`.
        for_xla: Whether to use the forms of layers that XLA runs faster.
        preprocess: RGB 0..255 -> the input that a model of your own was trained on. Default: that of the registry.

    Raises:
        ValueError: An unknown name or layer; a model without `preprocess`; weights of another network; an argument that
            would have no effect.
        FileNotFoundError: There is no such weights file.
        OSError: The download failed, or the package's own weights are damaged.
        TypeError: `identifier` is of another type.
    """
    smoothing = "none" if smoothing == "auto" else smoothing
    settings = {"pooling": pooling, "padding": padding, "smoothing": smoothing, "precision": precision}
    if isinstance(identifier, str) and weights != "random" and isinstance(preprocess, Hashable):
        architectures.known_architecture(identifier)  # Raises for an unknown name.
        key = _Named(identifier, tuple(layers), weights, architectures.weights_stamp(identifier, weights))
        return _shared(key, tf.distribute.get_strategy(), for_xla, preprocess, **settings)
    if isinstance(identifier, FeatureExtractor):
        _refuse_unused(identifier, weights=weights, preprocess=preprocess, **settings)
        return identifier.select(layers)
    if isinstance(identifier, keras.Model):
        _refuse_unused(identifier, weights=weights)
        architecture, model = architectures.known_architecture(identifier), identifier
    elif isinstance(identifier, str):
        architecture, model = architectures.known_architecture(identifier), architectures.build(identifier, weights)
    else:
        raise TypeError(
            f"extractor must be one of {', '.join(architectures.ARCHITECTURES)}, a keras.Model or a FeatureExtractor, "
            f"but {type(identifier).__name__} was given."
        )
    return _made(model, architecture, preprocess, layers=layers, for_xla=for_xla, **settings)


class _Named(NamedTuple):
    """A network that is known by name.

    Attributes:
        name: A name in `architectures.ARCHITECTURES`.
        layers: Names of the layers to output.
        weights: `"imagenet"`, or the path of a Keras weights file.
        stamp: Path, time and size of the weights file, which change with its contents.
    """

    name: str
    layers: tuple[str, ...]
    weights: str
    stamp: tuple[str, int, int] | None


@functools.lru_cache(maxsize=_SHARED)
def _shared(
    named: _Named,
    strategy: tf.distribute.Strategy,  # In whose scope the network is built.
    for_xla: bool,
    preprocess: Callable[[tf.Tensor], Any] | None,
    **settings: str,
) -> FeatureExtractor:
    """Returns the extractor of a network known by name, the same one for the same arguments."""
    model = architectures.build(named.name, named.weights)
    return _made(
        model,
        architectures.known_architecture(named.name),
        preprocess,
        layers=named.layers,
        for_xla=for_xla,
        **settings,
    )


def _made(
    model: keras.Model,
    architecture: architectures.Architecture | None,
    preprocess: Callable[[tf.Tensor], Any] | None,
    *,
    layers: Iterable[str],
    for_xla: bool,
    **settings: str,
) -> FeatureExtractor:
    preprocess = preprocess or _known_preprocess(model, architecture)
    channels = architecture and architecture.channels
    return FeatureExtractor(model, preprocess, layers=layers, for_xla=for_xla, channels=channels, **settings)


def _refuse_unused(identifier: object, **given: object) -> None:
    """Raises `ValueError` for an argument of `get` that was given and would have no effect."""
    parameters = inspect.signature(get).parameters
    for argument in (name for name, value in given.items() if value != parameters[name].default):
        raise ValueError(f"{argument} has no effect: a {type(identifier).__name__} has its own. Leave {argument} out.")


def _known_preprocess(
    model: keras.Model, architecture: architectures.Architecture | None
) -> Callable[[tf.Tensor], Any]:
    if architecture is None:
        raise ValueError(
            f"extractor: the preprocessing of the model {model.name!r} is not known. Give preprocess=, a function from "
            "RGB 0..255 to what it was trained on (`lambda image: image / 255.0`, say)."
        )
    return architecture.preprocess
