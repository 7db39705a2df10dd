"""Pictures of the presets: what each makes of the same photographs and paintings.

A picture that a preset made is kept as a part, in a file named after all that made it. A sheet made again takes the
parts that are there, and a preset that has changed makes new ones.
"""

from __future__ import annotations

import hashlib
import pathlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from nst_keras import presets, run
from nst_keras.images import loading, pixels
from nst_keras.settings import modes
from tools import sheets

__all__ = ["ARTISTS", "PRESETS", "SHORTER", "Maker", "Pair", "all_artists", "pairs_of", "preset_sheet", "top"]

PRESETS = presets.FOLDER
# The presets that are looks of their own, as the sheet of them shows them; the others are methods of papers and jobs.
ARTISTS = ("quick", "photo", "painting", "bold", "faithful", "color")
# What a preset's preview has in place of the preset's own: previews are small, and their runs minutes instead of hours.
SHORTER: dict[str, list[str]] = {
    "gatys2015": ["--image_size=320", "--steps_per_epoch=100"],
    "gatys2016": ["--image_size=320", "--steps_per_epoch=50"],
    "tensorflow_tutorial": ["--image_size=320", "--epochs=1"],
    "crowsonkb": ["--image_size=320", "--epochs=1"],
    "faithful": ["--image_size=384", "--steps_per_epoch=100"],
    "inception_v3": ["--image_size=320", "--steps_per_epoch=100"],
    "content_reconstruction": ["--image_size=320", "--steps_per_epoch=100"],
    "poster": ["--image_size=1024", "--pyramid=512,1024", "--pyramid_shares=20,10", "--steps_per_epoch=60"],
}
_TOP = ("painting", ["--image_size=640"])
_WIDTH = 500  # Pixels of each pair in a preset's own preview.
_SHEET = 1200  # Pixels of the sheet of all, and of the picture at README's top.


class Pair(NamedTuple):
    """A photograph and a painting: paths, URLs or sample:NAME."""

    content: str
    style: str


def pairs_of(names: Sequence[str]) -> list[Pair]:
    """Returns pairs from a list of content, style, content, style and so on.

    Raises:
        ValueError: An odd number of names, or none.
    """
    if not names or len(names) % 2:
        raise ValueError(f"pairs has {len(names)} pictures. Give CONTENT,STYLE, or CONTENT,STYLE,CONTENT,STYLE.")
    return [Pair(*names[place : place + 2]) for place in range(0, len(names), 2)]


class Maker:
    """Makes the pictures of presets, or finds them among the parts.

    Args:
        parts: Folder of the parts. It is made if there is none.
        flags: Flags of each run, which win over the preset's and over the preview's.
    """

    def __init__(self, parts: pathlib.Path, flags: Sequence[str] = ()) -> None:
        self._parts = parts
        self._flags = list(flags)

    def __call__(self, preset: str, pair: Pair, more: Sequence[str] = ()) -> np.ndarray:
        """Returns what a preset makes of a pair, uint8 [height, width, 3].

        Raises:
            RuntimeError: The run fails. It has printed why.
        """
        flagfile = PRESETS / f"{preset}.flags"
        look = [line for line in flagfile.read_text().splitlines() if line.startswith("--")]
        mode = modes.MODES[presets.options(preset, {}).get("mode", "transfer")]
        images = [f"--{term}_image={getattr(pair, term)}" for term in ("content", "style") if mode.has(term)]
        flags = [*images, *more, *self._shortened(look)]
        digest = hashlib.sha256("\n".join([*look, *flags]).encode()).hexdigest()[:8]
        part = self._parts / f"{preset}_{digest}.png"
        if not part.exists():
            self._parts.mkdir(parents=True, exist_ok=True)
            if run.main([f"--flagfile={flagfile}", "--seed=0", "--overwrite", *flags, f"--output={part}"]):
                raise RuntimeError(f"The preset {preset} made no picture of {', '.join(pair)}.")
        return _picture(str(part))

    def _shortened(self, look: Sequence[str]) -> list[str]:
        """Returns the flags of each run, with stages that fit small pictures where those are asked for."""
        resized = any(flag.startswith("--image_size=") for flag in self._flags)
        small = resized and any(flag.startswith("--pyramid=") for flag in look)
        return [*self._flags, *(["--pyramid=2", "--pyramid_shares=1,1"] if small else [])]


def _picture(source: str) -> np.ndarray:
    """Returns a picture, uint8 [height, width, 3]."""
    return pixels.to_uint8(loading.load(source))


def preset_sheet(preset: str, pairs: Sequence[Pair], make: Maker) -> np.ndarray:
    """Returns what a preset makes of each pair, side by side."""
    made = [make(preset, pair, SHORTER.get(preset, [])) for pair in pairs]
    return sheets.wide(
        [(preset if place == 0 else "", picture) for place, picture in enumerate(made)], _WIDTH * len(made)
    )


def all_artists(pairs: Sequence[Pair], make: Maker) -> np.ndarray:
    """Returns what the artists' presets make of each pair, in rows of three. The pairs themselves are not shown."""
    made = [[(preset, make(preset, pair, SHORTER.get(preset, []))) for preset in ARTISTS] for pair in pairs]
    return sheets.above([sheets.wide(six[start : start + 3], _SHEET) for six in made for start in (0, 3)])


def top(pair: Pair, make: Maker) -> np.ndarray:
    """Returns a large picture that a preset makes of a pair."""
    preset, more = _TOP
    return sheets.resized(make(preset, pair, more), width=_SHEET)
