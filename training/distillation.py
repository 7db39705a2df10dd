"""The student learns the teacher's features, and their Gram matrices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from nst_keras.networks import compact

__all__ = ["Distillation", "Losses", "gram", "is_style", "left", "relative_error", "student", "teacher"]

Tensors = dict[str, Any]

# A picture's share in the loss is relative to its own energy plus this share of the batch's mean, so that flat pictures
# count as much as busy ones, but black ones do not count without end.
_FLOOR = 0.05


def teacher(vgg19: keras.Model, layers: Iterable[str]) -> keras.Model:
    """Returns VGG19, cut to {layer: features}."""
    return keras.Model(vgg19.inputs[0], {name: vgg19.get_layer(name).output for name in layers})


def student(thin: keras.Model, heads: Mapping[str, tuple[np.ndarray, np.ndarray]] | None = None) -> keras.Model:
    """Returns the thin network with its heads: an image -> {layer: VGG19's features as the student has them}.

    Args:
        thin: See `compact.thin_network`.
        heads: {layer: (H [w, N], bias [N])}; Default: random ones.
    """
    outputs = {}
    for name, features in thin.output.items():
        head = keras.layers.Conv2D(compact.CHANNELS[name], 1, name=f"{name}_head")
        outputs[name] = head(features)
        if heads is not None:
            head.set_weights([heads[name][0][None, None], heads[name][1]])
    return keras.Model(thin.inputs[0], outputs, name="student")


class Losses:
    """Relative squared errors of features and of Gram matrices, and the style that is left, per layer.

    Args:
        gram_weight: What the Gram matrices' error counts beside the features'.
        runs: Stylised pictures at the end of each batch, with their styles and contents.
        left_weight: What the style counts that the student leaves in them.
    """

    def __init__(self, gram_weight: float, *, runs: int = 0, left_weight: float = 1.0) -> None:
        self._gram_weight, self._runs, self._left_weight = gram_weight, runs, left_weight

    def names(self, layers: Iterable[str]) -> list[str]:
        """Returns the names of the parts."""
        kinds = ["features", "gram", *(["left"] if self._runs else [])]
        return [f"{kind}_{name}" for kind in kinds for name in layers if kind != "left" or is_style(name)]

    def __call__(self, ours: Tensors, theirs: Tensors) -> tuple[Any, Tensors]:
        """Returns the loss, and its parts by name: {"features_LAYER", "gram_LAYER", "left_LAYER": scalar}."""
        parts, total = {}, 0.0
        for name in ours:
            ours32, theirs32 = ops.cast(ours[name], "float32"), ops.cast(theirs[name], "float32")
            grams, targets = gram(ours[name]), gram(theirs[name])
            parts[f"features_{name}"] = relative_error(ours32, theirs32)
            parts[f"gram_{name}"] = relative_error(grams, targets)
            total = total + parts[f"features_{name}"] + self._gram_weight * parts[f"gram_{name}"]
            if self._runs and is_style(name):
                parts[f"left_{name}"] = left(grams, targets, self._runs)
                total = total + self._left_weight * parts[f"left_{name}"]
        return total, parts


class Distillation(keras.Model):
    """Teacher and student on the same pictures, for `fit`.

    Args:
        teacher: {layer: features} of the preprocessed image.
        student: The network that learns.
        compare: What they are compared by.
    """

    def __init__(self, teacher: keras.Model, student: keras.Model, compare: Losses) -> None:
        super().__init__()
        teacher.trainable = False
        self.teacher, self.student, self._compare = teacher, student, compare
        self.parts = {name: keras.metrics.Mean(name=name) for name in compare.names(student.output)}

    def call(self, images: Any, training: bool = False) -> tuple[Tensors, Tensors]:
        """Maps RGB 0..255 [batch, height, width, 3] to the student's and the teacher's features."""
        inputs = keras.applications.vgg19.preprocess_input(images)
        theirs = self.teacher(inputs, training=False)
        return self.student(inputs, training=training), {name: ops.stop_gradient(f) for name, f in theirs.items()}

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True) -> Any:
        """Keras's hook: the loss of one batch."""
        total, parts = self._compare(*y_pred)
        for name, part in parts.items():
            self.parts[name].update_state(part)
        return total


def gram(features: Any) -> Any:
    """Returns Gram matrices per location, float32 [batch, N, N].

    Differs from `losses.gram_matrix` because the products are in the precision of the features: in training their
    rounding, to 0.4% in bfloat16, is far below the errors that are learned from.
    """
    batch, height, width, channels = ops.shape(features)
    rows = ops.reshape(features, (batch, height * width, channels))
    return ops.cast(ops.matmul(ops.transpose(rows, (0, 2, 1)), rows), "float32") / (height * width)


def is_style(layer: str) -> bool:
    """Returns whether style is measured in a layer."""
    return layer.endswith("conv1")


def left(grams: Any, targets: Any, runs: int) -> Any:
    """Returns the share of the style's difference that VGG19 finds in a picture in which the student finds none left.

    At the end of a run the student's Gram matrices of picture and style are the same. Then VGG19's differ as the
    student's errors in both do. An error that is the same in both costs nothing.

    Args:
        grams: The student's [batch, N, N]; the last 3 `runs` are pictures, their styles, their contents.
        targets: The teacher's.
        runs: How many pictures.

    Returns:
        Mean over the pictures of ||(G - T)(picture) - (G - T)(style)||^2 / ||T(content) - T(style)||^2, with a floor.
    """
    errors = grams - targets
    whole = targets[-runs:] - targets[-2 * runs : -runs]
    difference = errors[-3 * runs : -2 * runs] - errors[-2 * runs : -runs]
    return relative_error(whole + difference, whole)


def relative_error(values: Any, targets: Any) -> Any:
    """Returns the mean over the batch of ||v - t||^2 / ||t||^2, with a floor."""
    axes = tuple(range(1, len(values.shape)))
    energy = ops.sum(ops.square(targets), axes)
    error = ops.sum(ops.square(values - targets), axes)
    return ops.mean(error / (energy + _FLOOR * ops.mean(energy) + 1e-6))
