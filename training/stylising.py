"""Pictures that the student itself has half optimised: what it meets in use, and where its errors are sought out."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from training import distillation, pictures

__all__ = ["Pool", "Stylist"]

_CONTENT_LAYER = "block4_conv2"
_RATE = 5.0  # Levels of 0..255 a step, Adam's.
_STEPS = (10, 25, 50)


class _Levels(keras.constraints.Constraint):
    """Keeps a picture within 0..255."""

    def __call__(self, picture: Any) -> Any:
        return ops.clip(picture, 0.0, 255.0)


class Stylist(keras.Model):
    """Style transfer of a batch of squares by the student, with Adam: the pictures are the model's only free weights.

    Written over Keras, whose `fit` takes the gradient on every backend, where the package needs TensorFlow.

    Args:
        student: {layer: features} of a preprocessed image.
        batch: Pictures at a time.
        size: Their side in pixels.
        content_weight: Beside a style weight of 1, both relative.
    """

    def __init__(self, student: keras.Model, *, batch: int, size: int, content_weight: float = 0.02) -> None:
        super().__init__()
        self._twin = keras.models.clone_model(student)  # Frozen, while the student itself goes on learning.
        self._twin.trainable = False
        self._content_weight = content_weight
        self.pictures = self.add_weight(shape=(batch, size, size, 3), constraint=_Levels(), dtype="float32")
        representations = self._represented(np.zeros((batch, size, size, 3), np.float32))
        self.targets = {
            name: self.add_weight(shape=target.shape, trainable=False, dtype="float32")
            for name, target in representations.items()
        }
        self.compile(keras.optimizers.Adam(_RATE), jit_compile=False)

    def stylise(
        self, student: keras.Model, contents: np.ndarray, styles: np.ndarray, starts: np.ndarray, *, steps: int
    ) -> np.ndarray:
        """Makes some steps of style transfer from `starts`, by the student as it is now.

        Args:
            student: The one given to the constructor, or its like.
            contents: float32 [batch, size, size, 3], RGB, 0..255, as are `styles` and `starts`.
            styles: Where the Gram matrices come from.
            starts: Where the pictures begin.
            steps: How many.

        Returns:
            uint8 [batch, size, size, 3].
        """
        self._twin.set_weights(student.get_weights())
        for variable in self.optimizer.variables:
            if variable is not self.optimizer.learning_rate:  # The step and the moments are those of other pictures.
                variable.assign(ops.zeros(variable.shape, variable.dtype))
        style, content = self._represented(styles), self._represented(contents)
        for name, target in self.targets.items():
            target.assign((content if name == _CONTENT_LAYER else style)[name])
        self.pictures.assign(starts)
        self.fit(np.zeros((steps, 1), np.float32), batch_size=1, verbose=0)
        return ops.convert_to_numpy(self.pictures).round().astype(np.uint8)

    def call(self, _: Any, training: bool = False) -> dict[str, Any]:
        """Returns what the losses compare, of the present pictures."""
        return self._represented(self.pictures)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True) -> Any:
        """Keras's hook: relative style and content losses."""
        style = [name for name in self.targets if name != _CONTENT_LAYER]
        losses = {n: distillation.relative_error(y_pred[n], target) for n, target in self.targets.items()}
        return sum(losses[n] for n in style) / len(style) + self._content_weight * losses[_CONTENT_LAYER]

    def _represented(self, images: Any) -> dict[str, Any]:
        """Returns Gram matrices of the style layers and features of the content layer, float32."""
        features = self._twin(keras.applications.vgg19.preprocess_input(ops.convert_to_tensor(images)))
        grams = {name: distillation.gram(f) for name, f in features.items() if distillation.is_style(name)}
        return {**grams, _CONTENT_LAYER: ops.cast(features[_CONTENT_LAYER], "float32")}


class Pool:
    """The latest pictures that the student has stylised.

    Attributes:
        runs: Each picture with its style and its content, uint8 [count, 3, size, size, 3].

    Args:
        capacity: How many are kept; the oldest make room.
        photographs: Where contents come from.
        paintings: Where styles come from.
        batch: Pictures made at a time.
        size: Their side in pixels.
        seed: Of the whole training.
    """

    def __init__(
        self,
        photographs: Sequence[np.ndarray],
        paintings: Sequence[np.ndarray],
        *,
        capacity: int,
        batch: int,
        size: int,
        seed: int,
    ) -> None:
        self._photographs, self._paintings = photographs, paintings
        self._capacity, self._batch, self._size, self._seed = capacity, batch, size, seed
        self._stylist: Stylist | None = None
        self.runs = np.zeros((0, 3, size, size, 3), np.uint8)

    @property
    def squares(self) -> np.ndarray:
        """Returns the pictures alone, uint8 [count, size, size, 3]."""
        return self.runs[:, 0]

    def renew(self, student: keras.Model, epoch: int) -> None:
        """Adds a batch by the student as it is now.

        Half of the pictures begin as their contents, a quarter as noise, a quarter as contents half covered by a flat
        colour. One batch in five takes its styles from photographs.
        """
        if self._stylist is None:
            self._stylist = Stylist(student, batch=self._batch, size=self._size)
        random = np.random.default_rng([self._seed, epoch, 2**20])
        contents = self._squares(self._photographs, random)
        styles = self._squares(self._paintings if random.random() < 0.8 else self._photographs, random)
        starts = contents.copy()
        starts[::4] = random.uniform(0, 255, starts[::4].shape)
        starts[1::4] = 0.5 * starts[1::4] + 0.5 * random.uniform(0, 255, (len(starts[1::4]), 1, 1, 3))
        steps = int(random.choice(_STEPS))
        made = self._stylist.stylise(student, contents, styles, starts, steps=steps)
        run = np.stack([made, styles.astype(np.uint8), contents.astype(np.uint8)], axis=1)
        self.runs = np.concatenate([self.runs, run])[-self._capacity :]

    def save(self, path: str) -> None:
        """Writes the pictures to an .npy file, whole or not at all."""
        with open(f"{path}.partial", "wb") as file:
            np.save(file, self.runs)
        os.replace(f"{path}.partial", path)

    def load(self, path: str) -> None:
        """Takes the pictures that `save` wrote, if it did."""
        if os.path.exists(path):
            self.runs = np.load(path)

    def _squares(self, source: Sequence[np.ndarray], random: np.random.Generator) -> np.ndarray:
        return np.stack([pictures.crop(source, self._size, random) for _ in range(self._batch)])
