"""An objective that changes in the middle of a run."""

import numpy as np
import pytest
import tensorflow as tf

from nst_keras import optimizers
from tests.objectives import examples
from tests.optimizers.test_optimizers import Function, descend

SIZE = (40, 48)
WEIGHTS = {"style_weight": 1.0, "content_weight": 0.05, "var_weight": 0.0, "alpha_norm_weight": 0.0}


@pytest.fixture
def make(extractor):
    """Makes an objective of a small network, with any options changed."""
    return lambda **options: examples.made(extractor, None, size=SIZE, **{**WEIGHTS, **options})


def started(goal, *, steps, **settings):
    optimizer = optimizers.get("lbfgs", jit_compile="false", **settings)
    descend(optimizer, goal, examples.picture(*SIZE, 2), steps)
    return optimizer


CHANGES = {
    "style times 10": {"style_weight": 10.0},
    "style a tenth": {"style_weight": 0.1},
    "content times 10": {"content_weight": 0.5},
    "content a tenth": {"content_weight": 0.005},
    "both times 10": {"style_weight": 10.0, "content_weight": 0.5},
    "another style": {"regions": examples.guidance.everywhere([255.0 - examples.picture(51, 60, 5)])},
}


@pytest.mark.slow
@pytest.mark.parametrize(("steps", "preconditioning"), [(2, "auto"), (60, "auto"), (20, 0)])
@pytest.mark.parametrize("change", CHANGES)
def test_lbfgs_lowers_a_changed_loss_within_five_steps(make, change, steps, preconditioning):
    optimizer = started(make(), steps=steps, preconditioning=preconditioning)
    changed, before = make(**CHANGES[change]), optimizer.result()
    optimizer.forget()
    made = [optimizer.step(changed) for _ in range(5)]
    assert all(bool(step.accepted) for step in made[:1])
    losses = [float(step.terms.total) for step in made]
    np.testing.assert_allclose(losses[0], changed.value_and_gradient(before)[0].total, rtol=1e-4)
    assert losses[-1] < losses[0]
    assert losses == sorted(losses, reverse=True)
    assert not optimizer.stalled()


def test_without_forgetting_lbfgs_keeps_to_the_loss_it_remembers(make):
    """What `forget` is for: no trial is ever below the loss of the weights before."""
    optimizer = started(make(), steps=10)
    heavier = make(style_weight=100.0, content_weight=5.0)
    assert not any(bool(optimizer.step(heavier).accepted) for _ in range(5))


def test_the_first_trial_after_a_change_goes_as_far_as_the_last_pair():
    optimizer = optimizers.LBFGS(bounds=None, first_change=5.0, jit_compile="false")
    goal = Function(lambda image: tf.reduce_sum(tf.square(image - 50.0)))
    image = tf.zeros([1, 4, 4, 3])
    descend(optimizer, goal, image, 2)
    expected = optimizer.image.numpy()
    np.testing.assert_allclose(expected, 5.0, rtol=1e-5)
    optimizer._displacements[int(optimizer._newest)].assign(tf.fill([1, 4, 4, 3], 0.5))
    optimizer.forget()
    step = optimizer.step(Function(lambda image: 9.0 * tf.reduce_sum(tf.square(image - 50.0))))
    assert step.accepted
    np.testing.assert_array_equal(optimizer.image, expected)
    np.testing.assert_allclose(optimizer._trial - expected, 0.5, rtol=1e-5)
    optimizer.forget()  # Again, with nothing learned in between.
    optimizer.step(goal)
    np.testing.assert_allclose(optimizer._trial - expected, 0.5, rtol=1e-5)


@pytest.mark.parametrize(("last", "first"), [(1e-6, 0.05), (80.0, 5.0)])
def test_the_first_trial_after_a_change_is_neither_tiny_nor_longer_than_the_very_first(last, first):
    optimizer = optimizers.LBFGS(bounds=None, first_change=5.0, jit_compile="false")
    goal = Function(lambda image: tf.reduce_sum(tf.square(image - 50.0)))
    descend(optimizer, goal, tf.zeros([1, 4, 4, 3]), 2)
    before = optimizer.image.numpy()
    optimizer._displacements[int(optimizer._newest)].assign(tf.fill([1, 4, 4, 3], last))
    optimizer.forget()
    optimizer.step(goal)
    np.testing.assert_allclose(optimizer._trial - before, first, rtol=1e-4)


def test_before_the_first_step_there_is_nothing_to_forget():
    goal = Function(lambda image: tf.reduce_sum(tf.square(image - 50.0)))
    images = []
    for forgets in (True, False):
        optimizer = optimizers.LBFGS(jit_compile="false")
        optimizer.start(tf.zeros([1, 4, 4, 3]))
        if forgets:
            optimizer.forget()
        for _ in range(4):
            optimizer.step(goal)
        images.append(optimizer.image.numpy())
    np.testing.assert_array_equal(*images)


def test_a_run_that_had_stalled_goes_on():
    def goal(target):
        return Function(lambda image: tf.reduce_sum(tf.square(image - target)))

    optimizer = optimizers.LBFGS(jit_compile="false")
    descend(optimizer, goal(50.0), tf.zeros([1, 4, 4, 3]), 40)
    assert optimizer.stalled()
    optimizer.forget()
    assert not optimizer.stalled()
    for _ in range(20):
        optimizer.step(goal(70.0))
    np.testing.assert_allclose(optimizer.image, 70.0, atol=0.1)


def test_what_is_forgotten_is_among_the_variables(make):
    """A run resumed after a change makes the steps of one that was not interrupted."""
    optimizer, changed = started(make(), steps=6), make(style_weight=10.0)
    optimizer.forget()
    kept = {name: variable.numpy() for name, variable in optimizer.variables().items()}
    expected = [float(optimizer.step(changed).terms.total) for _ in range(4)]
    resumed = optimizers.get("lbfgs", jit_compile="false")
    resumed.start(examples.picture(*SIZE, 2))
    for name, variable in resumed.variables().items():
        variable.assign(kept[name])
    resumed.resume(changed)
    assert [float(resumed.step(changed).terms.total) for _ in range(4)] == expected


def test_a_preconditioned_picture_stays_as_it_is(make):
    optimizer = started(make(), steps=8)
    before = {name: variable.numpy() for name, variable in optimizer.variables().items()}
    optimizer.forget()
    for name in ("image", "start", "held", "coordinates_image"):
        np.testing.assert_array_equal(optimizer.variables()[name], before[name])
    assert optimizer.variables()["coordinates_loss"].numpy() == np.finfo(np.float32).max


def test_an_average_goes_on_while_adam_drops_its_momentum_alone():
    """Momentum leads where the objective was lower before; the scale of gradients is still known."""
    optimizer = optimizers.get("adam", averaging=0.9, jit_compile="false")
    descend(optimizer, Function(lambda image: tf.reduce_sum(tf.square(image - 50.0))), tf.zeros([1, 4, 4, 3]), 5)
    before = {name: variable.numpy() for name, variable in optimizer.variables().items()}
    optimizer.forget()
    changed = [n for n, variable in optimizer.variables().items() if not np.array_equal(variable.numpy(), before[n])]
    (momentum,) = changed
    assert before[momentum].shape == (1, 4, 4, 3)
    assert not np.any(optimizer.variables()[momentum])


def test_an_average_over_lbfgs_goes_on_while_lbfgs_forgets():
    optimizer = optimizers.Averaged(optimizers.LBFGS(jit_compile="false"), decay=0.9, jit_compile="false")
    goal = Function(lambda image: tf.reduce_sum(tf.square(image - 50.0)))
    descend(optimizer, goal, tf.zeros([1, 4, 4, 3]), 3)
    before = optimizer.result()
    optimizer.forget()
    np.testing.assert_array_equal(optimizer.result(), before)
    assert int(optimizer.variables()["averaged"]) == 3
    assert optimizer.variables()["loss"].numpy() == np.finfo(np.float32).max
