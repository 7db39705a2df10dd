"""Looks through a weights file before Keras reads it: HDF5 can name other files, and declare any size."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pathlib
import zipfile
from collections.abc import Iterator
from typing import IO

import h5py

__all__ = ["packaged", "reason_to_refuse"]

_LARGEST = 2**30  # Bytes of all numbers in a file. The largest network here has 0.6 GB with its top.
_IN_KERAS_FILE = ("metadata.json", "config.json", "model.weights.h5")
_UNUSUAL_ERRORS = (OSError, ValueError, RuntimeError, KeyError, TypeError, RecursionError)


def packaged(path: pathlib.Path, sha256: str) -> pathlib.Path:
    """Returns the path of a file of the package; raises `OSError` unless it is the one that the package came with."""
    if not path.is_file():
        raise OSError(f"weights: the package's file {path} is missing. Install nst_keras again.")
    received = hashlib.sha256(path.read_bytes()).hexdigest()
    if received != sha256:
        raise OSError(
            f"weights: {path} should have the SHA-256 {sha256[:12]}…, but has {received[:12]}…. "
            "It is damaged or of another version: install nst_keras again."
        )
    return path


def reason_to_refuse(path: str | os.PathLike[str], *, largest: int | None = _LARGEST) -> str | None:
    """Returns why a weights file should not be read, as the rest of a sentence about it. No code in it is run.

    Args:
        path: A file in HDF5, or a `.keras` archive that holds one.
        largest: Bytes that its numbers may take. Default: 1 GiB. None: any.

    Returns:
        None if all its numbers are in the file itself and fit, or if it is no such file.
    """
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(_opened(path))
        except (OSError, KeyError, zipfile.BadZipFile):
            return None  # Keras says it.
        except ValueError as error:
            return str(error)
        try:
            return _of_entries(file, largest)
        except _UNUSUAL_ERRORS as error:
            return f"is damaged ({' '.join(str(error).split())[:200]})"


@contextlib.contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[h5py.File]:
    """Opens an HDF5 file, or the one in a `.keras` archive; raises `ValueError` for other things in the archive."""
    with contextlib.ExitStack() as stack:
        source: str | os.PathLike[str] | IO[bytes] = path
        if zipfile.is_zipfile(path):
            archive = stack.enter_context(zipfile.ZipFile(path))
            if unknown := sorted(set(archive.namelist()).difference(_IN_KERAS_FILE)):
                raise ValueError(f"holds {unknown[0]!r}, which is no part of a network")
            if sum(entry.file_size for entry in archive.infolist()) > _LARGEST:
                raise ValueError("unpacks to over 1 GiB")
            source = stack.enter_context(archive.open(_IN_KERAS_FILE[-1]))
        yield stack.enter_context(h5py.File(source, "r"))


def _of_entries(file: h5py.File, largest: int | None) -> str | None:
    """Returns why the entries of a file should not be read."""
    seen, total = set[object](), 0
    groups: list[h5py.Group] = [file]
    while groups:
        group = groups.pop()
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                return f"names another place or file as its {name!r}, instead of holding it"
            entry = group[name]
            if entry in seen:  # Groups may hold each other.
                continue
            seen.add(entry)
            if isinstance(entry, h5py.Group):
                groups.append(entry)
            elif isinstance(entry, h5py.Dataset):
                if entry.external or entry.is_virtual:
                    return f"takes the numbers of {entry.name!r} from other files"
                total += entry.nbytes
                if largest is not None and total > largest:
                    return f"declares over {largest / 2**30:.3g} GiB of numbers, more than any network here has"
    return None
