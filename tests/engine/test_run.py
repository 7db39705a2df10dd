"""The stages of a run, coarse to fine, and how it ends in each of them."""

import logging

import keras
import numpy as np
import pytest
import tensorflow as tf

from nst_keras import optimizers
from nst_keras.engine import run
from nst_keras.images import loading, pixels, resizing
from tests import reference

STAGES = [20, 30]  # And the picture's own: 48 px.
SIZES = [(20, 17), (30, 25), (48, 40)]


@pytest.fixture(params=["adam", "lbfgs"])
def make(request, make_transfer):
    return lambda **options: make_transfer(**{"optimizer": request.param, "pyramid": STAGES, **options})


def fit(style_transfer, steps=12, epochs=1, **options):
    """By default 3, 3 and 6 steps in the three stages."""
    return style_transfer.fit_style_transfer(epochs, steps, verbose=0, **options)


class Watch(keras.callbacks.Callback):
    """Notes what a run is at after each step."""

    def __init__(self):
        super().__init__()
        self.stages, self.pictures, self.iterates, self.optimizers, self.objectives = [], [], [], [], []

    def on_train_batch_end(self, batch, logs=None):
        self.stages.append(self.model.stage)
        self.pictures.append(self.model.optimized_image.numpy())
        self.iterates.append(self.model.working_optimizer.image.numpy())
        self.optimizers.append(self.model.working_optimizer)
        self.objectives.append(self.model.objective)


class Starts(list):
    """The images at which a run's optimizers were started."""

    def __init__(self, monkeypatch, kind):
        super().__init__()
        start = kind.start
        monkeypatch.setattr(kind, "start", lambda optimizer, image: (self.append(image), start(optimizer, image)))


def watched(style_transfer, *arguments, **options):
    watch = Watch()
    frames = fit(style_transfer, *arguments, callbacks=[watch], **options)
    return watch, frames


@pytest.mark.slow
def test_each_stage_has_its_size_and_its_steps(make):
    watch, frames = watched(make(), 10)
    assert watch.stages == [0] * 3 + [1] * 2 + [2] * 5
    assert [picture.shape[1:3] for picture in watch.pictures] == [SIZES[stage] for stage in watch.stages]
    assert [frame.shape for frame in frames] == [(48, 40, 3)] * 10


@pytest.mark.slow
def test_one_compilation_for_all_stages(make):
    watch, _ = watched(make())
    (objective,) = dict.fromkeys(watch.objectives)
    before = objective.tracing_count()
    watched(make())  # Another object of the same network and losses shares what was compiled.
    assert objective.tracing_count() == before
    for optimizer in watch.optimizers:
        inner = getattr(optimizer, "_optimizer", optimizer)  # Of one that is averaged, or preconditioned.
        compiled = getattr(inner, "_update", None) or inner._aim
        assert compiled.tracing_count() == 1


@pytest.mark.slow
def test_many_stages_are_not_taken_for_one_that_is_traced_again(make):
    """TensorFlow would say so in its log, once a function of the same code has been traced five times."""
    said = []
    handler = logging.Handler()
    handler.emit = said.append
    tf.get_logger().addHandler(handler)
    try:
        fit(make(pyramid=[20, 24, 28, 32, 36, 40]), 7)
    finally:
        tf.get_logger().removeHandler(handler)
    assert [record.getMessage() for record in said] == []


@pytest.mark.slow
@pytest.mark.parametrize("averaging", [0.0, 0.9])
def test_a_stage_starts_from_the_picture_of_the_one_before(make_transfer, monkeypatch, averaging):
    starts = Starts(monkeypatch, optimizers.KerasOptimizer)
    watch, _ = watched(make_transfer(pyramid=STAGES, averaging=averaging))
    assert len(starts) == 3
    for before, start in ((watch.pictures[2], starts[1]), (watch.pictures[5], starts[2])):
        np.testing.assert_array_equal(start, resizing.resize_to(tf.constant(before), *start.shape[1:3]))


@pytest.mark.slow
def test_the_first_stage_starts_from_the_small_content_image(make, monkeypatch, content):
    style_transfer = make()
    is_adam = style_transfer.settings["optimizer"] == "adam"
    starts = Starts(monkeypatch, optimizers.Averaged if is_adam else optimizers.Spectral)
    fit(style_transfer, 3)
    np.testing.assert_array_equal(starts[0], resizing.resize_to(loading.load(content), 20, 17))


@pytest.mark.slow
def test_frames_are_the_stages_pictures_at_the_final_size(make):
    watch, frames = watched(make())
    for picture, frame in zip(watch.pictures, frames, strict=True):
        np.testing.assert_array_equal(frame, pixels.to_uint8(resizing.resize_to(tf.constant(picture), 48, 40)))


@pytest.mark.slow
def test_lbfgs_begins_each_stage_with_an_empty_history(make_transfer, monkeypatch):
    style_transfer, histories = make_transfer(optimizer="lbfgs", pyramid=STAGES), []
    enter = run.Run.enter

    def entering(self, *arguments):
        enter(self, *arguments)
        variables = self.state.optimizer_variables()
        histories.append((variables["image"].shape[1:3], variables["coordinates_curvatures"].numpy()))

    monkeypatch.setattr(run.Run, "enter", entering)
    watch, _ = watched(style_transfer)
    assert [size for size, _ in histories] == SIZES
    assert not any(curvatures.any() for _, curvatures in histories)
    assert watch.optimizers[-1].variables()["coordinates_curvatures"].numpy().any()


@pytest.mark.slow
def test_adam_carries_its_moments_rate_and_steps_to_the_next_stage(make_transfer, monkeypatch):
    carried = []
    carry_over = optimizers.KerasOptimizer.carry_over
    monkeypatch.setattr(
        optimizers.KerasOptimizer, "carry_over", lambda mine, other: (carry_over(mine, other), carried.append(mine))
    )
    style_transfer = make_transfer(pyramid=STAGES)
    seen = []

    def note(batch, logs):
        seen.append([v.numpy() for v in style_transfer.optimizer.variables])

    fit(style_transfer, 9, learning_rate=2.0, callbacks=[keras.callbacks.LambdaCallback(on_train_batch_end=note)])
    assert len(carried) == 2
    assert [int(values[0]) for values in seen] == list(range(1, 10))
    assert {float(values[1]) for values in seen} == {2.0}


@pytest.mark.slow
def test_a_rate_that_a_callback_has_changed_goes_along(make_transfer):
    style_transfer = make_transfer(pyramid=STAGES)
    halving = keras.callbacks.LearningRateScheduler(lambda epoch, rate: 4.0 * 0.5**epoch)
    fit(style_transfer, 2, epochs=4, learning_rate=4.0, callbacks=[halving])
    assert style_transfer.stage == 2
    assert float(tf.convert_to_tensor(style_transfer.optimizer.learning_rate)) == 0.5


@pytest.mark.slow
def test_the_picture_is_the_average_over_its_stage(make_transfer):
    watch, _ = watched(make_transfer(pyramid=STAGES, averaging=0.7), 16)
    for begin in (0, 4, 8):
        for step in range(begin, begin + 4):
            average = reference.average_of_iterates(watch.iterates[begin : step + 1], 0.7)
            np.testing.assert_allclose(watch.pictures[step], average, rtol=1e-4, atol=1e-3)


@pytest.mark.slow
def test_a_stage_that_can_do_no_more_gives_way_early(make_transfer, content):
    """The content image is the best reconstruction of itself: the first stage ends before its 23 steps."""
    style_transfer = make_transfer(
        mode="content_reconstruction",
        style_image=None,
        style_layers=None,
        init="content",
        optimizer="lbfgs",
        pyramid=STAGES,
    )
    watch, _ = watched(style_transfer, 90)
    lengths = [watch.stages.count(stage) for stage in range(3)]
    assert 0 < lengths[0] < 23
    assert lengths[0] + lengths[1] == 45  # Its steps fall to the next, which ends where it would have.
    assert style_transfer.stop_reason == "all 90 steps made"


@pytest.mark.slow
def test_a_second_fit_gives_the_same_pixels_and_compiles_no_objective_again(make):
    style_transfer = make(init="noise")
    first, again = watched(style_transfer), watched(style_transfer)
    np.testing.assert_array_equal(first[1], again[1])
    assert first[0].objectives == again[0].objectives
    assert len(set(map(id, again[0].objectives))) == 1
    traced = again[0].objectives[0].tracing_count()
    watched(style_transfer)
    assert again[0].objectives[0].tracing_count() == traced


@pytest.mark.slow
def test_one_stage_is_a_run_without_a_pyramid(make):
    np.testing.assert_array_equal(fit(make(pyramid=1)), fit(make(pyramid=None)))


class At(keras.callbacks.Callback):
    """Does something once, after a step."""

    def __init__(self, step, act):
        super().__init__()
        self.at, self.act = step, act

    def on_train_batch_end(self, batch, logs=None):
        if self.model.step == self.at:
            self.act(self.model)


def interrupt(model):
    raise KeyboardInterrupt


@pytest.mark.slow
@pytest.mark.parametrize("step", [3, 4])
def test_ctrl_c_in_any_stage_leaves_a_picture_of_the_final_size(make, tmp_path, step):
    style_transfer = make()
    frames = fit(style_transfer, callbacks=[At(step, interrupt)])
    assert style_transfer.interrupted
    assert style_transfer.image.shape == (48, 40, 3)
    np.testing.assert_array_equal(frames[-1], style_transfer.image)
    style_transfer.save(tmp_path / "made.png")
    np.testing.assert_array_equal(loading.load(tmp_path / "made.png")[0], style_transfer.image)


def interrupt_between_device_scopes(model):
    try:
        raise KeyboardInterrupt
    finally:
        raise RuntimeError("Exiting device scope without proper scope nesting")


def fail(model):
    raise RuntimeError("no")


def test_ctrl_c_between_tensorflows_device_scopes_is_an_interruption(make):
    style_transfer = make()
    fit(style_transfer, callbacks=[At(3, interrupt_between_device_scopes)])
    assert style_transfer.interrupted
    other = make()
    try:
        raise KeyboardInterrupt
    except KeyboardInterrupt:  # A run that a program makes in answer to Ctrl-C fails as any other.
        with pytest.raises(RuntimeError, match="no"):
            fit(other, callbacks=[At(3, fail)])
    assert not other.interrupted


def test_ctrl_c_before_the_first_step_leaves_the_start(make):
    def stop(batch, logs=None):
        raise KeyboardInterrupt

    style_transfer = make()
    fit(style_transfer, callbacks=[keras.callbacks.LambdaCallback(on_train_batch_begin=stop)])
    assert style_transfer.image.shape == (48, 40, 3)


def spoil(model):
    """Makes the loss of the present and every later stage that is no number. They share an objective."""
    inner = model.objective.value_and_gradient

    def value_and_gradient(image):
        terms, gradient = inner(image)
        return terms._replace(total=tf.constant(float("nan"))), gradient

    model.objective.value_and_gradient = value_and_gradient


@pytest.mark.slow
@pytest.mark.parametrize("averaging", [0.0, 0.9])
def test_a_loss_that_is_no_number_leaves_the_last_good_picture(make_transfer, averaging):
    """In the midst of a stage that before the last step, and at its end that which the next began from."""
    options = {"pyramid": STAGES, "averaging": averaging}
    good, _ = watched(make_transfer(**options))
    for step in (2, 3, 8):
        style_transfer = make_transfer(**options)
        with pytest.warns(
            RuntimeWarning, match=f"The run stopped: .*in step {step + 1}; the last good picture is kept"
        ):
            frames = fit(style_transfer, callbacks=[At(step, spoil)])
        expected = resizing.resize_to(tf.constant(good.pictures[step - 2]), 48, 40)
        np.testing.assert_array_equal(style_transfer.generated_image, expected)
        assert frames[-1].shape == (48, 40, 3)


@pytest.mark.slow
def test_the_best_of_an_earlier_stage_may_be_put_back(make):
    """The loss rises with the stages, as made up here; Keras puts back what `get_weights` gave in the first."""
    rising = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(loss=float(epoch)))
    stop = keras.callbacks.EarlyStopping("loss", patience=3, restore_best_weights=True)
    style_transfer = make()
    watch = Watch()
    frames = fit(style_transfer, 2, epochs=6, callbacks=[rising, watch, stop])
    assert watch.stages[1] == 0
    assert style_transfer.stage == 2
    assert style_transfer.step == 8
    best = resizing.resize_to(tf.constant(watch.pictures[1]), *SIZES[2])
    np.testing.assert_array_equal(style_transfer.generated_image, best)
    np.testing.assert_array_equal(frames[-1], style_transfer.image)


@pytest.mark.slow
@pytest.mark.parametrize("stage", [0, 2])
def test_weights_are_saved_and_loaded_across_stages(make, tmp_path, stage):
    """What is read back brings its stage: the run goes on from there."""
    saved = {}

    def save(model):
        model.save_weights(tmp_path / "run.weights.h5")
        saved.update({name: variable.numpy() for name, variable in model.optimizer_variables().items()})

    style_transfer = make()
    fit(style_transfer, callbacks=[At(3 * stage + 2, save)])
    style_transfer.load_weights(tmp_path / "run.weights.h5")
    assert style_transfer.stage == stage
    assert style_transfer.stage_size == SIZES[stage]
    for name, variable in style_transfer.optimizer_variables().items():
        np.testing.assert_array_equal(variable, saved[name])
    assert style_transfer.image.shape == (48, 40, 3)


@pytest.mark.slow
@pytest.mark.parametrize("epochs", [2, 3])
def test_backup_and_restore_goes_on_in_the_midst_of_a_pyramid(make, tmp_path, epochs):
    """Stopped after the second epoch, with which the first stage ends, or in the midst of the second stage."""

    def backup():
        return keras.callbacks.BackupAndRestore(tmp_path / "backup", delete_checkpoint=False)

    unbroken, stopped, resumed = make(), make(), make()
    whole = fit(unbroken, 2, epochs=5)
    fit(stopped, 2, epochs=5, callbacks=[At(2 * epochs + 1, interrupt), backup()])
    again = fit(resumed, 2, epochs=5, callbacks=[backup()])
    assert resumed.first_step == 2 * epochs
    np.testing.assert_array_equal(again[-1], whole[-1])
    np.testing.assert_array_equal(resumed.generated_image, unbroken.generated_image)


@pytest.mark.slow
def test_strength_0_of_a_pyramid_is_the_photograph(make, content):
    """Each stage starts at the photograph in its own size: enlarged from the stage before, it would be blurred."""
    style_transfer = make()
    fit(style_transfer, 6, strength=0.0)
    np.testing.assert_allclose(style_transfer.generated_image[0], content, atol=0.01)
