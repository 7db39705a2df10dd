"""One style transfer from settings to files: the picture, its animation, the flagfile that repeats it, its record."""

from __future__ import annotations

import json
import os
import pathlib
import platform
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

import nst_keras
from nst_keras import architectures, export, flags, starts, transfer

__all__ = ["Destinations", "check", "destinations", "resolved_weights", "write"]

# Settings that may name a file.
_FILE_SETTINGS = ("style_image", "content_image", "init", "weights")


class Destinations(NamedTuple):
    """The files that a run writes.

    Attributes:
        output: The picture.
        flags: The whole run as a flagfile, which makes the picture again.
        record: Settings, versions, losses a step, seconds, and why it stopped, as JSON.
        animation: The run as a moving picture; None for none.
    """

    output: pathlib.Path
    flags: pathlib.Path
    record: pathlib.Path
    animation: pathlib.Path | None


def destinations(output: str, animation: str | None) -> Destinations:
    """The files of a run whose picture is STEM.png: STEM.flags and STEM.json stand beside it.

    Raises:
        ValueError: `output` names no file.
    """
    if not pathlib.Path(output).name:
        raise ValueError(f"output must name a picture, but {output!r} was given.")
    picture = pathlib.Path(output).expanduser()
    moving = pathlib.Path(animation).expanduser() if animation and animation.lower() != "none" else None
    return Destinations(picture, picture.with_suffix(".flags"), picture.with_suffix(".json"), moving)


def check(files: Destinations, *, inputs: Sequence[str | None], overwrite: bool, animation_seconds: float) -> None:
    """Finds out before a run, as far as that goes, whether all its files can be written after it.

    Args:
        files: Where.
        inputs: Files that are read, none of which may be replaced; what is no file does not count.
        overwrite: Whether other files may be replaced.
        animation_seconds: Length of the animation.

    Raises:
        ValueError: A suffix or length that cannot be written, or a file that is an input too.
        OSError: A file exists already and may not be replaced, or its folder is missing or may not be written to.
        ImportError: The animation's format needs a package that is not installed.
    """
    _check_inputs(files, inputs)
    export.check_destination("output", files.output, list(export.STILL_OPTIONS), overwrite=overwrite)
    for path in (files.flags, files.record):
        export.check_destination("output", path, [path.suffix], overwrite=overwrite)
    if files.animation is not None:
        export.check_animation(files.animation, seconds=animation_seconds, argument="animation")
        export.check_destination("animation", files.animation, list(export.ANIMATION_WRITERS), overwrite=overwrite)


def _check_inputs(files: Destinations, inputs: Sequence[str | None]) -> None:
    read = [pathlib.Path(name).expanduser() for name in inputs if name]
    for written in (path for path in files if path is not None and path.exists()):
        if any(path.exists() and path.samefile(written) for path in read):
            raise ValueError(f"output: {str(written)!r} would replace a file that this run reads. Choose another name.")


def resolved_weights(extractor: str, weights: str) -> str:
    """The weights with the file in place of `imagenet` that the environment names, for the record.

    Raises:
        ValueError: Several files bear the extractor's name.
    """
    return (architectures.weights_file(extractor) if weights == "imagenet" else None) or weights


def write(
    files: Destinations,
    style_transfer: transfer.NeuralStyleTransfer,
    frames: Sequence[np.ndarray],
    settings: Mapping[str, Any],
    *,
    animation_seconds: float,
    seconds: float,
) -> None:
    """Writes what a run has made, each file whole or not at all.

    Args:
        files: Where.
        style_transfer: After its run.
        frames: What the run returned.
        settings: {argument: value} of the class and of its run.
        animation_seconds: Length of the animation.
        seconds: How long the run took.

    Raises:
        OSError: A file cannot be written.
    """
    settings = {**settings, "seed": style_transfer.seed}
    if not style_transfer.completed:  # The steps that made this picture.
        settings |= {"epochs": 1, "steps_per_epoch": max(1, style_transfer.step)}
    export.save_image(style_transfer.image, files.output)
    _write_text(files.flags, _flagfile(settings, files, animation_seconds))
    _write_text(files.record, json.dumps(_record(style_transfer, settings, seconds), indent=1))
    if files.animation is not None and frames:
        export.save_animation(frames, files.animation, seconds=animation_seconds)


def _flagfile(settings: Mapping[str, Any], files: Destinations, animation_seconds: float) -> str:
    """A flagfile that makes the picture again, from any folder."""
    resolved = {name: _absolute(value) if name in _FILE_SETTINGS else value for name, value in settings.items()}
    resolved["output"] = files.output.resolve()
    if files.animation is not None:
        resolved |= {"animation": files.animation.resolve(), "animation_seconds": animation_seconds}
    lines = [flags.flag_line(name, value) for name, value in resolved.items()]
    return "\n".join([f"{flags.HEADER} {nst_keras.__version__}. To make it again, add --overwrite.", *lines, ""])


def _absolute(name: str) -> str:
    """A file's whole path; other names (URLs, samples, `content`, `random`) as they are."""
    if name in starts.STARTS or name in ("imagenet", "random"):
        return name
    path = os.path.expanduser(name)
    return os.path.abspath(path) if os.path.exists(path) else name


def _record(
    style_transfer: transfer.NeuralStyleTransfer, settings: Mapping[str, Any], seconds: float
) -> dict[str, Any]:
    versions = {"nst_keras": nst_keras.__version__, "python": platform.python_version()}
    versions |= {module.__name__: module.__version__ for module in (tf, keras, np)}
    return {
        "settings": settings,
        "versions": versions,
        "steps": style_transfer.step,
        "stop_reason": style_transfer.stop_reason,
        "completed": style_transfer.completed,
        "seconds": round(seconds, 3),
        "history": style_transfer.history.history,
    }


def _write_text(path: pathlib.Path, text: str) -> None:
    with export.replacing(path) as temporary:
        pathlib.Path(temporary).write_text(text, encoding="utf-8")
