"""On a full disk, or where folders go away during the run, the picture is made, and one line tells each problem."""

import errno
import os
import pathlib
import shutil

import tensorflow as tf

from nst_keras import run
from nst_keras.callbacks import frames
from nst_keras.engine import checkpoints
from nst_keras.images import loading
from tests.cli.test_command import command, folder

__all__ = ["folder"]

# {what the line about it begins with: its flag}. Each is in a folder of its own.
OUTPUTS = {
    "animation/made.gif": "--animation=animation/made.gif",
    "sheet/made.png": "--contact_sheet=sheet/made.png",
    "losses/made.png": "--loss_plot=losses/made.png",
    "preview": "--preview=preview/made.png",
    "checkpoint_dir": "--checkpoint_dir=checkpoints",
    "frames_dir": "--frames_dir=frames",
    "log_dir": "--tensorboard=tensorboard",
}


def everything(folder):
    """A run's line with all outputs."""
    for flag in OUTPUTS.values():
        (folder / flag.partition("=")[2]).parent.mkdir(exist_ok=True)
    return command("--output=made.png", "--show_interval=1", "--checkpoint_interval=1", *OUTPUTS.values())


def lines_about(capsys):
    """The lines on standard error, each of which begins with what it is about."""
    printed = capsys.readouterr().err.splitlines()
    assert all(line.startswith("nst_keras: ") for line in printed), printed
    return printed


def full_disk(monkeypatch, is_full):
    """Makes the disk full for the files of which a function says so."""
    replace, write = os.replace, checkpoints._write_through

    def failing(function):
        def called(first, *rest):
            if is_full(pathlib.Path(rest[0] if function is replace else first)):
                raise OSError(errno.ENOSPC, "No space left on device")
            return function(first, *rest)

        return called

    def no_writer(folder):
        raise tf.errors.ResourceExhaustedError(None, None, f"{folder}; No space left on device")

    monkeypatch.setattr(os, "replace", failing(replace))
    monkeypatch.setattr(checkpoints, "_write_through", failing(write))
    if is_full(pathlib.Path("tensorboard")):
        monkeypatch.setattr(tf.summary, "create_file_writer", no_writer)


def test_where_only_the_picture_finds_room(folder, capsys, monkeypatch):
    full_disk(monkeypatch, lambda path: path != pathlib.Path("made.png"))
    assert run.main(everything(folder)) == 1
    printed = lines_about(capsys)
    for what in (*OUTPUTS, "made.flags", "made.json"):
        about = [line for line in printed if what in line.partition("; wrote")[0]]
        assert len(about) == 1, (what, printed)
        assert "No space left" in about[0] or "no frames were kept" in about[0]
    assert len(printed) == len(OUTPUTS) + 2
    assert "out of memory" not in str(printed)
    assert loading.load("made.png").shape[1:3] == (32, 27)


def test_where_all_but_the_pictures_folder_finds_room(folder, capsys, monkeypatch):
    (folder / "full").mkdir()
    full_disk(monkeypatch, lambda path: path.parent.name == "full")
    assert run.main([*everything(folder), "--output=full/made.png"]) == 1
    (line,) = lines_about(capsys)
    assert "output: 'full/made.png' could not be written" in line
    assert f"the picture is in '{folder / 'made.png'}' instead" in line
    assert list((folder / "full").iterdir()) == []
    assert {"made.png", "made.flags", "made.json"} <= {path.name for path in folder.iterdir()}
    assert all((folder / name).exists() for name in OUTPUTS if "/" in name)


def test_folders_that_go_away_during_the_run(folder, capsys, monkeypatch):
    """A file stands in their place, as where a disk has been unmounted and the folder may not be written to."""

    def spoil(self, batch, logs=None):
        for name in ("animation", "sheet", "losses", "preview", "checkpoints", "frames", "out") if batch == 1 else ():
            shutil.rmtree(folder / name)
            (folder / name).touch()

    (folder / "out").mkdir()
    monkeypatch.setattr(frames.FrameRecorder, "on_train_batch_begin", spoil)
    arguments = [*everything(folder), "--output=out/made.png"]
    assert run.main([one for one in arguments if not one.startswith("--tensorboard")]) == 1
    printed = lines_about(capsys)
    for what in ("out/made.png", *OUTPUTS):
        assert sum(what in line for line in printed) == (what != "log_dir"), (what, printed)
    assert "the picture is in" in str(printed)
    assert loading.load(folder / "made.png").shape[1:3] == (32, 27)
