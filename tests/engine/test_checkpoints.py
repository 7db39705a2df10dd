"""A run that was stopped goes on to the pixels of one that never was."""

import json
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
import warnings

import keras
import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from nst_keras.engine import checkpoints, tile_sizes
from nst_keras.runtime import memory
from tests import inputs, killable
from tests.conftest import ROOT

RECORD = {"fingerprint": {"a": 1}, "history": {"loss": [0.1]}, "seed": 3, "stage": 0}


def variables():
    return {"image": tf.Variable(tf.random.stateless_uniform([1, 4, 5, 3], [1, 2])), "count": tf.Variable(7)}


def fit(style_transfer, folder, epochs=2, steps=5, **options):
    options = {"checkpoint_dir": folder, "checkpoint_interval": 3, "verbose": 0, **options}
    return style_transfer.fit_style_transfer(epochs, steps, **options)


class StopAt(keras.callbacks.Callback):
    """Ends a run as Ctrl-C does: in the midst of a step, or between two."""

    def __init__(self, step, hook="on_train_batch_end"):
        super().__init__()
        self.step = step
        setattr(self, hook, self.stop)

    def stop(self, batch, logs=None):
        if self.model.step == self.step:
            raise KeyboardInterrupt


@pytest.fixture(params=["adam", "lbfgs"])
def optimizer(request):
    return request.param


@pytest.fixture
def make(optimizer, make_transfer):
    return lambda **options: make_transfer(**{"optimizer": optimizer, "init": "noise", **options})


UNBROKEN = {}


@pytest.fixture
def unbroken_run(request, optimizer, make):
    """Gives a test's run that nothing stops, and its frames; made once for each optimizer, however it is stopped."""

    def run(**options):
        key = (request.function.__name__, optimizer)
        if key not in UNBROKEN:
            style_transfer = make(**options)
            UNBROKEN[key] = style_transfer, fit(style_transfer, None)
        return UNBROKEN[key]

    return run


@pytest.mark.slow
@pytest.mark.parametrize("hook", ["on_train_batch_end", "on_train_batch_begin"])
@pytest.mark.parametrize("step", [1, 5, 6, 7])
def test_a_run_that_was_stopped_goes_on_to_the_same_pixels(make, unbroken_run, tmp_path, step, hook):
    unbroken, frames = unbroken_run(frame_interval=2)
    stopped = make(frame_interval=2)
    fit(stopped, tmp_path, callbacks=[StopAt(step, hook)])
    assert stopped.interrupted
    resumed = make(frame_interval=2)
    frames_again = fit(resumed, tmp_path, resume=True)
    # What the last callbacks have not seen of a step that was cut short is made again.
    assert resumed.first_step == (step if hook == "on_train_batch_begin" else 3 * ((step - 1) // 3))
    np.testing.assert_array_equal(resumed.generated_image, unbroken.generated_image)
    assert resumed.history.history == unbroken.history.history
    assert resumed.history.epoch == list(range(1, 11))
    assert len(frames_again) == len(frames) == 5
    for frame, again in zip(frames, frames_again, strict=True):
        np.testing.assert_array_equal(again, frame)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("step", "hook"),
    [(2, "on_train_batch_end"), (4, "on_train_batch_begin"), (5, "on_train_batch_end"), (9, "on_train_batch_begin")],
)
def test_a_run_in_stages_goes_on_to_the_same_pixels(make, unbroken_run, tmp_path, step, hook):
    """Stages end with steps 4, 7 and 10: stopped in the midst of each, and at the end of one. Adam averages too."""
    options = {"pyramid": [20, 30], "content_mask": half_mask()}
    unbroken, frames = unbroken_run(**options)
    stopped, resumed = (make(**options) for _ in range(2))
    fit(stopped, tmp_path, checkpoint_interval=1, callbacks=[StopAt(step, hook)])
    assert stopped.interrupted
    again = fit(resumed, tmp_path, checkpoint_interval=1, resume=True)
    assert resumed.first_step == (step if hook == "on_train_batch_begin" else step - 1)
    np.testing.assert_array_equal(resumed.generated_image, unbroken.generated_image)
    np.testing.assert_array_equal(list(again), list(frames))
    assert resumed.history.history == unbroken.history.history
    for name, variable in resumed.optimizer_variables().items():
        np.testing.assert_array_equal(variable, unbroken.optimizer_variables()[name])


def half_mask():
    mask = np.zeros([48, 40, 3], np.uint8)
    mask[:, 30:] = 255
    return mask


@pytest.mark.slow
def test_a_finished_run_in_stages_is_only_read_again(make, tmp_path):
    finished, again = make(pyramid=[20]), make(pyramid=[20])
    fit(finished, tmp_path)
    fit(again, tmp_path, resume=True)
    assert again.completed
    assert again.stage == 1
    np.testing.assert_array_equal(again.image, finished.image)


@pytest.mark.slow
def test_more_epochs_would_move_the_ends_of_the_stages(make_transfer, tmp_path):
    fit(make_transfer(pyramid=[20]), tmp_path)
    with pytest.raises(
        ValueError, match=r"resume: .*pyramid was \[\[20, 5\], \[48, 10\]\], and is \[\[20, 7\], "
    ) as caught:
        fit(make_transfer(pyramid=[20]), tmp_path, epochs=3, resume=True)
    assert len(str(caught.value).splitlines()) == 1
    with pytest.raises(ValueError, match=r"resume: .*pyramid was .*, and is None now"):
        fit(make_transfer(averaging=0.99), tmp_path, resume=True)


@pytest.mark.slow
def test_a_finished_run_goes_on_where_more_epochs_are_asked_for(make, tmp_path):
    unbroken = make()
    fit(unbroken, None, epochs=4)
    fit(make(), tmp_path, epochs=2)
    resumed = make()
    fit(resumed, tmp_path, epochs=4, resume=True)
    assert resumed.first_step == 10
    np.testing.assert_array_equal(resumed.generated_image, unbroken.generated_image)


@pytest.mark.slow
def test_a_finished_run_is_only_read_again(make, tmp_path):
    finished, again = make(), make()
    fit(finished, tmp_path)
    fit(again, tmp_path, resume=True)
    assert again.completed
    assert again.stop_reason == "all 10 steps made"
    np.testing.assert_array_equal(again.image, finished.image)
    assert again.history.history == finished.history.history


@pytest.mark.slow
@pytest.mark.parametrize("stop", [4, 6, 9])
def test_a_callback_that_changes_the_rate_at_an_epochs_beginning_does_it_once(make_transfer, tmp_path, stop):
    def halving():
        return keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5)

    unbroken, resumed = make_transfer(), make_transfer()
    fit(unbroken, None, callbacks=[halving()], learning_rate=4.0)
    fit(make_transfer(), tmp_path, callbacks=[halving(), StopAt(stop)], learning_rate=4.0)
    fit(resumed, tmp_path, callbacks=[halving()], learning_rate=4.0, resume=True)
    np.testing.assert_array_equal(resumed.generated_image, unbroken.generated_image)


@pytest.mark.slow
def test_random_numbers_of_a_callback_go_on(make_transfer, tmp_path):
    def drawn(sink):
        return keras.callbacks.LambdaCallback(
            on_train_batch_end=lambda batch, logs: sink.append((random.random(), np.random.rand()))
        )

    unbroken, before, after = [], [], []
    for sink, options in (
        (unbroken, {"checkpoint_dir": None}),
        (before, {"callbacks": [drawn(before), StopAt(6, "on_train_batch_begin")]}),
        (after, {"resume": True}),
    ):
        keras.utils.set_random_seed(5)
        fit(make_transfer(), tmp_path, **{"callbacks": [drawn(sink)], **options})
    assert before + after == unbroken


def test_a_start_drawn_without_a_seed_goes_on(make_transfer, tmp_path):
    stopped, resumed = (make_transfer(init="noise", seed=None) for _ in range(2))
    assert stopped.seed != resumed.seed
    fit(stopped, tmp_path, callbacks=[StopAt(6, "on_train_batch_begin")])
    fit(resumed, tmp_path, resume=True)
    assert resumed.seed == stopped.seed
    unbroken = make_transfer(init="noise", seed=stopped.seed)
    fit(unbroken, None)
    np.testing.assert_array_equal(resumed.generated_image, unbroken.generated_image)


def test_frames_of_another_run_are_not_touched(make_transfer, tmp_path):
    fit(make_transfer(frames_dir=tmp_path / "frames"), None)
    before = sorted((tmp_path / "frames").iterdir())
    with pytest.raises(ValueError, match="frames_dir: .* holds the frames of another run"):
        fit(make_transfer(frames_dir=tmp_path / "frames"), tmp_path / "new", resume=True)
    assert sorted((tmp_path / "frames").iterdir()) == before


def test_a_bad_argument_leaves_the_last_picture(make_transfer, tmp_path):
    style_transfer = make_transfer()
    fit(style_transfer, None)
    picture, frames = style_transfer.image, style_transfer.frames
    for bad in ({"verbose": 7}, {"preview": tmp_path / "no" / "p.png"}, {"tensorboard": __file__}, {"callbacks": 3}):
        with pytest.raises((ValueError, OSError, TypeError)):
            fit(style_transfer, None, **bad)
    np.testing.assert_array_equal(style_transfer.image, picture)
    assert style_transfer.frames is frames
    fit(style_transfer, None, callbacks=None)


@pytest.mark.parametrize("argument", ["checkpoint_dir", "frames_dir"])
def test_a_folder_that_is_a_file_is_told_before_the_first_step(make_transfer, tmp_path, argument):
    (tmp_path / "file").touch()
    style_transfer = make_transfer(**({"frames_dir": tmp_path / "file"} if argument == "frames_dir" else {}))
    with pytest.raises(OSError, match=f"{argument}: .* is not a folder that can be written to"):
        fit(style_transfer, tmp_path / "file" if argument == "checkpoint_dir" else None)
    assert style_transfer.step == 0


class Failing(keras.callbacks.Callback):
    """Ends badly, in one way or another."""

    def __init__(self, error):
        super().__init__()
        self.error = error

    def on_train_end(self, logs=None):
        raise self.error


def test_what_was_made_is_kept_where_a_callback_fails_at_the_end(make_transfer, tmp_path):
    style_transfer = make_transfer(frame_interval=4)
    with pytest.raises(RuntimeError, match="no upload"):
        fit(style_transfer, tmp_path, callbacks=[Failing(RuntimeError("no upload"))])
    assert style_transfer.frame_steps == [4, 8, 10]
    assert checkpoints.Store(tmp_path).newest().step == 10


def test_ctrl_c_at_the_end_loses_nothing(make_transfer):
    style_transfer = make_transfer()
    assert len(fit(style_transfer, None, callbacks=[Failing(KeyboardInterrupt())])) == 10
    assert style_transfer.completed
    assert style_transfer.interrupted


def test_backup_and_restore_does_not_mix_with_resume(make_transfer, tmp_path):
    def backup():
        return keras.callbacks.BackupAndRestore(tmp_path / "backup", delete_checkpoint=False)

    fit(make_transfer(), tmp_path / "kept", callbacks=[backup()], epochs=1)
    with pytest.raises(ValueError, match="BackupAndRestore and resume"):
        fit(make_transfer(), tmp_path / "kept", callbacks=[backup()], resume=True)


def test_a_picture_that_is_not_finite_is_no_checkpoint(make_transfer, tmp_path):
    def spoil(batch, logs):
        if style_transfer.step == 6:
            style_transfer.state.optimized_image *= float("nan")

    style_transfer = make_transfer()
    fit(style_transfer, tmp_path, callbacks=[keras.callbacks.LambdaCallback(on_train_batch_end=spoil)], steps=3)
    assert checkpoints.Store(tmp_path).steps() == [3]


def test_the_last_three_are_kept(make, tmp_path):
    fit(make(), tmp_path, checkpoint_interval=2)
    assert checkpoints.Store(tmp_path).steps() == [10, 8, 6]
    assert {path.name for path in tmp_path.iterdir()} == {"step_00000006", "step_00000008", "step_00000010", "frames"}


def damage(folder, how):
    data = next(folder.glob("state.data*"))
    if how == "truncated":
        data.write_bytes(data.read_bytes()[:-100])
    elif how == "changed":
        data.write_bytes(data.read_bytes()[:-1] + b"x")
    elif how == "missing":
        data.unlink()
    else:
        record = (folder / "record.json").read_text()
        changed = {"record": record[:50], "null": "null", "digit": record.replace('"loss": [', '"loss": [7')}
        (folder / "record.json").write_text(changed[how])


@pytest.mark.slow
@pytest.mark.parametrize("how", ["truncated", "changed", "missing", "record", "null", "digit"])
def test_a_damaged_checkpoint_falls_back_to_the_one_before_and_says_so(make_transfer, tmp_path, how):
    make = make_transfer
    unbroken, resumed = make(), make()
    fit(unbroken, None)
    fit(make(), tmp_path, callbacks=[StopAt(8, "on_train_batch_begin")])
    damage(tmp_path / "step_00000008", how)
    with pytest.warns(UserWarning, match=r"the checkpoint of step 8 is damaged \(.*\); continuing from step 6\."):
        fit(resumed, tmp_path, resume=True)
    np.testing.assert_array_equal(resumed.generated_image, unbroken.generated_image)
    # It was come to again, and is whole now.
    assert checkpoints.Store(tmp_path).newest().step == 10


def test_where_all_are_damaged_nothing_is_begun(make_transfer, tmp_path):
    fit(make_transfer(), tmp_path)
    for folder in tmp_path.glob("step_*"):
        damage(folder, "missing")
    with pytest.raises(
        ValueError, match=r"step 10 is damaged.*; the checkpoint of step 9 .* Start again in another folder"
    ):
        fit(make_transfer(), tmp_path, resume=True)


CHANGES = {
    "style_weight was 1.0, and is 2.0 now": ({}, {"style_weight": 2.0}),
    "learning_rate was None, and is 3.0 now": ({}, {"learning_rate": 3.0}),
    "steps_per_epoch was 5, and is 6 now": ({}, {"steps": 6}),
    "normalization was 'relative', and is 'mean' now; style_weight was": ({"normalization": "mean"}, {}),
    "style_statistic was 'gram', and is 'covariance' now": ({"style_statistic": "covariance"}, {}),
    "another content_image": ({"content_image": np.full([48, 40, 3], 9, np.uint8)}, {}),
    "another style_image": ({"style_image": np.full([48, 40, 3], 9, np.uint8)}, {}),
    "another init": ({"seed": 1}, {}),
    "another extractor": ({"content_layers": ["conv2"]}, {}),
    "style_layers was": ({"style_layers": ["conv1"]}, {}),
    "optimizer was 'adam', and is": ({"optimizer": keras.optimizers.SGD()}, {}),
    "averaging was 0.0, and is 0.9 now": ({"averaging": 0.9}, {}),
    "variation was 'l1', and is 'l2' now": ({"variation": "l2"}, {}),
    "alpha_norm_weight was 0.0, and is 0.1 now": ({}, {"alpha_norm_weight": 0.1}),
    "pyramid was None, and is [[20, 5], [48, 10]]": ({"pyramid": [20], "averaging": 0.0}, {}),
    "another content_mask": ({"content_mask": np.full([48, 40, 3], 9, np.uint8)}, {}),
    "another style_mask": ({"style_mask": np.full([48, 40, 3], 9, np.uint8)}, {}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_run_of_other_settings_is_refused_with_the_difference(make_transfer, tmp_path, change):
    fit(make_transfer(init="noise"), tmp_path)
    kept = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    construction, options = CHANGES[change]
    with pytest.raises(ValueError, match=r"holds a run with other settings") as caught:
        fit(make_transfer(**{"init": "noise", **construction}), tmp_path, resume=True, **options)
    assert change in str(caught.value)
    assert str(caught.value).endswith("Use the same settings, or another checkpoint_dir.")
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == kept


def test_a_folder_with_a_run_in_it_is_not_overwritten(make_transfer, tmp_path):
    fit(make_transfer(), tmp_path)
    with pytest.raises(ValueError, match=r"checkpoint_dir: .* the checkpoints of a run\. Continue it with resume"):
        fit(make_transfer(), tmp_path)


def test_resume_without_a_folder_and_with_fewer_steps_is_refused(make_transfer, tmp_path):
    with pytest.raises(ValueError, match="resume needs checkpoint_dir"):
        fit(make_transfer(), None, resume=True)
    fit(make_transfer(), tmp_path)
    with pytest.raises(ValueError, match="the checkpoint is of step 10, but the run has 5 steps. Give more epochs"):
        fit(make_transfer(), tmp_path, epochs=1, resume=True)


@pytest.mark.slow
def test_resume_begins_at_the_start_where_there_is_no_checkpoint_yet(make, tmp_path):
    unbroken, resumed = make(), make()
    fit(unbroken, None)
    fit(make(), tmp_path, callbacks=[StopAt(2, "on_train_batch_begin")])
    shutil.rmtree(tmp_path / "step_00000002", ignore_errors=True)
    assert len(list((tmp_path / "frames").iterdir())) == 2
    fit(resumed, tmp_path, resume=True)
    assert resumed.first_step == 0
    np.testing.assert_array_equal(resumed.generated_image, unbroken.generated_image)
    assert len(resumed.frames) == 10


def test_a_full_disk_is_told_and_the_run_goes_on(make, tmp_path, monkeypatch):
    """The file system refuses files of more than a few bytes from step 4 on: a real failed write, of real files."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    full = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: (
            batch == 3 and resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
        )
    )
    style_transfer = make()
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        with pytest.warns(UserWarning, match="could not be written") as caught:
            fit(style_transfer, tmp_path, callbacks=[full])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    messages = [str(warning.message) for warning in caught]
    assert any("checkpoint of step 6 could not be written" in m and "that of step 3 stays" in m for m in messages)
    assert sum("frames_dir: the frame of step 4 could not be written" in m for m in messages) == 1
    assert style_transfer.completed
    assert {path.name for path in tmp_path.iterdir()} == {"step_00000003", "frames"}
    assert checkpoints.Store(tmp_path).newest().step == 3


def test_what_a_kill_has_left_is_tidied_up(make_transfer, tmp_path):
    left = tmp_path / ("." + 32 * "a")
    left.mkdir()
    (left / "state.index").touch()
    (tmp_path / ".mine").touch()
    fit(make_transfer(), tmp_path)
    assert not left.exists()
    assert (tmp_path / ".mine").exists()


def test_a_checkpoint_that_cannot_be_renamed_leaves_nothing(tmp_path, monkeypatch):
    store = checkpoints.Store(tmp_path)
    monkeypatch.setattr("pathlib.Path.rename", lambda *a: (_ for _ in ()).throw(OSError("no")))
    with pytest.raises(OSError, match="no"):
        store.save(3, variables(), RECORD)
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_holds_what_it_was_given(tmp_path):
    store, saved, found = checkpoints.Store(tmp_path / "new" / "folder"), variables(), variables()
    store.save(3, saved, RECORD)
    found["image"].assign(tf.zeros_like(found["image"]))
    found["count"].assign(0)
    checkpoint = store.newest()
    checkpoint.restore(found)
    np.testing.assert_array_equal(found["image"], saved["image"])
    assert int(found["count"]) == 7
    assert checkpoint.record["history"] == {"loss": [0.1]}
    assert json.loads((checkpoint.folder / "record.json").read_text())["step"] == 3


def kill(optimizer, folder, result, steps, delay):
    """Starts the run and kills it some seconds after so many steps; where it began, whether it was at work."""
    command = [sys.executable, "-m", "tests.killable", optimizer, str(folder), str(result)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        first, *others = (process.stdout.readline() for _ in range(steps))
        assert all([first, *others]), "the run did not make its steps"
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.stdout.read()
        return int(first), process.wait() == -signal.SIGKILL


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_a_run_killed_twice_ends_with_the_pixels_of_the_unbroken_run(tmp_path, optimizer):
    """At any moment of a step: before its checkpoint, while one is written, or after."""
    unbroken, moments = killable.run(optimizer), random.Random(optimizer)
    folder, result, begins = tmp_path / "checkpoints", tmp_path / "result.npy", []
    for steps in (3, 9):
        begun, killed = kill(optimizer, folder, result, steps, moments.uniform(0.0, 0.1))
        assert killed, "the run came to its end before it was killed"
        begins.append(begun)
        # Warnings are errors here: a checkpoint that is not whole would warn.
        assert checkpoints.Store(folder).newest().step > begun
        for frame in (folder / "frames").glob("step_*.bmp"):
            assert PIL.Image.open(frame).convert("RGB").size == (40, 48)
        assert not result.exists()
    assert 0 == begins[0] < begins[1]  # It did go on, and not begin anew.
    subprocess.run([sys.executable, "-m", "tests.killable", optimizer, folder, result], cwd=ROOT, check=True)
    np.testing.assert_array_equal(np.load(result), unbroken.generated_image)
    frames = [np.asarray(PIL.Image.open(path)) for path in sorted((folder / "frames").glob("step_*.bmp"))]
    np.testing.assert_array_equal(frames, list(unbroken.frames))


@pytest.mark.slow
def test_a_run_in_tiles_goes_on_to_the_same_pixels(make, tmp_path):
    unbroken = make(tile_size=16)
    frames = fit(unbroken, None)
    fit(make(tile_size=16), tmp_path, callbacks=[StopAt(5)])
    resumed = make(tile_size=16)
    np.testing.assert_array_equal(fit(resumed, tmp_path, resume=True)[-1], frames[-1])
    np.testing.assert_array_equal(resumed.optimized_image, unbroken.optimized_image)


@pytest.mark.slow
@pytest.mark.parametrize("tile_size", [16, None])
def test_the_tiles_that_a_run_began_with_win_over_what_memory_asks_for_now(
    make_transfer, tmp_path, tile_size, monkeypatch
):
    """Be it that it has become less, or more."""
    unbroken = fit(make_transfer(tile_size=tile_size), None)
    fit(make_transfer(tile_size=tile_size), tmp_path, callbacks=[StopAt(5)])
    usable = 2**40 if tile_size else 1
    monkeypatch.setattr(memory, "available_memory", lambda: memory.Available("this machine", 2**40, usable))
    monkeypatch.setattr(tile_sizes, "SIZES", (16,))
    resumed = make_transfer(tile_size="auto")
    assert inputs.tile_sizes(resumed) != [tile_size]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # That it will not fit.
        frames = fit(resumed, tmp_path, resume=True)
    assert inputs.tile_sizes(resumed) == [tile_size]
    np.testing.assert_array_equal(frames[-1], unbroken[-1])


@pytest.mark.parametrize(
    ("options", "message"),
    [({"tile_size": 24}, "tile_size was"), ({"tile_size": 16, "halo": 2}, "halo was None, and is 2")],
)
def test_a_run_in_other_tiles_is_refused(make_transfer, tmp_path, options, message):
    fit(make_transfer(tile_size=16), tmp_path, epochs=1)
    with pytest.raises(ValueError, match=message):
        fit(make_transfer(**options), tmp_path, resume=True)
