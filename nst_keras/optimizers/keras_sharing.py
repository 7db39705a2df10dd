"""Which of Keras's optimizers one compiled function can serve, and how it works on the variables of each."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence

import keras
import tensorflow as tf

__all__ = ["in_place_of", "shared_as"]


@contextlib.contextmanager
def in_place_of(theirs: Sequence[keras.Variable], ours: Sequence[tf.Variable]) -> Iterator[None]:
    """Lets Keras read and assign our variables where it names its own.

    Most of Keras's updates assign a `tf.Variable` in place. What they assign as values instead is assigned at the end.
    """
    with keras.StatelessScope(initialize_variables=False) as scope:
        for their, our in zip(theirs, ours, strict=True):
            scope.add_update((their, our))
        yield
        for their, our in zip(theirs, ours, strict=True):
            value = scope.get_current_value(their)
            if value is not our:
                our.assign(value)


def shared_as(
    given: keras.optimizers.Optimizer | Callable[[], keras.optimizers.Optimizer], made: keras.optimizers.Optimizer
) -> str | None:
    """Returns a text that is the same for all Keras optimizers that one function can serve.

    None for one that needs a function of its own. A class of the user's own may hold variables that Keras does not
    list. Averages (`use_ema`) and accumulated gradients belong to Keras's own variables, which stand for the image.

    Args:
        given: The optimizer as the user gave it, or a function that makes one.
        made: The Keras optimizer made from it.
    """
    # A function of the user's own may have excluded the image from weight decay, which the config does not show.
    is_all_told = isinstance(given, keras.optimizers.Optimizer) or made.weight_decay is None
    is_plain = _is_of_keras(made) and not isinstance(made, keras.optimizers.LossScaleOptimizer)
    rate = getattr(made, "_learning_rate", None)
    is_variable = isinstance(rate, keras.Variable)
    is_schedule = isinstance(rate, keras.optimizers.schedules.LearningRateSchedule) and _is_of_keras(rate)
    if not (is_all_told and is_plain and (is_variable or is_schedule)):
        return None
    if made.use_ema or made.gradient_accumulation_steps:
        return None
    # Keras numbers the names of its objects; and a rate that is a number is one of the variables.
    left_out = ("name", "learning_rate") if is_variable else ("name",)
    config = {name: value for name, value in made.get_config().items() if name not in left_out}
    return json.dumps([type(made).__name__, config], sort_keys=True)


def _is_of_keras(made: object) -> bool:
    return type(made).__module__.partition(".")[0] == "keras"
