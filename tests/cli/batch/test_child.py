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
from nst_keras.cli import flags
from nst_keras.cli.batch import ordering, parent, planning
from nst_keras.cli.batch import pairs as pairs_lib
from tests.cli.batch.conftest import EVERY, NAMES, USUAL, folder
from tests.conftest import ROOT

__all__ = ["folder"]

ENOUGH = 120  # Seconds in which a process must end.
# A small picture and few layers, which are traced in a second; and a weight that is balanced for them.
QUICK = ("--image_size=32", "--style_layers=conv1_1,conv2_1", "--content_layers=conv3_1", "--content_weight=0.3")


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


def planned(**options):
    """The pairs of a batch, in the order in which they are made."""
    usual = {name: flags.form_of(name).parse(text) for name, text in (one[2:].split("=") for one in USUAL)}
    given = {"content_image": "photos", "style_image": "paintings", **usual, **options}
    return ordering.ordered(planning.planned(given, settings.BatchSettings()))


def rows():
    with open("made/report.json") as file:
        return json.load(file)["pairs"]


@pytest.mark.slow
def test_killed_at_five_moments_each_picture_is_made_once_and_the_report_is_whole(folder):
    moments, seen = random.Random(0), {}
    for kill in range(5):
        process = started(*EVERY, *QUICK)
        if kill < 4:  # While a picture is made: a moment after one more is there. The last kill comes anywhere.
            before = len(seen)
            until(lambda: len(made()) > min(before, 4) or process.poll() is not None)  # noqa: B023
        time.sleep(moments.uniform(0.0, 0.2 if kill < 4 else 4.0))
        process.kill()
        process.communicate()
        for name, written in made().items():
            assert seen.setdefault(name, written) == written  # None is made again.
    process = started(*EVERY, *QUICK)
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
    until(lambda: len(made()) >= 2)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=ENOUGH)
    assert process.returncode == 143
    assert "interrupted: " in errors
    assert "The same command goes on." in errors
    assert 2 <= len(made()) <= 6
    statuses = [row["status"] for row in rows()]
    assert statuses.count("made") == len(made())
    assert statuses.count("stopped") <= 1
    assert statuses.count("not begun") + statuses.count("stopped") == 6 - len(made())


@pytest.mark.slow
def test_a_process_that_dies_costs_its_own_pair(folder):
    workers, found, killed = parent.Workers("made", lambda: 0, xla_cache=None), [], None
    for news in workers.outcomes(planned(steps_per_epoch=60)):
        if isinstance(news, pairs_lib.Step) and len(found) >= 2 and killed is None:
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
def test_asked_twice_to_stop_the_present_step_is_not_waited_for(folder):
    stops, found = [], []
    workers = parent.Workers("made", lambda: len(stops), xla_cache=None)
    for news in workers.outcomes(planned(steps_per_epoch=5000)):
        if isinstance(news, pairs_lib.Step):
            stops += [1, 1]
        else:
            found.append(news.status)
    assert found == [pairs_lib.Status.STOPPED]
    assert workers._process is None
    assert made() == {}


def test_asked_to_stop_before_tensorflow_is_loaded_it_stops_at_once(folder):
    stops = iter([0, 0, *[1] * 9])
    workers = parent.Workers("made", lambda: next(stops), xla_cache=None)
    (outcome,) = workers.outcomes(planned())
    assert outcome.status is pairs_lib.Status.STOPPED


@pytest.mark.parametrize("program", ["import sys; sys.exit(3)", "import nowhere"])
def test_processes_that_cannot_be_started_are_not_started_for_each_pair(folder, monkeypatch, capfd, program):
    monkeypatch.setattr(parent, "_PROGRAM", program)
    workers, started = parent.Workers("made", lambda: 0, xla_cache=None), []
    start = workers._start
    monkeypatch.setattr(workers, "_start", lambda: started.append(1) or start())
    with pytest.raises(
        RuntimeError, match="The process that makes the pictures cannot be started: it ended with status"
    ):
        list(workers.outcomes(planned()))
    assert len(started) == 2
    monkeypatch.setattr(parent.sys, "executable", "/nowhere/python")
    with pytest.raises(FileNotFoundError):
        list(workers.outcomes(planned()))


def test_the_process_imports_nothing_from_the_current_folder(folder):
    (folder / "random.py").write_text("raise SystemExit('this is no module')")
    workers = parent.Workers("made", lambda: 0, xla_cache=None)
    (estimate,) = workers.estimates(planned()[:1])
    workers.close()
    assert estimate.problem == ""
    assert sorted(estimate.size) == [30, 40]
    assert estimate.seconds > 0
    assert estimate.memory > 2**28
