import threading
import time

import pytest

from nst_keras.runtime import phases


class Listener:
    def __init__(self):
        self.said = []
        self.phases = phases.Phases(lambda name, seconds: self.said.append((name, seconds)))


@pytest.fixture
def listener(monkeypatch):
    monkeypatch.setattr(phases.Phases, "INTERVAL", 0.01)
    return Listener()


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "nst_keras phases"]


def test_phases_are_said_while_they_last(listener):
    with phases.told_to([object(), listener]):
        with phases.named("preparing"):
            assert listener.said == [("preparing", 0.0)]
            with phases.named("tracing"):
                time.sleep(0.1)
        count = len(listener.said)
        time.sleep(0.05)
    assert len(listener.said) == count
    names, seconds = zip(*listener.said, strict=True)
    assert "preparing: tracing" in names
    assert list(seconds) == sorted(seconds)
    assert 0.05 < seconds[-1] < 5
    assert not threads()


def test_an_error_ends_its_phase(listener):
    with phases.told_to([listener]):
        with pytest.raises(ZeroDivisionError), phases.named("failing"):
            raise ZeroDivisionError
        assert not threads()
        with phases.named("next"):
            assert listener.said[-1] == ("next", 0.0)


def test_the_end_of_the_block_ends_what_was_begun(listener):
    with phases.told_to([listener]):
        listener.phases.begin("preparing")
    assert not threads()
    listener.phases.end()  # And an end too many does nothing.


def test_nobody_is_told_outside_the_block_or_in_another_thread(listener):
    with phases.told_to([listener]):
        other = threading.Thread(target=lambda: phases.named("elsewhere").__enter__())
        other.start()
        other.join()
    with phases.named("later"):
        pass
    assert listener.said == []
