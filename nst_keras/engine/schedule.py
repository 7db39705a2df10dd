"""Coarse to fine: a run in stages of growing size, each from the picture of the one before.

Large forms are settled where the network sees much of the picture at once, and for little; the last stages add what is
fine (Gatys et al. 2017, "Controlling Perceptual Factors", section 5; https://github.com/crowsonkb/style-transfer-pytorch).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from nst_keras import checks

__all__ = ["GROWTH", "stage_ends", "stage_shares", "stage_sizes"]

GROWTH = math.sqrt(2.0)  # Of the sides from one stage to the next: twice the pixels.


def stage_sizes(pyramid: int | Sequence[int] | None, longest_side: int) -> tuple[int, ...]:
    """The longest side of the picture at each stage, growing; the last is the picture's own.

    Args:
        pyramid: How many stages, each `GROWTH` times as large as the one before; or the sizes of those before the
            picture's own, which may stand at the end; None for one stage.
        longest_side: Of the picture, in pixels.

    Raises:
        ValueError: No whole numbers, sizes that do not grow, or larger ones than the picture's own.

    Example:
    >>> stage_sizes(4, 512)
    (181, 256, 362, 512)
    >>> stage_sizes([128, 256], 512)
    (128, 256, 512)
    """
    if pyramid is None:
        return (longest_side,)
    if not hasattr(pyramid, "__len__"):
        count = checks.integer("pyramid", pyramid)
        sizes = [max(1, round(longest_side / GROWTH**below)) for below in reversed(range(count))]
        if len(set(sizes)) < count:
            raise ValueError(f"pyramid={count} is too many stages for a picture of {longest_side} px. Take fewer.")
        return tuple(sizes)
    sizes = [checks.integer("pyramid", size) for size in pyramid]
    if sorted(set(sizes)) != sizes or not sizes or sizes[-1] > longest_side:
        raise ValueError(
            f"pyramid={list(pyramid)} must be sizes in pixels that grow to the picture's longest side, {longest_side}."
        )
    return (*sizes, longest_side) if sizes[-1] < longest_side else tuple(sizes)


def stage_ends(stages: int, steps: int, shares: Sequence[float] | None = None) -> tuple[int, ...]:
    """The step after which each stage ends.

    Args:
        stages: How many.
        steps: Of the whole run.
        shares: How many of the steps each stage has, in proportion; each has one at least. If left out, half of them
            are the last one's, and the others' as many for each: the last is the only one that makes what is fine, at
            any size the most of the work; and with L-BFGS its first steps are poor ones, until it knows the curvature
            at its size.

    Raises:
        ValueError: More stages than steps.

    Example:
    >>> stage_ends(4, 100)
    (17, 34, 50, 100)
    >>> stage_ends(4, 60, shares=(8, 4, 2, 1))
    (32, 48, 56, 60)
    """
    if stages > steps:
        raise ValueError(f"pyramid has {stages} stages, but epochs and steps_per_epoch make {steps} steps. Make more.")
    if shares is not None:
        ends = [round(steps * part / sum(shares)) for part in itertools.accumulate(shares)]
        for stage in range(stages):  # A step at least for this one, and for each of those to come.
            least = ends[stage - 1] + 1 if stage else 1
            ends[stage] = min(max(ends[stage], least), steps - (stages - 1 - stage))
        return tuple(ends)
    before = max(stages - 1, steps // 2) if stages > 1 else 0
    each, left = divmod(before, max(1, stages - 1))
    return (*(each * stage + min(left, stage) for stage in range(1, stages)), steps)


def stage_shares(shares: Sequence[float] | None, stages: int) -> tuple[float, ...] | None:
    """The shares of the steps, found to be one a stage.

    Args:
        shares: As `stage_ends` takes them.
        stages: How many.

    Raises:
        ValueError: Another number of them, or one that is not above 0.
    """
    if shares is None:
        return None
    given = [shares] if not hasattr(shares, "__len__") else list(shares)
    if len(given) != stages or not all(checks.finite("pyramid_shares", share) > 0 for share in given):
        raise ValueError(
            f"pyramid_shares={given} must be numbers above 0, one for each of the {stages} stages of pyramid."
        )
    return tuple(map(float, given))
