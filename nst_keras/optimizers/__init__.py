"""Optimizers of an image: one evaluation of the objective a step, over any objective.

An objective is anything with `value_and_gradient(image) -> (terms, gradient)`, where `terms.total` is the loss.
"""

from __future__ import annotations

from collections.abc import Callable

import keras

from nst_keras import checks
from nst_keras.optimizers import base, keras_optimizer, lbfgs
from nst_keras.optimizers.base import Optimizer, Step
from nst_keras.optimizers.keras_optimizer import KerasOptimizer, LearningRate
from nst_keras.optimizers.lbfgs import LBFGS, two_loop_direction

__all__ = ["LBFGS", "OPTIMIZERS", "KerasOptimizer", "LearningRate", "Optimizer", "Step", "get", "two_loop_direction"]


def get(
    identifier: str | keras.optimizers.Optimizer,
    *,
    learning_rate: keras_optimizer.LearningRate | None = None,
    averaging: float = 0.0,
    jit_compile: str | bool = "auto",
) -> base.Optimizer:
    """The optimizer that a name or a Keras optimizer stands for.

    Args:
        identifier: A name in `OPTIMIZERS`, or any Keras optimizer.
        learning_rate: For `"adam"`, levels of 0..255 a step: a number above 0, or a Keras schedule; 5.1 if left out.
            L-BFGS chooses its own steps, and a Keras optimizer has its own rate: both refuse one.
        averaging: Decay of the average of the iterates, which then is the result, see `KerasOptimizer`; 0 for none.
            L-BFGS, whose every iterate is better than those before, refuses it.
        jit_compile: A name in `compilation.JIT_MODES`.

    Raises:
        ValueError: Unknown name, or a learning rate or averaging that does not fit.
        TypeError: An `identifier` of another type.
    """
    if isinstance(identifier, keras.optimizers.Optimizer):
        _refuse_learning_rate(learning_rate, f"{type(identifier).__name__} has its own")
        return keras_optimizer.KerasOptimizer(identifier, averaging=averaging, jit_compile=jit_compile)
    if not isinstance(identifier, str):
        raise TypeError(
            f"optimizer must be one of {', '.join(OPTIMIZERS)} or a keras.optimizers.Optimizer, "
            f"but {type(identifier).__name__} was given."
        )
    build = OPTIMIZERS[checks.one_of("optimizer", identifier, OPTIMIZERS)]
    return build(learning_rate, averaging=averaging, jit_compile=jit_compile)


def _lbfgs(
    learning_rate: keras_optimizer.LearningRate | None, *, averaging: float, jit_compile: str | bool
) -> base.Optimizer:
    _refuse_learning_rate(learning_rate, "lbfgs chooses its own steps")
    if averaging:
        raise ValueError(f"averaging={averaging!r} has no effect here: each of lbfgs's steps is better. Leave it out.")
    return lbfgs.LBFGS(jit_compile=jit_compile)


def _refuse_learning_rate(learning_rate: keras_optimizer.LearningRate | None, reason: str) -> None:
    if learning_rate is not None:
        raise ValueError(f"learning_rate={learning_rate!r} has no effect here: {reason}. Leave learning_rate out.")


OPTIMIZERS: dict[str, Callable[..., base.Optimizer]] = {"adam": keras_optimizer.adam, "lbfgs": _lbfgs}
