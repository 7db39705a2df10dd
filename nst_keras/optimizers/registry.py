"""The optimizers that are known by name, and what each takes of memory."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple, Protocol

import keras

from nst_keras import checks
from nst_keras.optimizers import averaged, base, keras_optimizer, lbfgs, spectral

__all__ = ["OPTIMIZERS", "Kind", "exponent_of", "get", "state_images"]

# Images that `Spectral` adds: image, start, held pixels, evaluated image, and the transforms' workspace.
_SPECTRAL = 8


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
        no_average: Why its images are not averaged; None where they may be.
    """

    make: Maker
    state: Callable[[int], int]
    temporaries: tuple[int, int]
    exponent: float = 0.0
    no_average: str | None = None


def get(
    identifier: str | keras.optimizers.Optimizer | base.Optimizer,
    *,
    learning_rate: keras_optimizer.LearningRate | None = None,
    averaging: float = 0.0,
    lbfgs_history: int | None = None,
    preconditioning: str | float = "auto",
    jit_compile: str | bool = "auto",
    on_host: bool = False,
) -> base.Optimizer:
    """Returns a new optimizer, from a name or an object.

    An `Optimizer` object is complete in itself: the result is one of the same class and arguments (`Optimizer.fresh`),
    so that each stage of a pyramid has its own. Its bounds, `jit_compile` and `on_host` are those it was made with.

    Args:
        identifier: A name in `OPTIMIZERS`, any Keras optimizer, which is copied, or an `Optimizer`.
        learning_rate: For `"adam"`, in levels of 0..255 per step: a number above 0, or a Keras schedule. Default: 5.1.
            The others refuse it: L-BFGS chooses its own steps, and an object has its own rate.
        averaging: Decay of the average of the iterates, which then is the result, see `Averaged`; 0 or more, below 1.
            Default: 0, no average. L-BFGS, whose every iterate is better than those before, and `Optimizer` objects
            refuse it.
        lbfgs_history: Pairs that L-BFGS remembers, each two images large. Default: 10. The others refuse it.
        preconditioning: The exponent a of `Spectral`, 0 to 1; 0 for none. Default: `"auto"`, 0.5 for L-BFGS and 0 for
            others. The learning rate is then in coordinates, and moves large forms further. `Optimizer` objects
            refuse an exponent above 0.
        jit_compile: A name in `compilation.JIT_MODES`, or a bool.
        on_host: Whether the optimizer's images lie, and its updates are computed, on the CPU. An accelerator then holds
            only what the objective puts there.

    Raises:
        ValueError: Unknown name, or a learning rate, averaging, history or preconditioning that does not fit.
        TypeError: An `identifier` of another type.
    """
    exponent = exponent_of(identifier, preconditioning)
    bounds = None if exponent else base.BOUNDS
    kind = _kind(identifier)
    if averaging and kind.no_average:
        _refuse("averaging", averaging, kind.no_average)
    made = kind.make(learning_rate, lbfgs_history, bounds=bounds, jit_compile=jit_compile, on_host=on_host)
    if exponent:
        made = spectral.Spectral(made, exponent=exponent, on_host=on_host)
    if averaging:
        made = averaged.Averaged(made, decay=averaging, jit_compile=jit_compile, on_host=on_host)
    return made


def state_images(
    identifier: str | keras.optimizers.Optimizer | base.Optimizer = "adam",
    *,
    averaging: float = 0.0,
    lbfgs_history: int | None = None,
    preconditioning: str | float = "auto",
    xla: bool = True,
) -> int:
    """Returns how many images of a run's size an optimizer holds at most: state, gradient, and what an update takes.

    What the objective and the loop hold is not included.

    Args:
        identifier: A name in `OPTIMIZERS`, a Keras optimizer or an `Optimizer`. Objects are assumed to need what Adam
            needs: an image, two moments and the temporaries of their update.
        averaging: Decay of the average of the iterates; 0 for none.
        lbfgs_history: Pairs that L-BFGS remembers. Default: 10.
        preconditioning: The exponent of `Spectral`, 0 to 1, or `"auto"`.
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


def exponent_of(identifier: str | keras.optimizers.Optimizer | base.Optimizer, preconditioning: str | float) -> float:
    """Returns the exponent of `Spectral` that a `preconditioning` stands for; 0 for none.

    Args:
        identifier: A name in `OPTIMIZERS`, a Keras optimizer or an `Optimizer`.
        preconditioning: An exponent, 0 to 1, or `"auto"` for the optimizer's usual one.

    Raises:
        ValueError: Unknown name, or a preconditioning out of range or beside an `Optimizer`.
        TypeError: An `identifier` of another type.
    """
    kind = _kind(identifier)
    if preconditioning == "auto":
        return kind.exponent
    if isinstance(preconditioning, str) or not 0.0 <= checks.finite("preconditioning", preconditioning) <= 1.0:
        raise ValueError(
            f"preconditioning must be 'auto' or an exponent from 0 to 1, but {preconditioning!r} was given. "
            f"{spectral.EXPONENT} is usual, and 0 leaves it out."
        )
    if preconditioning and isinstance(identifier, base.Optimizer):
        _refuse("preconditioning", preconditioning, _complete(identifier))
    return float(preconditioning)


def _kind(identifier: str | keras.optimizers.Optimizer | base.Optimizer) -> Kind:
    """Returns the kind of a name or an object; an object is assumed to need the memory that Adam needs."""
    if isinstance(identifier, str):
        return OPTIMIZERS[checks.one_of("optimizer", identifier, OPTIMIZERS)]
    if isinstance(identifier, keras.optimizers.Optimizer):
        return OPTIMIZERS["adam"]._replace(make=functools.partial(_of_keras, identifier))
    if isinstance(identifier, base.Optimizer):
        return OPTIMIZERS["adam"]._replace(
            make=functools.partial(_of_object, identifier), no_average=_complete(identifier)
        )
    raise TypeError(
        f"optimizer must be one of {', '.join(OPTIMIZERS)} or a keras.optimizers.Optimizer or a "
        f"nst_keras.optimizers.Optimizer, but {type(identifier).__name__} was given."
    )


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
    _refuse("learning_rate", learning_rate, _complete(identifier))
    _refuse("lbfgs_history", lbfgs_history, _complete(identifier))
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
    _refuse("learning_rate", learning_rate, f"{type(identifier).__name__} has its own")
    _refuse("lbfgs_history", lbfgs_history, f"{type(identifier).__name__} has none")
    return keras_optimizer.KerasOptimizer(identifier, bounds=bounds, jit_compile=jit_compile, on_host=on_host)


def _adam(
    learning_rate: keras_optimizer.LearningRate | None,
    lbfgs_history: int | None,
    *,
    bounds: base.Bounds,
    jit_compile: str | bool,
    on_host: bool,
) -> base.Optimizer:
    _refuse("lbfgs_history", lbfgs_history, "adam has none")
    return keras_optimizer.adam(learning_rate, bounds=bounds, jit_compile=jit_compile, on_host=on_host)


def _lbfgs(
    learning_rate: keras_optimizer.LearningRate | None,
    lbfgs_history: int | None,
    *,
    bounds: base.Bounds,
    jit_compile: str | bool,
    on_host: bool,
) -> base.Optimizer:
    _refuse("learning_rate", learning_rate, "lbfgs chooses its own steps")
    history = lbfgs.HISTORY if lbfgs_history is None else checks.integer("lbfgs_history", lbfgs_history)
    return lbfgs.LBFGS(history=history, bounds=bounds, jit_compile=jit_compile, on_host=on_host)


def _complete(identifier: base.Optimizer) -> str:
    return f"the {type(identifier).__name__} object has all its settings"


def _refuse(argument: str, value: object, reason: str) -> None:
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
