"""A comparison from settings to files: a folder with a labelled sheet and a picture of each combination."""

from __future__ import annotations

import dataclasses
import pathlib
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from nst_keras import export, settings
from nst_keras.cli import job, rescue, sizes
from nst_keras.engine import result as result_lib
from nst_keras.export import record
from nst_keras.runtime import hosts
from nst_keras.sweeps import compare, comparison, variation

__all__ = ["ComparisonJob", "State"]

# Outputs of a single run, beside those of `variation.OF_ONE_RUN`.
_SINGLE_OUTPUTS = ("animation", "contact_sheet", "loss_plot")


class State(NamedTuple):
    """How far a comparison has come.

    Attributes:
        begun: Whether a run has begun.
        interrupted: Whether Ctrl-C ended it.
        completed: Whether all pictures are made, each with all of its steps.
        stop_reason: Why it ended, as a sentence.
    """

    begun: bool
    interrupted: bool
    completed: bool
    stop_reason: str


class ComparisonJob:
    """A comparison whose output folder is checked before the first run. The chief of several hosts writes the files.

    Args:
        asked: All options of the command line.
        vary: {option: its values}. They take the place of the option's own flag.
        flagfiles: Paths of flagfiles that were read and must not be replaced.

    Attributes:
        folder: The folder that it writes.

    Raises:
        ValueError: A bad option or combination, an output of one run, one that would replace an input, or a format
            that cannot hold a picture.
        OSError: An input cannot be read, or the folder exists and may not be replaced or cannot be written to.
    """

    def __init__(
        self, asked: settings.JobSettings, vary: Mapping[str, Sequence[Any]], *, flagfiles: Sequence[str] = ()
    ) -> None:
        _check_single_outputs(asked)
        given = dataclasses.replace(asked.transfer, network=job.resolved_weights(asked.transfer.network))
        self._output = pathlib.Path(asked.files.output).expanduser()
        self.folder = self._output.with_name(f"{self._output.stem}_compare")
        self._save = asked.save
        if hosts.is_chief(hosts.joined(given.runtime.strategy)):  # First of all: before TensorFlow runs anything.
            self._check_output(asked, overwrite=asked.files.overwrite)
        fit = dataclasses.replace(asked.fit, verbose=0 if asked.process.quiet else "auto")
        self._sweep = compare.Sweep(given, vary, fit)
        self._check_inputs([*flagfiles, *_inputs(given, self._sweep.combinations)])
        if self._sweep.is_chief:
            for pictures in self._sweep.inputs:
                sizes.check(pictures, asked.save, self._output, asked.fit.preview)
        self._seconds = 0.0
        self._written: list[pathlib.Path] = []
        self._has_sheet = False

    def run(self) -> None:
        """Makes the pictures. It raises the error of a run, with the combination before its sentence."""
        begun = time.monotonic()
        try:
            self._sweep.run()
        finally:
            self._seconds = time.monotonic() - begun

    @property
    def state(self) -> State:
        """How far the comparison has come."""
        so_far, count = self._sweep.comparison, len(self._sweep.combinations)
        made = f"{len(so_far.made)} of {count} pictures made"
        early = [one for one in so_far.results if not one.result.completed]
        completed = len(so_far.made) == count and not early
        reason = made if completed or not early else f"{made}; {early[0].label}: {early[0].result.stop.sentence}"
        return State(self._sweep.begun, so_far.interrupted, completed, reason)

    @property
    def has_picture(self) -> bool:
        """Whether there is something to write."""
        return bool(self._sweep.comparison.made)

    @property
    def longest_side(self) -> int | None:
        """None: the pictures may differ in size."""
        return None

    @property
    def summary(self) -> str:
        """How many pictures were made, and how many seconds they took."""
        return f"{self.state.stop_reason} in {self._seconds:.0f} s"

    @property
    def is_chief(self) -> bool:
        """Whether this process writes the files. Of several hosts, only the chief does."""
        return self._sweep.is_chief

    def write(self) -> list[Exception]:
        """Writes the pictures and the sheet, each completely or not at all, and returns what could not be written.

        One that fails costs no other. A picture that cannot be written is saved as PNG elsewhere.
        """
        if not self.is_chief:
            return []
        saving = self._sweep.comparison.save_as(self.folder, self._output.suffix, self._save, self._write_picture)
        problems = list(saving)
        self._has_sheet = problems[-1] is None
        return [problem for problem in problems if problem is not None]

    def _write_picture(self, result: result_lib.Result, path: pathlib.Path, asked: settings.SaveSettings) -> None:
        """Saves a picture; raises `OSError` if it had to be in another place, or nowhere."""
        place, problem = rescue.saved(result, path, asked)
        self._written.append(place)
        if problem is not None:
            raise problem

    def written(self) -> list[str]:
        """Returns the path of the sheet, if there is one, and how many pictures stand beside it."""
        beside = [path for path in self._written if path.parent.resolve() == self.folder.resolve()]
        count = f"{len(beside)} {'picture' if len(beside) == 1 else 'pictures'}"
        if not beside:
            return [str(path) for path in self._written]
        sheet = self.folder / comparison.SHEET
        return [f"{sheet} and {count} beside it" if self._has_sheet else f"{count} in {self.folder}"]

    def _check_output(self, asked: settings.JobSettings, *, overwrite: bool) -> None:
        """Raises an error, as far as can be known before the runs, if the files cannot be written after them."""
        export.check_destination("output", self._output, list(export.STILL_OPTIONS), overwrite=True)
        export.check_still(self._output, bit_depth=asked.save.bit_depth, has_alpha=asked.save.alpha)
        if self.folder.exists() and not (overwrite and self.folder.is_dir()):
            raise FileExistsError(
                f"output: {str(self.folder)!r}, the folder of the comparison, exists already. Choose another name, or "
                "let its pictures be overwritten (--overwrite)."
            )
        if asked.fit.preview is not None:
            export.check_destination("preview", asked.fit.preview, list(export.STILL_OPTIONS), overwrite=overwrite)

    def _check_inputs(self, read: Sequence[str]) -> None:
        """Raises `ValueError` if a picture or the sheet would replace a file that is read."""
        names = [comparison.SHEET, *comparison.file_names(self._sweep.combinations, self._output.suffix)]
        for path in (self.folder / name for name in names):
            if path.exists() and any(pathlib.Path(name).exists() and path.samefile(name) for name in read):
                raise ValueError(f"output: {str(path)!r} would replace a file that is read. Choose another name.")


def _check_single_outputs(asked: settings.JobSettings) -> None:
    """Raises `ValueError` for options that belong to one run."""
    given = settings.values(asked.files) | settings.values(asked.fit) | settings.values(asked.transfer.frames)
    for name in (*_SINGLE_OUTPUTS, *variation.OF_ONE_RUN):
        if given.get(name) and name != "checkpoint_interval":
            raise ValueError(
                f"compare: several runs cannot share {name}. Leave it out, or set --{name}="
                f"{'false' if given[name] is True else 'none'} where a flagfile sets it."
            )


def _inputs(given: settings.TransferSettings, combinations: Sequence[variation.Combination]) -> list[str]:
    """Returns the paths of all files that the runs read."""
    every = [settings.values(given) | one.values for one in combinations]
    return [path for options in every for path in record.input_files(options)]
