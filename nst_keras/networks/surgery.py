"""Copies of a network with some of its layers swapped and its weights kept; the given network is not changed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

import keras

from nst_keras import checks
from nst_keras.networks.layers import substitutes, xla_forms

__all__ = ["PADDINGS", "POOLINGS", "PRECISIONS", "SMOOTHINGS", "cut", "rebuilt", "unknown_layer"]

# layer -> the layer to put in its place, or None to keep it.
Swap = Callable[[keras.layers.Layer], keras.layers.Layer | None]


def cut(model: keras.Model, layers: Iterable[str], known: Mapping[str, str]) -> keras.Model:
    """Returns the part of a network that leads to some of its layers; the weights are shared.

    Args:
        model: A functional model over one image.
        layers: Names of the layers to output.
        known: {name that is accepted for a layer: its name in the model}.

    Raises:
        ValueError: A layer is not known.
    """
    for name in layers:
        if name not in known:
            raise ValueError(f"{model.name}: {unknown_layer(name, known)}")
    return keras.Model(model.inputs[0], [model.get_layer(known[name]).output for name in layers], name=model.name)


def unknown_layer(name: str, known: Iterable[str]) -> str:
    """Returns the message for an unknown layer; it lists the known ones, without automatic names (`conv2d_17`)."""
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
    """Returns a frozen copy of a network for images of any size, with some layers swapped and the same weights.

    Args:
        model: A functional model: one image [batch, height, width, 3] -> features [batch, height, width, channels].
        pooling: A name in `POOLINGS`: the layer in place of each max pooling.
        padding: A name in `PADDINGS`: the values beyond the image's edge at the first convolution.
        smoothing: A name in `SMOOTHINGS`: the layer behind each output.
        precision: A name in `PRECISIONS`: the type that layers compute in.
        for_xla: Whether to use the forms of layers that XLA runs faster.

    Raises:
        ValueError: Unknown name, or a padding that would have no effect.
    """
    swaps = [POOLINGS[checks.one_of("pooling", pooling, POOLINGS)]]
    swaps += [PADDINGS[checks.one_of("padding", padding, PADDINGS)](model)]
    swaps += [PRECISIONS[checks.one_of("precision", precision, PRECISIONS)]]
    swaps += [xla_forms.replacement] if for_xla else []
    smooth = SMOOTHINGS[checks.one_of("smoothing", smoothing, SMOOTHINGS)]
    twin = _swapped(model, swaps)
    return twin if smooth is None else keras.Model(twin.inputs[0], [smooth()(output) for output in twin.outputs])


def _swapped(model: keras.Model, swaps: Iterable[Swap]) -> keras.Model:
    """Returns the copy; each layer passes through the swaps in turn."""

    def swapped(layer: keras.layers.Layer) -> keras.layers.Layer:
        """Returns the layer of the copy."""
        new = layer
        for swap in swaps:
            new = swap(new) or new
        new = type(layer).from_config(layer.get_config()) if new is layer else new
        if hasattr(new, "kernel_initializer"):
            new.kernel_initializer = keras.initializers.Zeros()  # Millions of random numbers would be overwritten.
        return new

    any_size = keras.Input((None, None, 3))
    twin = keras.models.clone_model(model, input_tensors=any_size, clone_function=swapped)
    twin.set_weights([weight.value for weight in model.weights])  # Not as NumPy's arrays, which would be copies.
    twin.trainable = False
    return twin


def _pooling(kind: type[keras.layers.Layer]) -> Swap:
    """Returns a swap that puts a pooling of this kind, over the same windows, in place of each max pooling."""

    def swap(layer: keras.layers.Layer) -> keras.layers.Layer | None:
        """Returns the pooling for a max pooling; None for other layers."""
        return kind.from_config(layer.get_config()) if isinstance(layer, keras.layers.MaxPooling2D) else None

    return swap


def _precision(policy: str) -> Swap:
    """Returns a swap that makes a layer compute in one of Keras's dtype policies.

    Keras keeps weights in float32 for their updates, and rounds them at each step. A frozen network has no updates, so
    its weights are rounded once. Those of batch normalization are never rounded; it computes in float32 by itself.
    """
    compute_dtype = keras.DTypePolicy(policy).compute_dtype

    def swap(layer: keras.layers.Layer) -> keras.layers.Layer:
        """Returns the layer with another policy."""
        keeps_weights = isinstance(layer, keras.layers.BatchNormalization)
        dtype = policy if keeps_weights else compute_dtype
        return type(layer).from_config(layer.get_config() | {"dtype": dtype})

    return swap


def _edge_padding(model: keras.Model) -> Swap:
    """Returns a swap for edge pixels in place of zeros at the first convolution, in whichever layer pads there.

    Raises:
        ValueError: The network pads nothing there, or its first convolution pads and has a stride above 1.
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
