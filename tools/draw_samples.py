"""Draws the samples that come with the package, and writes them into it.

    python -m tools.draw_samples [FOLDER]

A picture is WebP at quality 95, a mask lossless WebP; together they take less than 1 MB. The same program draws the
same pixels each time; the files' bytes depend on Pillow's version, too.
"""

from __future__ import annotations

import pathlib
import sys
from collections.abc import Callable, Sequence

import numpy as np
import PIL.Image

from nst_keras.images import samples
from tools.drawing.landscape_scene import landscape, landscape_ground, landscape_sky
from tools.drawing.stained_glass_window import stained_glass
from tools.drawing.swirls_night import swirls
from tools.drawing.woodblock_print import woodblock

__all__ = ["DRAWN", "LOSSLESS", "main"]

# {name of the sample: what draws it, uint8 [height, width, 3], at its own size}.
DRAWN: dict[str, Callable[..., np.ndarray]] = {
    "landscape": landscape,
    "landscape_ground": landscape_ground,
    "landscape_sky": landscape_sky,
    "stained_glass": stained_glass,
    "swirls": swirls,
    "woodblock": woodblock,
}
LOSSLESS = ("landscape_ground", "landscape_sky")
_QUALITY = 95


def main(argv: Sequence[str] | None = None) -> int:
    """Draws all samples.

    Args:
        argv: The folder to write to. Default: the one in the package.

    Returns:
        The exit status, 0.
    """
    given = sys.argv[1:] if argv is None else argv
    folder = pathlib.Path(given[0]) if given else samples.FOLDER
    for name, draw in DRAWN.items():
        path = folder / f"{name}.webp"
        quality = 100 if name in LOSSLESS else _QUALITY
        PIL.Image.fromarray(draw()).save(path, "WEBP", lossless=name in LOSSLESS, quality=quality, method=6)
        print(f"{path}: {path.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
