"""Lets Atheris, a fuzzer guided by coverage, look for pictures that the decoders stumble over. Run it by hand:

    pip install atheris
    python -m tests.fuzz.atheris_decoders FOLDER -max_total_time=3600 -rss_limit_mb=3072 -timeout=10

FOLDER holds the pictures to begin with, which `python -m tests.fuzz.corpus FOLDER` makes; new ones are added to it.
The first file of each kind of failure is kept in the current folder, with a line about it on standard output. Only
Python's side is guided: the coverage of Pillow's C code is not seen.
"""

from __future__ import annotations

import hashlib
import os
import pathlib
import sys
import tempfile
import traceback
import warnings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import atheris

with atheris.instrument_imports(include=["PIL", "tifffile", "nst_keras"]):
    from nst_keras.images import loading
    from nst_keras.images.formats import metadata

__all__ = ["main"]

_SEEN: set[tuple[object, ...]] = set()
_PLACE = pathlib.Path(tempfile.mkdtemp()) / "input"


def main() -> None:
    """Fuzzes until the time is over, or the process crashes."""
    warnings.simplefilter("ignore")
    atheris.Setup(sys.argv, _read)
    atheris.Fuzz()


def _read(data: bytes) -> None:
    """Reads one picture and its record, and keeps the file if that gives anything but a clear refusal."""
    _PLACE.write_bytes(data)
    for read, argument in ((_load, "image"), (metadata.read, "path")):
        try:
            read(_PLACE)
        except Exception as error:
            if not (isinstance(error, (ValueError, OSError)) and str(error).startswith(argument)):
                _keep(data, error)


def _keep(data: bytes, error: Exception) -> None:
    """Keeps the first file of each place at which this type of exception is raised."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    kind = type(error).__name__, last.filename, last.lineno
    if kind not in _SEEN:
        _SEEN.add(kind)
        name = f"failed_{hashlib.sha256(data).hexdigest()[:12]}"
        pathlib.Path(name).write_bytes(data)
        print(f"{name}: {kind}: {error!r}"[:500], flush=True)


def _load(path: pathlib.Path) -> None:
    loading.load(path, longest_side=512)


if __name__ == "__main__":
    main()
