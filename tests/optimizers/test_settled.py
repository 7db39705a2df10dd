import keras
import numpy as np
import pytest
import tensorflow as tf

from nst_keras import optimizers
from nst_keras.engine.state import StopReason

MOVES = [9.0] * 10 + [1.0] * 10 + [0.1] * 10


class Moves(optimizers.Optimizer):
    """Moves all pixels by given levels, step by step."""

    def __init__(self, moves):
        super().__init__()
        self.moves = moves

    def start(self, image):
        self.image, self.count = tf.Variable(image), 0

    def variables(self):
        return {"image": self.image}

    def step(self, objective):
        self.image.assign_add(tf.fill(self.image.shape, self.moves[self.count]))
        self.count += 1
        return optimizers.Step(None, tf.zeros([]), True)


def settled(tolerance, moves=MOVES):
    made = optimizers.Settled(Moves(moves), tolerance=tolerance)
    made.start(tf.zeros([1, 2, 3, 3]))
    return made


def steps_until_stalled(optimizer, most=30):
    for number in range(1, most + 1):
        optimizer.step(None)
        if optimizer.stalled():
            return number
    return None


@pytest.mark.parametrize(("tolerance", "expected"), [(91.0, 10), (89.0, 20), (10.5, 20), (9.5, 30), (0.5, None)])
def test_it_stalls_once_ten_steps_move_the_picture_by_less_than_the_tolerance(tolerance, expected):
    assert steps_until_stalled(settled(tolerance)) == expected


def test_a_run_that_goes_on_all_the_same_is_measured_anew():
    """As one that warm-starts with the optimizer of the last."""
    optimizer = settled(10.5, MOVES + [9.0] * 10)
    assert steps_until_stalled(optimizer) == 20
    assert optimizer.why_stalled() == "10 steps moved the picture by less than 10.5 levels"
    assert steps_until_stalled(optimizer) == 10
    assert steps_until_stalled(optimizer, 10) is None


def test_it_watches_anew_after_a_change_of_the_objective():
    optimizer = settled(10.5)
    for _ in range(15):
        optimizer.step(None)
    optimizer.forget()
    assert steps_until_stalled(optimizer) == 10


def test_its_variables_tell_all_that_it_remembers():
    one, other = settled(10.5), settled(10.5)
    for _ in range(13):
        one.step(None)
    other._optimizer.count = 13
    for name, variable in other.variables().items():
        variable.assign(one.variables()[name])
    assert steps_until_stalled(one) == steps_until_stalled(other) == 7


@pytest.mark.parametrize("tolerance", [0.0, -1.0, np.nan])
def test_a_bad_tolerance_is_named(tolerance):
    with pytest.raises(ValueError, match="tolerance must be "):
        settled(tolerance)


def test_it_holds_one_picture_more():
    assert optimizers.state_images("lbfgs", tolerance=5.0) == optimizers.state_images("lbfgs") + 1


@pytest.mark.slow
def test_a_run_ends_where_the_picture_has_settled(make_transfer):
    whole = make_transfer(optimizer="lbfgs")
    frames = whole.fit_style_transfer(1, 100, verbose=0)
    moved = [np.sqrt(np.mean(np.square(frames[n].astype(float) - frames[n - 10]))) for n in range(19, 100, 10)]
    short = make_transfer(optimizer="lbfgs", tolerance=moved[3] + 0.5)
    short.fit_style_transfer(1, 100, verbose=0)
    expected = 20 + 10 * next(place for place, value in enumerate(moved) if value < moved[3] + 0.5)
    assert len(short.history.history["loss"]) == expected < 100
    np.testing.assert_array_equal(short.image, frames[expected - 1])
    assert short.completed
    assert short.result.stop.reason is StopReason.CONVERGED
    assert f"levels, after step {expected}" in short.stop_reason
    assert short.result.record()["settings"]["tolerance"] == moved[3] + 0.5


@pytest.mark.slow
def test_a_stage_of_a_pyramid_gives_way_where_it_has_settled(make_transfer):
    style_transfer = make_transfer(optimizer="lbfgs", pyramid=[24, 48], tolerance=254.0)
    stages = []
    watch = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: stages.append(style_transfer.stage))
    style_transfer.fit_style_transfer(1, 60, callbacks=[watch], verbose=0)
    assert stages == [0] * 10 + [1] * 10


@pytest.mark.slow
def test_a_resumed_run_ends_at_the_same_step(make_transfer, tmp_path):
    options = {"optimizer": "lbfgs", "tolerance": 12.0}
    whole = make_transfer(**options)
    whole.fit_style_transfer(1, 80, verbose=0)
    make_transfer(**options).fit_style_transfer(1, 13, checkpoint_dir=tmp_path, verbose=0)
    again = make_transfer(**options)
    again.fit_style_transfer(7, 13, checkpoint_dir=tmp_path, resume=True, verbose=0)
    assert len(again.history.history["loss"]) == len(whole.history.history["loss"])
    np.testing.assert_array_equal(again.image, whole.image)
