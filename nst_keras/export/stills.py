"""Stills, in sRGB and with its profile."""

from __future__ import annotations

import os
import pathlib
import struct
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageCms
import tensorflow as tf

from nst_keras import images
from nst_keras.export import files

__all__ = ["STILL_OPTIONS", "save_image"]

# What Pillow is asked for, by suffix.
STILL_OPTIONS: dict[str, dict[str, Any]] = {
    ".png": {},
    ".jpg": {"quality": 95, "subsampling": 0},
    ".jpeg": {"quality": 95, "subsampling": 0},
    ".webp": {"quality": 95},
    ".tif": {"compression": "tiff_adobe_deflate"},
    ".tiff": {"compression": "tiff_adobe_deflate"},
}


def save_image(image: np.ndarray | tf.Tensor, path: str | os.PathLike) -> None:
    """Saves a still with an sRGB profile; JPEG and WebP at quality 95.

    Args:
        image: uint8 [height, width, 3], or float32 [1, height, width, 3] in 0..255.
        path: Ends in .png, .jpg, .jpeg, .webp, .tif or .tiff. An existing file is replaced.

    Raises:
        ValueError: Another suffix.
        OSError: The file cannot be written.
    """
    path = pathlib.Path(path)
    files.check_suffix("path", path, STILL_OPTIONS)
    pixels = images.to_uint8(images.load(image))
    with files.replacing(path) as temporary:
        PIL.Image.fromarray(pixels).save(temporary, icc_profile=_srgb_profile(), **STILL_OPTIONS[path.suffix.lower()])


def _srgb_profile() -> bytes:
    """An sRGB profile whose date of creation is not now, so that the same picture makes the same file."""
    profile = PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB")).tobytes()
    return profile[:24] + struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + profile[36:]
