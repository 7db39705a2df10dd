"""Workers of a cluster that die, or wait, as a test has written it into their folder."""

import os
import pathlib
import signal
import threading
import time

import PIL.Image
import ray

from nst_keras.cli.batch import pairs as pairs_lib
from nst_keras.cli.batch import worker

LONGEST = 120.0  # Seconds that a pair waits for its test.


class Feigned:
    """Stands in for `worker.Worker`, without TensorFlow, which takes seconds to load: each picture is grey."""

    def __init__(self, output_dir, xla_cache):
        self._stopped = threading.Event()
        self._step = None
        self._number = 0

    def ready(self):
        """Returns at once."""

    def make(self, pair):
        self._number, self._step = pair.number, None
        for step in (1, 2):
            if self._stopped.is_set():
                return pairs_lib.Outcome(pair.number, pairs_lib.Status.STOPPED)
            self._tell(step, 2)
        PIL.Image.new("L", (4, 3), 128).save(self._folder / pair.output)
        return pairs_lib.Outcome(pair.number, pairs_lib.Status.MADE)

    def standing(self):
        return self._step

    def stop(self):
        self._stopped.set()

    def close(self):
        """Has nothing to remove."""

    def _tell(self, step, total):
        self._step = pairs_lib.Step(self._number, step, total)


class Script:
    """Notes each pair that is begun, in the file `begun`: its name, its process and its machine.

    In its folder: each name in `deadly` kills its worker each time, and each in `deadly_once` the first time, after its
    first step. Each name that is not in `free` waits after its first step for the file `go`, or to be stopped.
    """

    def __init__(self, output_dir, xla_cache):
        super().__init__(output_dir, xla_cache)
        self._folder = pathlib.Path(output_dir)
        self._name = ""

    def make(self, pair):
        self._name = pair.output
        with open(self._folder / "begun", "a") as file:
            file.write(f"{pair.output} {os.getpid()} {ray.get_runtime_context().get_node_id()}\n")
        return super().make(pair)

    def _tell(self, step, total):
        super()._tell(step, total)
        first = self._folder / f"{self._name}.died"
        if self._name in self._names("deadly_once") and not first.exists():
            first.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if self._name in self._names("deadly"):
            os.kill(os.getpid(), signal.SIGKILL)
        ends = time.monotonic() + LONGEST
        while not (self._name in self._names("free") or (self._folder / "go").exists() or self._stopped.is_set()):
            assert time.monotonic() < ends
            time.sleep(0.02)

    def _names(self, what):
        path = self._folder / what
        return path.read_text().split() if path.exists() else []


class Scripted(Script, worker.Worker):
    """Makes pictures."""


class Swift(Script, Feigned):
    """Makes grey ones."""
