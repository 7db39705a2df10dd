import os
import signal

import pytest

from nst_keras.cli import signals

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows has other signals")


@pytest.mark.parametrize(("name", "status"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_each_signal_interrupts_and_has_its_status(name, status):
    number = getattr(signal, name)
    before = signal.getsignal(number)
    with signals.StopSignals() as ending:
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)  # At once again: one of a burst.
    assert ending.status == status
    assert signal.getsignal(number) == before


def test_signals_wait_while_the_picture_is_kept_and_the_third_aborts(monkeypatch):
    now = iter([0.0, 0.02, 10.0, 20.0])
    monkeypatch.setattr(signals.time, "monotonic", lambda: next(now))
    with signals.StopSignals() as ending:
        ending.keeping = lambda: True
        for _ in range(3):
            os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
    assert ending.status == 130


def test_handlers_of_others_and_ignored_signals_stay():
    def own(*_):
        heard.append(1)

    heard = []
    before = signal.signal(signal.SIGTERM, own), signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with signals.StopSignals() as ending:
            os.kill(os.getpid(), signal.SIGTERM)
            os.kill(os.getpid(), signal.SIGHUP)
        assert heard == [1]
        assert ending.received is None
    finally:
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGHUP, before[1])
