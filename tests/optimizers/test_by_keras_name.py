"""Optimizers by the names that Keras knows."""

import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from nst_keras import optimizers
from nst_keras.optimizers import by_keras_name
from tests.optimizers.test_optimizers import Function, descend, iterates_of, memory_of_steps, squares

NAMES = by_keras_name.names()
OTHERS = [name for name in NAMES if name not in optimizers.OPTIMIZERS]


def hills(scale):
    """A loss of any size, with a minimum in range."""
    target = tf.random.stateless_uniform([1, 8, 8, 3], [3, 4], 60, 200)
    return Function(lambda image: scale * tf.reduce_mean(tf.sqrt(1.0 + tf.square((image - target) / 20.0))))


def test_the_names_are_those_that_keras_knows():
    assert {"sgd", "rmsprop", "adam", "adamw", "nadam", "adamax", "adagrad", "adadelta", "ftrl", "lion"} <= set(NAMES)
    for name in set(NAMES) - {"lamb"}:  # Keras has the class, but does not look the name up.
        assert isinstance(keras.optimizers.get(name), NAMES[name])


@pytest.mark.parametrize("name", OTHERS)
def test_each_name_lowers_losses_of_any_size_alike(name):
    start, results = tf.fill([1, 8, 8, 3], 128.0), []
    for scale in (1e-6, 1.0, 1e6):
        optimizer = optimizers.get(name, jit_compile="false")
        assert type(optimizer.keras_optimizer) is NAMES[name]
        losses = descend(optimizer, hills(scale), start, 80)
        assert losses[-1] < 0.8 * losses[0]
        results.append(optimizer.result())
    for result in results:
        np.testing.assert_allclose(result, results[0], atol=1.0)


@pytest.mark.parametrize("name", ["sgd", "rmsprop", "nadam", "adamax", "lion"])
def test_a_rate_is_in_levels(name):
    start = tf.random.stateless_uniform([1, 8, 8, 3], [1, 2], 80, 170)
    for rate in (0.5, 3.0):
        optimizer = optimizers.get(name, learning_rate=rate, jit_compile="false")
        descend(optimizer, hills(1e-4), start, 1)
        change = float(tf.sqrt(tf.reduce_mean(tf.square(optimizer.image - start))))
        assert rate / 2 < change < 4 * rate


def test_a_name_stands_for_it_in_any_case_and_adam_is_ours():
    for given, known in (("RMSprop", "rmsprop"), ("SGD", "sgd"), ("Adam", "adam"), ("LBFGS", "lbfgs")):
        assert optimizers.canonical(given) == known
        assert optimizers.get(given).get_config().keys() == optimizers.get(known).get_config().keys()
    assert float(optimizers.get("Adam").keras_optimizer.beta_1) == 0.99


def test_a_name_takes_a_schedule_and_averaging_and_preconditioning():
    schedule = keras.optimizers.schedules.ExponentialDecay(4.0, 1, 0.5)
    optimizer = optimizers.get("nadam", learning_rate=schedule, averaging=0.5, preconditioning=0.5, jit_compile="false")
    losses = descend(optimizer, hills(1.0), tf.fill([1, 8, 8, 3], 128.0), 6)
    assert losses[-1] < losses[0]
    assert float(optimizer.keras_optimizer.learning_rate) == 4.0 * 0.5**6


def test_the_defaults_of_a_name_are_told():
    assert optimizers.defaults("adam") == {"learning_rate": optimizers.LEARNING_RATE}
    assert optimizers.defaults("lbfgs") == {"lbfgs_history": optimizers.HISTORY}
    assert optimizers.defaults(keras.optimizers.SGD()) == optimizers.defaults(optimizers.LBFGS()) == {}
    for name in OTHERS:
        (rate,) = optimizers.defaults(name).values()
        np.testing.assert_allclose(float(optimizers.get(name).keras_optimizer.learning_rate), rate, rtol=1e-6)


@keras.saving.register_keras_serializable("tests")
class Registered(keras.optimizers.SGD):
    pass


def test_a_registered_class_has_its_name():
    assert isinstance(optimizers.get("tests>Registered").keras_optimizer, Registered)
    assert optimizers.canonical("tests>Registered") == "tests>Registered"


@pytest.mark.parametrize("name", ["adamw", "muon"])
def test_weight_decay_does_not_darken_the_picture(name):
    optimizer, start = optimizers.get(name, jit_compile="false"), tf.fill([1, 8, 8, 3], 128.0)
    descend(optimizer, Function(lambda image: 0.0 * tf.reduce_sum(image)), start, 5)
    np.testing.assert_allclose(optimizer.result(), start)


def test_the_unit_is_of_the_first_gradient_and_of_each_run_anew():
    optimizer, start = optimizers.get("sgd", learning_rate=1.0, jit_compile="false"), tf.fill([1, 2, 2, 3], 100.0)
    for slope in (1e-5, 7.0):
        descend(optimizer, Function(lambda image, slope=slope: slope * tf.reduce_sum(image)), start, 1)
        np.testing.assert_allclose(optimizer.image, 99.0, rtol=1e-6)
        optimizer.step(Function(lambda image, slope=slope: 3 * slope * tf.reduce_sum(image)))
        np.testing.assert_allclose(optimizer.image, 96.0, rtol=1e-6)
        np.testing.assert_allclose(optimizer.variables()["gradient_unit"], slope, rtol=1e-6)


@pytest.mark.parametrize("slope", [0.0, np.nan, np.inf])
def test_a_gradient_without_a_size_gives_no_unit(slope):
    optimizer, start = optimizers.get("sgd", learning_rate=1.0, jit_compile="false"), tf.fill([1, 2, 2, 3], 100.0)
    descend(optimizer, Function(lambda image: slope * tf.reduce_sum(image)), start, 1)
    np.testing.assert_array_equal(optimizer.image, start)
    optimizer.step(Function(lambda image: 5.0 * tf.reduce_sum(image)))
    np.testing.assert_allclose(optimizer.image, 99.0, rtol=1e-6)


def test_at_another_size_the_unit_thins_out_and_the_moments_do_not():
    small, large = (optimizers.get("nadam", jit_compile="false") for _ in range(2))
    descend(small, Function(squares), tf.random.stateless_uniform([1, 4, 6, 3], [1, 2], 0, 255), 3)
    large.start(tf.zeros([1, 8, 12, 3]))
    large.carry_over(small)
    np.testing.assert_allclose(large.variables()["gradient_unit"], small.variables()["gradient_unit"] / 4, rtol=1e-6)
    for before, after in zip(small.keras_optimizer.variables, large.keras_optimizer.variables, strict=True):
        if len(before.shape) == 4:
            np.testing.assert_allclose(after, tf.image.resize(before.value, [8, 12]), rtol=1e-6)


def test_a_run_by_name_goes_on_from_its_variables():
    goal, start = hills(1.0), tf.fill([1, 8, 8, 3], 128.0)
    unbroken, resumed = (optimizers.get("rmsprop", jit_compile="false") for _ in range(2))
    descend(unbroken, goal, start, 4)
    resumed.start(tf.zeros_like(start))
    for name, variable in resumed.variables().items():
        variable.assign(unbroken.variables()[name])
    for _ in range(3):
        unbroken.step(goal)
        resumed.step(goal)
    np.testing.assert_array_equal(resumed.image, unbroken.image)


def test_the_config_makes_the_same_again():
    one = optimizers.get("lion", learning_rate=2.0, jit_compile="false")
    images = [iterates_of(made, hills(1.0), tf.fill([1, 8, 8, 3], 128.0), 4) for made in (one, one.fresh())]
    np.testing.assert_array_equal(*images)
    assert one.get_config() == one.fresh().get_config()


@pytest.mark.parametrize(
    ("identifier", "settings", "error", "message"),
    [
        ("rmsprob", {}, ValueError, "optimizer='rmsprob' is not known. Did you mean 'rmsprop'"),
        ("adma", {}, ValueError, "Choose one of: adam, lbfgs, or one of Keras's: adadelta, .*, sgd"),
        (
            keras.optimizers.SGD,
            {},
            TypeError,
            r"must be a name or an object, but the class SGD was given. Call it: SGD",
        ),
        (optimizers.LBFGS, {}, TypeError, r"must be a name or an object, but the class LBFGS was given"),
        (None, {}, TypeError, "but NoneType was given"),
        ("rmsprop", {"learning_rate": 0.0}, ValueError, "learning_rate must be above 0, but 0.0 was given"),
        ("sgd", {"learning_rate": "fast"}, ValueError, "learning_rate must be a finite number, but 'fast'"),
        ("nadam", {"lbfgs_history": 3}, ValueError, "lbfgs_history=3 has no effect here: nadam has none"),
    ],
)
def test_what_names_refuse(identifier, settings, error, message):
    with pytest.raises(error, match=message):
        optimizers.get(identifier, **settings)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("jit_compile", ["true", "false"])
@pytest.mark.parametrize("name", ["nadam", "lamb"])
def test_a_name_takes_no_more_images_than_it_says(name, jit_compile):
    """The two that take the most."""
    said = optimizers.state_images(name, xla=jit_compile == "true")
    attempts = (memory_of_steps(name, jit_compile, attempt)["resident"] for attempt in range(3))
    assert any(0.5 * said < found < said + 1 for found in attempts)
