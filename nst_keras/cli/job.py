"""One style transfer from settings to files: picture, animation, plots, record, and the flagfile that repeats it."""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import pathlib
import sys
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from nst_keras import export, settings, transfer
from nst_keras.cli import provenance, rescue, sizes
from nst_keras.engine import checkpoints
from nst_keras.engine import result as result_lib
from nst_keras.engine import state as run_state
from nst_keras.export import plots, record
from nst_keras.networks import architectures
from nst_keras.runtime import hosts, messages

__all__ = ["Files", "Job", "resolved_weights"]

# A `frame_interval` that keeps only the last frame, for any number of steps.
_LAST_ALONE = sys.maxsize


class Files(NamedTuple):
    """The files that a run writes.

    Attributes:
        output: The picture, such as STEM.png.
        flags: STEM.flags, the flagfile that makes the picture again.
        record: STEM.json, the picture's record with the losses of each step and the seconds that the run took.
        animation: The animation of the frames; None for none.
        contact_sheet: One page with content, styles, frames at even intervals and the picture; None for none.
        loss_plot: The plot of the losses over the steps; None for none.
        preview: The picture during the run; None for none.
    """

    output: pathlib.Path
    flags: pathlib.Path
    record: pathlib.Path
    animation: pathlib.Path | None
    contact_sheet: pathlib.Path | None
    loss_plot: pathlib.Path | None
    preview: pathlib.Path | None


class Job:
    """A style transfer whose output files are checked before it begins. Of several hosts, only the chief writes files.

    Args:
        asked: All options of the command line.
        flagfiles: Paths of flagfiles that were read and must not be replaced.
        keeps_frames: Whether frames are kept at `frame_interval` in any case. Default: only if an output needs them;
            otherwise the last frame alone is kept.

    Attributes:
        files: The files that it writes.
        style_transfer: The style transfer.

    Raises:
        ValueError: A bad option, an unsupported suffix or length, two outputs with one name, or an output that would
            replace an input.
        OSError: An input cannot be read, a file exists and may not be replaced, or its folder is missing or cannot be
            written to.
        ImportError: The animation's format needs a package that is not installed.
        ConnectionError: Another host is lost.
    """

    def __init__(
        self, asked: settings.JobSettings, *, flagfiles: Sequence[str] = (), keeps_frames: bool = False
    ) -> None:
        given = asked.transfer
        # First of all, because hosts must connect before TensorFlow runs anything. A host that fails later is noticed.
        is_chief = hosts.is_chief(hosts.joined(given.runtime.strategy))
        self.files = _files(asked)
        self._asked = asked
        given = dataclasses.replace(given, network=resolved_weights(given.network))
        self._may_replace = asked.files.overwrite or self._can_go_on()
        if is_chief:
            self._check_files([*flagfiles, *record.input_files(settings.values(given))], overwrite=self._may_replace)
        if not keeps_frames and not self._needs_frames():
            given = dataclasses.replace(given, frames=dataclasses.replace(given.frames, frame_interval=_LAST_ALONE))
        with messages.of_keras(shown=not asked.process.quiet):
            self.style_transfer = transfer.NeuralStyleTransfer.from_settings(given)
        if is_chief:
            sizes.check(self.state.pictures, asked.save, self.files.output, self.files.preview)
        self._frame_interval = given.frames.frame_interval
        self._seconds = 0.0

    def run(self) -> None:
        """Makes the picture. It raises the errors of `NeuralStyleTransfer.fit_style_transfer`."""
        begun = time.monotonic()
        try:
            self.style_transfer.fit(
                dataclasses.replace(self._asked.fit, verbose=0 if self._asked.process.quiet else "auto")
            )
        finally:
            self._seconds = time.monotonic() - begun

    @property
    def state(self) -> run_state.RunState:
        """The state of the run."""
        return self.style_transfer.state

    @property
    def has_picture(self) -> bool:
        """Whether there is something to write."""
        return self.state.step > 0 or self.state.completed

    @property
    def longest_side(self) -> int:
        """Longest side of the picture in pixels."""
        return max(self.style_transfer.result.image.shape[:2])

    @property
    def summary(self) -> str:
        """Why the run ended, and how many seconds it took."""
        return f"{self.state.stop_reason} in {self._seconds:.0f} s"

    @property
    def is_chief(self) -> bool:
        """Whether this process writes the files. Of several hosts, only the chief does."""
        return self.style_transfer.is_chief

    def write(self) -> list[Exception]:
        """Writes the files of the run, the picture first, and returns what could not be written as asked.

        Each file is written completely or not at all, and one that fails costs no other. A picture that cannot be
        written is saved as PNG elsewhere. Only the chief of several hosts writes. A number is added to the names if
        another program has meanwhile written a file of such a name.

        Raises:
            OSError: The picture can be written nowhere.
        """
        if not self.is_chief:
            return []
        if not self._may_replace:
            self.files = _free(self.files)
        result = self.style_transfer.result
        picture, problem = rescue.saved(result, self.files.output, self._asked.save)
        self.files = self.files._replace(output=picture)
        if picture.parent.resolve() != self.files.flags.parent.resolve():
            beside = {name: export.free_name(picture.with_suffix(s)) for name, s in _BESIDE.items()}
            self.files = self.files._replace(**beside)
        problems: list[Exception] = [] if problem is None else [problem]
        for name, write in self._writers().items():
            path: pathlib.Path | None = getattr(self.files, name)
            try:
                if path is not None:
                    write(result, path)
            except Exception as error:
                reason = str(error) or type(error).__name__
                problems.append(OSError(f"{name}: {str(path)!r} could not be written ({reason})."))
                problems[-1].__cause__ = error
        return problems

    def _writers(self) -> dict[str, Callable[[result_lib.Result, pathlib.Path], object]]:
        """Returns {file: the function that writes it}, for all but the picture."""
        return {
            "flags": self._write_flags,
            "record": self._write_record,
            "animation": self._write_animation,
            "contact_sheet": result_lib.Result.plot_frames,
            "loss_plot": result_lib.Result.plot_history,
        }

    def _write_flags(self, result: result_lib.Result, path: pathlib.Path) -> None:
        export.write_text(path, provenance.flagfile(result.record(self._asked.save), self._own_flags()))

    def _write_record(self, result: result_lib.Result, path: pathlib.Path) -> None:
        made = result.record(self._asked.save)
        whole = {**made, "seconds": round(self._seconds, 3), "history": result.history}
        export.write_text(path, json.dumps(whole, indent=1))

    def _write_animation(self, result: result_lib.Result, path: pathlib.Path) -> None:
        if not len(result.frames):
            raise OSError("no frames were kept")
        export.save_animation(result.frames, path, seconds=self._asked.files.animation_seconds)

    def written(self) -> list[str]:
        """Returns the paths of the run's files and folders that exist."""
        fit = self._asked.fit
        folders = (fit.tensorboard, fit.checkpoint_dir, self._asked.transfer.frames.frames_dir)
        paths = [*self.files, *(pathlib.Path(folder).expanduser() for folder in folders if folder)]
        return [str(path) for path in paths if path is not None and path.exists()]

    def _needs_frames(self) -> bool:
        """Returns whether an output needs frames."""
        return self._asked.transfer.frames.frames_dir is not None or self._shows_frames()

    def _shows_frames(self) -> bool:
        """Returns whether an animation or a contact sheet is written."""
        return self.files.animation is not None or self.files.contact_sheet is not None

    def _own_flags(self) -> dict[str, object]:
        """Returns {flag: value} of the flags for files, which the flagfile has beside those that decide the picture."""
        named = {name: path for name, path in self.files._asdict().items() if name in _FLAGS and path}
        found: dict[str, object] = {name: str(path.resolve()) for name, path in named.items()}
        if self._shows_frames():
            found["frame_interval"] = self._frame_interval
        if self.files.animation is not None:
            found["animation_seconds"] = self._asked.files.animation_seconds
        return found

    def _can_go_on(self) -> bool:
        """Returns whether there is a checkpoint to continue from. The files of that run are then replaced."""
        folder = self._asked.fit.checkpoint_dir
        return self._asked.fit.resume and folder is not None and bool(checkpoints.Store(folder).steps())

    def _check_files(self, read: Sequence[str], *, overwrite: bool) -> None:
        """Raises an error, as far as can be known before the run, if a file cannot be written after it."""
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
        export.check_still(self.files.output, bit_depth=save.bit_depth, has_alpha=save.alpha, argument="output")
        if self.files.animation is not None:
            seconds = self._asked.files.animation_seconds
            export.check_animation(self.files.animation, seconds=seconds, argument="animation")


def _files(asked: settings.JobSettings) -> Files:
    """Returns the files that a run writes. An option that is None or empty gives no file."""
    names = asked.files
    if not pathlib.Path(names.output).name:
        raise ValueError(f"output must name a picture file, but {names.output!r} was given. Give one like out.png.")
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


def _free(files: Files) -> Files:
    """Returns the files themselves, or with the first number in their names for which none exists."""
    numbered = (
        files._replace(**{name: path.with_stem(f"{path.stem}_{number}") for name, path in _made(files).items()})
        for number in itertools.count(2)
    )
    return next(one for one in itertools.chain([files], numbered) if not any(p.exists() for p in _made(one).values()))


def _made(files: Files) -> dict[str, pathlib.Path]:
    """Returns {name: path} of the files that are written after the run."""
    return {name: path for name, path in files._asdict().items() if path is not None and name != "preview"}


def _path(name: str | os.PathLike[str] | None) -> pathlib.Path | None:
    return pathlib.Path(name).expanduser() if name else None


def _check_inputs(files: Files, read: Sequence[str]) -> None:
    """Raises `ValueError` if an output would replace a file that the run reads."""
    for written in (path for path in files if path is not None and path.exists()):
        if any(pathlib.Path(name).exists() and written.samefile(name) for name in read):
            raise ValueError(f"output: {str(written)!r} would replace a file that this run reads. Choose another name.")


def resolved_weights(network: settings.NetworkSettings) -> settings.NetworkSettings:
    """Returns the network's options with `imagenet` replaced by the weights file that the environment names, if any.

    The record then has the file's path.
    """
    if network.weights != "imagenet" or network.extractor not in architectures.ARCHITECTURES:
        return network
    return dataclasses.replace(network, weights=architectures.weights_file(str(network.extractor)) or network.weights)


# {flag: suffixes that its file may have}.
_SUFFIXES = {
    "output": list(export.STILL_OPTIONS),
    "animation": list(export.ANIMATION_WRITERS),
    "contact_sheet": list(plots.FIGURE_OPTIONS),
    "loss_plot": list(plots.FIGURE_OPTIONS),
    "preview": list(export.STILL_OPTIONS),
}
# {file beside the picture: its suffix}.
_BESIDE = {"flags": ".flags", "record": ".json"}
# The files that a flagfile names, so that they are made again.
_FLAGS = ("output", "animation", "contact_sheet", "loss_plot")
