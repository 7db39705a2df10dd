"""Some four hundred small picture files, each with a field at its limit: `python -m tests.fuzz.corpus FOLDER`."""

from __future__ import annotations

import functools
import pathlib
import sys
from collections.abc import Mapping

from tests.fuzz import others, pngs, tiffs

__all__ = ["LARGEST", "pictures", "write"]

LARGEST = 300_000  # Bytes of a file that is mutated; the few larger ones are read as they are.


@functools.cache
def pictures() -> Mapping[str, bytes]:
    """Returns {file name: bytes} of all files."""
    found = {f"{name}.png": data for name, data in pngs.files()}
    found |= {f"{name}.tif": data for name, data in tiffs.files()}
    return found | dict(others.files())


def write(folder: pathlib.Path) -> list[pathlib.Path]:
    """Writes all files into a folder, and returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in pictures().items():
        (folder / name).write_bytes(data)
    return [folder / name for name in pictures()]


if __name__ == "__main__":
    written = write(pathlib.Path(sys.argv[1]))
    print(f"{len(written)} files, {sum(path.stat().st_size for path in written) / 1e6:.1f} MB")
