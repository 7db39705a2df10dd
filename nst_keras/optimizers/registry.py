"""Optimizers from names and objects, and what each takes of memory."""

from __future__ import annotations

import difflib
import inspect

import keras

from nst_keras import checks
from nst_keras.optimizers import averaged, base, by_keras_name, keras_optimizer, kinds, lbfgs, settled, spectral

__all__ = ["canonical", "defaults", "exponent_of", "get", "state_images"]

# Images that `Spectral` adds: image, start, held pixels, evaluated image, and the transforms' workspace.
_SPECTRAL = 8


def get(
    identifier: kinds.Identifier,
    *,
    learning_rate: keras_optimizer.LearningRate | None = None,
    averaging: float = 0.0,
    lbfgs_history: int | None = None,
    preconditioning: str | float = "auto",
    tolerance: float = 0.0,
    jit_compile: str | bool = "auto",
    on_host: bool = False,
) -> base.Optimizer:
    """Returns a new optimizer, from a name or an object.

    An `Optimizer` object is complete in itself: the result is one of the same class and arguments (`Optimizer.fresh`),
    so that each stage of a pyramid has its own. Its bounds, `jit_compile` and `on_host` are those it was made with.

    Args:
        identifier: A name in `OPTIMIZERS`, a name that Keras knows, such as `"rmsprop"`, any Keras optimizer, which is
            copied, or an `Optimizer`. The case of names does not count. `"adam"` is the tutorial's.
        learning_rate: For `"adam"`, in levels of 0..255 per step: a number above 0, or a Keras schedule. Default: 5.1.
            For Keras's names see `by_keras_name.rate_of`. The others refuse it: L-BFGS chooses its own steps, and an
            object has its own rate.
        averaging: Decay of the average of the iterates, which then is the result, see `Averaged`; 0 or more, below 1.
            Default: 0, no average. L-BFGS, whose every iterate is better than those before, and `Optimizer` objects
            refuse it.
        lbfgs_history: Pairs that L-BFGS remembers, each two images large. Default: 10. The others refuse it.
        preconditioning: The exponent a of `Spectral`, 0 to 1; 0 for none. Default: `"auto"`, 0.5 for L-BFGS and 0 for
            others. The learning rate is then in coordinates, and moves large forms further. `Optimizer` objects
            refuse an exponent above 0.
        tolerance: The movement of ten steps, in levels of 0..255, below which the optimizer stalls, see `Settled`. 0:
            none.
        jit_compile: A name in `compilation.JIT_MODES`, or a bool.
        on_host: Whether the optimizer's images lie, and its updates are computed, on the CPU. An accelerator then holds
            only what the objective puts there.

    Raises:
        ValueError: Unknown name, or a learning rate, averaging, history or preconditioning that does not fit.
        TypeError: An `identifier` of another type.
    """
    exponent = exponent_of(identifier, preconditioning)
    bounds = None if exponent else base.BOUNDS
    kind = kinds.kind(canonical(identifier))
    if averaging and kind.no_average:
        kinds.refuse("averaging", averaging, kind.no_average)
    made = kind.make(learning_rate, lbfgs_history, bounds=bounds, jit_compile=jit_compile, on_host=on_host)
    if exponent:
        made = spectral.Spectral(made, exponent=exponent, on_host=on_host)
    if averaging:
        made = averaged.Averaged(made, decay=averaging, jit_compile=jit_compile, on_host=on_host)
    if tolerance:
        made = settled.Settled(made, tolerance=tolerance, on_host=on_host)
    return made


def state_images(
    identifier: kinds.Identifier = "adam",
    *,
    averaging: float = 0.0,
    lbfgs_history: int | None = None,
    preconditioning: str | float = "auto",
    tolerance: float = 0.0,
    xla: bool = True,
) -> int:
    """Returns how many images of a run's size an optimizer holds at most: state, gradient, and what an update takes.

    What the objective and the loop hold is not included.

    Args:
        identifier: A name, a Keras optimizer or an `Optimizer`, as for `get`. Objects are assumed to need what Adam
            needs: an image, two moments and the temporaries of their update. Keras's other names are assumed to need
            two temporaries more.
        averaging: Decay of the average of the iterates; 0 for none.
        lbfgs_history: Pairs that L-BFGS remembers. Default: 10.
        preconditioning: The exponent of `Spectral`, 0 to 1, or `"auto"`.
        tolerance: As for `get`.
        xla: Whether updates are compiled with XLA.

    Raises:
        ValueError: Unknown name, a history that is not a whole number, 1 or more, or a preconditioning out of range.
        TypeError: An `identifier` of another type.
    """
    preconditioned = exponent_of(identifier, preconditioning) != 0
    kind = kinds.kind(canonical(identifier))
    history = checks.integer("lbfgs_history", lbfgs.HISTORY if lbfgs_history is None else lbfgs_history)
    with_xla, without = kind.temporaries
    gradient, extra = 1, int(bool(averaging)) + int(bool(tolerance))
    return kind.state(history) + gradient + extra + (with_xla if xla else without) + _SPECTRAL * preconditioned


def exponent_of(identifier: kinds.Identifier, preconditioning: str | float) -> float:
    """Returns the exponent of `Spectral` that a `preconditioning` stands for; 0 for none.

    Args:
        identifier: A name, a Keras optimizer or an `Optimizer`, as for `get`.
        preconditioning: An exponent, 0 to 1, or `"auto"` for the optimizer's usual one.

    Raises:
        ValueError: Unknown name, or a preconditioning out of range or beside an `Optimizer`.
        TypeError: An `identifier` of another type.
    """
    kind = kinds.kind(canonical(identifier))
    if preconditioning == "auto":
        return kind.exponent
    if isinstance(preconditioning, str) or not 0.0 <= checks.finite("preconditioning", preconditioning) <= 1.0:
        raise ValueError(
            f"preconditioning must be 'auto' or an exponent from 0 to 1, but {preconditioning!r} was given. "
            f"{spectral.EXPONENT} is usual, and 0 leaves it out."
        )
    if preconditioning and isinstance(identifier, base.Optimizer):
        kinds.refuse("preconditioning", preconditioning, kinds.complete(identifier))
    return float(preconditioning)


def canonical(identifier: kinds.Identifier) -> kinds.Identifier:
    """Returns a name as `OPTIMIZERS` and Keras write it, in lower case; a registered class's name and objects as given.

    Raises:
        ValueError: A name that neither we nor Keras know.
        TypeError: An `identifier` that is neither a name nor an optimizer, or a class in place of an object.
    """
    if isinstance(identifier, str):
        return _known(identifier)
    if isinstance(identifier, (keras.optimizers.Optimizer, base.Optimizer)):
        return identifier
    if inspect.isclass(identifier):
        raise TypeError(
            f"optimizer must be a name or an object, but the class {identifier.__name__} was given. "
            f"Call it: {identifier.__name__}(...)."
        )
    raise TypeError(
        f"optimizer must be one of {', '.join(kinds.OPTIMIZERS)} or a keras.optimizers.Optimizer or a "
        f"nst_keras.optimizers.Optimizer, but {type(identifier).__name__} was given."
    )


def defaults(identifier: kinds.Identifier) -> dict[str, object]:
    """Returns {option: the number that None stands for} of an optimizer; empty for an object."""
    name = canonical(identifier)
    if not isinstance(name, str):
        return {}
    if name in kinds.OPTIMIZERS:
        return dict(kinds.OPTIMIZERS[name].defaults)
    return {"learning_rate": by_keras_name.rate_of(name)}


def _known(name: str) -> str:
    lower = name.lower()
    if lower in kinds.OPTIMIZERS or lower in by_keras_name.names():
        return lower
    if name in kinds.OPTIMIZERS or by_keras_name.class_of(name) is not None:
        return name
    theirs = [known for known in by_keras_name.names() if known not in kinds.OPTIMIZERS]
    near = [found for names in (kinds.OPTIMIZERS, theirs) for found in difflib.get_close_matches(lower, names, n=1)]
    hint = f"Did you mean {near[0]!r}? " if near else ""
    raise ValueError(
        f"optimizer={name!r} is not known. {hint}Choose one of: {', '.join(kinds.OPTIMIZERS)}, or one of Keras's: "
        f"{', '.join(theirs)}."
    )
