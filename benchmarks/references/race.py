"""Recipes side by side: evaluations in turn, the clock running for one at a time."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping

import numpy as np

from references import recipe

__all__ = ["Runner", "high_frequencies", "race"]

# Evaluations at whose beginning frameworks compile, trace or load.
_WARM_UP = 3


class Runner:
    """One recipe on one task, with the loss and the seconds of each evaluation.

    Attributes:
        losses: Of each evaluation so far.
    """

    def __init__(self, iterates: recipe.Recipe, task: recipe.Task) -> None:
        self._iterates = iterates(task)
        self._seconds: list[float] = []
        self._last: recipe.Iterate | None = None
        self.losses: list[float] = []

    def advance(self) -> bool:
        """Makes one evaluation more; False where the recipe has ended."""
        begun = time.perf_counter()
        iterate = next(self._iterates, None)
        if iterate is None:
            return False
        self._seconds.append(time.perf_counter() - begun)
        self.losses.append(iterate.exact() if iterate.exact else iterate.loss)
        self._last = iterate
        return True

    def picture(self) -> np.ndarray:
        """Where it has come to, float32 [1, height, width, 3]."""
        return self._last.picture()

    @property
    def step(self) -> float:
        """Median seconds of an evaluation, with all that follows from it."""
        return statistics.median(self._seconds[_WARM_UP:] or self._seconds)

    @property
    def start_up(self) -> float:
        """Seconds that the first evaluations take beyond that: building, targets, compiling."""
        return sum(max(0.0, seconds - self.step) for seconds in self._seconds[:_WARM_UP])

    def reached(self, level: float) -> int | None:
        """The first evaluation with this loss or less."""
        return next((place for place, loss in enumerate(self.losses, 1) if loss <= level), None)

    def elapsed(self, evaluations: int, *, start_up: bool = False) -> float:
        """Seconds of a number of evaluations. What the first few take beyond the median counts only with start-up."""
        warm_up = sum(min(self.step, seconds) for seconds in self._seconds[: min(evaluations, _WARM_UP)])
        return warm_up + sum(self._seconds[_WARM_UP:evaluations]) + (self.start_up if start_up else 0.0)


def race(runners: Mapping[str, Runner], *, judge: str, evaluations: int, most: int) -> float:
    """Advances all in turn until each has the loss that one of them, the judge, has after a number of evaluations.

    In turn, so that the machine's moods fall on all alike.

    Args:
        runners: By name.
        judge: The name of one of them.
        evaluations: Of the judge's.
        most: Evaluations after which another is given up.

    Returns:
        That loss.
    """
    level, running = -np.inf, dict(runners)
    while running:
        for name, runner in list(running.items()):
            if name == judge and len(runner.losses) == evaluations:
                level = runner.losses[-1]
            may_go_on = runner.losses == [] or runner.losses[-1] > level
            within = len(runner.losses) < (evaluations if name == judge else most)
            if not (may_go_on and within and runner.advance()):
                del running[name]
    return level


def high_frequencies(picture: np.ndarray) -> float:
    """Energy of a picture's luminance above 0.35 cycles a pixel, where there is speckle and hardly any form.

    Args:
        picture: [1, height, width, 3], 0..255.

    Returns:
        Squared levels a pixel.
    """
    luminance = np.asarray(picture, np.float64)[0].mean(-1)
    height, width = luminance.shape
    window = np.outer(np.hanning(height), np.hanning(width))  # Against the jump from one edge to the other.
    spectrum = np.abs(np.fft.fft2((luminance - luminance.mean()) * window)) ** 2
    frequencies = np.hypot(np.fft.fftfreq(height)[:, np.newaxis], np.fft.fftfreq(width))
    return float(spectrum[frequencies > 0.35].sum() / (height * width) / (window**2).sum())
