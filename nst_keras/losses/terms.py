"""A term of your own in the loss: a function of the picture and its features."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from nst_keras import checks

__all__ = ["RESERVED", "Term", "checked"]

# Names of the terms that every loss has, of their entries in the history, and of what sets their weights.
_OF_EVERY_LOSS = ("style", "content", "var", "alpha_norm")
RESERVED = frozenset(
    {*_OF_EVERY_LOSS, *(f"{name}_weight" for name in _OF_EVERY_LOSS), "loss", "total", "total_variation", "strength"}
    | {"self"}  # The weights are arguments of methods.
)


@dataclasses.dataclass(frozen=True, eq=False)
class Term:
    """A further term of the loss, added to style and content.

    Example:
    ```python
    def darkness(image, features):
        return tf.reduce_mean(image) / 255.0

    NeuralStyleTransfer(..., losses=[losses.Term("darkness", darkness, weight=0.5)])
    ```

    Attributes:
        name: Its name in the history, in TensorBoard and in the progress line, where it stands as `NAME_loss`.
        function: Function of the picture, float32 [1, height, width, 3] in 0..255, and of {layer: its features, float32
            [1, layer's height, layer's width, K]}. It returns a scalar, made of TensorFlow's operations alone, since
            it is compiled.
        weight: Its weight, a number of 0 or more.
        layers: Names of the layers whose features it needs, beside the style and content layers.

    Raises:
        ValueError: A name that another term or weight has or that is no Python name, or a bad weight.
        TypeError: `function` cannot be called, or `layers` is no list of names.
    """

    name: str
    function: Callable[[tf.Tensor, Mapping[str, tf.Tensor]], tf.Tensor]
    weight: float = 1.0
    layers: Sequence[str] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.isidentifier() or self.name in RESERVED:
            raise ValueError(f"name: a term cannot be called {self.name!r}. Give a Python name that no other term has.")
        if not callable(self.function):
            raise TypeError(f"function of term {self.name!r} must be a function, but {self.function!r} was given.")
        checks.non_negative(f"weight of term {self.name!r}", self.weight)
        if not isinstance(self.layers, (list, tuple)) or not all(isinstance(layer, str) for layer in self.layers):
            raise TypeError(
                f"layers of term {self.name!r} must be a list of layer names, but {self.layers!r} was given."
            )

    def value(self, image: tf.Tensor, features: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Returns the value of the function, a float32 scalar, without the weight. Called while the loss is traced.

        Args:
            image: float32 [1, height, width, 3], 0..255.
            features: {layer: the image's features, float32 [1, layer's height, layer's width, K]}.

        Raises:
            ValueError: The function raised an error, or its value is no scalar.
        """
        try:
            value = tf.convert_to_tensor(self.function(image, features))
        except Exception as error:
            what = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}".rstrip(".")
            raise ValueError(
                f"losses: the function of term {self.name!r} raised {what}. It is called with the picture and the "
                f"features of {', '.join(features)}. Name others in layers, and use TensorFlow's operations alone."
            ) from error
        is_number = value.dtype.is_floating or value.dtype.is_integer
        if not is_number or value.shape.rank not in (0, None):
            raise ValueError(
                f"losses: the function of term {self.name!r} must return a scalar, but returned {value.dtype.name} of "
                f"shape {value.shape}. Reduce it, with tf.reduce_mean say."
            )
        return tf.cast(value, tf.float32)


def checked(name: str, losses: Sequence[Term] | Term | None) -> tuple[Term, ...]:
    """Returns further terms as a tuple: empty for None, of one for a single term.

    Args:
        name: The argument's name, for the message.
        losses: The terms.

    Raises:
        TypeError: One is no `Term`.
        ValueError: Two have the same name.
    """
    several = [] if losses is None else losses
    terms: tuple[Any, ...] = tuple(several) if isinstance(several, (list, tuple)) else (several,)
    for one in terms:
        if not isinstance(one, Term):
            raise TypeError(
                f"{name} must be a list of nst_keras.losses.Term, but {one!r} was given. Write "
                f"Term('name', function, weight=1.0)."
            )
    names = [one.name for one in terms]
    if len(set(names)) < len(names):
        raise ValueError(f"{name} has two terms of one name: {', '.join(names)}. Give each a name of its own.")
    return terms
