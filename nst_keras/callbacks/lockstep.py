"""Hosts that end together."""

from __future__ import annotations

import signal
import threading
from typing import Any

import keras

from nst_keras.runtime import devices, hosts

__all__ = ["Lockstep"]

Logs = dict[str, float] | None


class Lockstep(keras.callbacks.Callback):
    """Ends a run over several hosts on all of them after the same step, where one of them is to stop.

    One that went alone would leave the others waiting for its share of the next step. So Ctrl-C on any host ends the
    run on all, after the present step; a second Ctrl-C does not wait for that. It must be the last of a run's
    callbacks.

    Args:
        replicas: Of all hosts.
    """

    keeps = True  # Its end is told also where another callback fails.

    def __init__(self, replicas: devices.Replicas) -> None:
        super().__init__()
        self._replicas = replicas

    def on_train_begin(self, logs: Logs = None) -> None:
        """Takes Ctrl-C upon itself."""
        self._interrupted = self._ended = False
        self._agreed_step = self.model.step
        self._handler = signal.getsignal(signal.SIGINT)
        self._handles = threading.current_thread() is threading.main_thread() and self._handler is not None
        if self._handles:
            signal.signal(signal.SIGINT, self._interrupt)

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Notes the step before."""
        self._agreed_step = self.model.step

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Asks the other hosts; raises `KeyboardInterrupt` where one of them was interrupted."""
        self._agree()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Asks again, since callbacks may stop a run here too."""
        self._agree()

    def on_train_end(self, logs: Logs = None) -> None:
        """Stops the other hosts, where another callback has failed after a step; gives Ctrl-C back."""
        if self._handles:
            signal.signal(signal.SIGINT, self._handler)
        if self.model.step != self._agreed_step:
            self.model.stop_training = True
            self._agree()

    def _agree(self) -> None:
        if self._ended:
            return
        self._ended, self._agreed_step = True, self.model.step  # Also where the others cannot be asked.
        told = hosts.gathered(self._replicas, [self.model.stop_training, self._interrupted])
        stopped, interrupted = (bool(column.any()) for column in told.T)
        self.model.stop_training = stopped
        self._ended = stopped or interrupted
        if interrupted:
            raise KeyboardInterrupt

    def _interrupt(self, *_: Any) -> None:
        if self._interrupted:
            raise KeyboardInterrupt
        self._interrupted = True
