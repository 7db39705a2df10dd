"""A photograph that comes with matplotlib: a content picture."""

from __future__ import annotations

import numpy as np
import PIL.Image

__all__ = ["grace_hopper"]


def grace_hopper() -> np.ndarray:
    """Rear Admiral Grace Hopper, a photograph by the US Navy in the public domain, from matplotlib's sample data.

    Returns:
        uint8 [600, 512, 3], RGB.
    """
    from matplotlib import cbook  # noqa: PLC0415  Slow to import, and only this picture needs it.

    with cbook.get_sample_data("grace_hopper.jpg") as file, PIL.Image.open(file) as picture:
        return np.asarray(picture.convert("RGB"))
