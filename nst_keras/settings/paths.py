"""Names of pictures as text: file URLs, other URLs, and several names in one text. This module needs no TensorFlow."""

from __future__ import annotations

import difflib
import os
import re
import urllib.parse
from typing import Any, TypeVar

__all__ = [
    "SAMPLE",
    "checked",
    "exists",
    "is_file_url",
    "is_folder",
    "is_missing",
    "is_url",
    "local",
    "missing",
    "several",
    "without_password",
]

T = TypeVar("T")

SAMPLE = "sample:"  # Prefix of the name of a sample picture.
_FILE_URL = re.compile(r"file://(localhost)?(?=/)", re.IGNORECASE)
_URL = re.compile(r"(https?|ftp|file)://", re.IGNORECASE)
_PASSWORD = re.compile(r"^(\w+://[^/?#:]*):[^/?#]*@")
_SHOWN = 200  # Most letters of a name that a sentence shows.


def checked(name: str, value: Any) -> str:
    """Returns a path as text; raises `TypeError` for anything else."""
    found = os.fspath(value) if isinstance(value, os.PathLike) else value
    if not isinstance(found, str) or not found or "\0" in found:
        raise TypeError(f"{name} must be a path, but {value!r} was given.")
    return found


def local(source: T) -> T | str:
    """Returns the path that a file URL names; anything else unchanged.

    A URL with another host than `localhost` is unchanged too: it names no file of this machine.

    >>> local("file:///home/me/my%20dog.jpg"), local("file://localhost/dog.jpg"), local("dog.jpg")
    ('/home/me/my dog.jpg', '/dog.jpg', 'dog.jpg')
    """
    found = _FILE_URL.match(source) if isinstance(source, str) else None
    if found is None:
        return source
    path = os.fsdecode(urllib.parse.unquote_to_bytes(found.string[found.end() :]))
    is_drive = os.name == "nt" and re.match(r"/[a-z]:", path, re.IGNORECASE)
    return path[1:] if is_drive else path


def is_url(name: str) -> bool:
    """Returns whether a name is a URL that pictures can have, file URLs among them."""
    return _URL.match(name) is not None


def is_file_url(name: str) -> bool:
    """Returns whether a name is a file URL, of this machine or another."""
    return name.lower().startswith("file://")


def is_missing(name: str) -> bool:
    """Returns whether a name is that of a file or folder which does not exist."""
    return not (name.startswith(SAMPLE) or several(name) or is_url(str(local(name))) or exists(name))


def missing(argument: str, name: str) -> str:
    """Returns the sentence for a file that does not exist, with the name of a similar one beside it if there is one."""
    folder, own = os.path.split(os.path.expanduser(local(name)))
    beside = os.listdir(folder or ".") if os.path.isdir(folder or ".") else []
    near = difflib.get_close_matches(own[:_SHOWN], beside, n=1)
    hint = f"Did you mean {os.path.join(folder, near[0])!r}?" if near else "Check the path."
    shown = name if len(name) <= _SHOWN else f"{name[:_SHOWN]}..."
    return f"{argument}: there is no file {shown!r}. {hint}"


def several(text: str) -> bool:
    """Returns whether a text is no file, but holds names of several pictures with commas between them.

    >>> several("sample:landscape,sample:swirls"), several("https://host/a,b.jpg")
    (True, False)
    """
    first, *others = (name.strip() for name in text.split(","))
    if not others or exists(text):
        return False
    if any(is_url(name) or name.startswith(SAMPLE) for name in others):
        return True
    # A comma may be part of a URL, whatever file has the name of its end.
    return not is_url(first) and (first.startswith(SAMPLE) or any(exists(name) for name in (first, *others)))


def exists(name: str) -> bool:
    """Returns whether a name, or the path of a file URL, is an existing file or folder."""
    return os.path.exists(os.path.expanduser(local(name)))


def is_folder(name: str | os.PathLike[str]) -> bool:
    """Returns whether a name, or the path of a file URL, is an existing folder.

    Unlike pathlib's, this answers for any text: one too long for a file, or `~` with an unknown user, is no folder.
    """
    return os.path.isdir(os.path.expanduser(local(name)))


def without_password(name: str) -> str:
    """Returns a URL without the password in it, for messages and records; any other name unchanged.

    >>> without_password("https://me:secret@host/a.png"), without_password("https://host:80/a@b.png")
    ('https://me@host/a.png', 'https://host:80/a@b.png')
    """
    return _PASSWORD.sub(r"\1@", name)
