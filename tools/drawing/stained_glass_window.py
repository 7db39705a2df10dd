"""A stained-glass window, a sun like a rose over a river and flowers: a style picture.

Lengths are shares of the side; x and y run from the upper left, angles are shares of a turn.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tools.drawing import canvas
from tools.drawing import stained_glass_flowers as glass_flowers
from tools.drawing import stained_glass_pieces as glass

__all__ = ["stained_glass"]

_GOLD = ((160, 70, 6), (226, 138, 14), (252, 196, 40), (255, 230, 120))
_FLAME = ((255, 218, 76), (250, 152, 22), (228, 78, 14), (160, 22, 20))
_RUBY = ((84, 4, 22), (158, 10, 28), (212, 28, 38), (240, 78, 58))
_COBALT = ((10, 18, 92), (20, 50, 158), (44, 110, 214))
_VIOLET = ((48, 12, 92), (96, 30, 144), (158, 78, 186))
_HILL = ((6, 52, 58), (12, 88, 58), (48, 140, 52), (140, 182, 48), (206, 206, 70))
_WATER = ((6, 44, 110), (14, 104, 164), (56, 180, 196), (190, 234, 220))
_CLOUD = ((160, 160, 222), (220, 212, 242), (255, 246, 230))
# Skies from the sun outwards.
_SKIES = (
    ((255, 228, 150), (150, 216, 210), (46, 146, 214), (20, 78, 188), (24, 36, 142), (78, 24, 128)),  # Day.
    ((255, 220, 130), (252, 160, 110), (222, 84, 110), (140, 46, 140), (66, 34, 140), (22, 28, 104)),  # Dawn.
    ((214, 240, 190), (80, 190, 170), (20, 118, 140), (16, 66, 130), (22, 32, 104), (16, 14, 62)),  # Night.
)
# Puffs (x, y, radius) of each cloud.
_CLOUDS = (
    ((0.10, 0.20, 0.050), (0.165, 0.165, 0.062), (0.235, 0.19, 0.048), (0.285, 0.21, 0.030), (0.06, 0.21, 0.035)),
    ((0.93, 0.50, 0.050), (0.86, 0.475, 0.060), (0.785, 0.50, 0.042), (0.735, 0.515, 0.026)),
    ((0.77, 0.145, 0.036), (0.83, 0.125, 0.046), (0.89, 0.145, 0.034)),
)


def stained_glass(side: int = 768, *, seed: int = 0) -> np.ndarray:
    """Draws a stained-glass window, of lead and jewel colours: a sun like a rose, rays, clouds, fields, river, flowers.

    Args:
        side: Height and width in pixels.
        seed: Another seed cuts other pieces from other glass, under another sky.

    Returns:
        uint8 [side, side, 3], RGB.

    Raises:
        ValueError: A side below 1, a seed below 0, or one that is no whole number.
    """
    canvas.check_square(side, seed)
    random = np.random.default_rng(seed)
    size, _ = canvas.working_size(side, side, scale=2.0 if side < 1000 else 1.0)
    x, y = canvas.coordinates(size, size, unit=size)
    cut_x, cut_y = (
        place + 0.0035 * canvas.clouds(random, size, size, (7, 7), octaves=2) for place in (x, y)
    )  # By hand: nothing is quite straight or round.
    sun = (0.5 + random.uniform(-0.03, 0.03), 0.40 + random.uniform(-0.015, 0.015))
    radius = np.hypot(cut_x - sun[0], cut_y - sun[1])
    turn = np.arctan2(cut_y - sun[1], cut_x - sun[0]) / np.float32(2 * np.pi) + 0.5
    window = glass.Window(size, random)
    _rays(window, random, radius, turn, _SKIES[seed % len(_SKIES)])
    _flames(window, radius, turn)
    _clouds(window, cut_x, cut_y)
    _rose(window, radius, turn, int(random.choice([7, 8, 9])))
    _fields(window, random, cut_x, cut_y)
    _river(window, random, cut_x, cut_y)
    glass_flowers.lay(window, random)
    _frame(window, *np.broadcast_arrays(x, y))
    glow = 0.97 + 0.5 * np.exp(-np.square(radius / 0.30)) - 0.25 * np.clip(radius - 0.35, 0, 1)
    picture = window.leaded(window.lit(glow))
    return canvas.finished(_blooming(picture), side, side)


def _blooming(picture: np.ndarray) -> np.ndarray:
    """Lets bright glass outshine what is next to it."""
    glare = np.stack([canvas.blurred(picture[..., c], 0.012 * len(picture)) for c in range(3)], axis=-1)
    return picture + 0.18 * glare * (1 - 0.5 * np.clip(picture, 0, 1))


def _rays(
    window: glass.Window,
    random: np.random.Generator,
    radius: np.ndarray,
    turn: np.ndarray,
    sky: tuple[tuple[int, int, int], ...],
) -> None:
    """Draws the sky: rays of uneven width, cut across at uneven places."""
    count = 34
    edges = np.cumsum(random.uniform(0.6, 1.4, count))
    ray = np.searchsorted(edges / edges[-1], turn % 1)
    start, step = random.uniform(0, 1, count + 1)[ray], random.uniform(0.075, 0.13, count + 1)[ray]
    slant = 0.5 * (turn * count % 1 - 0.5) * np.where(ray % 2, 1, -1)
    ring = np.floor((radius - 0.2) / step + start + slant).astype(int) + 8
    window.lay(np.ones(radius.shape, bool), ray * 64 + ring, sky, (radius - 0.19) / 0.45, 0.11)


def _petals(
    radius: np.ndarray,
    turn: np.ndarray,
    count: int,
    ring: tuple[float, float],
    shape: Callable[[np.ndarray], np.ndarray],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns petals that fill a ring, of width `shape` along the way outwards 0..1: where, which one, and the way."""
    way = np.clip((radius - ring[0]) / (ring[1] - ring[0]), 0, 1)
    place = turn * count
    inside = (np.abs(place % 1 - 0.5) < 0.5 * shape(way)) & (radius > ring[0]) & (radius < ring[1])
    return inside, np.floor(place).astype(int) % count, way


def _flames(window: glass.Window, radius: np.ndarray, turn: np.ndarray) -> None:
    """Draws straight flames behind wavy ones."""
    where, which, way = _petals(radius, turn + 0.5 / 16, 16, (0.19, 0.30), lambda t: 0.9 * (1 - t) ** 0.8)
    window.lay(where, which * 2 + (way > 0.45), _FLAME[::-1], 0.2 + 0.9 * way)
    bent = turn + 0.011 * np.sin(6.5 * np.clip((radius - 0.19) / 0.155, 0, 1))
    where, which, way = _petals(radius, bent, 16, (0.19, 0.345), lambda t: 0.62 * (1 - t) ** 0.75)
    window.lay(where, which * 3 + (way > 0.36) + (way > 0.66), _FLAME, way)


def _rose(window: glass.Window, radius: np.ndarray, turn: np.ndarray, fold: int) -> None:
    """Draws the sun's face: beads, gold leaves and ruby petals around a disc, on blue; `fold` petals innermost."""
    window.lay(radius < 0.205, np.floor(turn * fold * 3.5), _COBALT)
    where, which, _ = _petals(radius, turn, 28, (0.172, 0.200), lambda t: 0.86 * np.sqrt(1 - np.square(2 * t - 1)))
    window.lay(where, which, _RUBY, 0.65)
    window.lay(radius < 0.168, np.floor(turn * 2 * fold + 0.5) % (2 * fold), _VIOLET)
    leaf = (0.085, 0.168)
    where, which, way = _petals(radius, turn, 2 * fold, leaf, lambda t: 0.95 * np.abs(np.sin(np.pi * t**0.75)) ** 0.8)
    half = turn * 2 * fold % 1 > 0.5
    window.lay(where, which * 2 + half, _GOLD, 0.25 + 0.3 * half + 0.4 * way)
    window.lay(radius < 0.092, np.floor(turn * fold + 0.5) % fold, _COBALT)
    petal = (0.030, 0.090)
    where, which, way = _petals(radius, turn, fold, petal, lambda t: np.sqrt(np.clip(1 - (1.6 * t - 0.62) ** 2, 0, 1)))
    window.lay(where, which, _RUBY, 0.5 + 0.4 * way)
    window.lay(radius < 0.036, np.zeros(()), _GOLD, 0.85)


def _clouds(window: glass.Window, x: np.ndarray, y: np.ndarray) -> None:
    """Draws clouds of round puffs, each with a core, flat below."""
    for puffs in _CLOUDS:
        base = max(middle_y for _, middle_y, _ in puffs) + 0.018
        cuts = np.zeros(np.broadcast(x, y).shape, int)
        for place, (middle_x, middle_y, reach) in enumerate(puffs):
            cuts[(np.hypot(x - middle_x, y - middle_y) < reach) & (y < base)] = 2 * place + 1
            cuts[(np.hypot(x - middle_x, y - middle_y - 0.2 * reach) < 0.55 * reach) & (y < base)] = 2 * place + 2
        window.lay(cuts > 0, cuts, _CLOUD, 0.3 + (base - y) * 5)


def _fields(window: glass.Window, random: np.random.Generator, x: np.ndarray, y: np.ndarray) -> None:
    """Draws three hills with fields that run together far away."""
    shift = random.uniform(-0.4, 0.4)
    tops = (
        0.665 + 0.030 * np.sin(7 * x + 0.6 + shift) - 0.03 * np.cos(3.2 * x),
        0.735 + 0.045 * np.sin(5.2 * x + 2.6 - shift),
        0.845 + 0.050 * np.cos(6.5 * x + shift),
    )
    for place, (top, vanishing) in enumerate(zip(tops, (0.50, 0.40, 0.55), strict=True)):
        spread = (x - 0.2 - 0.3 * place) / np.maximum(y - vanishing + 0.02, 0.02)
        field = np.floor(spread * (3.2 + 0.35 * place) + 0.6 * np.sin(9 * y + place)).astype(int)
        across = np.floor((y - top) / (0.055 + 0.02 * place) + random.uniform(0, 1, 64)[field % 64]).astype(int)
        window.lay(y > top, (field + 200) * 16 + across + 1, _HILL, 0.75 - 0.25 * place + 0.9 * (y - top), 0.18)


def _river(window: glass.Window, random: np.random.Generator, x: np.ndarray, y: np.ndarray) -> None:
    """Draws a river that winds and widens towards the viewer, cut along its flow."""
    down = np.clip((y - 0.685) / 0.315, 0, 1)
    sway = 0.4 + random.uniform(-0.3, 0.3)
    course = 0.50 + 0.16 * np.sin(2 * np.pi * 1.15 * down**0.75 + sway) * (0.25 + 0.55 * down)
    flow = (x - course) / (0.010 + 0.13 * down**1.3)
    strip = np.floor((flow + 0.15 * np.sin(30 * y)) * 2.2 + 10).astype(int)
    length = np.floor(13 * y * y + random.uniform(0, 1, 32)[strip % 32] + 0.35 * flow).astype(int) + 8
    window.lay((np.abs(flow) < 1) & (down > 0), strip * 64 + length, _WATER, 0.8 - 0.4 * np.abs(flow) - 0.3 * down, 0.2)


def _frame(window: glass.Window, x: np.ndarray, y: np.ndarray) -> None:
    """Draws a border of ruby and cobalt with gold lozenges, a gold fillet, and bosses in the corners."""
    from_x, from_y = np.minimum(x, 1 - x), np.minimum(y, 1 - y)
    edge, along = np.minimum(from_x, from_y), np.where(from_y < from_x, x, y)
    quarter = np.where(from_y < from_x, np.where(y < 0.5, 0, 1), np.where(x < 0.5, 2, 3)) * 64
    window.lay(edge < 0.062, quarter + np.floor(along * 22), _GOLD, 0.55)
    block = np.floor(along * 13).astype(int)
    window.lay((edge < 0.046) & (block % 2 == 0), quarter + block, _RUBY, 0.45)
    window.lay((edge < 0.046) & (block % 2 == 1), quarter + block, _COBALT, 0.55)
    lozenge = np.abs(along * 13 % 1 - 0.5) / 13 + np.abs(edge - 0.023) < 0.017
    window.lay(lozenge & (block % 2 == 1), quarter + block, _GOLD, 0.7)
    corner = 2 * (x > 0.5) + (y > 0.5)
    window.lay((from_x < 0.068) & (from_y < 0.068), corner, _VIOLET, 0.4)
    window.lay(np.hypot(from_x - 0.032, from_y - 0.032) < 0.024, corner, _GOLD, 0.8)
