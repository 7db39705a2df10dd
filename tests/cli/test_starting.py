import sys
import time

import pytest

from nst_keras.cli import starting
from nst_keras.runtime import phases


@pytest.fixture
def start(monkeypatch, capsys):
    """Shows a phase of some moments; gives what was printed."""
    monkeypatch.setattr(phases.Phases, "INTERVAL", 0.01)

    def show(*, quiet=False, is_terminal=True, speed=1.0):
        monkeypatch.delenv("TERM", raising=False)
        monkeypatch.setattr(type(sys.stdout), "isatty", lambda self: is_terminal)
        monotonic = time.monotonic
        monkeypatch.setattr(phases.time, "monotonic", lambda: speed * monotonic())
        with starting.shown(quiet=quiet), phases.named("loading a network"):
            time.sleep(0.3)
        return capsys.readouterr().out

    return show


def test_a_terminal_shows_a_line_and_blanks_it(start):
    *_, shown, blank, end = start(speed=10).split("\r")
    assert shown == "" or shown.startswith("nst_keras: loading a network, ")
    assert (blank.strip(), end) == ("", "")


def test_elsewhere_a_line_says_what_lasts(start):
    assert start(is_terminal=False) == ""
    lines = start(is_terminal=False, speed=20).splitlines()
    assert lines == ["nst_keras: loading a network, 2 s"]


def test_quiet_says_nothing(start):
    assert start(quiet=True, speed=20) == ""


def test_a_closed_output_stops_nothing(start, monkeypatch):
    def closed(*_, **__):
        raise BrokenPipeError

    monkeypatch.setattr("builtins.print", closed)
    assert start(is_terminal=False, speed=20) == ""
