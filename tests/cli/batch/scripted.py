"""Workers of a cluster that die, or wait, as a test has written it into their folder."""

import os
import pathlib
import signal
import time

import ray

from nst_keras.cli.batch import worker

LONGEST = 120.0  # Seconds that a pair waits for its test.


class Scripted(worker.Worker):
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
