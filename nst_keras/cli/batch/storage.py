"""Where a batch's pictures come from and go: folders of this machine, and URIs that fsspec knows, such as `s3://`."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import os
import pathlib
import re
import secrets
import tempfile
from typing import Any

from nst_keras import checks
from nst_keras.images import folders
from nst_keras.settings import paths

__all__ = ["Place", "fetched", "is_remote", "pictures", "stamp"]

_URI = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)


def is_remote(name: object) -> bool:
    """Returns whether a name is a URI for fsspec. Paths, samples, file URLs and the URLs of pictures are none.

    >>> [is_remote(name) for name in ("s3://bucket/a.jpg", "https://host/a.jpg", "sample:swirls", "a.jpg")]
    [True, False, False, False]
    """
    return isinstance(name, str) and bool(_URI.match(name)) and not paths.is_url(name)


def pictures(argument: str, name: str, *, recursive: bool) -> list[str]:
    """Returns the URIs of the pictures that a URI stands for: a file, a folder or a pattern.

    Args:
        argument: The argument that errors name.
        name: The URI.
        recursive: Whether the folders inside a folder are looked through too.

    Raises:
        OSError: There is no such file or folder, or it cannot be read.
        ImportError: The package that reads such URIs is not installed.
    """
    files, path = _opened(argument, name)
    try:
        if any(mark in path for mark in "*?["):
            found = [one for one in files.glob(path) if folders.has_suffix(one)]
        elif files.isfile(path):
            return [name]
        else:
            found = [one for one in files.find(path, maxdepth=None if recursive else 1) if folders.has_suffix(one)]
    except Exception as error:  # Each kind of storage raises its own.
        raise OSError(f"{argument}: {name!r} cannot be read ({checks.sentence(error)}). Check its address.") from error
    return [files.unstrip_protocol(one) for one in sorted(found)]


def fetched(argument: str, name: str, folder: pathlib.Path) -> str:
    """Returns the path of a copy of a remote file, which is made at the first call.

    Args:
        argument: The argument that errors name.
        name: The file's URI.
        folder: The folder of the copy.

    Raises:
        OSError: The file cannot be read.
        ImportError: The package that reads such URIs is not installed.
    """
    files, path = _opened(argument, name)
    unique = hashlib.sha256(name.encode("utf-8", "backslashreplace")).hexdigest()[:16]
    copy = folder / f"{unique}{pathlib.PurePosixPath(path).suffix}"
    if not copy.exists():
        try:
            files.get_file(path, f"{copy}.part")
        except Exception as error:
            raise OSError(
                f"{argument}: {name!r} cannot be read ({checks.sentence(error)}). Check its address."
            ) from error
        os.replace(f"{copy}.part", copy)
    return str(copy)


def stamp(name: str) -> str | None:
    """Returns a text that changes with a remote file; None where its storage tells nothing about it."""
    try:
        files, path = _opened("a picture", name)
        files.invalidate_cache(files._parent(path))
        return str(files.ukey(path))
    except Exception:  # Whatever is wrong with it, reading it says it better.
        return None


class Place:
    """The folder that a batch writes to. Files of a remote one are written here first, and then sent.

    Args:
        name: A folder, or a URI.

    Attributes:
        name: The folder as it was named.
        folder: The folder of this machine in which files are written.
        is_remote: Whether they are sent elsewhere.

    Raises:
        OSError: The folder cannot be made.
        ImportError: The package that writes to such URIs is not installed.
    """

    def __init__(self, name: str) -> None:
        self.name, self.is_remote = name, is_remote(name)
        self._held = contextlib.ExitStack()
        if self.is_remote:
            self._files, self._path = _opened("output_dir", name)
            self.folder = pathlib.Path(self._held.enter_context(tempfile.TemporaryDirectory(prefix="nst_keras-")))
        else:
            self.folder = pathlib.Path(os.path.expanduser(paths.local(name)))
            if self.folder.exists() and not self.folder.is_dir():
                raise NotADirectoryError(f"output_dir: {name!r} is a file. Name a folder.")

    def close(self) -> None:
        """Removes what is kept of a remote folder."""
        self._held.close()

    def prepared(self, name: str) -> pathlib.Path:
        """Returns the file of this machine in which an output is written, in a folder that exists.

        Args:
            name: The output's name below the folder.

        Raises:
            OSError: Its folder cannot be made.
        """
        path = self.folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OSError(
                f"output_dir: the folder {str(path.parent)!r} cannot be made ({error.strerror}). Choose another."
            ) from error
        return path

    def upload(self, name: str) -> None:
        """Sends an output that was written here to where it belongs, whole or not at all, and keeps no copy.

        Raises:
            OSError: It cannot be written there.
        """
        if not self.is_remote:
            return
        target = self._remote(name)
        part = f"{target}.{secrets.token_hex(4)}.part"  # Two machines may make the same picture.
        try:
            self._files.makedirs(target.rpartition("/")[0], exist_ok=True)
            self._files.put_file(str(self.folder / name), part)
            self._files.mv(part, target)
        except Exception as error:
            with contextlib.suppress(Exception):
                self._files.rm_file(part)
            raise OSError(
                f"output_dir: {name!r} cannot be written to {self.name!r} ({checks.sentence(error)})."
            ) from error
        (self.folder / name).unlink()

    def listed(self) -> frozenset[str] | None:
        """Returns the names of all outputs in a remote folder, found at once; None for a folder of this machine.

        Raises:
            OSError: The folder cannot be read.
        """
        if not self.is_remote:
            return None
        root = self._path.rstrip("/")
        try:
            self._files.invalidate_cache(root)
            found = self._files.find(root)
        except FileNotFoundError:
            return frozenset()
        except Exception as error:
            raise self._unreadable(error) from error
        return frozenset(one.removeprefix(f"{root}/") for one in found)

    def local_copy(self, name: str) -> pathlib.Path | None:
        """Returns a file of this machine with an output that exists; None if there is none.

        Raises:
            OSError: A remote folder cannot be read.
        """
        path = self.folder / name
        if self.is_remote and not path.exists():
            part = self.prepared(f"{name}.part")
            try:
                self._files.get_file(self._remote(name), str(part))
            except FileNotFoundError:
                part.unlink(missing_ok=True)
                return None
            except Exception as error:
                raise self._unreadable(error) from error
            os.replace(part, path)
        return path if path.exists() else None

    def _remote(self, name: str) -> str:
        """Returns the path of an output in its file system."""
        return f"{self._path.rstrip('/')}/{name}"

    def _unreadable(self, error: Exception) -> OSError:
        return OSError(f"output_dir: {self.name!r} cannot be read ({checks.sentence(error)}). Check it.")


def _opened(argument: str, name: str) -> tuple[Any, str]:
    """Returns fsspec's file system for a URI, and the path in it."""
    try:
        fsspec = importlib.import_module("fsspec")
    except ImportError as error:
        raise ImportError(
            f'{argument}: {name!r} needs fsspec. Install it with `pip install "nst_keras[cluster]"`.'
        ) from error
    try:
        return fsspec.core.url_to_fs(name)
    except ImportError as error:
        raise ImportError(f"{argument}: {name!r} cannot be opened ({error}).") from error
    except Exception as error:
        raise ValueError(
            f"{argument}: {name!r} cannot be opened ({checks.sentence(error)}). Check its address."
        ) from error
