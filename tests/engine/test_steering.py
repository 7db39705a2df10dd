"""Runs that are changed while they go, from a callback or another thread."""

import threading

import keras
import numpy as np
import pytest

from nst_keras.engine import state

WEIGHTS = {"style_weight": 1.0, "content_weight": 0.02}


class At(keras.callbacks.Callback):
    """Does something with the handle of the run after steps: {step: function of the handle}."""

    def __init__(self, actions):
        super().__init__()
        self.actions, self.traced = actions, []

    def on_train_batch_end(self, batch, logs=None):
        self.traced.append(self.model.objective.tracing_count())
        if self.model.step in self.actions:
            self.actions[self.model.step](self.model.run)


def fit(style_transfer, steps, *, actions=None, **options):
    watch = At(actions or {})
    style_transfer.fit_style_transfer(1, steps, verbose=0, callbacks=[watch], **{**WEIGHTS, **options})
    return style_transfer.history.history["loss"], watch.traced


def changes_of(style):
    return {
        "weights": lambda run: run.set_weights(style_weight=10.0),
        "strength": lambda run: run.set_strength(0.4),
        "style": lambda run: run.set_style(style[::-1, ::-1].copy()),
    }


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
@pytest.mark.parametrize("change", ["weights", "strength", "style"])
def test_the_loss_goes_down_again_within_five_steps_and_nothing_is_traced(make_transfer, style, optimizer, change):
    one = make_transfer(optimizer=optimizer)
    losses, traced = fit(one, 14, actions={6: changes_of(style)[change]})
    after = losses[6:]
    assert after[0] != losses[5]
    assert min(after[1:6]) < after[0]
    assert len(set(traced)) == 1
    assert one.completed
    ((step, what),) = one.state.changes
    assert step == 6
    assert one.record()["without_flag"]["changes"] == f"after step 6: {what}"


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_another_thread_changes_a_run(make_transfer, style, optimizer):
    """It waits for a step, changes the run while steps go on, and stops it."""
    one, stepped, changed = make_transfer(optimizer=optimizer), threading.Event(), threading.Event()

    class Waiting(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            stepped.set()
            if batch == 3:
                changed.wait(60)

    def change():
        stepped.wait(60)
        for action in changes_of(style).values():
            action(one.run)
        changed.set()

    other = threading.Thread(target=change)
    other.start()
    one.fit_style_transfer(1, 12, verbose=0, callbacks=[Waiting()], **WEIGHTS)
    other.join()
    assert {what.partition("=")[0].partition(":")[0] for _, what in one.state.changes} == {
        "style_weight",
        "strength",
        "style_image",
    }
    assert all(1 <= step <= 4 for step, _ in one.state.changes)
    losses = one.history.history["loss"]
    assert min(losses[5:]) < losses[4]


def test_a_changed_run_is_a_run_of_the_new_values_from_there(make_transfer):
    changed = make_transfer()
    fit(changed, 8, actions={3: lambda run: run.set_weights(style_weight=4.0)})
    watched = make_transfer()

    class By(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 2:
                self.model.objective.set_weights(style_weight=4.0, content_weight=0.02, var_weight=0.0)
                self.model.solver.forget()

    watched.fit_style_transfer(1, 8, verbose=0, callbacks=[By()], **WEIGHTS)
    np.testing.assert_array_equal(changed.generated_image, watched.generated_image)


def test_a_weight_may_begin_at_0_and_go_back_to_it(make_transfer):
    one = make_transfer()
    actions = {
        2: lambda run: run.set_weights(content_weight=0.5),
        4: lambda run: run.set_weights(content_weight=0.0, var_weight=0.1),
    }
    fit(one, 6, actions=actions, content_weight=0.0)
    content, variation = (one.history.history[name] for name in ("content_loss", "var_loss"))
    assert [value > 0 for value in content] == [False, False, True, True, False, False]
    assert [value > 0 for value in variation] == [False] * 4 + [True] * 2


def test_stop_ends_a_run_after_the_present_step(make_transfer):
    one = make_transfer()
    fit(one, 9, actions={4: lambda run: run.stop()})
    assert one.step == 4
    assert one.state.stop.reason is state.StopReason.CALLBACK
    assert one.stop_reason == "a call of stop stopped it after step 4"


def test_later_stages_take_a_change_too(make_transfer, style):
    one = make_transfer(pyramid=2)
    fit(one, 8, actions={2: lambda run: run.set_style(style[::-1].copy())})
    np.testing.assert_array_equal(one.state.style_images[0][0], style[::-1])
    fresh = make_transfer(style_image=style[::-1].copy(), pyramid=2)
    fit(fresh, 8)
    for ours, theirs in zip(one.objective.targets.style, fresh.objective.targets.style, strict=True):
        np.testing.assert_array_equal(ours.layers["conv1"]["gram"], theirs.layers["conv1"]["gram"])


def test_a_changed_run_goes_on_from_its_checkpoint_by_its_new_options_alone(make_transfer, tmp_path):
    def changed():
        return {2: lambda run: run.set_weights(style_weight=4.0), 4: lambda run: run.stop()}

    fit(make_transfer(), 8, actions=changed(), checkpoint_dir=tmp_path)
    with pytest.raises(ValueError, match="style_weight"):
        fit(make_transfer(), 8, checkpoint_dir=tmp_path, resume=True)
    resumed, whole = make_transfer(), make_transfer()
    fit(resumed, 8, checkpoint_dir=tmp_path, resume=True, style_weight=4.0)
    fit(whole, 8, actions={2: lambda run: run.set_weights(style_weight=4.0)})
    np.testing.assert_array_equal(resumed.generated_image, whole.generated_image)


@pytest.mark.parametrize(
    ("action", "error", "message"),
    [
        (lambda run: run.set_weights(), ValueError, "weights: none was given. Name one, such as style_weight=2.0"),
        (lambda run: run.set_weights(style_wait=1.0), ValueError, "Did you mean 'style_weight'"),
        (
            lambda run: run.set_weights(style_weight=-1.0),
            ValueError,
            "style_weight must be 0 or more, but -1.0 was given",
        ),
        (lambda run: run.set_weights(style_weight=0.0, content_weight=0.0), ValueError, "are both 0"),
        (lambda run: run.set_weights(strength=0.5), ValueError, "strength is no weight. Call set_strength"),
        (lambda run: run.set_strength(1.5), ValueError, "strength must be a number from 0 to 1, but 1.5 was given"),
        (
            lambda run: run.set_style(np.zeros([40, 40, 3], np.uint8), style_weight=2.0),
            ValueError,
            "set_style: the option='style_weight' is not known",
        ),
        (lambda run: run.set_style("nowhere.png"), OSError, "nowhere.png"),
        (lambda run: run.set_style(np.zeros([40, 40, 3], np.uint8), init="noise"), ValueError, "init cannot change"),
    ],
)
def test_a_bad_change_is_one_clear_line_and_the_run_goes_on(make_transfer, action, error, message):
    one, raised = make_transfer(), []

    def attempt(run):
        with pytest.raises(error) as found:
            action(run)
        raised.append(str(found.value))

    fit(one, 4, actions={2: attempt})
    assert message in raised[0]
    assert "\n" not in raised[0]
    assert one.completed
    assert not one.state.changes


def test_a_run_that_has_ended_cannot_be_changed(make_transfer):
    one = make_transfer()
    with pytest.raises(RuntimeError, match="run: no run has begun"):
        _ = one.run
    fit(one, 2)
    with pytest.raises(RuntimeError, match="strength=0.5 came after the run had ended. Give it to the next"):
        one.run.set_strength(0.5)
    with pytest.raises(RuntimeError, match="came after the run had ended"):
        one.run.set_style(np.zeros([40, 40, 3], np.uint8))


@pytest.mark.parametrize("stops", [False, True])
def test_until_a_run_has_ended_there_is_no_other(make_transfer, content, stops):
    one, raised = make_transfer(), []

    def attempt(run):
        if stops:
            run.stop()
        for call in (lambda: one.set_images(content_image=content), lambda: fit(one, 2)):
            with pytest.raises(RuntimeError) as found:
                call()
            raised.append(str(found.value))

    fit(one, 3, actions={2: attempt})
    assert raised[0].startswith("set_images: a run is going. Call run.set_style")
    assert raised[0].endswith("After stop, wait until fit_style_transfer has returned.")
    assert raised[1].startswith("fit_style_transfer: a run is going")
    assert one.step == (2 if stops else 3)
    assert len(fit(one, 2)[0]) == 2


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()])
def test_a_callback_that_raises_at_the_start_leaves_the_object_usable(make_transfer, content, error):
    class Raises(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            raise error

    one = make_transfer()
    with pytest.raises(type(error)):
        one.fit_style_transfer(1, 2, verbose=0, callbacks=[Raises()], **WEIGHTS)
    assert one.stop_reason == f"Failed before the first step: {str(error) or 'KeyboardInterrupt'}"
    one.set_images(content_image=content[::-1].copy())
    assert len(fit(one, 2)[0]) == 2


def test_changes_that_wait_add_up(make_transfer, style):
    """The second style is of the scale that the first, which still waits, has set."""
    one, at_once = make_transfer(), make_transfer()
    fit(one, 4, actions={2: lambda run: (run.set_style(style[::-1].copy(), style_scale=0.8), run.set_style(style))})
    fit(at_once, 4, actions={2: lambda run: run.set_style(style, style_scale=0.8)})
    np.testing.assert_array_equal(one.generated_image, at_once.generated_image)


def test_a_warm_start_after_a_pyramid_keeps_its_optimizer_when_the_style_changes(make_transfer, style):
    one, options = make_transfer(pyramid=2), []
    fit(one, 4)
    actions = {
        1: lambda run: run.set_style(style[::-1].copy()),
        2: lambda run: options.append(one.fingerprint["averaging"]),
    }
    fit(one, 3, actions=actions, warm_start=True)
    assert options == [0.99]
