"""Whole processes against the clock, and how many steps one needs."""

from __future__ import annotations

import resource
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

__all__ = ["Spent", "fewest", "spent"]


class Spent(NamedTuple):
    """What a process took.

    Attributes:
        wall: Seconds from its start to its end.
        processor: Seconds of all its threads together.
    """

    wall: float
    processor: float


def spent(command: Sequence[str], *, folder: str, environment: Mapping[str, str]) -> Spent:
    """Runs a command in a folder to its end; exits with what it printed where it fails."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return Spent(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def fewest(reaches: Callable[[int], bool], *, guess: int, most: int) -> int:
    """The fewest steps that reach a level, looked for from a guess outwards, with strides that double.

    Args:
        reaches: Whether a number of steps reaches it: false up to some number, then true.
        guess: Where to begin, 1..most.
        most: A number that reaches it.
    """
    low, high, stride, guess = 0, most, 1, min(guess, most - 1)
    while high - low > 1:
        guess = guess if low < guess < high else (low + high) // 2
        if reaches(guess):
            high, guess = guess, guess - stride
        else:
            low, guess = guess, guess + stride
        stride *= 2
    return high
