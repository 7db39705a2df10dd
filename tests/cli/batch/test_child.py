"""Batches by processes of their own, which are killed and interrupted."""

import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from nst_keras import settings
from nst_keras.cli.batch import ordering, parent, planning
from nst_keras.cli.batch import pairs as pairs_lib
from nst_keras.cli.batch import rows as rows_lib
from nst_keras.settings import texts
from tests.cli.batch.conftest import EVERY, NAMES, USUAL, folder
from tests.conftest import ROOT

__all__ = ["folder"]

ENOUGH = 120  # Seconds in which a process must end.


def started(*arguments, steps=40):
    """Starts a batch."""
    command = [sys.executable, "-m", "nst_keras.batch", *USUAL[:-2], f"--steps_per_epoch={steps}", *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def until(condition):
    end = time.monotonic() + ENOUGH
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def made():
    """{name: when it was written} of the pictures so far."""
    found = [name for name in os.listdir("made") if name in NAMES] if os.path.isdir("made") else []
    return {name: os.stat(f"made/{name}").st_mtime_ns for name in found}


def rows():
    with open("made/report.json") as file:
        return json.load(file)["pairs"]


@pytest.mark.slow
def test_killed_at_five_moments_each_picture_is_made_once_and_the_report_is_whole(folder):
    moments, seen = random.Random(0), {}
    for kill in range(5):
        process = started(*EVERY)
        if kill < 4:  # While a picture is made: a moment after one more is there. The last kill comes anywhere.
            before = len(seen)
            until(lambda: len(made()) > min(before, 4) or process.poll() is not None)  # noqa: B023
        time.sleep(moments.uniform(0.0, 0.3 if kill < 4 else 4.0))
        process.kill()
        process.communicate()
        for name, written in made().items():
            assert seen.setdefault(name, written) == written  # None is made again.
    process = started(*EVERY)
    _, errors = process.communicate(timeout=ENOUGH)
    assert (process.returncode, errors) == (0, "")
    last = made()
    assert sorted(last) == sorted(NAMES)
    assert all(last[name] == written for name, written in seen.items())
    assert {row["status"] for row in rows()} <= {"made", "made before"}
    assert all(row["losses"]["loss"] > 0 and row["steps"] == 40 and row["seconds"] > 0 for row in rows())
    assert not [name for name in os.listdir("made") if "tmp" in name]


@pytest.mark.slow
def test_a_signal_ends_a_batch_after_the_present_step_and_keeps_what_is_finished(folder):
    process = started(*EVERY, steps=60)
    until(lambda: len(made()) == 2)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=ENOUGH)
    assert process.returncode == 143
    assert "interrupted: " in errors
    assert "The same command goes on." in errors
    assert 2 <= len(made()) < 6
    statuses = [row["status"] for row in rows()]
    assert statuses.count("made") == len(made())
    assert statuses.count("not begun") == 6 - len(made())


@pytest.mark.slow
def test_a_process_that_dies_costs_its_own_pair(folder):
    pictures = {"content_image": "photos", "style_image": "paintings"}
    given = {
        name: texts.form(rows_lib.OPTIONS[name]).parse(text) for name, text in (one[2:].split("=") for one in USUAL)
    }
    pairs = planning.planned({**pictures, **given, "steps_per_epoch": 60}, settings.BatchSettings())
    workers, found, killed = parent.Workers("made", lambda: 0, xla_cache=None), [], None
    for news in workers.outcomes(ordering.ordered(pairs)):
        if isinstance(news, pairs_lib.Step) and len(found) == 2 and killed is None:
            killed = news.number
            os.kill(workers._process.pid, signal.SIGKILL)
        if isinstance(news, pairs_lib.Outcome):
            found.append(news)
    workers.close()
    assert sorted(outcome.number for outcome in found) == [1, 2, 3, 4, 5, 6]
    (failed,) = [outcome for outcome in found if outcome.status is pairs_lib.Status.FAILED]
    assert failed.number == killed
    assert failed.sentence.startswith("The process that made it was ended by SIGKILL. Perhaps memory has run out")
    assert len(made()) == 5


@pytest.mark.slow
def test_a_second_ctrl_c_does_not_wait_for_the_present_step(folder, monkeypatch):
    workers = parent.Workers("made", lambda: 0, xla_cache=None)
    pairs = planning.planned(
        {"content_image": "photos/cat.png", "style_image": "paintings/wave.png", "extractor": "compact"},
        settings.BatchSettings(),
    )
    asked = []

    class Pressed:
        """A queue on which Ctrl-C is pressed twice."""

        def get(self):
            asked.append(1)
            raise KeyboardInterrupt

    start = workers._start

    def begin():
        start()
        workers._answers = Pressed()

    monkeypatch.setattr(workers, "_start", begin)
    (outcome,) = workers.outcomes(pairs)
    assert outcome.status is pairs_lib.Status.STOPPED
    assert len(asked) == 2
    assert workers._process is None
