"""A batch from its settings to its report. Nothing here needs TensorFlow, except in the processes that it starts."""

from __future__ import annotations

import contextlib
import datetime
import pathlib
import time
from collections.abc import Iterator, Sequence
from typing import Protocol

from nst_keras import presets, settings
from nst_keras.cli.batch import child, done, ordering, planning, progress, storage
from nst_keras.cli.batch import pairs as pairs_lib
from nst_keras.cli.batch.report import files
from nst_keras.cli.batch.report import values as report_lib
from nst_keras.images import downloads, samples
from nst_keras.settings import paths

__all__ = ["Batch", "Workers"]


class Workers(Protocol):
    """Those who make pairs."""

    def outcomes(self, pairs: Sequence[pairs_lib.Pair]) -> Iterator[pairs_lib.Outcome | pairs_lib.Step]:
        """Makes pairs, and yields each step and each outcome. Ctrl-C ends it after the present steps.

        Args:
            pairs: The pairs, in the order in which they are begun.
        """
        ...

    def close(self) -> None:
        """Frees what the work has taken."""


class Batch:
    """Pairs, and what has become of them. At construction nothing is computed.

    Args:
        given: {option: value} of a run's options that are given. See `planning.planned`.
        batch: The options of the batch.
        command: The command line, for the report; "" for none.

    Attributes:
        pairs: All pairs, in the order in which they were given.
        outcomes: {number of a pair: what has become of it}.
        is_interrupted: Whether Ctrl-C ended the batch.

    Raises:
        ValueError: No pictures, a bad template or table, or an unknown preset.
        TypeError: Pictures that are no names.
        OSError: A picture, folder or table is missing, or the output folder cannot be read.
        ImportError: A cluster or a URI needs a package that is not installed.
    """

    def __init__(self, given: presets.Options, batch: settings.BatchSettings, *, command: str = "") -> None:
        self._settings, self._command = batch, command
        self.pairs = planning.planned(given, batch)
        self.outcomes: dict[int, pairs_lib.Outcome] = {}
        self.is_interrupted = False
        self._began, self._seconds = datetime.datetime.now().astimezone(), 0.0
        self._quiet = bool(given.get("quiet"))
        self._place = storage.Place(batch.output_dir)
        found = done.Found(self._place, overwrite=bool(given.get("overwrite")))
        for pair in self.pairs:
            outcome = _unmade(pair) or found.outcome(pair, keeps=batch.resume)
            if outcome is not None:
                self.outcomes[pair.number] = outcome

    @property
    def left(self) -> list[pairs_lib.Pair]:
        """The pairs that are still to be made, in the order in which they will be."""
        return ordering.ordered(pair for pair in self.pairs if pair.number not in self.outcomes)

    @property
    def report(self) -> report_lib.Report:
        """The report of the batch so far."""
        began = self._began.isoformat(timespec="seconds")
        return report_lib.Report(self.pairs, dict(self.outcomes), self._seconds, began, self._command)

    @property
    def output_dir(self) -> str:
        """The folder of the pictures, as it was named."""
        return self._settings.output_dir

    @property
    def where(self) -> str:
        """Where the report is, as a sentence."""
        return f"{self._settings.output_dir.rstrip('/')}/report.html shows them."

    def run(self) -> None:
        """Makes the pictures that are left, until all are made or Ctrl-C ends it. Failures are lines on standard error.

        Raises:
            OSError: The output folder cannot be made, or there is no such cluster.
            ImportError: The cluster needs a package that is not installed.
        """
        begun = time.monotonic()
        self._place.path("x")  # The folder is made, or the batch ends here.
        shown = progress.Progress(self.pairs, quiet=self._quiet)
        for outcome in list(self.outcomes.values()):
            shown.outcome(outcome)
        left = self.left
        try:
            if left:
                with contextlib.closing(self._workers()) as workers:
                    for news in workers.outcomes(left):
                        self._take(news, shown)
            self.is_interrupted = any(pair.number not in self.outcomes for pair in self.pairs)
        except KeyboardInterrupt:
            self.is_interrupted = True
        finally:
            shown.clear()
            self._seconds = time.monotonic() - begun

    def write(self) -> list[Exception]:
        """Writes the report, and returns what could not be written."""
        failures = self._place.folder / files.FAILURES
        pairs = pathlib.Path(self._settings.pairs or "").expanduser()
        # The table of failures that this batch makes again stays whole until each has had its turn.
        is_unfinished = self.is_interrupted and pairs.exists() and failures.exists() and pairs.samefile(failures)
        problems = files.write(self.report, self._place.folder, self._picture, with_waiting=is_unfinished)
        if self._place.is_remote:
            for path in self._place.folder.iterdir():
                if files.is_reserved(path.name):
                    try:
                        self._place.keep(path.name)
                    except OSError as error:
                        problems.append(error)
        return problems

    def close(self) -> None:
        """Removes temporary files."""
        self._place.close()

    def _take(self, news: pairs_lib.Outcome | pairs_lib.Step, shown: progress.Progress) -> None:
        """Notes and shows a step or an outcome."""
        if isinstance(news, pairs_lib.Step):
            shown.step(news)
        elif news.status is not pairs_lib.Status.STOPPED:
            self.outcomes[news.number] = news
            shown.outcome(news)

    def _workers(self) -> Workers:
        """Returns those who make the pairs."""
        if self._settings.ray_address is None:
            return child.Workers(self._settings.output_dir)
        from nst_keras.cli.batch import cluster  # noqa: PLC0415  Ray is optional.

        return cluster.Workers(self._settings)

    def _picture(self, name: str, made: bool) -> pathlib.Path | None:
        """Returns the file of a picture that was made or read; None where it is not on this machine."""
        if made:
            with contextlib.suppress(OSError):
                return self._place.made(name)
            return None
        if name.startswith(paths.SAMPLE):
            return samples.path(name) if name.removeprefix(paths.SAMPLE) in samples.SAMPLES else None
        if paths.is_url(str(paths.local(name))):
            copy = downloads.copy_of(name)
            return None if copy is None else pathlib.Path(copy)
        path = pathlib.Path(paths.local(name)).expanduser()
        return path if not storage.is_remote(name) and path.is_file() else None


def _unmade(pair: pairs_lib.Pair) -> pairs_lib.Outcome | None:
    """Returns the outcome of a pair that cannot be made; None for others."""
    return pairs_lib.Outcome(pair.number, pairs_lib.Status.FAILED, pair.problem) if pair.problem else None
