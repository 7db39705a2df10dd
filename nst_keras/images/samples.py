"""Sample pictures that need no download. Every argument that takes a picture also takes `"sample:NAME"`.

`grace_hopper` is a photograph from matplotlib's sample data. The others come with this package: `landscape` for
content; `swirls` (thick paint), `stained_glass` (lead lines and flat jewel colours) and `woodblock` (outlines and
parallel curves) for style; and two masks, `landscape_sky`, white where the landscape is sky, and `landscape_ground`,
white where it is not. `tools/draw_samples.py` draws them.
"""

from __future__ import annotations

import functools
import importlib.util
import pathlib

import numpy as np
import PIL.Image

from nst_keras import checks

__all__ = ["FOLDER", "PREFIX", "SAMPLES", "path", "read"]

PREFIX = "sample:"
FOLDER = pathlib.Path(__file__).parent / "sample_files"
SAMPLES = ("grace_hopper", "landscape", "landscape_ground", "landscape_sky", "stained_glass", "swirls", "woodblock")


def read(name: str) -> np.ndarray:
    """Reads a sample.

    Args:
        name: `"sample:NAME"`, or the name alone.

    Returns:
        uint8 [height, width, 3], RGB.

    Raises:
        ValueError: An unknown name.
    """
    return _decoded(path(name)).copy()


def path(name: str) -> pathlib.Path:
    """Returns the file of a sample.

    Args:
        name: `"sample:NAME"`, or the name alone.

    Raises:
        ValueError: An unknown name.
    """
    name = checks.one_of("sample", name.removeprefix(PREFIX), SAMPLES)
    return _grace_hopper() if name == "grace_hopper" else FOLDER / f"{name}.webp"


def _grace_hopper() -> pathlib.Path:
    """Returns a photograph of Rear Admiral Grace Hopper by the US Navy, in the public domain."""
    # Found without an import, which is slow and may fail over a backend that nothing here needs.
    spec = importlib.util.find_spec("matplotlib")
    folders = [] if spec is None else [pathlib.Path(folder) for folder in spec.submodule_search_locations or ()]
    return next(folder / "mpl-data/sample_data/grace_hopper.jpg" for folder in folders)


@functools.cache
def _decoded(path: str | pathlib.Path) -> np.ndarray:
    with PIL.Image.open(path, formats=["WEBP", "JPEG"]) as picture:
        return np.asarray(picture.convert("RGB"))
