"""What reads the files: each target is a function of a path that returns, or raises `ValueError` or `OSError`."""

from __future__ import annotations

import contextlib
import io
import pathlib
import unicodedata
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from nst_keras.cli import provenance
from nst_keras.images import loading

__all__ = ["TARGETS", "Target"]


class Target(NamedTuple):
    """A function that reads strangers' files.

    Attributes:
        read: Reads one.
        argument: What each refusal must name first.
    """

    read: Callable[[pathlib.Path], object]
    argument: str


def _picture(path: pathlib.Path) -> None:
    """Loads a picture as a run does, and checks it."""
    image = loading.load(path, longest_side=512).numpy()
    assert image.dtype == np.float32
    assert image.shape[0::3] == (1, 3)
    assert 1 <= max(image.shape[1:3]) <= 512
    assert (image >= 0).all()
    assert (image <= 255).all()


def _record(path: pathlib.Path) -> None:
    """Prints a picture's record as `python -m nst_keras.provenance` does."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = provenance.main([str(path)])
    printed = (out.getvalue() + err.getvalue()).replace("\n", "")
    assert not [letter for letter in printed if unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp")]
    if status:
        raise ValueError(err.getvalue().removesuffix("\n"))


TARGETS = {"picture": Target(_picture, "image"), "record": Target(_record, "nst_keras: ")}
