"""The kinds of optimizers: how each is made, and what it takes of memory."""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

import keras

from nst_keras import checks
from nst_keras.optimizers import base, by_keras_name, keras_optimizer, lbfgs, spectral

__all__ = ["OPTIMIZERS", "Identifier", "Kind", "complete", "kind", "refuse"]

Identifier = str | keras.optimizers.Optimizer | base.Optimizer


class Maker(Protocol):
    """A function that makes an optimizer from a learning rate, a history and the settings that all optimizers have."""

    def __call__(
        self,
        learning_rate: keras_optimizer.LearningRate | None,
        lbfgs_history: int | None,
        /,
        *,
        bounds: base.Bounds,
        jit_compile: str | bool,
        on_host: bool,
    ) -> base.Optimizer:
        """Returns the optimizer; raises `ValueError` for a learning rate or a history that does not fit."""
        ...


class Kind(NamedTuple):
    """What a name in `OPTIMIZERS` stands for.

    Attributes:
        make: Makes an optimizer.
        state: length of the history -> images that the optimizer remembers.
        temporaries: (with XLA, without): images that an update needs besides `state` and the gradient. Measured as peak
            resident set at 1024 and 2048 px with TensorFlow 2.21, whose allocator leaves gaps.
        exponent: The exponent of `Spectral` under `preconditioning="auto"`; 0 for none.
        defaults: {option: the number that None stands for}.
        no_average: Why its images are not averaged, for the message. Default: None, they may be.
    """

    make: Maker
    state: Callable[[int], int]
    temporaries: tuple[int, int]
    exponent: float = 0.0
    defaults: Mapping[str, object] = types.MappingProxyType({})
    no_average: str | None = None


def kind(identifier: Identifier) -> Kind:
    """Returns the kind of a known name or of an object. What `OPTIMIZERS` lacks is assumed to need Adam's memory."""
    if isinstance(identifier, str) and identifier in OPTIMIZERS:
        return OPTIMIZERS[identifier]
    like_adam = OPTIMIZERS["adam"]
    if isinstance(identifier, str):
        # Two more, for gradients in units and for the updates of Nadam and Lamb.
        with_xla, without = like_adam.temporaries
        of_name = functools.partial(_of_name, identifier)
        return like_adam._replace(make=of_name, temporaries=(with_xla + 2, without + 2))
    if isinstance(identifier, keras.optimizers.Optimizer):
        return like_adam._replace(make=functools.partial(_of_keras, identifier))
    return like_adam._replace(make=functools.partial(_of_object, identifier), no_average=complete(identifier))


def _of_object(
    identifier: base.Optimizer,
    learning_rate: keras_optimizer.LearningRate | None,
    lbfgs_history: int | None,
    *,
    bounds: base.Bounds,
    jit_compile: str | bool,
    on_host: bool,
) -> base.Optimizer:
    del bounds, jit_compile, on_host  # The object has its own.
    refuse("learning_rate", learning_rate, complete(identifier))
    refuse("lbfgs_history", lbfgs_history, complete(identifier))
    return identifier.fresh()


def _of_keras(
    identifier: keras.optimizers.Optimizer,
    learning_rate: keras_optimizer.LearningRate | None,
    lbfgs_history: int | None,
    *,
    bounds: base.Bounds,
    jit_compile: str | bool,
    on_host: bool,
) -> base.Optimizer:
    refuse("learning_rate", learning_rate, f"{type(identifier).__name__} has its own")
    refuse("lbfgs_history", lbfgs_history, f"{type(identifier).__name__} has none")
    return keras_optimizer.KerasOptimizer(identifier, bounds=bounds, jit_compile=jit_compile, on_host=on_host)


def _of_name(
    name: str,
    learning_rate: keras_optimizer.LearningRate | None,
    lbfgs_history: int | None,
    *,
    bounds: base.Bounds,
    jit_compile: str | bool,
    on_host: bool,
) -> base.Optimizer:
    refuse("lbfgs_history", lbfgs_history, f"{name} has none")
    return by_keras_name.make(name, learning_rate, bounds=bounds, jit_compile=jit_compile, on_host=on_host)


def _adam(
    learning_rate: keras_optimizer.LearningRate | None,
    lbfgs_history: int | None,
    *,
    bounds: base.Bounds,
    jit_compile: str | bool,
    on_host: bool,
) -> base.Optimizer:
    refuse("lbfgs_history", lbfgs_history, "adam has none")
    return keras_optimizer.adam(learning_rate, bounds=bounds, jit_compile=jit_compile, on_host=on_host)


def _lbfgs(
    learning_rate: keras_optimizer.LearningRate | None,
    lbfgs_history: int | None,
    *,
    bounds: base.Bounds,
    jit_compile: str | bool,
    on_host: bool,
) -> base.Optimizer:
    refuse("learning_rate", learning_rate, "lbfgs chooses its own steps")
    asked = lbfgs.HISTORY if lbfgs_history is None else lbfgs_history
    history = checks.integer("lbfgs_history", asked, maximum=lbfgs.MOST_HISTORY)
    return lbfgs.LBFGS(history=history, bounds=bounds, jit_compile=jit_compile, on_host=on_host)


def complete(identifier: base.Optimizer) -> str:
    """Returns why settings beside an object have no effect."""
    return f"the {type(identifier).__name__} object has all its settings"


def refuse(argument: str, value: object, reason: str) -> None:
    """Raises `ValueError` for an argument that has no effect, unless it is None."""
    if value is not None:
        raise ValueError(f"{argument}={value!r} has no effect here: {reason}. Leave {argument} out.")


OPTIMIZERS: dict[str, Kind] = {
    # The image and two moments.
    "adam": Kind(
        _adam,
        state=lambda history: 3,
        temporaries=(1, 4),
        defaults={"learning_rate": keras_optimizer.LEARNING_RATE},
    ),
    # The image, the trial point and the gradient there was, and the pairs.
    "lbfgs": Kind(
        _lbfgs,
        state=lambda history: 3 + 2 * history,
        temporaries=(6, 8),
        exponent=spectral.EXPONENT,
        defaults={"lbfgs_history": lbfgs.HISTORY},
        no_average="each of lbfgs's steps is better",
    ),
}
