"""A network's graph built anew, with some of its layers swapped and its weights kept; the given one is not changed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

import keras

from nst_keras import checks
from nst_keras.networks.layers import substitutes, xla_forms

__all__ = ["PADDINGS", "POOLINGS", "PRECISIONS", "SMOOTHINGS", "cut", "rebuilt", "unknown_layer"]

# Gives the layer to put in the place of one, or None to leave it.
Swap = Callable[[keras.layers.Layer], keras.layers.Layer | None]


def cut(model: keras.Model, layers: Iterable[str], known: Mapping[str, str]) -> keras.Model:
    """The part of a network that leads to some of its layers, its weights shared.

    Args:
        model: A functional model over one image.
        layers: Names of the layers whose outputs are wanted.
        known: {name by which a layer may be asked for: its name in the model}.

    Raises:
        ValueError: A layer that is not known.
    """
    for name in layers:
        if name not in known:
            raise ValueError(f"{model.name}: {unknown_layer(name, known)}")
    return keras.Model(model.inputs[0], [model.get_layer(known[name]).output for name in layers], name=model.name)


def unknown_layer(name: str, known: Iterable[str]) -> str:
    """The sentence for a layer that is not there; of a long list, automatic names (`conv2d_17`) are left out."""
    stable = [other for other in known if not re.fullmatch(r"(conv2d|batch_normalization|activation)(_\d+)?", other)]
    return checks.unknown_name("layer", name, stable)


def rebuilt(
    model: keras.Model,
    *,
    pooling: str = "max",
    padding: str = "zeros",
    smoothing: str = "none",
    precision: str = "float32",
    for_xla: bool = False,
) -> keras.Model:
    """A frozen copy of a network for images of any size, with some of its layers swapped, and the same weights.

    Args:
        model: A functional model: one image [batch, height, width, 3] -> features [batch, height, width, channels].
        pooling: A name in `POOLINGS`: what stands in the place of each max pooling.
        padding: A name in `PADDINGS`: what the first convolution finds beyond the edge.
        smoothing: A name in `SMOOTHINGS`: what each output passes through.
        precision: A name in `PRECISIONS`: what the layers compute in.
        for_xla: Puts in the forms of layers that XLA runs faster.

    Raises:
        ValueError: An unknown name, or a padding that would have no effect.
    """
    swaps = [POOLINGS[checks.one_of("pooling", pooling, POOLINGS)]]
    swaps += [PADDINGS[checks.one_of("padding", padding, PADDINGS)](model)]
    swaps += [PRECISIONS[checks.one_of("precision", precision, PRECISIONS)]]
    swaps += [xla_forms.replacement] if for_xla else []
    smooth = SMOOTHINGS[checks.one_of("smoothing", smoothing, SMOOTHINGS)]
    twin = _swapped(model, swaps)
    return twin if smooth is None else keras.Model(twin.inputs[0], [smooth()(output) for output in twin.outputs])


def _swapped(model: keras.Model, swaps: Iterable[Swap]) -> keras.Model:
    """The copy; each layer passes through the swaps in turn."""

    def swapped(layer: keras.layers.Layer) -> keras.layers.Layer:
        """The layer of the copy."""
        new = layer
        for swap in swaps:
            new = swap(new) or new
        return type(layer).from_config(layer.get_config()) if new is layer else new

    any_size = keras.Input((None, None, 3))
    twin = keras.models.clone_model(model, input_tensors=any_size, clone_function=swapped)
    twin.set_weights(model.get_weights())
    twin.trainable = False
    return twin


def _pooling(kind: type[keras.layers.Layer]) -> Swap:
    """Puts a pooling of this kind, over the same windows, in the place of each max pooling."""

    def swap(layer: keras.layers.Layer) -> keras.layers.Layer | None:
        """The pooling for a max pooling; None for others."""
        return kind.from_config(layer.get_config()) if isinstance(layer, keras.layers.MaxPooling2D) else None

    return swap


def _precision(policy: str) -> Swap:
    """Makes a layer compute as one of Keras's policies says.

    Such a policy keeps weights in float32 for their updates, of which a frozen network has none: here they are rounded
    once, in place of at every step. Batch normalization's are never rounded; it computes in float32 by itself.
    """
    compute_dtype = keras.DTypePolicy(policy).compute_dtype

    def swap(layer: keras.layers.Layer) -> keras.layers.Layer:
        """The layer with another policy."""
        keeps_weights = isinstance(layer, keras.layers.BatchNormalization)
        dtype = policy if keeps_weights else compute_dtype
        return type(layer).from_config(layer.get_config() | {"dtype": dtype})

    return swap


def _edge_padding(model: keras.Model) -> Swap:
    """Pads by edge pixels at the network's first convolution, by whichever layer pads there.

    Raises:
        ValueError: A network that pads nothing there, or whose first convolution pads and has strides.
    """
    names = set()
    for layer in model.layers:
        if type(layer) is keras.layers.Conv2D and layer.padding != "valid" and max(layer.strides) > 1:
            raise ValueError(
                f"padding='replicate' needs a first convolution of stride 1, but {model.name}'s has {layer.strides}. "
                "Leave padding out."
            )
        if type(layer) in _EDGE_FORMS and layer.padding != "valid":
            names.add(layer.name)
        if isinstance(layer, keras.layers.Conv2D):
            break
    if not names:
        raise ValueError(
            f"padding='replicate' has no effect: {model.name} pads nothing at its first convolution. Leave padding out."
        )
    return lambda layer: _EDGE_FORMS[type(layer)].from_config(layer.get_config()) if layer.name in names else None


_EDGE_FORMS: Mapping[type, type[keras.layers.Layer]] = {
    keras.layers.Conv2D: substitutes.EdgePaddedConv2D,
    keras.layers.ZeroPadding2D: substitutes.EdgePadding2D,
}

POOLINGS: dict[str, Swap] = {
    "max": lambda layer: None,
    "avg": _pooling(keras.layers.AveragePooling2D),
    "avg_scaled": _pooling(substitutes.ScaledAveragePooling2D),
    "l2": _pooling(substitutes.L2Pooling2D),
}

PADDINGS: dict[str, Callable[[keras.Model], Swap]] = {
    "zeros": lambda model: lambda layer: None,
    "replicate": _edge_padding,
}

PRECISIONS: dict[str, Swap] = {
    "float32": lambda layer: None,
    "mixed_bfloat16": _precision("mixed_bfloat16"),
    "mixed_float16": _precision("mixed_float16"),
}

SMOOTHINGS: dict[str, type[keras.layers.Layer] | None] = {
    "none": None,
    "softmax": substitutes.ActivationSmoothing,
}
