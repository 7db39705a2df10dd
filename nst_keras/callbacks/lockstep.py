"""Hosts that end a run together."""

from __future__ import annotations

import signal
import threading

from nst_keras.callbacks import run_view
from nst_keras.runtime import devices, hosts

__all__ = ["Lockstep"]


class Lockstep(run_view.RunCallback):
    """Ends a run over several hosts on all of them after the same step, as soon as one of them is to stop.

    A host that stopped alone would leave the others waiting for its share of the next step. Ctrl-C on any host ends the
    run on all of them after the present step. A second Ctrl-C ends it at once. This must be the last of a run's
    callbacks.

    Args:
        replicas: The replicas on all hosts.
    """

    keeps = True

    def __init__(self, replicas: devices.Replicas) -> None:
        super().__init__()
        self._replicas = replicas

    def on_train_begin(self, logs: run_view.Logs = None) -> None:
        """Handles Ctrl-C from here on."""
        self._interrupted = self._ended = False
        self._agreed_step = self.run.step
        self._handler = signal.getsignal(signal.SIGINT)
        self._handles = threading.current_thread() is threading.main_thread() and self._handler is not None
        if self._handles:
            signal.signal(signal.SIGINT, self._interrupt)

    def on_train_batch_begin(self, batch: int, logs: run_view.Logs = None) -> None:
        """Notes the step before."""
        self._agreed_step = self.run.step

    def on_train_batch_end(self, batch: int, logs: run_view.Logs = None) -> None:
        """Asks the other hosts whether to stop; raises `KeyboardInterrupt` if one of them was interrupted."""
        self._agree()

    def on_epoch_end(self, epoch: int, logs: run_view.Logs = None) -> None:
        """Asks the other hosts again, since callbacks may also stop a run at the end of an epoch."""
        self._agree()

    def on_train_end(self, logs: run_view.Logs = None) -> None:
        """Gives Ctrl-C back. If another callback failed after a step, stops the other hosts."""
        if self._handles:
            signal.signal(signal.SIGINT, self._handler)
        if self.run.step != self._agreed_step:
            self.run.stop_training = True
            self._agree()

    def _agree(self) -> None:
        if self._ended:
            return
        self._ended, self._agreed_step = True, self.run.step  # Stays so if the others cannot be asked.
        answers = hosts.gathered(self._replicas, [self.run.stop_training, self._interrupted])
        stopped, interrupted = (bool(column.any()) for column in answers.T)
        self.run.stop_training = stopped
        self._ended = stopped or interrupted
        if interrupted:
            raise KeyboardInterrupt

    def _interrupt(self, *_: object) -> None:
        if self._interrupted:
            raise KeyboardInterrupt
        self._interrupted = True
