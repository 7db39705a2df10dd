"""Functions that all optimizers of a process share: traced and compiled once, the same steps, nothing held."""

import concurrent.futures
import gc
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf

from nst_keras import optimizers
from nst_keras.optimizers import keras_sharing
from tests.optimizers.test_optimizers import Function, iterates_of, squares

START = tf.random.stateless_uniform([1, 6, 7, 3], [1, 2], 0, 255)
SETTINGS = {
    "adam": {"identifier": "adam", "averaging": 0.9},
    "schedule": {"identifier": "adam", "learning_rate": keras.optimizers.schedules.ExponentialDecay(4.0, 2, 0.5)},
    "lbfgs": {"identifier": "lbfgs", "lbfgs_history": 3},
    "name": {"identifier": "nadam"},
    "object": {"identifier": keras.optimizers.SGD(30.0, momentum=0.9)},
}


def functions_of(optimizer):
    """{name: compiled function} of an optimizer that has been started, and of those in it."""
    own = {name: value for name, value in vars(optimizer).items() if hasattr(value, "tracing_count")}
    inner = getattr(optimizer, "_optimizer", None)
    return own if inner is None else {**own, **functions_of(inner)}


@pytest.mark.slow
@pytest.mark.parametrize("jit_compile", ["true", "false"])
@pytest.mark.parametrize("name", SETTINGS)
def test_a_second_optimizer_of_the_same_settings_traces_nothing_and_makes_the_same_steps(name, jit_compile):
    first, second = (optimizers.get(**SETTINGS[name], jit_compile=jit_compile) for _ in range(2))
    expected = iterates_of(first, Function(squares), START, 6)
    counts = {name: function.tracing_count() for name, function in functions_of(first).items()}
    assert counts
    assert set(counts.values()) == {1}
    np.testing.assert_array_equal(iterates_of(second, Function(squares), START, 6), expected)
    assert {name: function.tracing_count() for name, function in functions_of(second).items()} == counts


def test_other_settings_have_functions_of_their_own():
    def update(**settings):
        made = optimizers.get("adam", jit_compile="false", **settings)
        made.start(START)
        return functions_of(made)["_update"]

    assert update() is update(learning_rate=2.0)  # A variable.
    assert update() is not update(preconditioning=0.5)  # Without bounds.
    assert update() is not update(learning_rate=SETTINGS["schedule"]["learning_rate"])
    larger = optimizers.get("adam", jit_compile="false")
    larger.start(tf.zeros([1, 9, 9, 3]))
    assert update() is not functions_of(larger)["_update"]


@pytest.mark.parametrize("name", ["adam", "lbfgs", "name"])
def test_a_shared_function_keeps_no_optimizer(name):
    made = optimizers.get(**SETTINGS[name], jit_compile="false")
    iterates_of(made, Function(squares), START, 4)
    held = [weakref.ref(variable) for variable in made.variables().values()]
    del made
    gc.collect()
    assert not any(reference() is not None for reference in held)


def kerass():
    """{name: class} of Keras's optimizers that have a learning rate of their own."""
    return {
        name: kind
        for name, kind in vars(keras.optimizers).items()
        if isinstance(kind, type) and issubclass(kind, keras.optimizers.Optimizer)
        if name not in ("Optimizer", "LossScaleOptimizer", "MultiOptimizer")
    }


@pytest.mark.parametrize("name", kerass())
def test_each_of_kerass_optimizers_makes_in_a_shared_function_the_steps_of_its_own(name, monkeypatch):
    def iterates():
        made = optimizers.KerasOptimizer(kerass()[name](learning_rate=2.0), jit_compile="false")
        images = iterates_of(made, Function(squares), START, 5)
        return made._shared_as, images, [variable.numpy() for variable in made.variables().values()]

    _, first, state = iterates()
    kind, shared, shared_state = iterates()
    assert kind is not None
    monkeypatch.setattr(keras_sharing, "shared_as", lambda *_: None)
    _, own, own_state = iterates()
    for images in (first, shared):
        np.testing.assert_array_equal(images, own)
    for mine, its in ((state, own_state), (shared_state, own_state)):
        for one, other in zip(mine, its, strict=True):
            np.testing.assert_array_equal(one, other)


class Mine(keras.optimizers.SGD):
    """A class of a user's own, which may hold anything."""


@pytest.mark.parametrize(
    "given",
    [
        Mine(2.0),
        keras.optimizers.Adam(2.0, use_ema=True, ema_overwrite_frequency=2),
        keras.optimizers.SGD(2.0, gradient_accumulation_steps=2),
        keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(2.0)),
        lambda: keras.optimizers.AdamW(2.0),
    ],
)
def test_what_a_shared_function_cannot_serve_has_its_own(given):
    one, other = (optimizers.KerasOptimizer(given, jit_compile="false") for _ in range(2))
    assert one._shared_as is None
    found = [iterates_of(optimizer, Function(squares), START, 4) for optimizer in (one, other)]
    np.testing.assert_array_equal(*found)
    assert one._update is not other._update


@pytest.mark.slow
@pytest.mark.parametrize("name", ["adam", "lbfgs"])
def test_optimizers_in_several_threads_share_functions(name):
    starts = [tf.random.stateless_uniform([1, 10, 11, 3], [1, seed], 0, 255) for seed in range(4)]

    def run(start):
        return iterates_of(optimizers.get(**SETTINGS[name], jit_compile="false"), Function(squares), start, 8)

    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        together = list(threads.map(run, starts))
    for one, start in zip(together, starts, strict=True):
        np.testing.assert_array_equal(one, run(start))
