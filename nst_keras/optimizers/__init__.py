"""Optimizers of an image: one evaluation of the objective a step, over any objective.

An objective is anything with `value_and_gradient(image) -> (terms, gradient)`, where `terms.total` is the loss.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import keras

from nst_keras import checks
from nst_keras.optimizers import averaged, base, keras_optimizer, lbfgs, spectral
from nst_keras.optimizers.averaged import Averaged
from nst_keras.optimizers.base import Optimizer, Step
from nst_keras.optimizers.keras_optimizer import KerasOptimizer, LearningRate
from nst_keras.optimizers.lbfgs import LBFGS, two_loop_direction
from nst_keras.optimizers.spectral import Spectral

__all__ = [
    "LBFGS",
    "OPTIMIZERS",
    "Averaged",
    "KerasOptimizer",
    "Kind",
    "LearningRate",
    "Optimizer",
    "Spectral",
    "Step",
    "exponent_of",
    "get",
    "state_images",
    "two_loop_direction",
]

# The image and its start, beside its coordinates; which pixels are held, and the image evaluated; what transforms take.
_SPECTRAL = 8


class Kind(NamedTuple):
    """What a name in `OPTIMIZERS` stands for.

    Attributes:
        make: Makes one, from a learning rate, a history and the settings that all take.
        state: Images that one remembers, by the length of its history.
        temporaries: Images that an update takes beside them and the gradient, with XLA and without it: peak resident
            set, measured at 1024 and 2048 px with TensorFlow 2.21, whose allocator leaves gaps.
        exponent: That of `Spectral` which `preconditioning="auto"` stands for; 0 for none.
        no_average: Why its images are not averaged; None where they may be.
    """

    make: Callable[..., base.Optimizer]
    state: Callable[[int], int]
    temporaries: tuple[int, int]
    exponent: float = 0.0
    no_average: str | None = None


def get(
    identifier: str | keras.optimizers.Optimizer,
    *,
    learning_rate: keras_optimizer.LearningRate | None = None,
    averaging: float = 0.0,
    lbfgs_history: int | None = None,
    preconditioning: str | float = "auto",
    jit_compile: str | bool = "auto",
    on_host: bool = False,
) -> base.Optimizer:
    """The optimizer that a name or a Keras optimizer stands for.

    Args:
        identifier: A name in `OPTIMIZERS`, or any Keras optimizer.
        learning_rate: For `"adam"`, levels of 0..255 a step: a number above 0, or a Keras schedule; 5.1 if left out.
            L-BFGS chooses its own steps, and a Keras optimizer has its own rate: both refuse one.
        averaging: Decay of the average of the iterates, which then is the result, see `Averaged`; 0 for none.
            L-BFGS, whose every iterate is better than those before, refuses it.
        lbfgs_history: Pairs that L-BFGS remembers, each two images large; 10 if left out. The others refuse it.
        preconditioning: The exponent a of `Spectral`, which any optimizer can be given, 0 to 1; 0 for none; `"auto"`
            for what suits the optimizer, which is 0.5 for L-BFGS and 0 for others. A learning rate is then one of
            coordinates, and moves large forms further.
        jit_compile: A name in `compilation.JIT_MODES`.
        on_host: Whether the optimizer's images lie, and its updates are computed, on the CPU; an accelerator then holds
            nothing but what the objective puts there.

    Raises:
        ValueError: Unknown name, or a learning rate, averaging, history or preconditioning that does not fit.
        TypeError: An `identifier` of another type.
    """
    exponent = exponent_of(identifier, preconditioning)
    settings = {"jit_compile": jit_compile, "on_host": on_host}
    bounds = None if exponent else base.BOUNDS
    kind = _kind(identifier)
    if averaging and kind.no_average:
        _refuse("averaging", averaging, kind.no_average)
    made = kind.make(learning_rate, lbfgs_history, bounds=bounds, **settings)
    if exponent:
        made = spectral.Spectral(made, exponent=exponent, on_host=on_host)
    return averaged.Averaged(made, decay=averaging, **settings) if averaging else made


def state_images(
    identifier: str | keras.optimizers.Optimizer = "adam",
    *,
    averaging: float = 0.0,
    lbfgs_history: int | None = None,
    preconditioning: str | float = "auto",
    xla: bool = True,
) -> int:
    """How many images of a run's size an optimizer holds at most: its state, the gradient, and what an update takes.

    What the objective and the loop hold is not among them.

    Args:
        identifier: As `get` takes it; a Keras optimizer is taken to need what Adam needs.
        averaging: As `get` takes it.
        lbfgs_history: Likewise.
        preconditioning: Likewise.
        xla: Whether updates are compiled with XLA.

    Raises:
        ValueError: Unknown name, a history that is not a whole number, 1 or more, or a preconditioning out of range.
        TypeError: An `identifier` of another type.
    """
    preconditioned = exponent_of(identifier, preconditioning) != 0
    kind = _kind(identifier)
    history = checks.integer("lbfgs_history", lbfgs.HISTORY if lbfgs_history is None else lbfgs_history)
    with_xla, without = kind.temporaries
    gradient, average = 1, int(bool(averaging))
    return kind.state(history) + gradient + average + (with_xla if xla else without) + _SPECTRAL * preconditioned


def exponent_of(identifier: str | keras.optimizers.Optimizer, preconditioning: str | float) -> float:
    """The exponent of `Spectral` that a `preconditioning` stands for; 0 for none.

    Args:
        identifier: As `get` takes it.
        preconditioning: Likewise.

    Raises:
        ValueError: Unknown name, or a preconditioning out of range.
        TypeError: An `identifier` of another type.
    """
    if not isinstance(identifier, (str, keras.optimizers.Optimizer)):
        raise TypeError(
            f"optimizer must be one of {', '.join(OPTIMIZERS)} or a keras.optimizers.Optimizer, "
            f"but {type(identifier).__name__} was given."
        )
    if isinstance(identifier, str):
        checks.one_of("optimizer", identifier, OPTIMIZERS)
    if preconditioning == "auto":
        return _kind(identifier).exponent
    if isinstance(preconditioning, str) or not 0.0 <= checks.finite("preconditioning", preconditioning) <= 1.0:
        raise ValueError(
            f"preconditioning must be 'auto' or an exponent from 0 to 1, but {preconditioning!r} was given. "
            f"{spectral.EXPONENT} is usual, and 0 leaves it out."
        )
    return float(preconditioning)


def _kind(identifier: str | keras.optimizers.Optimizer) -> Kind:
    """That of a name; that of any Keras optimizer, which is taken to need the memory that Adam needs."""
    if isinstance(identifier, str):
        return OPTIMIZERS[identifier]
    return OPTIMIZERS["adam"]._replace(make=functools.partial(_of_keras, identifier))


def _of_keras(
    identifier: keras.optimizers.Optimizer,
    learning_rate: keras_optimizer.LearningRate | None,
    lbfgs_history: int | None,
    **settings: Any,
) -> base.Optimizer:
    _refuse("learning_rate", learning_rate, f"{type(identifier).__name__} has its own")
    _refuse("lbfgs_history", lbfgs_history, f"{type(identifier).__name__} has none")
    return keras_optimizer.KerasOptimizer(identifier, **settings)


def _adam(
    learning_rate: keras_optimizer.LearningRate | None, lbfgs_history: int | None, **settings: Any
) -> base.Optimizer:
    _refuse("lbfgs_history", lbfgs_history, "adam has none")
    return keras_optimizer.adam(learning_rate, **settings)


def _lbfgs(
    learning_rate: keras_optimizer.LearningRate | None, lbfgs_history: int | None, **settings: Any
) -> base.Optimizer:
    _refuse("learning_rate", learning_rate, "lbfgs chooses its own steps")
    history = lbfgs.HISTORY if lbfgs_history is None else checks.integer("lbfgs_history", lbfgs_history)
    return lbfgs.LBFGS(history=history, **settings)


def _refuse(argument: str, value: Any, reason: str) -> None:
    if value is not None:
        raise ValueError(f"{argument}={value!r} has no effect here: {reason}. Leave {argument} out.")


OPTIMIZERS: dict[str, Kind] = {
    # The image and two moments.
    "adam": Kind(_adam, state=lambda history: 3, temporaries=(1, 4)),
    # The image, the trial point and the gradient there was, and the pairs.
    "lbfgs": Kind(
        _lbfgs,
        state=lambda history: 3 + 2 * history,
        temporaries=(4, 6),
        exponent=spectral.EXPONENT,
        no_average="each of lbfgs's steps is better",
    ),
}
