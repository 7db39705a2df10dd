"""Optimizers that Keras knows by name, with settings for an image in place of a network's weights."""

from __future__ import annotations

import inspect
from typing import Any

import keras

from nst_keras import checks
from nst_keras.optimizers import base, keras_optimizer

__all__ = ["RATES", "class_of", "make", "names", "rate_of"]

# Default rates of the optimizers that Adam's, the tutorial's, does not suit. Adafactor's and Lamb's are shares of the
# image's own size. Adadelta begins with steps of a ten thousandth of its rate, and finds their length by itself.
RATES = {"adadelta": 1000.0, "adafactor": 0.01, "lamb": 0.01}


def names() -> dict[str, type[keras.optimizers.Optimizer]]:
    """Returns {name in lower case: class} of Keras's optimizers, except those that wrap others."""
    return {
        name.lower(): found
        for name, found in sorted(vars(keras.optimizers).items())
        if inspect.isclass(found) and issubclass(found, keras.optimizers.Optimizer) and _has_rate(found)
    }


def class_of(name: str) -> type[keras.optimizers.Optimizer] | None:
    """Returns the class of a name, in any case, or of one registered with Keras; None if Keras does not know it."""
    found = names().get(name.lower()) or keras.saving.get_registered_object(name)
    return found if inspect.isclass(found) and issubclass(found, keras.optimizers.Optimizer) else None


def rate_of(name: str) -> float:
    """Returns the default learning rate of a name that Keras knows: that of `RATES`, else 5.1 levels of 0..255."""
    return RATES.get(name.lower(), keras_optimizer.LEARNING_RATE)


def make(
    name: str,
    learning_rate: keras_optimizer.LearningRate | None = None,
    *,
    bounds: base.Bounds = base.BOUNDS,
    jit_compile: str | bool = "auto",
    on_host: bool = False,
) -> keras_optimizer.KerasOptimizer:
    """Returns the optimizer of a name that Keras knows, with gradients in units of the run's first one.

    Keras's epsilons and first accumulators suit gradients near 1. An image's lie between a billionth and a million,
    depending on the normalization of the losses. Weight decay, which would darken the picture, is left out.

    Args:
        name: A name for which `class_of` knows a class.
        learning_rate: A number above 0, or a Keras schedule. Default: `rate_of`.
        bounds: Lowest and highest value of a pixel, or None.
        jit_compile: A name in `compilation.JIT_MODES`, or a bool.
        on_host: Whether the variables lie, and each update is computed, on the CPU.

    Raises:
        ValueError: Keras does not know the name, or the learning rate is not above 0.
    """
    kind = class_of(name)
    if kind is None:
        raise ValueError(checks.unknown_name("optimizer", name, names()))
    options: dict[str, Any] = {
        "learning_rate": keras_optimizer.checked_rate(rate_of(name) if learning_rate is None else learning_rate)
    }
    for option in inspect.signature(kind).parameters.values():
        if option.name.endswith("weight_decay") and option.default:
            options[option.name] = 0.0
    return keras_optimizer.KerasOptimizer(
        kind(**options), bounds=bounds, unit_gradients=True, jit_compile=jit_compile, on_host=on_host
    )


def _has_rate(kind: type) -> bool:
    return "learning_rate" in inspect.signature(kind).parameters
