"""Two runs never write into one folder of checkpoints."""

import errno
import os
import signal
import socket
import subprocess
import sys

import pytest

from nst_keras.engine import checkpoint_lock
from tests.conftest import ROOT

HOLDER = """
import sys
from nst_keras.engine import checkpoint_lock
with checkpoint_lock.held(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


def contents(folder):
    return {path: path.is_file() and path.read_bytes() for path in folder.rglob("*")}


def test_a_second_run_in_the_folder_is_told_and_touches_nothing(make_transfer, tmp_path):
    """Also not what it would take for a killed run's remains."""
    folder = tmp_path / "kept"
    unfinished = folder / ("." + 32 * "a")
    first, second = make_transfer(), make_transfer()
    with checkpoint_lock.held(folder):
        unfinished.mkdir()
        before = contents(tmp_path)
        for resume in (False, True):
            with pytest.raises(RuntimeError, match=r"checkpoint_dir: '.*kept' is in use by another run") as caught:
                second.fit_style_transfer(1, 2, checkpoint_dir=folder, resume=resume, verbose=0)
        assert f"run (process {os.getpid()} on {socket.gethostname()}). Wait for it, or choose" in str(caught.value)
        assert contents(tmp_path) == before
        assert second.step == 0
    first.fit_style_transfer(1, 2, checkpoint_dir=folder, verbose=0)
    assert {path.name for path in folder.iterdir()} == {"frames", "step_00000002"}
    second.fit_style_transfer(1, 2, checkpoint_dir=folder, resume=True, verbose=0)
    assert second.completed


def test_another_process_holds_it_until_it_ends_however_it_ends(tmp_path):
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(RuntimeError, match=rf"process {process.pid} on "), checkpoint_lock.held(tmp_path):
            pass
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert (tmp_path / checkpoint_lock.NAME).exists()  # A killed process removes nothing, and holds nothing.
    with checkpoint_lock.held(tmp_path):
        assert f"process {os.getpid()} on" in (tmp_path / checkpoint_lock.NAME).read_text()
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_its_last_owner_has_just_removed_is_no_lock(tmp_path, monkeypatch):
    """Between its opening and its locking."""
    lock, path = checkpoint_lock._lock, tmp_path / checkpoint_lock.NAME
    locked = []

    def locked_late(file):
        lock(file)
        if not locked:
            path.unlink()
            path.touch()  # Another run's.
        locked.append(file)

    monkeypatch.setattr(checkpoint_lock, "_lock", locked_late)
    with checkpoint_lock.held(tmp_path):
        assert len(locked) == 2
        monkeypatch.undo()
        with pytest.raises(RuntimeError, match="in use"), checkpoint_lock.held(tmp_path):
            pass


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOTSUP, errno.EBADF])
def test_a_file_system_without_locks_is_used_without(tmp_path, monkeypatch, number):
    def refused(file):
        raise OSError(number, "no locks here")

    monkeypatch.setattr(checkpoint_lock, "_lock", refused)
    with checkpoint_lock.held(tmp_path), checkpoint_lock.held(tmp_path):
        pass


def test_a_link_in_the_place_of_the_lock_is_not_followed(tmp_path):
    (tmp_path / "mine").write_text("precious")
    (tmp_path / checkpoint_lock.NAME).symlink_to(tmp_path / "mine")
    with checkpoint_lock.held(tmp_path):
        pass
    assert (tmp_path / "mine").read_text() == "precious"


@pytest.mark.parametrize("text", ["", "process 1 on \x1b[2J", "process 1 on a\nb", "\xff"])
def test_a_strangers_words_are_not_repeated(tmp_path, text):
    with checkpoint_lock.held(tmp_path):
        (tmp_path / checkpoint_lock.NAME).write_text(text, encoding="latin-1")
        with pytest.raises(RuntimeError, match=r"in use by another run\. Wait"), checkpoint_lock.held(tmp_path):
            pass
