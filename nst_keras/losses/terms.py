"""A term of your own in the loss: a function of the picture and its features."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from nst_keras import checks

__all__ = ["RESERVED", "Term", "checked"]

# Names of the terms that every loss has, and of their entries in the history.
RESERVED = frozenset({"loss", "total", "style", "content", "total_variation", "alpha_norm", "var"})


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
        ValueError: A name that another term has or that is no Python name, or a bad weight.
        TypeError: `function` cannot be called.
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
