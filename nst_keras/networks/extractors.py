"""Frozen Keras networks, cut to the layers wanted: an image in, {layer: features} out."""

from __future__ import annotations

import copy
import hashlib
import inspect
from collections.abc import Callable, Iterable, Mapping

import keras
import numpy as np
import tensorflow as tf

from nst_keras import checks
from nst_keras.networks import architectures, surgery

__all__ = ["FeatureExtractor", "get", "known_architecture"]


class FeatureExtractor:
    """A frozen network, cut after the last layer needed.

    The model given is never changed: where another pooling or input size asks for other layers, they are built anew.

    Args:
        model: Any functional `keras.Model` over one image input.
        preprocess: RGB float32 [1, height, width, 3] in 0..255 -> what the model was trained on, pixel by pixel: a part
            of an image must come out as it does with the whole.
        layers: Names of the layers whose outputs are wanted; all that give feature maps if left out.
        pooling: What stands in the place of each max pooling: `"max"`, the network's own; `"avg"`, the average (Gatys
            et al. 2015, section "Methods"); `"avg_scaled"`, the average, and `"l2"`, the root of the mean square, both
            scaled so that the features keep the size that max pooling gives them, see `network_layers`.
        padding: What the first convolution finds beyond the edge: `"zeros"`, for most networks the mean colour, or
            `"replicate"`, the image's edge pixels, against artefacts there (crowsonkb/style-transfer-pytorch).
        smoothing: `"none"`; `"softmax"`, at each place a softmax over the channels, times their number, for networks
            other than VGG, see `network_layers.ActivationSmoothing`; `"auto"`, what `architectures` has for a known
            network, none for others. Softmax is for activations of order one: of VGG's, which are in the hundreds,
            it would leave a single channel.
        precision: What the network computes in, a name in `surgery.PRECISIONS`; `"float32"` leaves it as it is.
        for_xla: Puts in the forms of layers that XLA runs faster, see `xla_layers`; of no use without it.
        channels: {layer: N}, for a network whose layers give fewer coordinates of N channels, as `compact` does; the
            extractor then knows these layers alone.

    Raises:
        ValueError: Unknown layer, pooling, padding or smoothing; one that has no effect or no meaning for the network;
            or a model that takes anything but one RGB image.
        TypeError: `model` is no functional `keras.Model`.
    """

    def __init__(
        self,
        model: keras.Model,
        preprocess: Callable[[tf.Tensor], tf.Tensor],
        *,
        layers: Iterable[str] | None = None,
        pooling: str = "max",
        padding: str = "zeros",
        smoothing: str = "auto",
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
        smoothing = _smoothing(smoothing, model, channels)
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

    def __call__(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        """One forward pass.

        Args:
            image: float32 [1, height, width, 3], RGB, 0..255.

        Returns:
            {layer: features [1, layer's height, layer's width, channels]}, in the order of `layers`.
        """
        features = self._network(self.preprocess(image), training=False)
        return dict(zip(self.layers, tf.nest.flatten(features), strict=True))

    @property
    def channels(self) -> dict[str, int]:
        """{layer: N}: its number of channels; for `compact`, that of the layer of VGG19 whose coordinates it gives."""
        return {name: self._channels.get(self._aliases[name], own) for name, own in self.coordinates.items()}

    @property
    def coordinates(self) -> dict[str, int]:
        """{layer: how many numbers it gives at each location}: its channels, but for `compact`."""
        return {name: output.shape[-1] for name, output in zip(self.layers, self._network.outputs, strict=True)}

    @property
    def compute_dtype(self) -> str:
        """What it computes in: the shortest type of its layers."""
        return min((layer.compute_dtype for layer in self._network.layers), key=lambda name: tf.as_dtype(name).size)

    @property
    def has_short_range(self) -> bool:
        """Whether some of its layers compute in float16, in which small gradients vanish."""
        return any(layer.compute_dtype == "float16" for layer in self._network.layers)

    def fingerprint(self) -> str:
        """SHA-256, in hexadecimal, of what decides the features: layers, weights, the preprocessing's name.

        Pooling, padding and smoothing are layers of the network, and told apart by their kinds, precision by what these
        compute in.
        """
        digest = hashlib.sha256()
        kinds = [(type(layer).__name__, layer.compute_dtype) for layer in self._network.layers]
        preprocess = getattr(self.preprocess, "__qualname__", type(self.preprocess).__name__)
        digest.update(repr((self.layers, kinds, preprocess)).encode())
        for array in self._network.get_weights():
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    @property
    def network(self) -> keras.Model:
        """The frozen network: preprocessed image in, features of `layers` out."""
        return self._network

    def select(self, layers: Iterable[str]) -> FeatureExtractor:
        """The same network, its weights shared, cut to fewer layers.

        Raises:
            ValueError: A layer that this extractor does not give.
        """
        outputs = {self._aliases[name]: out for name, out in zip(self.layers, self._network.outputs, strict=True)}
        selected = copy.copy(self)
        selected.layers = tuple(layers)
        for name in selected.layers:
            if self._aliases.get(name) not in outputs:
                raise ValueError(f"{self.name}: {surgery.unknown_layer(name, self.layers)}")
        chosen = [outputs[self._aliases[name]] for name in selected.layers]
        selected._network = keras.Model(self._network.inputs[0], chosen)
        return selected

    def check_size(self, argument: str, height: int, width: int) -> None:
        """Raises `ValueError` where an image is so small that a layer would come out empty."""
        if not self.accepts(height, width):
            least = next((side for side in range(1, 1025) if self.accepts(side, side)), None)
            raise ValueError(
                f"{argument} is {width}x{height} px, but {self.name} with these layers needs at least "
                f"{least}x{least} px. Give a larger picture, a larger image_size, or shallower layers."
            )

    def accepts(self, height: int, width: int) -> bool:
        """Whether an image of this size is large enough for every layer to give something."""
        try:
            sizes = self.sizes(height, width)
        except ValueError:  # Keras's answer to a convolution that is larger than its input.
            return False
        return all(side >= 1 for size in sizes.values() for side in size)

    def sizes(self, height: int, width: int) -> dict[str, tuple[int, int]]:
        """{layer: (its height, its width)} for an image of this size, in pixels; told without a forward pass.

        Raises:
            ValueError: An image too small for a layer, as Keras says it; `check_size` says it plainly.
        """
        outputs = self._network.compute_output_spec(keras.KerasTensor((1, height, width, 3)))
        return {
            name: tuple(output.shape[1:3]) for name, output in zip(self.layers, tf.nest.flatten(outputs), strict=True)
        }


def get(
    identifier: str | keras.Model | FeatureExtractor,
    *,
    layers: Iterable[str],
    weights: str = "imagenet",
    pooling: str = "max",
    padding: str = "zeros",
    smoothing: str = "auto",
    precision: str = "float32",
    for_xla: bool = False,
    preprocess: Callable[[tf.Tensor], tf.Tensor] | None = None,
) -> FeatureExtractor:
    """The extractor that a name, a model or an extractor stands for.

    Args:
        identifier: A name in the registry, a `keras.Model`, or a `FeatureExtractor`.
        layers: Names of the layers wanted.
        weights: For a name: `"imagenet"` (a file in the folder `NST_KERAS_WEIGHTS_DIR` whose name begins with the
            network's, or Keras's download with its hash check; for `compact` the package's own), `"random"`, or the
            path of a Keras weights file.
        pooling: A name in `surgery.POOLINGS`, see `FeatureExtractor`.
        padding: A name in `surgery.PADDINGS`, likewise.
        smoothing: `"auto"` or a name in `surgery.SMOOTHINGS`, likewise.
        precision: A name in `surgery.PRECISIONS`, likewise.
        for_xla: Likewise.
        preprocess: For a model of your own, what it was trained on; known for those of the registry.

    Returns:
        A `FeatureExtractor` of those layers.

    Raises:
        ValueError: An unknown name or layer; a model without `preprocess`; weights of another network; an argument that
            would have no effect.
        FileNotFoundError: No such weights file.
        OSError: The download failed, or the package's own weights are damaged.
        TypeError: An `identifier` of another type.
    """
    settings = {"pooling": pooling, "padding": padding, "smoothing": smoothing, "precision": precision}
    if isinstance(identifier, FeatureExtractor):
        _refuse_unused(identifier, weights=weights, preprocess=preprocess, **settings)
        return identifier.select(layers)
    if isinstance(identifier, keras.Model):
        _refuse_unused(identifier, weights=weights)
        architecture, model = known_architecture(identifier), identifier
    elif isinstance(identifier, str):
        architecture, model = known_architecture(identifier), architectures.build(identifier, weights)
    else:
        raise TypeError(
            f"extractor must be one of {', '.join(architectures.ARCHITECTURES)}, a keras.Model or a FeatureExtractor, "
            f"but {type(identifier).__name__} was given."
        )
    preprocess = preprocess or _known_preprocess(model, architecture)
    channels = architecture and architecture.channels
    return FeatureExtractor(model, preprocess, layers=layers, for_xla=for_xla, channels=channels, **settings)


def known_architecture(identifier: str | keras.Model | FeatureExtractor) -> architectures.Architecture | None:
    """The registry's entry for a name, or for a model or extractor that bears a known name; None for others.

    Raises:
        ValueError: An unknown name.
    """
    if isinstance(identifier, str):
        return architectures.ARCHITECTURES[checks.one_of("extractor", identifier, architectures.ARCHITECTURES)]
    architecture = architectures.ARCHITECTURES.get(getattr(identifier, "name", None))
    if architecture is None or isinstance(identifier, FeatureExtractor):
        return architecture
    return architecture if set(architecture.style_layers) <= set(architectures.known_layers(identifier)) else None


def _smoothing(smoothing: str, model: keras.Model, channels: Mapping[str, int] | None) -> str:
    """The name in `surgery.SMOOTHINGS`; raises `ValueError` for others, and for what has no activations."""
    checks.one_of("smoothing", smoothing, ["auto", *surgery.SMOOTHINGS])
    if smoothing == "auto":
        architecture = known_architecture(model)
        return architecture.smoothing if architecture else "none"
    if smoothing != "none" and channels:
        raise ValueError(
            f"smoothing={smoothing!r} has no meaning for {model.name}, which gives coordinates of features in the "
            "place of activations. Leave smoothing out."
        )
    return smoothing


def _refuse_unused(identifier: object, **given: object) -> None:
    """Raises `ValueError` for an argument of `get` that was given and would have no effect."""
    parameters = inspect.signature(get).parameters
    for argument in (name for name, value in given.items() if value != parameters[name].default):
        raise ValueError(f"{argument} has no effect: a {type(identifier).__name__} has its own. Leave {argument} out.")


def _known_preprocess(
    model: keras.Model, architecture: architectures.Architecture | None
) -> Callable[[tf.Tensor], tf.Tensor]:
    if architecture is None:
        raise ValueError(
            f"extractor: the preprocessing of the model {model.name!r} is not known. Give preprocess=, a function from "
            "RGB 0..255 to what it was trained on (`lambda image: image / 255.0`, say)."
        )
    return architecture.preprocess
