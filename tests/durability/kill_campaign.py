"""Kills runs at random moments, and continues them: `python -m tests.durability.kill_campaign --kills=20 --seed=0`.

A run of each kind in `VARIANTS` is killed by SIGKILL or SIGTERM, resumed and killed again, and then left to end. Its
picture, frames and losses must be those of a run that nothing has stopped. Most kills come when steps are made and
checkpoints written, the others while the process starts. Exit status: 1 if anything differs.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

# Before TensorFlow is imported.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from nst_keras import run
from nst_keras.images import loading
from tests.conftest import ROOT

__all__ = ["VARIANTS", "Campaign", "main"]

VARIANTS = {
    "pyramid": ["--pyramid=2", "--optimizer=adam", "--checkpoint_interval=1"],
    "tiles": ["--tile_size=32", "--optimizer=lbfgs", "--checkpoint_interval=2"],
    "averaging": ["--averaging=0.9", "--optimizer=adam", "--checkpoint_interval=2"],
    "luminance": ["--preserve_color=luminance", "--optimizer=lbfgs", "--checkpoint_interval=1"],
    "adam": ["--init=noise", "--optimizer=adam", "--checkpoint_interval=1"],
    "lbfgs": ["--init=noise", "--optimizer=lbfgs", "--checkpoint_interval=1"],
}
_STEPS = 40
_USUAL = ["--content_image=sample:landscape", "--style_image=sample:swirls", "--extractor=compact", "--image_size=64"]
_USUAL += ["--seed=3", "--epochs=1", f"--steps_per_epoch={_STEPS}", "--jit_compile=false", "--precision=float32"]
_USUAL += ["--bit_depth=16"]
_USUAL += ["--frame_interval=5", "--overwrite", "--quiet"]
_ENOUGH = 120  # Seconds in which a process must end.


class Campaign:
    """Runs that are killed.

    Args:
        folder: An empty folder for their files.
        seed: Decides the moments and signals.

    Attributes:
        kills: Number of processes killed: {name of the signal: number}.
        missed: Number of processes that came to their end before they were killed.
        failures: What went wrong, a sentence each.
    """

    def __init__(self, folder: pathlib.Path, seed: int) -> None:
        self.kills = {"SIGKILL": 0, "SIGTERM": 0}
        self.missed = 0
        self.failures: list[str] = []
        self._folder = folder
        self._moments = random.Random(seed)

    def series(self, variant: str, kills: int) -> None:
        """Kills a run of a kind `kills` times, lets it end, and compares it with one that nothing stops."""
        unkilled, killed = (self._folder / f"{variant}_{name}" for name in ("unkilled", "killed"))
        for folder in (unkilled, killed):
            folder.mkdir()
        if run.main(self._line(variant, unkilled)) != 0:
            self.failures.append(f"{variant}: the run that nothing stops failed")
            return
        left = kills
        while left:
            left -= self._killed(variant, killed)
        status, errors = self._ended(self._started(variant, killed))
        if status or errors:
            self.failures.append(f"{variant}: the last process ended with {status}: {errors}")
        self.failures += [f"{variant}: other {what}" for what in _differing(unkilled, killed)]

    def _killed(self, variant: str, folder: pathlib.Path) -> bool:
        """Starts a process and kills it; returns whether it was still at work."""
        process = self._started(variant, folder)
        self._wait(process, folder)
        number = self._moments.choice([signal.SIGKILL, signal.SIGTERM])
        has_ended = process.poll() is not None
        process.send_signal(number)
        status, errors = self._ended(process)
        if has_ended and status == 0 and not errors:
            self.missed += 1
            shutil.rmtree(folder / "kept")  # There is nothing left to kill: the same run is made anew.
            return False
        self.kills[number.name] += 1
        if fault := _fault(number, status, errors, folder):
            self.failures.append(f"{variant}: {number.name}: {fault}")
        return True

    def _wait(self, process: subprocess.Popen[str], folder: pathlib.Path) -> None:
        """Waits for a moment while the process starts, or after its next checkpoint."""
        if self._moments.random() < 0.2:
            time.sleep(self._moments.uniform(0.0, 6.0))
            return
        before, end = _newest(folder), time.monotonic() + _ENOUGH
        while _newest(folder) == before and process.poll() is None and time.monotonic() < end:
            time.sleep(0.005)
        time.sleep(self._moments.uniform(0.0, 1.5))

    def _started(self, variant: str, folder: pathlib.Path) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "nst_keras.run", *self._line(variant, folder)]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        return subprocess.Popen(command, cwd=self._folder, env=environment, stderr=subprocess.PIPE, text=True)

    def _ended(self, process: subprocess.Popen[str]) -> tuple[int, str]:
        """Waits for the end of a process, and returns its exit status and what it has said."""
        try:
            _, errors = process.communicate(timeout=_ENOUGH)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return -1, f"no end within {_ENOUGH} s"
        return process.returncode, errors

    @staticmethod
    def _line(variant: str, folder: pathlib.Path) -> list[str]:
        """Returns the arguments of a run, which resumes if it can."""
        files = [f"--output={folder / 'made.png'}", f"--checkpoint_dir={folder / 'kept'}"]
        return [*_USUAL, *VARIANTS[variant], *files, "--resume"]


def _newest(folder: pathlib.Path) -> str:
    """Returns the name of the newest checkpoint; "" for none."""
    return max((path.name for path in (folder / "kept").glob("step_*")), default="")


def _fault(number: signal.Signals, status: int, errors: str, folder: pathlib.Path) -> str | None:
    """Returns what is wrong with the end of a killed process; None if it ended as it should."""
    if "Traceback" in errors or "damaged" in errors:
        return errors
    if number is signal.SIGKILL or status == -number:  # SIGTERM before Python itself has begun.
        return None if status == -number else f"exit status {status}: {errors}"
    if status != 128 + number:
        return f"exit status {status}: {errors}"
    if "wrote" in errors and loading.load(folder / "made.png").shape[0] < 1:
        return "an empty picture"
    return None


def _differing(unkilled: pathlib.Path, killed: pathlib.Path) -> list[str]:
    """Returns what differs between two finished runs: picture, losses, frames."""
    found = []
    pictures = [loading.load(folder / "made.png") for folder in (unkilled, killed)]
    if not np.array_equal(*pictures):
        found.append("pixels")
    losses = [json.loads((folder / "made.json").read_text())["history"] for folder in (unkilled, killed)]
    if losses[0] != losses[1]:
        found.append("losses")
    frames = [
        {path.name: path.read_bytes() for path in (folder / "kept" / "frames").glob("*")}
        for folder in (unkilled, killed)
    ]
    if frames[0] != frames[1] or not frames[0]:
        found.append("frames")
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Kills runs of each kind, prints the figures, and returns the exit status."""
    parser = argparse.ArgumentParser("python -m tests.durability.kill_campaign", description=__doc__)
    parser.add_argument("--kills", type=int, default=20, help="number of kills in all")
    parser.add_argument("--seed", type=int, default=0, help="decides the moments and signals")
    parser.add_argument("--only", choices=VARIANTS, nargs="*", default=list(VARIANTS), help="kinds of runs")
    asked = parser.parse_args(argv)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        campaign = Campaign(pathlib.Path(folder).resolve(), asked.seed)
        for place, variant in enumerate(asked.only):
            campaign.series(variant, len(range(place, asked.kills, len(asked.only))))
            print(f"{variant}: {campaign.kills}, failures {campaign.failures}", flush=True)
    print(
        f"{sum(campaign.kills.values())} kills {campaign.kills} in {len(asked.only)} series, {campaign.missed} missed, "
        f"{len(campaign.failures)} failures, {time.monotonic() - began:.0f} s"
    )
    return int(bool(campaign.failures))


if __name__ == "__main__":
    sys.exit(main())
