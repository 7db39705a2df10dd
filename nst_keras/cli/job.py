"""One style transfer from settings to files: the picture, its animation, the flagfile that repeats it, its record."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

from nst_keras import export, settings, transfer
from nst_keras.cli import provenance
from nst_keras.engine import checkpoints
from nst_keras.engine import state as run_state
from nst_keras.export import plots, record
from nst_keras.networks import architectures
from nst_keras.runtime import hosts

__all__ = ["Files", "Job"]

# A `frame_interval` that keeps no frame but the last, however many epochs are asked for.
_LAST_ALONE = sys.maxsize


class Files(NamedTuple):
    """The files that a run writes.

    Attributes:
        output: The picture, STEM.png.
        flags: STEM.flags beside it: the whole run as a flagfile, which makes the picture again.
        record: STEM.json: what the picture holds inside, with the losses of each step and the seconds that it took.
        animation: The run as a moving picture; None for none.
        contact_sheet: Content, styles, frames at intervals and the picture on one page; None for none.
        loss_plot: The losses over the steps; None for none.
        preview: The picture while it forms; None for none.
    """

    output: pathlib.Path
    flags: pathlib.Path
    record: pathlib.Path
    animation: pathlib.Path | None
    contact_sheet: pathlib.Path | None
    loss_plot: pathlib.Path | None
    preview: pathlib.Path | None


class Job:
    """A style transfer whose files are checked before it begins. Of several hosts, the chief writes them.

    Args:
        asked: What the command line says.
        flagfiles: Flagfiles that were read, and are not to be replaced.
        keeps_frames: Whether frames are kept at `frame_interval` in any case. Default: only where something that the
            job makes needs them; otherwise the last one alone.

    Attributes:
        files: What it writes.

    Raises:
        ValueError: A bad option, a suffix or length that cannot be written, two files of one name, or a file that is
            read too.
        OSError: An input cannot be read, a file exists already and may not be replaced, or its folder is missing or may
            not be written to.
        ImportError: The animation's format needs a package that is not installed.
        ConnectionError: Another host is lost.
    """

    def __init__(
        self, asked: settings.JobSettings, *, flagfiles: Sequence[str] = (), keeps_frames: bool = False
    ) -> None:
        given = asked.transfer
        # First of all: hosts find each other before TensorFlow runs anything, and one that fails then tells the others.
        is_chief = hosts.is_chief(hosts.joined(given.runtime.strategy))
        self.files = _files(asked)
        self._asked = asked
        given = dataclasses.replace(given, network=_resolved_weights(given.network))
        if is_chief:
            read = [*flagfiles, *record.input_files(settings.values(given))]
            self._check_files(read, overwrite=asked.files.overwrite or self._can_go_on())
        if not keeps_frames and not self._needs_frames():
            given = dataclasses.replace(given, frames=dataclasses.replace(given.frames, frame_interval=_LAST_ALONE))
        self.style_transfer = transfer.NeuralStyleTransfer.from_settings(given)
        self._frame_interval = given.frames.frame_interval
        self._seconds = 0.0

    def run(self) -> None:
        """Makes the picture; raises what `fit_style_transfer` does."""
        begun = time.monotonic()
        try:
            self.style_transfer.fit(
                dataclasses.replace(self._asked.fit, verbose=0 if self._asked.process.quiet else "auto")
            )
        finally:
            self._seconds = time.monotonic() - begun

    @property
    def state(self) -> run_state.RunState:
        """What the run has come to."""
        return self.style_transfer.state

    @property
    def has_picture(self) -> bool:
        """Whether there is something to write."""
        return self.state.step > 0 or self.state.completed

    @property
    def summary(self) -> str:
        """Why the run ended, and how long it took."""
        return f"{self.state.stop_reason} in {self._seconds:.0f} s"

    @property
    def is_chief(self) -> bool:
        """Whether this process writes the files: False on the hosts but one of a run over several."""
        return self.style_transfer.is_chief

    def write(self) -> None:
        """Writes what the run has made, each file whole or not at all; does nothing on hosts other than the chief.

        Raises:
            OSError: A file cannot be written.
        """
        if not self.is_chief:
            return
        result, files = self.style_transfer.result, self.files
        made = result.record(self._asked.save)
        result.save_as(files.output, self._asked.save)
        _write_text(files.flags, provenance.flagfile(made, self._own_flags()))
        whole = {**made, "seconds": round(self._seconds, 3), "history": result.history}
        _write_text(files.record, json.dumps(whole, indent=1))
        if files.animation is not None and len(result.frames):
            export.save_animation(result.frames, files.animation, seconds=self._asked.files.animation_seconds)
        if files.contact_sheet is not None:
            result.plot_frames(files.contact_sheet)
        if files.loss_plot is not None:
            result.plot_history(files.loss_plot)

    def written(self) -> list[str]:
        """Returns the files and folders of the run that there are."""
        fit = self._asked.fit
        folders = (fit.tensorboard, fit.checkpoint_dir, self._asked.transfer.frames.frames_dir)
        paths = [*self.files, *(pathlib.Path(folder).expanduser() for folder in folders if folder)]
        return [str(path) for path in paths if path is not None and path.exists()]

    def _needs_frames(self) -> bool:
        """Whether something needs frames. A run with checkpoints may, if it goes on and an animation is asked for."""
        folder = self._asked.transfer.frames.frames_dir or self._asked.fit.checkpoint_dir
        return folder is not None or self._shows_frames()

    def _shows_frames(self) -> bool:
        return self.files.animation is not None or self.files.contact_sheet is not None

    def _own_flags(self) -> dict[str, object]:
        """{flag: value} for a flagfile, beside those that decide the picture."""
        named = {name: path for name, path in self.files._asdict().items() if name in _FLAGS and path}
        found: dict[str, object] = {name: str(path.resolve()) for name, path in named.items()}
        if self._shows_frames():
            found["frame_interval"] = self._frame_interval
        if self.files.animation is not None:
            found["animation_seconds"] = self._asked.files.animation_seconds
        return found

    def _can_go_on(self) -> bool:
        """Whether there is a checkpoint to go on from: files of that run are then replaced."""
        folder = self._asked.fit.checkpoint_dir
        return self._asked.fit.resume and folder is not None and bool(checkpoints.Store(folder).steps())

    def _check_files(self, read: Sequence[str], *, overwrite: bool) -> None:
        """Finds out, as far as that goes before a run, whether all its files can be written after it."""
        _check_inputs(self.files, read)
        named = {name: path for name, path in self.files._asdict().items() if path is not None}
        for name, path in named.items():
            suffixes = _SUFFIXES.get(name, [path.suffix])
            argument = name if name in _SUFFIXES else "output"
            export.check_destination(argument, path, suffixes, overwrite=overwrite)
            others = [other.resolve() for other_name, other in named.items() if other_name != name]
            if path.resolve() in others:
                raise ValueError(f"{argument}: {str(path)!r} is another file of this run. Choose another name.")
        save = self._asked.save
        export.check_still(self.files.output, bit_depth=save.bit_depth, has_alpha=save.alpha)
        if self.files.animation is not None:
            seconds = self._asked.files.animation_seconds
            export.check_animation(self.files.animation, seconds=seconds, argument="animation")


def _files(asked: settings.JobSettings) -> Files:
    """Where a run writes. Those of the others that are None or empty are not wanted."""
    names = asked.files
    if not pathlib.Path(names.output).name:
        raise ValueError(f"output must name a picture, but {names.output!r} was given.")
    picture = pathlib.Path(names.output).expanduser()
    return Files(
        output=picture,
        flags=picture.with_suffix(".flags"),
        record=picture.with_suffix(".json"),
        animation=_path(names.animation),
        contact_sheet=_path(names.contact_sheet),
        loss_plot=_path(names.loss_plot),
        preview=_path(asked.fit.preview),
    )


def _path(name: str | os.PathLike[str] | None) -> pathlib.Path | None:
    return pathlib.Path(name).expanduser() if name else None


def _check_inputs(files: Files, read: Sequence[str]) -> None:
    for written in (path for path in files if path is not None and path.exists()):
        if any(pathlib.Path(name).exists() and written.samefile(name) for name in read):
            raise ValueError(f"output: {str(written)!r} would replace a file that this run reads. Choose another name.")


def _resolved_weights(network: settings.NetworkSettings) -> settings.NetworkSettings:
    """The network with the file in place of `imagenet` that the environment names, for the record."""
    if network.weights != "imagenet" or network.extractor not in architectures.ARCHITECTURES:
        return network
    return dataclasses.replace(network, weights=architectures.weights_file(str(network.extractor)) or network.weights)


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
