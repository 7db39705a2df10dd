"""A frozen Keras network, cut to chosen layers: an image in, {layer: features} out."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from nst_keras import checks
from nst_keras.networks import architectures, surgery
from nst_keras.runtime import defaults

__all__ = ["FeatureExtractor"]

_SIZES = 256  # Sizes of images whose sizes of features are kept.


class FeatureExtractor:
    """A frozen network, cut after the last layer needed.

    The given model is never changed: layers that need another form are built anew. Keras's global settings, such as a
    dtype policy, change nothing: the layers compute in `precision`, or in the type that your own model has for them.

    Args:
        model: Any functional `keras.Model` with one image as input.
        preprocess: RGB float32 [1, height, width, 3] in 0..255 -> the input that the model was trained on. It must work
            pixel by pixel, so that a part of an image has the same values as in the whole.
        layers: Names of the layers to output. Default: all that give feature maps.
        pooling: The layer in place of each max pooling, a name in `surgery.POOLINGS`: `"max"`, the network's own;
            `"avg"`, the average (Gatys et al. 2015, section "Methods"); `"avg_scaled"`, the average, and `"l2"`, the
            root mean square, both scaled so that features keep the size that max pooling gives them, see `substitutes`.
        padding: The values beyond the image's edge at the first convolution, a name in `surgery.PADDINGS`: `"zeros"`,
            for most networks the mean colour; `"replicate"`, the edge pixels, against artefacts at the edges
            (crowsonkb/style-transfer-pytorch).
        smoothing: `"none"`; or `"softmax"`, a softmax over the channels of each location, times their number, see
            `substitutes.ActivationSmoothing`. Softmax suits activations of order one. VGG's are in the hundreds, and
            would be reduced to a single channel. `"auto"` means `"none"`; earlier versions used softmax for
            InceptionV3.
        precision: The type that the network computes in, a name in `surgery.PRECISIONS`.
        for_xla: Whether to use the forms of layers that XLA runs faster, see `xla_forms`. They do not help without XLA.
        channels: {layer: N}, for a network such as `compact` whose layers give fewer coordinates of N channels. The
            extractor then knows only these layers.

    Raises:
        ValueError: An unknown layer, pooling, padding or smoothing; one that has no effect or is not defined for the
            network; or a model whose input is not one RGB image.
        TypeError: `model` is not a functional `keras.Model`.
    """

    @defaults.keras_defaults()
    def __init__(
        self,
        model: keras.Model,
        preprocess: Callable[[tf.Tensor], Any],
        *,
        layers: Iterable[str] | None = None,
        pooling: str = "max",
        padding: str = "zeros",
        smoothing: str = "none",
        precision: str = "float32",
        for_xla: bool = False,
        channels: Mapping[str, int] | None = None,
    ) -> None:
        if not isinstance(model, keras.Model) or not getattr(model, "inputs", None):
            raise TypeError(f"extractor must be a built functional keras.Model, but {model!r} was given.")
        if len(model.inputs) != 1 or model.inputs[0].shape[-1] != 3:
            shapes = [tuple(tensor.shape) for tensor in model.inputs]
            raise ValueError(
                f"extractor must take one image [batch, height, width, 3], but {model.name!r} takes {shapes}."
            )
        smoothing = _smoothing(smoothing, model.name, channels)
        self.name = model.name
        self.preprocess = preprocess
        self._channels = dict(channels or {})
        self._aliases = {
            name: own for name, own in architectures.known_layers(model).items() if not channels or own in channels
        }
        self.layers = tuple(dict.fromkeys(self._aliases.values())) if layers is None else tuple(layers)
        cut = surgery.cut(model, self.layers, self._aliases)
        self._network = surgery.rebuilt(
            cut, pooling=pooling, padding=padding, smoothing=smoothing, precision=precision, for_xla=for_xla
        )
        self._sizes: dict[tuple[int, int], dict[str, tuple[int, int]]] = {}

    @defaults.keras_defaults()
    def __call__(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns the features of an image.

        Args:
            image: float32 [1, height, width, 3], RGB, 0..255.

        Returns:
            {layer: features [1, layer's height, layer's width, channels]}, in the order of `layers`.
        """
        features = self._network(self.preprocess(image), training=False)
        return dict(zip(self.layers, tf.nest.flatten(features), strict=True))

    def __repr__(self) -> str:
        """Names the network and the layers."""
        return f"<{type(self).__name__}: {self.name}, layers {', '.join(self.layers)}>"

    @property
    def channels(self) -> dict[str, int]:
        """{layer: N}, its channels; where it gives coordinates (`compact`, `compact_v2`), those of VGG19's layer."""
        return {name: self._channels.get(self._aliases[name], own) for name, own in self.coordinates.items()}

    @property
    def coordinates(self) -> dict[str, int]:
        """{layer: size of the features' last axis}: its channels, or coordinates of them, see `channels`."""
        return {name: output.shape[-1] for name, output in zip(self.layers, self._network.outputs, strict=True)}

    @property
    def compute_dtype(self) -> str:
        """Name of the shortest type that its layers compute in."""
        return min((layer.compute_dtype for layer in self._network.layers), key=lambda name: tf.as_dtype(name).size)

    @property
    def has_short_range(self) -> bool:
        """Whether a layer computes in float16, in which small gradients vanish."""
        return any(layer.compute_dtype == "float16" for layer in self._network.layers)

    def fingerprint(self) -> str:
        """Returns the SHA-256, in hexadecimal, of all that determines the features.

        That is the layers' names, kinds and compute types, the weights, and the name of the preprocessing. Pooling,
        padding and smoothing are kinds of layers.
        """
        digest = hashlib.sha256()
        kinds = [(type(layer).__name__, layer.compute_dtype) for layer in self._network.layers]
        preprocess = getattr(self.preprocess, "__qualname__", type(self.preprocess).__name__)
        digest.update(repr((self.layers, kinds, preprocess)).encode())
        for array in self._network.get_weights():
            digest.update(np.ascontiguousarray(array).view(np.uint8).data)
        return digest.hexdigest()

    @property
    def network(self) -> keras.Model:
        """The frozen network: preprocessed image in, features of `layers` out, in their order."""
        return self._network

    @defaults.keras_defaults()
    def select(self, layers: Iterable[str]) -> FeatureExtractor:
        """Returns an extractor of fewer layers, which shares this one's weights.

        Raises:
            ValueError: This extractor does not have one of the layers.
        """
        outputs = {self._aliases[name]: out for name, out in zip(self.layers, self._network.outputs, strict=True)}
        selected = copy.copy(self)
        selected.layers = tuple(layers)
        for name in selected.layers:
            if self._aliases.get(name) not in outputs:
                raise ValueError(f"{self.name}: {surgery.unknown_layer(name, self.layers)}")
        chosen = [outputs[self._aliases[name]] for name in selected.layers]
        selected._network = keras.Model(self._network.inputs[0], chosen)
        selected._sizes = {}
        return selected

    def check_size(self, argument: str, height: int, width: int) -> None:
        """Raises `ValueError` for an image so small that a layer would have no output."""
        if not self.accepts(height, width):
            least = next((side for side in range(1, 1025) if self.accepts(side, side)), None)
            raise ValueError(
                f"{argument} is {width}x{height} px, but {self.name} with these layers needs at least "
                f"{least}x{least} px. Give a larger picture, a larger image_size, or shallower layers."
            )

    def accepts(self, height: int, width: int) -> bool:
        """Returns whether an image of this size, in pixels, is large enough for every layer to have an output."""
        try:
            sizes = self.sizes(height, width)
        except ValueError:  # Keras's answer to a convolution that is larger than its input.
            return False
        return all(side >= 1 for size in sizes.values() for side in size)

    def sizes(self, height: int, width: int) -> dict[str, tuple[int, int]]:
        """Returns {layer: (height, width)} of the features of an image of this size in pixels, without a forward pass.

        Raises:
            ValueError: The image is too small for a layer, in Keras's words; `check_size` says it plainly.
        """
        found = self._sizes.get((height, width))
        if found is None:
            found = self._computed_sizes(height, width)
            if len(self._sizes) >= _SIZES:  # Many small sets are cheaper to find again than to rank.
                self._sizes.clear()
            self._sizes[height, width] = found
        return dict(found)

    @defaults.keras_defaults()
    def _computed_sizes(self, height: int, width: int) -> dict[str, tuple[int, int]]:
        """Returns what `sizes` does. Keras takes as long for it as for a small step."""
        outputs = self._network.compute_output_spec(keras.KerasTensor((1, height, width, 3)))
        return {
            name: tuple(output.shape[1:3]) for name, output in zip(self.layers, tf.nest.flatten(outputs), strict=True)
        }


def _smoothing(smoothing: str, network: str, channels: Mapping[str, int] | None) -> str:
    """Returns a name in `surgery.SMOOTHINGS`; raises `ValueError` for others, or where there are no activations."""
    if smoothing == "auto":
        return "none"
    checks.one_of("smoothing", smoothing, surgery.SMOOTHINGS)
    if smoothing != "none" and channels:
        raise ValueError(
            f"smoothing={smoothing!r} has no meaning for {network}, which gives coordinates of features in "
            "place of activations. Leave smoothing out."
        )
    return smoothing
