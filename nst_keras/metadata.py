"""Text inside picture files."""

from __future__ import annotations

import os

import PIL.Image

__all__ = ["read"]


def read(path: str | os.PathLike) -> str | None:
    """The text inside."""
    with PIL.Image.open(path) as picture:
        return picture.info.get("nst_keras")
