import dataclasses
import json
import os
import pathlib
import shutil
import tracemalloc

import keras
import numpy as np
import PIL.Image
import pytest

from nst_keras import callbacks, export
from nst_keras.engine import checkpoint_records


def frame(value):
    return np.full([4, 5, 3], value, np.uint8)


def test_stored_frames_are_a_sequence_of_files(tmp_path):
    frames = callbacks.StoredFrames(tmp_path / "new")
    assert len(frames) == 0
    for step in (5, 10, 15):
        frames.append(step, frame(step))
    assert [f[0, 0, 0] for f in frames] == [5, 10, 15]
    np.testing.assert_array_equal(frames[-1], frame(15))
    assert [f[0, 0, 0] for f in frames[::2]] == [5, 15]
    with pytest.raises(IndexError):
        frames[3]
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == [f"step_{step:08}.bmp" for step in (5, 10, 15)]
    (tmp_path / "new" / "notes.txt").touch()
    again = callbacks.StoredFrames(tmp_path / "new")
    assert again.steps == [5, 10, 15]
    again.keep([5, 10])
    assert len(again) == 2
    assert (tmp_path / "new" / "notes.txt").exists()


def test_frames_in_a_folder_are_those_in_memory(make_transfer, tmp_path):
    in_memory, in_files = make_transfer(frame_interval=3), make_transfer(frame_interval=3, frames_dir=tmp_path / "f")
    kept = in_memory.fit_style_transfer(2, 4, verbose=0)
    written = in_files.fit_style_transfer(2, 4, verbose=0)
    assert isinstance(kept, list)
    np.testing.assert_array_equal(list(written), kept)
    assert in_memory.frame_steps == in_files.frame_steps == [3, 6, 8]
    with PIL.Image.open(tmp_path / "f" / "step_00000008.bmp") as picture:
        np.testing.assert_array_equal(np.asarray(picture), in_files.image)


def test_a_folder_that_holds_frames_is_left_alone(make_transfer, tmp_path):
    callbacks.StoredFrames(tmp_path).append(7, frame(1))
    with pytest.raises(ValueError, match="frames_dir: .* holds the frames of another run"):
        make_transfer(frames_dir=tmp_path).fit_style_transfer(1, 2, verbose=0)
    np.testing.assert_array_equal(callbacks.StoredFrames(tmp_path)[0], frame(1))


def test_a_second_fit_into_the_same_folder_is_refused_before_its_first_step(make_transfer, tmp_path):
    style_transfer = make_transfer(frames_dir=tmp_path)
    style_transfer.fit_style_transfer(1, 2, verbose=0)
    with pytest.raises(ValueError, match="frames_dir"):
        style_transfer.fit_style_transfer(1, 2, verbose=0)


def test_frames_are_not_held_by_the_run(make_transfer, tmp_path):
    """Each is read anew: what is asked for is not kept."""
    frames = make_transfer(frames_dir=tmp_path).fit_style_transfer(1, 3, verbose=0)
    assert frames[0] is not frames[0]


def into(style_transfer, folder):
    """Makes the next run write its frames into another folder."""
    session = style_transfer._session
    given = session.setup.settings
    frames = dataclasses.replace(given.frames, frames_dir=folder)
    session.setup = session.setup._replace(settings=dataclasses.replace(given, frames=frames))


@pytest.mark.slow
def test_memory_does_not_grow_with_the_steps_where_frames_go_to_files(make_transfer, tmp_path):
    def peak(steps, **options):
        style_transfer = make_transfer(**options)
        style_transfer.fit_style_transfer(1, 2, verbose=0)  # Compiled before it is measured.
        if options:
            into(style_transfer, tmp_path / f"of_{steps}")
        tracemalloc.start()
        style_transfer.fit_style_transfer(1, steps, verbose=0)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    frame = 48 * 40 * 3
    in_memory = peak(220) - peak(20)
    in_files = peak(220, frames_dir=tmp_path / "a") - peak(20, frames_dir=tmp_path / "b")
    assert in_memory > 190 * frame
    # A few hundred bytes a step, its losses among them, and what waits for Python's garbage collection.
    assert in_files < 60 * frame


def test_an_interruption_in_a_callback_leaves_frames_losses_and_picture_of_one_step(make_transfer):
    def interrupt(batch, logs):
        if batch == 2:
            raise KeyboardInterrupt

    style_transfer = make_transfer()
    interrupting = keras.callbacks.LambdaCallback(on_train_batch_end=interrupt)
    style_transfer.fit_style_transfer(1, 5, learning_rate=1e-12, callbacks=[interrupting], verbose=0)
    assert style_transfer.step == len(style_transfer.frames) == len(style_transfer.history.history["loss"]) == 3
    assert style_transfer.frame_steps == [1, 2, 3]


def disk(monkeypatch, free):
    """Makes the disk have so many bytes free."""
    monkeypatch.setattr("shutil.disk_usage", lambda folder: shutil._ntuple_diskusage(2**40, 2**40 - free, free))


def test_frames_leave_the_last_of_the_disk_to_the_checkpoints(make_transfer, tmp_path, monkeypatch):
    """Adam's variables are three images of float32 and its count, and four checkpoints of them must fit."""
    style_transfer, needed = make_transfer(), 4 * 3 * 48 * 40 * 3 * 4
    disk(monkeypatch, needed)
    with pytest.warns(UserWarning, match="rest of the disk is left to the checkpoints") as caught:
        style_transfer.fit_style_transfer(1, 4, checkpoint_dir=tmp_path / "a", checkpoint_interval=1, verbose=0)
    assert len([one for one in caught if "frames_dir" in str(one.message)]) == 1
    assert style_transfer.completed
    assert len(style_transfer.frames) == 0
    assert (tmp_path / "a" / "step_00000004").exists()
    # On resuming, that they are missing is said too; now there is room.
    disk(monkeypatch, 2 * needed)
    resumed = make_transfer()
    with pytest.warns(UserWarning, match="4 of the 4 frames up to step 4 were not kept; the run goes on"):
        resumed.fit_style_transfer(2, 4, checkpoint_dir=tmp_path / "a", resume=True, verbose=0)
    assert resumed.frame_steps == [5, 6, 7, 8]
    # Without checkpoints, frames may fill the disk.
    disk(monkeypatch, 0)
    filling = make_transfer(frames_dir=tmp_path / "b")
    assert len(filling.fit_style_transfer(1, 2, verbose=0)) == 2


def test_a_last_frame_alone_is_no_file(make_transfer, tmp_path):
    """As the command line asks for, if nothing needs frames; also for checkpoints whose record has an interval."""
    style_transfer = make_transfer(frame_interval=2**62)
    style_transfer.fit_style_transfer(1, 3, checkpoint_dir=tmp_path, verbose=0)
    assert style_transfer.frame_steps == [3]
    assert [path.name for path in tmp_path.iterdir()] == ["step_00000003"]
    record = json.loads((tmp_path / "step_00000003" / "record.json").read_text())
    del record["seal"]
    record["fingerprint"]["frame_interval"] = 1  # As earlier versions wrote it.
    (tmp_path / "step_00000003" / "record.json").write_text(checkpoint_records.sealed(record))
    style_transfer.fit_style_transfer(2, 3, checkpoint_dir=tmp_path, resume=True, verbose=0)
    assert style_transfer.frame_steps == [6]


def test_frames_that_somebody_removes_during_the_run_are_no_end_of_it(make_transfer, tmp_path):
    remove = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: shutil.rmtree(tmp_path / "f") if batch == 4 else None
    )
    style_transfer = make_transfer(frame_interval=2, frames_dir=tmp_path / "f")
    style_transfer.fit_style_transfer(1, 5, callbacks=[remove], verbose=0)
    assert style_transfer.completed
    assert [path.name for path in (tmp_path / "f").iterdir()] == ["step_00000005.bmp"]


def test_what_a_killed_run_has_left_among_frames_is_removed(tmp_path):
    frames = callbacks.StoredFrames(tmp_path)
    with export.replacing(tmp_path / "step_00000001.bmp") as living:
        pathlib.Path(living).touch()
        dead = living.replace(f"-{os.getpid()}-", f"-{2**22 + 1}-")  # Linux gives no process such a number.
        for name in (dead, tmp_path / f".{32 * 'a'}.bmp"):
            pathlib.Path(name).touch()
        frames.keep([])
        assert list(tmp_path.iterdir()) == [pathlib.Path(living)]
