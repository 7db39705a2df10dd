"""Coarse to fine: a run in stages of growing size. Each stage starts from the picture of the stage before.

At a small size the network sees much of the picture at once, and a step costs little: there, large forms settle. The
last stages add fine detail. See Gatys et al. 2017, "Controlling Perceptual Factors in Neural Style Transfer" (arXiv
1611.07865), section 5, and https://github.com/crowsonkb/style-transfer-pytorch.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence

from nst_keras import checks

__all__ = ["GROWTH", "stage_ends", "stage_shares", "stage_sizes"]

GROWTH = math.sqrt(2.0)  # Factor of the sides from one stage to the next: each stage has twice the pixels.


def stage_sizes(pyramid: int | Sequence[int] | None, longest_side: int) -> tuple[int, ...]:
    """Returns the longest side of the picture at each stage in pixels, growing to `longest_side`.

    Args:
        pyramid: The number of stages, each with sides `GROWTH` times those of the one before; or the longest sides of
            the stages, to which `longest_side` is added if it is not the last. None: one stage.
        longest_side: Longest side of the finished picture in pixels, 1 or more.

    Raises:
        ValueError: `pyramid` is not made of whole numbers, its sizes do not grow or exceed `longest_side`, or it gives
            more stages than there are sizes.

    Example:
    >>> stage_sizes(4, 512)
    (181, 256, 362, 512)
    >>> stage_sizes([128, 256], 512)
    (128, 256, 512)
    """
    if pyramid is None:
        return (longest_side,)
    if not isinstance(pyramid, Iterable):
        count = checks.integer("pyramid", pyramid)
        stages = range(min(count, longest_side + 1))  # More cannot differ in size.
        sizes = [max(1, round(longest_side / GROWTH**below)) for below in reversed(stages)]
        if len(set(sizes)) < count:
            raise ValueError(f"pyramid={count} is too many stages for a picture of {longest_side} px. Take fewer.")
        return tuple(sizes)
    sizes = [checks.integer("pyramid", size) for size in pyramid]
    if sorted(set(sizes)) != sizes or not sizes or sizes[-1] > longest_side:
        raise ValueError(
            f"pyramid={sizes} must be sizes in pixels that grow to the picture's longest side, {longest_side}."
        )
    return (*sizes, longest_side) if sizes[-1] < longest_side else tuple(sizes)


def stage_ends(stages: int, steps: int, shares: Sequence[float] | None = None) -> tuple[int, ...]:
    """Returns the step after which each stage ends.

    The last stage has half of the steps by default. It alone makes the finest detail, and L-BFGS's first steps in it
    are poor until it knows the curvature at this size.

    Args:
        stages: Number of stages, 1 or more.
        steps: Number of steps of the whole run.
        shares: Steps of each stage, in proportion; each stage has at least one step. Default: half of the steps for
            the last stage, and equal shares of the other half for the others.

    Raises:
        ValueError: More stages than steps.

    Example:
    >>> stage_ends(4, 100)
    (17, 34, 50, 100)
    >>> stage_ends(4, 60, shares=(8, 4, 2, 1))
    (32, 48, 56, 60)
    """
    if stages > steps:
        raise ValueError(f"pyramid has {stages} stages, but epochs and steps_per_epoch make {steps} steps. Give more.")
    if shares is not None:
        ends = [round(steps * part / sum(shares)) for part in itertools.accumulate(shares)]
        for stage in range(stages):  # At least one step for this stage, and for each later one.
            least = ends[stage - 1] + 1 if stage else 1
            ends[stage] = min(max(ends[stage], least), steps - (stages - 1 - stage))
        return tuple(ends)
    before = max(stages - 1, steps // 2) if stages > 1 else 0
    each, left = divmod(before, max(1, stages - 1))
    return (*(each * stage + min(left, stage) for stage in range(1, stages)), steps)


def stage_shares(shares: Sequence[float] | None, stages: int) -> tuple[float, ...] | None:
    """Returns the shares of the steps as floats, after checking that there is one for each stage.

    Args:
        shares: Steps of each stage, in proportion, each above 0; None for `stage_ends`'s default.
        stages: Number of stages, 1 or more.

    Raises:
        ValueError: Another number of shares than of stages, or a share that is not above 0.
    """
    if shares is None:
        return None
    given = list(shares) if isinstance(shares, Iterable) else [shares]
    are_shares = all(checks.finite("pyramid_shares", share) > 0 for share in given) and sum(given) < 1e30
    if len(given) != stages or not are_shares:
        raise ValueError(
            f"pyramid_shares={given} must be numbers above 0, one for each of the {stages} stages of pyramid."
        )
    return tuple(map(float, given))
