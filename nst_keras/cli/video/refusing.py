"""Checks of the file that is named as a clip. Each error is one sentence that names `video`."""

from __future__ import annotations

import os
import pathlib
import warnings

import PIL.Image

from nst_keras import checks
from nst_keras.cli.video import ffmpeg, probing
from nst_keras.settings import paths

__all__ = ["checked_file", "source_of"]

_MOVING = ("GIF", "PNG", "WEBP", "AVIF")  # Pillow's names of formats that hold a picture or an animation.
_FILMS = ("MPEG", "FLI")  # Formats that Pillow knows, and that are clips.
_STILL_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"mif1", b"avif")
_KINDS = "Give a clip such as MP4, MOV, MKV, WEBM or an animated GIF."
_LISTS = ("concat", "hls", "dash", "sdp", "imf")  # They name files and addresses, of this machine too.


def checked_file(video: str | os.PathLike[str]) -> str:
    """Returns the path of a clip, `~` expanded, after it was checked without ffmpeg.

    Raises:
        TypeError: It is no path.
        ValueError: It is a URL, a device, an empty file or a still picture.
        FileNotFoundError: There is no such file.
        IsADirectoryError: It is a folder.
        OSError: It cannot be read.
    """
    name = paths.local(os.fspath(video) if isinstance(video, os.PathLike) else video)
    if not isinstance(name, str) or not name or "\0" in name:
        raise TypeError(f"video must be a path, but {video!r} was given.")
    if paths.is_url(name):
        raise ValueError(f"video: {paths.without_password(name)!r} is a URL. Download it, and give the file.")
    path = pathlib.Path(name).expanduser()
    if path.is_dir():
        raise IsADirectoryError(f"video: {name!r} is a folder. Name a clip in it.")
    if not path.exists():
        raise FileNotFoundError(f"video: {name!r} does not exist. Check its name.")
    if not path.is_file():
        raise ValueError(f"video: {name!r} is a device or a pipe. Give a file.")
    try:
        with path.open("rb") as file:
            head = file.read(12)
    except OSError as error:
        raise OSError(f"video: {name!r} cannot be read ({error.strerror}). Check its permissions.") from error
    if not head:
        raise ValueError(f"video: {name!r} is empty. Copy or download it again.")
    if _is_still(path, head):
        raise ValueError(_picture(name))
    return str(path)


def source_of(path: str) -> probing.Source:
    """Returns what is in a clip's file.

    Raises:
        ValueError: It is no clip, or holds no pictures.
        ImportError: ffmpeg is not installed.
    """
    source, said = probing.probed(ffmpeg.file_name(path))
    if source is None:
        raise ValueError(_unreadable(path, ffmpeg.reason(said)))
    if source.kind.endswith("_pipe") or source.kind.startswith("image2"):
        raise ValueError(_picture(path))
    if source.kind.split(",")[0] in _LISTS:
        raise ValueError(f"video: {path!r} is a list of other files, which is not followed. Give one of these.")
    if source.kind == "tty":  # Any text.
        raise ValueError(f"video: {path!r} is a text. {_KINDS}")
    if source.pictures is None:
        held = "sound alone, without pictures" if source.sound else "no pictures"
        raise ValueError(f"video: {path!r} holds {held}. {_KINDS}")
    if source.pictures.codec == "none" or source.pictures.size is None:
        raise ValueError(_unreadable(path, "its codec is not known"))
    if not source.times:
        raise ValueError(f"video: {path!r} holds no frames. Copy or download it again.")
    return source._replace(announced=None) if "Estimating duration from bitrate" in said else source


def _is_still(path: pathlib.Path, head: bytes) -> bool:
    """Returns whether a file is a picture that does not move."""
    if head[4:8] == b"ftyp" and head[8:12] in _STILL_BRANDS:
        return True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Of its size and the like: nothing is decoded.
            with PIL.Image.open(path) as picture:
                moves = picture.format in _MOVING and getattr(picture, "n_frames", 1) > 1
                return picture.format not in _FILMS and not moves
    except Exception:  # No picture, or a broken one. ffmpeg says what it is.
        return False


def _picture(path: str) -> str:
    return f"video: {path!r} is a picture. To stylise it, give it to python -m nst_keras.run as --content_image."


def _unreadable(path: str, said: str) -> str:
    """Returns the sentence about a file that ffmpeg cannot open."""
    with open(path, "rb") as file:
        is_mp4 = file.read(8)[4:] in (b"ftyp", b"mdat", b"wide", b"free")
    if "moov atom not found" in said and is_mp4:
        return (
            f"video: {path!r} is cut off: its index is missing (moov atom not found), as when a recording or a "
            "download was interrupted. Copy or download it again."
        )
    return f"video: {path!r} cannot be read as a clip ({checks.sentence(ValueError(said))}). {_KINDS}"
