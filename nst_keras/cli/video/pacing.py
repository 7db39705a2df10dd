"""The constant rate at which the frames of a clip are read."""

from __future__ import annotations

import fractions
import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from nst_keras.cli.video import probing

__all__ = ["Pace", "paced"]

_NTSC = tuple(fractions.Fraction(1000 * rate, 1001) for rate in (24, 30, 48, 60, 120, 240))
_WHOLE = tuple(
    fractions.Fraction(rate) for rate in (5, 6, 8, 10, 12, 15, 20, 24, 25, 30, 48, 50, 60, 90, 100, 120, 240)
)
_RATES = _NTSC + _WHOLE
_UNKNOWN = fractions.Fraction(25)  # Of a single frame that announces no rate.
_PRINTED = 0.006  # Rates are announced with two decimals.
_NEAR = 0.005  # A clip of variable rate takes a usual rate that is as near as this to its average.
_MOST = 1001  # Largest denominator of another rate.
_HOLES = 0.1  # Share of frames that a clip of constant rate may lack, as cameras drop some.


class Pace(NamedTuple):
    """A constant rate for a clip.

    Attributes:
        rate: Frames a second.
        frames: Number of frames at this rate.
        gap: Longest time in seconds between two frames of the file.
    """

    rate: fractions.Fraction
    frames: int
    gap: float


def paced(source: probing.Source) -> Pace:
    """Returns the rate of a clip's frames, or the average rate where it varies.

    Rates that are printed as 23.98 or 29.97 are the exact 24000/1001 and 30000/1001.

    Args:
        source: A file with one frame or more.
    """
    times = [time - source.times[0] for time in source.times]
    gap = max((float(after - before) for before, after in itertools.pairwise(times)), default=0.0)
    rate = next((rate for rate in _candidates(source, times) if _is_constant(times, rate)), None)
    if rate is not None:
        return Pace(rate, round(times[-1] * rate) + max(1, round(source.last * rate)), gap)
    seconds = times[-1] + (source.last or times[-1] / max(1, len(times) - 1))
    rate = _usual(len(times) / seconds) if seconds else _UNKNOWN
    return Pace(rate, max(1, round(seconds * rate)), gap)


def _candidates(source: probing.Source, times: Sequence[fractions.Fraction]) -> Iterator[fractions.Fraction]:
    """Yields rates that a clip may have, the likeliest first."""
    assert source.pictures is not None
    announced = [fractions.Fraction(rate).limit_denominator(100) for rate in source.pictures.announced_rates]
    yield from (usual for rate in announced for usual in _RATES if abs(usual - rate) < _PRINTED)
    if times[-1]:
        average = (len(times) - 1) / times[-1]
        yield from sorted({_usual(average), average.limit_denominator(_MOST)}, key=lambda rate: rate not in _RATES)
    elif source.last:
        yield (1 / source.last).limit_denominator(_MOST)
    yield from announced


def _is_constant(times: Sequence[fractions.Fraction], rate: fractions.Fraction) -> bool:
    """Returns whether each frame is within a quarter of a frame of a place of its own, and few places are empty."""
    places = [round(time * rate) for time in times]
    are_near = all(abs(4 * (time * rate - place)) <= 1 for time, place in zip(times, places, strict=True))
    return are_near and len(set(places)) == len(places) and places[-1] < (1 + _HOLES) * len(times)


def _usual(rate: fractions.Fraction) -> fractions.Fraction:
    """Returns the usual rate next to another, or that one itself where none is near."""
    usual = min(_RATES, key=lambda one: abs(one - rate))
    return usual if abs(usual / rate - 1) <= _NEAR else rate.limit_denominator(_MOST)
