"""A landscape drawn by code, with a photograph's structure: a content picture, and masks of its sky and its ground.

Its unit of length is the picture's height (less in an upright one), and it lies around the horizon's middle.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import PIL.Image

from tools.drawing import canvas
from tools.drawing import landscape_foreground as foreground
from tools.drawing import landscape_land as land
from tools.drawing import landscape_sky as sky

__all__ = ["landscape", "landscape_ground", "landscape_sky"]

_LAND = 8  # With seed 0, a land that is good to look at.
_HORIZON = 0.56  # Share of the height above it.
_SUN = (0.17, 0.20)  # Across from the middle and above the horizon.
_CABIN = (-96.0, 1.5, 224.0)  # Metres to the right, above the lake and away.
_BOAT = (-16.0, 0.0, 112.0)
_FIRS = (((0.70, -0.40), 0.50), ((0.56, -0.385), 0.78))  # Foot and height.
_NEAR_BANK = 110.0  # Metres: grass grows nearer.


@dataclasses.dataclass(frozen=True)
class _Frame:
    """Where the picture's pixels lie: `unit` pixels are one unit, `horizon` rows lie above the horizon."""

    rows: int
    columns: int
    unit: float
    horizon: int

    @property
    def across(self) -> np.ndarray:
        """Returns columns, in units from the middle [columns]."""
        return ((np.arange(self.columns) + 0.5 - self.columns / 2) / self.unit).astype(np.float32)

    def up(self, first: int, last: int) -> np.ndarray:
        """Returns rows from `first` to `last`, counted upwards from the horizon, in units [rows, 1]."""
        return ((np.arange(first, last) + 0.5) / self.unit).astype(np.float32)[:, None]


@dataclasses.dataclass(frozen=True)
class _Scene:
    """All but what stands near: the picture [rows, columns, 3], where its sky is, and where grass grows.

    `random` draws what stands near, and so serves one picture.
    """

    frame: _Frame
    picture: np.ndarray
    sky: np.ndarray
    near: np.ndarray
    random: np.random.Generator


def landscape(height: int = 512, width: int = 768, *, seed: int = 0) -> np.ndarray:
    """Draws a lake at a low sun with a cabin and a boat, wooded hills, mountains behind, firs and grass in front.

    Args:
        height: In pixels.
        width: In pixels.
        seed: Another seed draws another land, at another hour.

    Returns:
        uint8 [height, width, 3], RGB.

    Raises:
        ValueError: A height or width below 1, a seed below 0, or one that is no whole number.
    """
    scene = _scene(height, width, seed)
    return canvas.finished(_furnished(scene, scene.picture), height, width)


def landscape_sky(height: int = 512, width: int = 768, *, seed: int = 0) -> np.ndarray:
    """Draws a mask of `landscape`: white where its sky is seen, black elsewhere, grey in pixels that have both.

    Args:
        height: In pixels.
        width: In pixels.
        seed: That of the landscape.

    Returns:
        uint8 [height, width, 3], RGB of three equal channels.

    Raises:
        ValueError: As `landscape`.
    """
    scene = _scene(height, width, seed)
    # Nothing that stands before the sky is white.
    before_white = _furnished(scene, np.repeat(scene.sky[..., None], 3, axis=-1))
    sky = np.all(before_white == 1, axis=-1, keepdims=True)
    return canvas.finished(np.repeat(sky, 3, axis=-1), height, width)


def landscape_ground(height: int = 512, width: int = 768, *, seed: int = 0) -> np.ndarray:
    """Draws the other mask: all of `landscape` that is not its sky, 255 less each of `landscape_sky`'s levels.

    Args:
        height: In pixels.
        width: In pixels.
        seed: That of the landscape.

    Returns:
        uint8 [height, width, 3], RGB of three equal channels.

    Raises:
        ValueError: As `landscape`.
    """
    return 255 - landscape_sky(height, width, seed=seed)


def _scene(height: int, width: int, seed: int) -> _Scene:
    canvas.check(height, width, seed)
    random = np.random.default_rng((_LAND, seed))
    hour = sky.HOURS[seed % len(sky.HOURS)]
    rows, columns = canvas.working_size(height, width, scale=1.5 if height * width < 2_000_000 else 1.0)
    frame = _Frame(rows, columns, min(rows, columns / 1.2), max(1, round(rows * _HORIZON)))
    below = max(1, rows - frame.horizon)
    heaven = sky.sky(random, hour, frame.across[None], frame.up(0, max(frame.horizon, below)), _SUN)
    fan = land.fan(random, frame.across, max(64, round(1.17 * frame.unit)), np.float32(hour.light))
    seen = land.view(fan, frame.up(-below, frame.horizon)[:, 0] / land.FOCAL)
    behind = np.concatenate([heaven[:below][::-1], heaven[: frame.horizon]])
    picture = _developed(_through_air(hour, frame, seen, behind, -below))
    lake = _lake(random, frame, _mirrored(hour, frame, fan, heaven[:below]))
    picture[:below] = np.where(seen.water[:below, :, None], lake[::-1], picture[:below])
    near = np.where(seen.water, np.inf, seen.distances) < _NEAR_BANK
    return _Scene(frame, picture[::-1], np.isinf(seen.distances)[::-1], near[::-1], random)


def _through_air(hour: sky.Hour, frame: _Frame, seen: land.View, behind: np.ndarray, first: int) -> np.ndarray:
    """Returns what is seen, in haze by its distance, before what is `behind`; rows rise from `first`."""
    far = np.isinf(seen.distances)
    up = np.clip(frame.up(first, first + len(far)), 0, 1) * 0.5 + 0.03
    haze = sky.air(hour, frame.across[None], up, _SUN) * np.float32([0.50, 0.55, 0.66])
    share = 1 - np.exp(-np.where(far, 0, seen.distances) / 9000)
    return np.where(far[..., None], behind, canvas.mix(seen.colours, haze, share))


def _mirrored(hour: sky.Hour, frame: _Frame, fan: land.Fan, heaven: np.ndarray) -> np.ndarray:
    """Returns what the lake mirrors [rows, columns, 3], by rows down from the horizon.

    Looked up twice, since a headland hides from the water beyond it nothing that it hides from the water before it.
    """
    up = frame.up(0, len(heaven))
    views = []
    for beyond in fan.shores:
        seen = land.view(fan, up[:, 0] / land.FOCAL, beyond=beyond)
        picture = _developed(_through_air(hour, frame, seen, heaven, 0))
        sheet = foreground.Sheet(_image(picture[::-1]), len(up), frame.unit, eye=-land.CAMERA)
        foreground.cabin(sheet, _CABIN)
        foreground.boat(sheet, _BOAT)
        views.append(np.asarray(sheet.image, np.float32)[::-1] / 255)
    before = land.FOCAL * land.CAMERA / up <= fan.distances[fan.shores[0]]
    return np.where(before[..., None], views[0], views[1])


def _lake(random: np.random.Generator, frame: _Frame, mirror: np.ndarray) -> np.ndarray:
    """Returns the lake's surface: the mirror shaken by ripples, its depth, breezes, and the sun's path."""
    directions = canvas.lattice(random)
    down, across = frame.up(0, len(mirror)), frame.across[None]
    away = land.FOCAL * land.CAMERA / down
    x = across * away / land.FOCAL
    ripple = canvas.noise(directions, x / 7, away / 2.6) + 0.6 * canvas.noise(directions, x / 2.5 + 9, away)
    breeze = canvas.smoothstep(0.0, 0.45, canvas.turbulence(directions, x / 90 + 5, away / 45, octaves=3))
    shake = ripple * (0.25 + 0.75 * breeze) * np.clip(down / 0.2, 0.1, 1) * frame.unit
    rows = np.clip(np.arange(len(mirror))[:, None] + 0.016 * shake, 0, len(mirror) - 1).astype(int)
    columns = np.clip(np.arange(frame.columns)[None] + 0.004 * shake, 0, frame.columns - 1).astype(int)
    glass = canvas.mix(mirror[rows, columns], (0.05, 0.13, 0.17), 0.12 + 0.45 * np.clip(down / 0.44, 0, 1) ** 1.3)
    glass = canvas.mix(glass, (0.62, 0.60, 0.62), 0.22 * breeze * canvas.smoothstep(0.1, 0.7, ripple))
    path = np.exp(-np.square((across - _SUN[0]) / (0.035 + 0.16 * down))) * canvas.smoothstep(0.45, 0.8, ripple)
    return glass + 0.8 * path[..., None] * np.float32([1.0, 0.78, 0.5])


def _furnished(scene: _Scene, picture: np.ndarray) -> np.ndarray:
    """Returns a picture of the scene, such as its own, with all that stands in it; colours 0..1, cut to the frame."""
    frame = scene.frame
    sheet = foreground.Sheet(_image(picture), frame.horizon, frame.unit)
    foreground.cabin(sheet, _CABIN)
    foreground.boat(sheet, _BOAT)
    foreground.grass(sheet, scene.random, scene.near)
    for foot, tall in _FIRS:
        foreground.fir(sheet, scene.random, foot, tall)
    return np.asarray(sheet.image)[: frame.rows] / np.float32(255)


def _image(picture: np.ndarray) -> PIL.Image.Image:
    return PIL.Image.fromarray((np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8))


def _developed(light: np.ndarray) -> np.ndarray:
    """Converts linear light to colours 0..1: a film's curve (Narkowicz 2015, after ACES), then sRGB's."""
    light = np.maximum(light, 0) * 0.8
    film = np.clip(light * (2.51 * light + 0.03) / (light * (2.43 * light + 0.59) + 0.14), 0, 1)
    return np.where(film < 0.0031308, 12.92 * film, 1.055 * film ** (1 / 2.4) - 0.055)
