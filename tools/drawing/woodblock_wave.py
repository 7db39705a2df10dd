"""The woodblock print's waves: bodies with bands that follow the water, foam whose fingers end in claws, and spray.

Paths run from a wave's foot to its tip; lengths are shares of the print's height and y points down.
"""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np

from tools.drawing import canvas, curves
from tools.drawing import woodblock_press as press

__all__ = ["great_wave", "spray", "swell"]

# The great wave's hollow face, the line that its face folds along, and its back.
_FACE = (
    (-0.12, 0.87), (0.18, 0.845), (0.46, 0.815), (0.70, 0.75), (0.86, 0.63), (0.93, 0.48), (0.89, 0.355), (0.79, 0.30),
    (0.67, 0.31), (0.60, 0.39),
)  # fmt: skip
_FOLD = (
    (0.30, 1.20), (0.55, 0.98), (0.74, 0.83), (0.89, 0.67), (0.955, 0.50), (0.915, 0.345), (0.80, 0.285), (0.67, 0.295),
    (0.60, 0.39),
)  # fmt: skip
_BACK = (
    (1.80, 1.20), (1.64, 0.72), (1.47, 0.42), (1.28, 0.225), (1.09, 0.115), (0.91, 0.085), (0.75, 0.12), (0.64, 0.20),
    (0.585, 0.30), (0.60, 0.39),
)  # fmt: skip
# The swell in front, and what its bands run out into.
_CREST = (
    (-0.15, 0.99), (0.00, 0.90), (0.11, 0.775), (0.20, 0.70), (0.29, 0.715), (0.325, 0.775), (0.40, 0.85), (0.56, 0.92),
    (0.85, 0.955), (1.20, 0.93), (1.65, 0.86),
)  # fmt: skip
_BOTTOM = ((-0.15, 1.25), (0.25, 1.12), (0.70, 1.12), (1.65, 1.20))
_COUNT = 240  # Points of each path.
_T = np.linspace(0, 1, _COUNT)
_BANDS = ("mid", "foam", "mid", "pale", "mid", "foam", "pale")


@dataclasses.dataclass
class _Foam:
    """Parts of one mass of foam: ribbons (path, widths) and discs (x, y, radius)."""

    ribbons: list[tuple[np.ndarray, np.ndarray]] = dataclasses.field(default_factory=list)
    discs: list[tuple[float, float, float]] = dataclasses.field(default_factory=list)


def great_wave(blocks: press.Blocks, random: np.random.Generator) -> np.ndarray:
    """Cuts the great wave; returns the path of its back, from foot to tip."""
    bend = random.normal(0, 0.010, 2)
    face, fold, back = (curves.smooth(_bent(points, bend), _COUNT) for points in (_FACE, _FOLD, _BACK))
    blocks.shape(np.concatenate([back, face[::-1], [(-0.12, 1.3), (1.8, 1.3)]]), "deep", 0.0055)
    _bands(blocks, random, face, fold, 7)
    _bands(blocks, random, fold, back, 21)
    blocks.line(face, 0.0065)
    blocks.line(back, 0.0065)
    _lip(blocks, random, face, back)
    return back


def _bent(points: tuple[tuple[float, float], ...], bend: np.ndarray) -> np.ndarray:
    """Returns points moved the more, the higher they are."""
    knots = np.array(points)
    return knots + np.clip((0.9 - knots[:, 1:]) / 0.5, 0, 1) * bend * (1.5, 1)


def _bands(blocks: press.Blocks, random: np.random.Generator, first: np.ndarray, last: np.ndarray, count: int) -> None:
    """Cuts bands between two paths, each swelling in its own place, and hair lines between them."""
    edges = np.concatenate([[0], np.cumsum(random.uniform(0.6, 1.5, count))])
    edges /= edges[-1]
    for place, (low, high) in enumerate(itertools.pairwise(edges)):
        if place % 2 == 0:
            for share in (0.3, 0.7):
                path = curves.between(first, last, low + share * (high - low))
                blocks.stroke(path, 0.0022 * np.sqrt(np.sin(np.pi * _T)) + 0.0006, "mid")
            continue
        course = np.clip(_T * random.uniform(0.9, 1.25) + random.uniform(-0.1, 0.1), 0, 1)
        half = (high - low) / 2 * (0.35 + 0.65 * np.sin(np.pi * course) ** 2)
        one, two = (curves.between(first, last, (low + high) / 2 + side * half) for side in (-1, 1))
        blocks.fill(np.concatenate([one, two[::-1]]), _BANDS[place // 2 % len(_BANDS)])
        blocks.line(one, 0.0024)
        blocks.line(two, 0.0024)


def _lip(blocks: press.Blocks, random: np.random.Generator, face: np.ndarray, back: np.ndarray) -> None:
    """Draws foam along the crest: one mass with claws all round, shaded in pale blue, and hands of claws on it."""
    scallops = 1 + 0.10 * np.sin(60 * _T) + 0.05 * np.sin(131 * _T)
    depth = 0.02 * canvas.smoothstep(0.44, 0.50, _T) + 0.40 * canvas.smoothstep(0.46, 0.88, _T)
    inner = curves.between(back, face, (depth + 0.22 * canvas.smoothstep(0.80, 0.95, _T)) * scallops)
    start = int(0.44 * _COUNT)
    mass = np.concatenate([back[start:], inner[start:][::-1]])
    foam = _fringe(random, face, back, inner)
    blocks.cluster(foam.ribbons, np.array(foam.discs), "foam", 0.003, mass)
    edge = slice(start + 14, -4)
    for path, width in ((back, 0.030), (inner, 0.036)):  # Over gaps between the mass and its fingers.
        blocks.patch(path[edge], width * canvas.smoothstep(0.44, 0.7, _T[edge]), "foam")
    for share in (0.80, 0.55, 0.28):
        for t in np.linspace(0.56, 0.97, 12) + random.normal(0, 0.012, 12):
            base = curves.between(back, inner, share + random.normal(0, 0.06))[_index(t)]
            size = (0.02 + 0.075 * canvas.smoothstep(0.45, 0.95, t)) * random.uniform(0.75, 1.2)
            _lone_hand(blocks, random, base, _course(back, t) + 0.15 + random.normal(0, 0.2), size, 1.4)
    for share in np.linspace(0.10, 0.97, 10):
        path = curves.between(back, inner, share + 0.025 * np.sin(40 * _T + 9 * share))[start + 20 : -8]
        pulse = np.maximum(0, np.sin(np.linspace(0, 26, len(path)) + 23 * share)) ** 0.7
        blocks.stroke(path, 0.008 * pulse * np.linspace(0.5, 1.1, len(path)), "pale")


def _fringe(random: np.random.Generator, face: np.ndarray, back: np.ndarray, inner: np.ndarray) -> _Foam:
    """Returns fingers that run down the face, claws that reach out of the back, and claws that hang below the tip."""
    foam = _Foam()
    for t in np.linspace(0.46, 0.98, 22):
        size = (0.035 + 0.075 * t**2) * random.uniform(0.7, 1.25)
        _hand(random, foam, inner[_index(t)], _course(back, t) - 1.15 + random.normal(0, 0.15), size, -1.0)
    for t in np.linspace(0.46, 0.99, 24) + random.normal(0, 0.004, 24):
        size = (0.035 + 0.085 * canvas.smoothstep(0.45, 0.95, t)) * random.uniform(0.8, 1.25)
        _hand(random, foam, back[_index(t)], _course(back, t) + 0.35 + random.normal(0, 0.2), size, 1.5)
    for t in np.linspace(0.84, 0.99, 6):
        _hand(random, foam, face[_index(t)], 2.1 + random.normal(0, 0.2), 0.10 * random.uniform(0.8, 1.2), 1.3)
    return foam


def _index(t: float) -> int:
    return int(np.clip(t * _COUNT, 0, _COUNT - 1))


def _course(path: np.ndarray, t: float) -> float:
    """Returns the angle of a path."""
    along = path[_index(t + 0.02)] - path[_index(t - 0.02)]
    return float(np.arctan2(along[1], along[0]))


def _hand(random: np.random.Generator, foam: _Foam, base: np.ndarray, angle: float, size: float, curl: float) -> None:
    """Adds a palm with five hooked fingers."""
    t = np.linspace(0, 1, 8)
    palm = base + np.outer((t * 0.42 - 0.1) * size, _towards(angle))
    foam.ribbons.append((palm, size * (0.50 - 0.12 * t)))
    for turn in np.linspace(-1.1, 1.1, 5) + random.normal(0, 0.12, 5):
        root = palm[-1] + 0.15 * size * _towards(angle + 1.4 * turn)
        length = size * random.uniform(0.5, 0.9) * (1.1 - 0.3 * abs(turn))
        foam.ribbons += _claw(random, root, angle + 0.9 * turn, length, curl, 0.20 * size)
        foam.discs.append((*root, 0.105 * size))


def _claw(
    random: np.random.Generator, base: np.ndarray, angle: float, length: float, curl: float, width: float
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Returns one finger, bent by `curl` radians to a point, with a thorn on its outer side."""
    t = np.linspace(0, 1, 14)
    angles = angle - curl * random.uniform(0.8, 1.3) * t**1.3
    steps = _towards(angles).T * length / 13
    path = base + np.concatenate([[(0, 0)], np.cumsum(steps[:-1], axis=0)])
    short = np.linspace(0, 1, 5)
    thorn = path[6] + np.outer(short * 0.35 * length, _towards(angles[6] + 0.9 * np.sign(curl)))
    return [(path, width * (1 - t) ** 0.7), (thorn, 0.5 * width * (1 - short) ** 0.7)]


def _towards(angle: np.ndarray | float) -> np.ndarray:
    return np.array([np.cos(angle), np.sin(angle)])


def _lone_hand(
    blocks: press.Blocks, random: np.random.Generator, base: np.ndarray, angle: float, size: float, curl: float
) -> None:
    """Cuts a hand that lies on foam: without a line where it springs from it."""
    foam = _Foam()
    _hand(random, foam, base, angle, size, curl)
    blocks.cluster(foam.ribbons, np.array(foam.discs), "foam", 0.0022)
    blocks.patch(base + np.outer([-0.24 * size, 0.12 * size], _towards(angle)), 0.62 * size, "foam")


def swell(blocks: press.Blocks, random: np.random.Generator) -> None:
    """Cuts the smaller wave in front, with foam on its crest."""
    crest, bottom = curves.smooth(_CREST, _COUNT), curves.smooth(_BOTTOM, _COUNT)
    blocks.shape(np.concatenate([crest, bottom[::-1]]), "deep", 0.0055)
    _bands(blocks, random, crest, bottom, 11)
    blocks.line(crest, 0.0065)
    foam = _Foam()
    for t in np.linspace(0.09, 0.345, 16):
        size, course = 0.075 * np.exp(-np.square((t - 0.235) / 0.08)) + 0.016, _course(crest, t)
        _hand(random, foam, crest[_index(t)] + np.array([0, 0.012]), course - 0.55 + random.normal(0, 0.2), size, -1.5)
        _hand(
            random, foam, crest[_index(t)] + np.array([0, 0.03]), course + 1.2 + random.normal(0, 0.2), 0.8 * size, 1.2
        )
    lip = crest[_index(0.06) : _index(0.37)] + np.array([0, 0.012])
    foam.ribbons.append((lip, 0.05 * np.sin(np.linspace(0, np.pi, len(lip))) ** 1.5 + 0.004))
    blocks.cluster(foam.ribbons, np.array(foam.discs), "foam", 0.003)
    for t in np.linspace(0.17, 0.30, 5):
        angle = _course(crest, t) - 0.1 + random.normal(0, 0.2)
        _lone_hand(blocks, random, crest[_index(t)] + np.array([0.004, 0.016]), angle, 0.045, -1.3)


def spray(blocks: press.Blocks, random: np.random.Generator, back: np.ndarray) -> None:
    """Cuts drops around the crest of the great wave, most near its tip."""
    for _ in range(230):
        t = 0.38 + 0.62 * random.beta(3.0, 1.2)
        away = (0.05 + random.exponential(0.065)) * _towards(_course(back, t) + np.pi / 2 - random.uniform(0, 0.9))
        x, y = back[_index(t)] + away
        blocks.dot(x, y, min(0.0014 + random.exponential(0.0013), 0.006), "foam", 0.0012)
