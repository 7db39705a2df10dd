"""What the callbacks add to a step, each as a share of a VGG19 step of the same run; 3% in all is the bar.

    NST_KERAS_WEIGHTS_DIR=... python benchmarks/overhead.py [--image_size=256] [--steps=60]

All callbacks are called in every step of one run, each timed alone, so that the machine's moods fall on all alike. The
share is of the mean, since some act only now and then. Weights are random where there are no real ones: they do not
change the time.
"""

from __future__ import annotations

import contextlib
import io
import os
import pathlib
import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["MPLBACKEND"] = "agg"  # The preview alone: a window's time is the window manager's.

import keras
from absl import app, flags

from nst_keras import callbacks, transfer
from nst_keras.networks import architectures

SIZE = flags.DEFINE_integer("image_size", 256, "Longest side, in pixels.")
STEPS = flags.DEFINE_integer("steps", 60, "Steps of the run.")
JIT = flags.DEFINE_string("jit_compile", "auto", "XLA: auto, true or false.")
INTERVAL = flags.DEFINE_integer("interval", 30, "Steps between two pictures; a run has 90 unless asked otherwise.")

CALLBACKS: dict[str, Callable[[pathlib.Path], keras.callbacks.Callback]] = {
    "StepHistory": lambda folder: callbacks.StepHistory(),
    "Progress, in a terminal": lambda folder: callbacks.Progress("terminal"),
    "FrameRecorder, each step": lambda folder: callbacks.FrameRecorder(1),
    "FrameRecorder, in files": lambda folder: callbacks.FrameRecorder(1, folder / "frames"),
    "ImageDisplay, a preview": lambda folder: callbacks.ImageDisplay(INTERVAL.value, folder / "preview.png"),
    "TensorBoard": lambda folder: callbacks.TensorBoard(folder, image_interval=INTERVAL.value),
}
# The callbacks of a run by default, and the most that it has.
TOTALS = {
    "a usual run": ("StepHistory", "Progress, in a terminal", "FrameRecorder, each step"),
    "a run that is watched": [name for name in CALLBACKS if name != "FrameRecorder, each step"],
}


class Timed(keras.callbacks.Callback):
    """Another callback, with the seconds that it takes at the end of each step."""

    def __init__(self, callback: keras.callbacks.Callback) -> None:
        super().__init__()
        self._callback = callback
        self.seconds: list[float] = []

    def set_model(self, model: Any) -> None:
        """Hands on the run."""
        self._callback.set_model(model)

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Hands on."""
        self._callback.on_train_begin(logs)

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Hands on, and keeps the seconds."""
        begun = time.perf_counter()
        self._callback.on_train_batch_end(batch, logs)
        self.seconds.append(time.perf_counter() - begun)

    def on_train_end(self, logs: dict | None = None) -> None:
        """Hands on."""
        self._callback.on_train_end(logs)


class StepTimer(keras.callbacks.Callback):
    """The seconds of the steps alone: it stands before all other callbacks."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Begins to count."""
        self._begun = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Keeps the seconds."""
        self.seconds.append(time.perf_counter() - self._begun)


def measured(folder: pathlib.Path) -> tuple[list[float], dict[str, list[float]]]:
    """Seconds of each step, and of each callback in it, without the first step's."""
    weights = "imagenet" if architectures.weights_file("vgg19") else "random"
    style_transfer = transfer.NeuralStyleTransfer(
        "sample:swirls",
        "sample:grace_hopper",
        weights=weights,
        image_size=SIZE.value,
        normalization="relative",
        frame_interval=10**9,
        seed=0,
        jit_compile=JIT.value,
    )
    timer, timed = StepTimer(), {name: Timed(make(folder)) for name, make in CALLBACKS.items()}
    with contextlib.redirect_stdout(io.StringIO()):
        style_transfer.fit_style_transfer(1, STEPS.value, verbose=0, callbacks=[timer, *timed.values()])
    return timer.seconds[1:], {name: callback.seconds[1:] for name, callback in timed.items()}


def main(_: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        steps, timed = measured(pathlib.Path(folder))
    step = statistics.median(steps)
    print(f"a step of {SIZE.value} px alone: {1000 * step:.1f} ms, the median of {len(steps)}")
    print(f"{'callback':<26} {'median ms':>10} {'mean ms':>10} {'share':>8}")
    for name, seconds in timed.items():
        median, mean = statistics.median(seconds), statistics.mean(seconds)
        print(f"{name:<26} {1000 * median:>10.3f} {1000 * mean:>10.3f} {mean / step:>8.2%}")
    for name, names in TOTALS.items():
        mean = sum(statistics.mean(timed[one]) for one in names)
        print(f"{name:<26} {'':>10} {1000 * mean:>10.3f} {mean / step:>8.2%}")


if __name__ == "__main__":
    app.run(main)
