"""One style transfer from settings to files: the picture, its animation, the flagfile that repeats it, its record."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from nst_keras import architectures, checkpoints, export, outcome, plots, provenance, transfer

__all__ = ["Destinations", "can_go_on", "check", "destinations", "resolved_weights", "write"]


class Destinations(NamedTuple):
    """The files that a run writes.

    Attributes:
        output: The picture.
        flags: The whole run as a flagfile, which makes the picture again.
        record: What the picture holds inside, with the losses of each step and the seconds that it took, as JSON.
        animation: The run as a moving picture; None for none.
        contact_sheet: Content, styles, frames at intervals and the picture on one page; None for none.
        loss_plot: The losses over the steps; None for none.
        preview: The picture while it forms; None for none.
    """

    output: pathlib.Path
    flags: pathlib.Path
    record: pathlib.Path
    animation: pathlib.Path | None = None
    contact_sheet: pathlib.Path | None = None
    loss_plot: pathlib.Path | None = None
    preview: pathlib.Path | None = None


def destinations(output: str, **others: str | None) -> Destinations:
    """The files of a run whose picture is STEM.png: STEM.flags and STEM.json stand beside it.

    Args:
        output: The picture.
        others: The further files of `Destinations`; None or "none" for those that are not wanted.

    Raises:
        ValueError: `output` names no file.
    """
    if not pathlib.Path(output).name:
        raise ValueError(f"output must name a picture, but {output!r} was given.")
    picture = pathlib.Path(output).expanduser()
    wanted = {name: path for name, path in others.items() if path and path.lower() != "none"}
    paths = {name: pathlib.Path(path).expanduser() for name, path in wanted.items()}
    return Destinations(picture, picture.with_suffix(".flags"), picture.with_suffix(".json"), **paths)


def check(
    files: Destinations,
    *,
    inputs: Sequence[str | None],
    overwrite: bool,
    animation_seconds: float,
    bit_depth: int = 8,
    has_alpha: bool = False,
    output_size: int | str | None = None,
) -> None:
    """Finds out before a run, as far as that goes, whether all its files can be written after it.

    Args:
        files: Where.
        inputs: Files that are read, none of which may be replaced; what is no file does not count.
        overwrite: Whether other files may be replaced.
        animation_seconds: Length of the animation.
        bit_depth: Of the picture.
        has_alpha: Whether the picture is to keep transparency.
        output_size: Of the picture.

    Raises:
        ValueError: A suffix or length that cannot be written, one file that is to be two, or a file that is an input.
        OSError: A file exists already and may not be replaced, or its folder is missing or may not be written to.
        ImportError: The animation's format needs a package that is not installed.
    """
    _check_inputs(files, inputs)
    named = {name: path for name, path in files._asdict().items() if path is not None}
    for name, path in named.items():
        suffixes = _SUFFIXES.get(name, [path.suffix])
        argument = name if name in _SUFFIXES else "output"
        export.check_destination(argument, path, suffixes, overwrite=overwrite)
        others = [other.resolve() for other_name, other in named.items() if other_name != name]
        if path.resolve() in others:
            raise ValueError(f"{argument}: {str(path)!r} is another file of this run. Choose another name.")
    outcome.check_output_size(output_size)
    export.check_still(files.output, bit_depth=bit_depth, has_alpha=has_alpha)
    if files.animation is not None:
        export.check_animation(files.animation, seconds=animation_seconds, argument="animation")


def _check_inputs(files: Destinations, inputs: Sequence[str | None]) -> None:
    read = [pathlib.Path(name).expanduser() for name in inputs if name]
    for written in (path for path in files if path is not None and path.exists()):
        if any(path.exists() and path.samefile(written) for path in read):
            raise ValueError(f"output: {str(written)!r} would replace a file that this run reads. Choose another name.")


def can_go_on(checkpoint_dir: str | None) -> bool:
    """Whether there is a checkpoint that a run could go on from: files of that run may then be replaced."""
    return checkpoint_dir is not None and bool(checkpoints.Store(checkpoint_dir).steps())


def resolved_weights(extractor: str, weights: str) -> str:
    """The weights with the file in place of `imagenet` that the environment names, for the record.

    Raises:
        ValueError: Several files bear the extractor's name.
    """
    return (architectures.weights_file(extractor) if weights == "imagenet" else None) or weights


def write(
    files: Destinations,
    style_transfer: transfer.NeuralStyleTransfer,
    picture: Mapping[str, Any],
    *,
    animation_seconds: float,
    seconds: float,
) -> None:
    """Writes what a run has made, each file whole or not at all.

    Args:
        files: Where.
        style_transfer: After its run.
        picture: {argument: value} for its `save`.
        animation_seconds: Length of the animation.
        seconds: How long the run took.

    Raises:
        OSError: A file cannot be written.
    """
    made = style_transfer.record(**picture)
    destination = {name: str(path.resolve()) for name, path in files._asdict().items() if name in _FLAGS and path}
    if files.animation is not None:
        destination["animation_seconds"] = animation_seconds
    style_transfer.save(files.output, **picture)
    _write_text(files.flags, provenance.flagfile(made, **destination))
    whole = {**made, "seconds": round(seconds, 3), "history": style_transfer.history.history}
    _write_text(files.record, json.dumps(whole, indent=1))
    if files.animation is not None and len(style_transfer.frames):
        export.save_animation(style_transfer.frames, files.animation, seconds=animation_seconds)
    if files.contact_sheet is not None:
        style_transfer.plot_frames(files.contact_sheet)
    if files.loss_plot is not None:
        style_transfer.plot_history(files.loss_plot)


def _write_text(path: pathlib.Path, text: str) -> None:
    with export.replacing(path) as temporary:
        pathlib.Path(temporary).write_text(text, encoding="utf-8", errors="backslashreplace")


# What each file's name may end in, for those that a flag of their own names.
_SUFFIXES = {
    "output": list(export.STILL_OPTIONS),
    "animation": list(export.ANIMATION_WRITERS),
    "contact_sheet": list(plots.FIGURE_OPTIONS),
    "loss_plot": list(plots.FIGURE_OPTIONS),
    "preview": list(export.STILL_OPTIONS),
}
# Those that a flagfile names, to make them again.
_FLAGS = ("output", "animation", "contact_sheet", "loss_plot")
