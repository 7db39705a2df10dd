"""Lets Atheris, a fuzzer guided by coverage, look for pictures that the decoders stumble over. Run it by hand:

    pip install atheris
    python -m tests.fuzz.atheris_decoders FOLDER -max_total_time=3600 -rss_limit_mb=3072 -timeout=10

FOLDER holds the pictures to begin with, which `python -m tests.fuzz.corpus FOLDER` makes; new ones are added to it.
What fails is kept in the current folder. Only Python's side is guided: the coverage of Pillow's C code is not seen.
"""

from __future__ import annotations

import os
import pathlib
import sys
import tempfile
import warnings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import atheris

with atheris.instrument_imports(include=["PIL", "tifffile", "nst_keras"]):
    from nst_keras.images import loading
    from nst_keras.images.formats import metadata

__all__ = ["main"]

_PLACE = pathlib.Path(tempfile.mkdtemp()) / "input"


def main() -> None:
    """Fuzzes until the time is over, or something fails."""
    warnings.simplefilter("ignore")
    atheris.Setup(sys.argv, _read)
    atheris.Fuzz()


def _read(data: bytes) -> None:
    """Reads one picture and its record, and lets through what is no clear refusal."""
    _PLACE.write_bytes(data)
    for read, argument in ((_load, "image"), (metadata.read, "path")):
        try:
            read(_PLACE)
        except (ValueError, OSError) as error:
            if not str(error).startswith(argument):
                raise RuntimeError(f"The refusal names no argument: {error}") from error


def _load(path: pathlib.Path) -> None:
    loading.load(path, longest_side=512)


if __name__ == "__main__":
    main()
