"""Networks to compare, each written as `NAME[+LAYER+LAYER][:PRECISION[:SMOOTHING]]`.

`compact+block5_conv1` is the compact network with that layer's features from VGG19 itself: what is then left less of
the style difference is what the layer's error costs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import keras

from nst_keras.networks import architectures, compact, extractors, surgery

__all__ = ["CONTENT_LAYER", "STYLE_LAYERS", "check", "options"]

STYLE_LAYERS = architectures.ARCHITECTURES["vgg19"].style_layers
CONTENT_LAYER = "block4_conv2"
# The content layers of networks that are no VGG.
_CONTENT_LAYERS = {"inception_v3": "mixed0"}
# Before the names of VGG19's own layers, since the compact network's have the same.
_PREFIX = "vgg19_"


def check(text: str) -> None:
    """Raises `ValueError` for what names no network."""
    name, swapped, precision, smoothing = _parts(text)
    layers = [*STYLE_LAYERS, CONTENT_LAYER]
    if name not in architectures.ARCHITECTURES:
        raise ValueError(f"{text!r} must begin with one of {', '.join(architectures.ARCHITECTURES)}.")
    if swapped and (name != "compact" or not {*swapped} <= {*layers}):
        raise ValueError(f"{text!r}: only compact takes VGG19's layers, and those are {', '.join(layers)}.")
    if swapped and text.count(":"):
        raise ValueError(f"{text!r}: with VGG19's layers it computes in float32. Leave the rest out.")
    if precision not in surgery.PRECISIONS or smoothing not in surgery.SMOOTHINGS:
        known = f"{', '.join(surgery.PRECISIONS)}, and SMOOTHING one of {', '.join(surgery.SMOOTHINGS)}"
        raise ValueError(f"{text!r} must be NAME:PRECISION:SMOOTHING, with PRECISION one of {known}.")


def options(text: str, *, weights: str) -> dict[str, Any]:
    """Returns the options of `NeuralStyleTransfer` for a network: it, its style layers and its content layer.

    Args:
        text: As the module says.
        weights: For `compact`: `"imagenet"`, or a file that training made.
    """
    name, swapped, precision, smoothing = _parts(text)
    content = _CONTENT_LAYERS.get(name, CONTENT_LAYER)
    layers = [*architectures.ARCHITECTURES[name].style_layers[:5], content]
    if swapped:
        layers = [f"{_PREFIX}{layer}" if layer in swapped else layer for layer in layers]
        found: dict[str, Any] = {"extractor": _mixed(weights, layers)}
    else:
        found = {"extractor": name, "precision": precision, "smoothing": smoothing}
        found["weights"] = weights if name == "compact" else "imagenet"
    return {**found, "style_layers": layers[:-1], "content_layers": layers[-1:]}


def _parts(text: str) -> tuple[str, list[str], str, str]:
    network, precision, smoothing = (*text.split(":"), "", "")[:3]
    name, *swapped = network.split("+")
    return name, swapped, precision or "float32", smoothing or "none"


def _mixed(weights: str, layers: Iterable[str]) -> extractors.FeatureExtractor:
    """Returns an extractor of layers of `compact`, or of VGG19 where a name begins with `_PREFIX`."""
    layers = list(layers)
    image = keras.Input((None, None, 3))
    theirs = [name.removeprefix(_PREFIX) for name in layers if name.startswith(_PREFIX)]
    outputs = _copy(compact.network(weights), image, compact.CHANNELS, "")
    outputs |= _copy(architectures.build("vgg19", "imagenet"), image, theirs, _PREFIX)
    return extractors.FeatureExtractor(
        keras.Model(image, list(outputs.values()), name="compact"),
        architectures.ARCHITECTURES["vgg19"].preprocess,
        layers=layers,
        channels={name: compact.CHANNELS[name.removeprefix(_PREFIX)] for name in outputs},
        for_xla=True,
    )


def _copy(
    network: keras.Model, image: keras.KerasTensor, layers: Collection[str], prefix: str
) -> dict[str, keras.KerasTensor]:
    """Returns {new name: features} of a copy of a network, cut to `layers`, over another input."""

    def renamed(layer: keras.layers.Layer) -> keras.layers.Layer:
        return type(layer).from_config({**layer.get_config(), "name": f"{prefix}{layer.name}"})

    cut = keras.Model(network.inputs[0], [network.get_layer(name).output for name in layers])
    twin = keras.models.clone_model(cut, input_tensors=image, clone_function=renamed)
    twin.set_weights(cut.get_weights())
    return {f"{prefix}{name}": twin.get_layer(f"{prefix}{name}").output for name in layers}
