"""Frozen Keras networks, cut to the layers wanted: an image in, {layer: features} out."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import keras
import tensorflow as tf

from nst_keras import architectures, checks

__all__ = ["POOLINGS", "FeatureExtractor", "WindowMaxPooling2D", "get", "known_architecture"]


class FeatureExtractor:
    """A frozen network, cut after the last layer needed.

    The model given is never changed: where another pooling or input size asks for other layers, they are built anew.

    Args:
        model: Any functional `keras.Model` over one image input.
        preprocess: RGB float32 [1, height, width, 3] in 0..255 -> what the model was trained on.
        layers: Names of the layers whose outputs are wanted; all but the input if left out.
        pooling: A name in `POOLINGS`: `"max"` keeps the network's own pooling, `"avg"` puts average pooling in the
            place of each max pooling (Gatys et al. 2015, section "Methods").

    Raises:
        ValueError: Unknown layer or pooling.
        TypeError: `model` is no functional `keras.Model`.
    """

    def __init__(
        self,
        model: keras.Model,
        preprocess: Callable[[tf.Tensor], tf.Tensor],
        *,
        layers: Iterable[str] | None = None,
        pooling: str = "max",
    ) -> None:
        if not isinstance(model, keras.Model) or not getattr(model, "inputs", None):
            raise TypeError(f"extractor must be a built functional keras.Model, but {model!r} was given.")
        checks.one_of("pooling", pooling, POOLINGS)
        self.name = model.name
        self.preprocess = preprocess
        self.layers = architectures.layer_names(model) if layers is None else tuple(layers)
        self._network = _rebuild(_cut(model, self.layers), POOLINGS[pooling])

    def __call__(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        """One forward pass.

        Args:
            image: float32 [1, height, width, 3], RGB, 0..255.

        Returns:
            {layer: features [1, layer's height, layer's width, channels]}, in the order of `layers`.
        """
        features = self._network(self.preprocess(image), training=False)
        return dict(zip(self.layers, tf.nest.flatten(features), strict=True))

    def select(self, layers: Iterable[str]) -> FeatureExtractor:
        """The same network, its weights shared, cut to fewer layers.

        Raises:
            ValueError: A layer that this extractor does not give.
        """
        selected = object.__new__(FeatureExtractor)
        selected.name, selected.preprocess = self.name, self.preprocess
        selected.layers = tuple(checks.one_of("layers", name, self.layers) for name in layers)
        outputs = dict(zip(self.layers, self._network.outputs, strict=True))
        selected._network = keras.Model(self._network.inputs[0], [outputs[name] for name in selected.layers])
        return selected

    def check_size(self, argument: str, height: int, width: int) -> None:
        """Raises `ValueError` where an image is so small that a layer would come out empty."""
        if not self._accepts(height, width):
            least = next((side for side in range(1, 1025) if self._accepts(side, side)), None)
            raise ValueError(
                f"{argument} is {width}x{height} px, but {self.name} up to {self.layers[-1]} needs "
                f"at least {least}x{least} px. Give a larger picture, a larger image_size, or shallower layers."
            )

    def _accepts(self, height: int, width: int) -> bool:
        try:
            outputs = self._network.compute_output_spec(keras.KerasTensor((1, height, width, 3)))
        except ValueError:  # Keras's answer to a convolution that is larger than its input.
            return False
        return all(side >= 1 for output in tf.nest.flatten(outputs) for side in output.shape[1:3])


@keras.saving.register_keras_serializable(package="nst_keras")
class WindowMaxPooling2D(keras.layers.Layer):
    """2x2 max pooling, its gradient shared out equally among equal maxima.

    The same values as `MaxPooling2D((2, 2))`, written as the maximum over a reshaped axis. Its gradient is elementwise
    where that of `MaxPooling2D` scatters, which XLA runs serially on a CPU; and on a flat patch no pixel is preferred.
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Maps [batch, height, width, channels] to [batch, height // 2, width // 2, channels]."""
        batch, height, width, channels = keras.ops.shape(inputs)
        inputs = inputs[:, : height // 2 * 2, : width // 2 * 2]
        windows = keras.ops.reshape(inputs, (batch, height // 2, 2, width // 2, 2, channels))
        return keras.ops.max(windows, axis=(2, 4))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The output's shape, with None for a side that is not known."""
        batch, height, width, channels = input_shape
        return batch, height and height // 2, width and width // 2, channels


def get(
    identifier: str | keras.Model | FeatureExtractor,
    *,
    layers: Iterable[str],
    weights: str = "imagenet",
    pooling: str = "max",
    preprocess: Callable[[tf.Tensor], tf.Tensor] | None = None,
) -> FeatureExtractor:
    """The extractor that a name, a model or an extractor stands for.

    Args:
        identifier: A name in the registry, a `keras.Model`, or a `FeatureExtractor`.
        layers: Names of the layers wanted.
        weights: For a name: `"imagenet"` (a file in the folder `NST_KERAS_WEIGHTS_DIR` whose name begins with the
            network's, or Keras's download with its hash check), `"random"`, or the path of a Keras weights file.
        pooling: `"max"` or `"avg"`, see `FeatureExtractor`.
        preprocess: For a model of your own, what it was trained on; known for those of the registry.

    Returns:
        A `FeatureExtractor` of those layers.

    Raises:
        ValueError: Unknown name, layer or pooling; a model without `preprocess`; weights of another network.
        FileNotFoundError: No such weights file.
        OSError: The download failed.
        TypeError: An `identifier` of another type.
    """
    if isinstance(identifier, FeatureExtractor):
        return identifier.select(layers)
    if isinstance(identifier, keras.Model):
        return FeatureExtractor(identifier, preprocess or _known_preprocess(identifier), layers=layers, pooling=pooling)
    if not isinstance(identifier, str):
        raise TypeError(
            f"extractor must be one of {', '.join(architectures.ARCHITECTURES)}, a keras.Model or a FeatureExtractor, "
            f"but {type(identifier).__name__} was given."
        )
    architecture = known_architecture(identifier)
    model = architectures.build(identifier, weights)
    return FeatureExtractor(model, preprocess or architecture.preprocess, layers=layers, pooling=pooling)


def known_architecture(identifier: str | keras.Model | FeatureExtractor) -> architectures.Architecture | None:
    """The registry's entry for a name, or for a model or extractor that bears a known name; None for others.

    Raises:
        ValueError: An unknown name.
    """
    if isinstance(identifier, str):
        return architectures.ARCHITECTURES[checks.one_of("extractor", identifier, architectures.ARCHITECTURES)]
    return architectures.ARCHITECTURES.get(getattr(identifier, "name", None))


def _known_preprocess(model: keras.Model) -> Callable[[tf.Tensor], tf.Tensor]:
    if model.name not in architectures.ARCHITECTURES:
        raise ValueError(
            f"extractor: the preprocessing of the model {model.name!r} is not known. Give preprocess=, a function from "
            "RGB 0..255 to what it was trained on (`lambda image: image / 255.0`, say)."
        )
    return architectures.ARCHITECTURES[model.name].preprocess


def _cut(model: keras.Model, layers: Iterable[str]) -> keras.Model:
    architecture = architectures.ARCHITECTURES.get(model.name)
    own = {name: name for name in architectures.layer_names(model)}
    known = own | (architecture.aliases(model) if architecture else {})
    for name in layers:
        if name not in known:
            raise ValueError(f"{model.name}: {checks.unknown_name('layer', name, own)}")
    return keras.Model(model.inputs[0], [model.get_layer(known[name]).output for name in layers], name=model.name)


def _rebuild(model: keras.Model, swap: Callable[[keras.layers.Layer], keras.layers.Layer | None]) -> keras.Model:
    """A copy of the graph for images of any size, with some of its layers swapped, and the same weights."""
    any_size = keras.Input((None, None, 3), name="image")
    copy = keras.models.clone_model(
        model,
        input_tensors=any_size,
        clone_function=lambda layer: swap(layer) or layer.__class__.from_config(layer.get_config()),
    )
    copy.set_weights(model.get_weights())
    copy.trainable = False
    return copy


def _is_two_by_two(layer: keras.layers.Layer) -> bool:
    return layer.pool_size == (2, 2) and layer.strides == (2, 2) and layer.padding == "valid"


def _own_pooling(layer: keras.layers.Layer) -> keras.layers.Layer | None:
    if isinstance(layer, keras.layers.MaxPooling2D) and _is_two_by_two(layer):
        return WindowMaxPooling2D(name=layer.name)
    return None


def _average_pooling(layer: keras.layers.Layer) -> keras.layers.Layer | None:
    if isinstance(layer, keras.layers.MaxPooling2D):
        return keras.layers.AveragePooling2D(layer.pool_size, layer.strides, layer.padding, name=layer.name)
    return None


POOLINGS: dict[str, Callable[[keras.layers.Layer], keras.layers.Layer | None]] = {
    "max": _own_pooling,
    "avg": _average_pooling,
}
