"""A batch from its settings to its report. Nothing here needs TensorFlow, except in the processes that it starts."""

from __future__ import annotations

import contextlib
import datetime
import os
import pathlib
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from nst_keras import presets, settings
from nst_keras.cli.batch import done, ordering, parent, planning, progress, storage
from nst_keras.cli.batch import pairs as pairs_lib
from nst_keras.cli.batch.report import files
from nst_keras.cli.batch.report import values as report_lib
from nst_keras.images import downloads, samples
from nst_keras.runtime import xla_cache
from nst_keras.settings import paths

__all__ = ["Batch", "Workers"]


class Workers(Protocol):
    """Those who make pairs."""

    def outcomes(self, pairs: Sequence[pairs_lib.Pair]) -> Iterator[pairs_lib.Outcome | pairs_lib.Step]:
        """Makes pairs, and yields each step and each outcome, until all are made or the batch is stopped.

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
        settings: The options of the batch.

    Raises:
        ValueError: No pictures, a bad template or table, or an unknown preset.
        TypeError: Pictures that are no names.
        OSError: A picture, folder or table is missing, or the output folder cannot be read.
        ImportError: A cluster or a URI needs a package that is not installed.
    """

    def __init__(self, given: presets.Options, batch: settings.BatchSettings, *, command: str = "") -> None:
        self.settings, self._command = batch, command
        self.pairs = planning.planned(given, batch)
        self.outcomes: dict[int, pairs_lib.Outcome] = {}
        self._began, self._seconds = datetime.datetime.now().astimezone(), 0.0
        self._quiet = bool(given.get("quiet"))
        self._xla_cache = given.get("xla_cache", xla_cache.AUTO)
        self._place = storage.Place(batch.output_dir)
        if not given.get("overwrite"):
            self._check_report()
        earlier = done.EarlierPictures(self._place, overwrite=bool(given.get("overwrite")))
        for pair in self.pairs:
            outcome = _unmade(pair) or earlier.outcome(pair, keeps=batch.resume)
            if outcome is not None:
                self.outcomes[pair.number] = outcome

    def _check_report(self) -> None:
        """Raises `FileExistsError` if the report would replace files that no batch has written."""
        if (path := self._place.local_copy(files.FACTS)) is not None and files.is_own(path):
            return
        for name in files.FILES:
            if self._place.local_copy(name) is not None:
                raise FileExistsError(
                    f"output_dir: {self.settings.output_dir!r} holds {name!r}, which no batch has written. Choose "
                    "another folder, or let it be overwritten (--overwrite)."
                )

    @property
    def left(self) -> list[pairs_lib.Pair]:
        """The pairs that are still to be made, in the order in which they will be."""
        return ordering.ordered(pair for pair in self.pairs if pair.number not in self.outcomes)

    @property
    def is_unfinished(self) -> bool:
        """Whether pairs were stopped or not begun."""
        return bool(self.report.unfinished)

    @property
    def report(self) -> report_lib.Report:
        """The report of the batch so far."""
        began = self._began.isoformat(timespec="seconds")
        return report_lib.Report(self.pairs, dict(self.outcomes), self._seconds, began, self._command)

    @property
    def where(self) -> str:
        """Where the report is, as a sentence."""
        return f"{self.settings.output_dir.rstrip('/')}/{files.PAGE} shows them."

    def run(self, stops: Callable[[], int]) -> None:
        """Makes the pictures that are left, until all are made or it is stopped. Failures are lines on standard error.

        Args:
            stops: Returns how often the batch was asked to stop: once, it ends after the present step; twice, at once.

        Raises:
            OSError: The output folder cannot be made, no process can be started, or no cluster answers.
            ValueError: A bad address of a cluster.
            RuntimeError: Those who make the pairs cannot be started.
            ImportError: The cluster needs a package that is not installed.
        """
        begun = time.monotonic()
        self._place.prepared("x")  # The folder is made, or the batch ends here.
        shown = progress.Progress(self.pairs, quiet=self._quiet)
        try:
            for outcome in self.outcomes.values():
                shown.outcome(outcome)
            if left := self.left:
                shown.begin(f"{self._to_make(left)}, in {self.settings.output_dir}")
                with contextlib.closing(self._workers(stops)) as workers:
                    for news in workers.outcomes(left):
                        self._take(news, shown)
        finally:
            shown.clear()
            self._seconds = time.monotonic() - begun

    def write(self) -> list[Exception]:
        """Writes the report, and returns what could not be written."""
        failures = self._place.folder / files.FAILURES
        pairs = pathlib.Path(os.path.expanduser(self.settings.pairs or ""))
        # The table of failures that this batch makes again stays whole until each has had its turn.
        is_own = self.settings.pairs is not None and pairs.exists() and failures.exists() and pairs.samefile(failures)
        problems = files.write(self.report, self._place.folder, self._picture, with_unfinished=is_own)
        if self._place.is_remote:
            for path in self._place.folder.iterdir():
                if files.is_reserved(path.name):
                    try:
                        self._place.upload(path.name)
                    except OSError as error:
                        problems.append(error)
        return problems

    def close(self) -> None:
        """Removes temporary files."""
        self._place.close()

    def _to_make(self, left: Sequence[pairs_lib.Pair]) -> str:
        """Returns how many pictures are to be made, and how many of them again."""
        again = sum(self._place.local_copy(pair.output) is not None for pair in left)
        text = f"{len(left)} picture{'s' if len(left) > 1 else ''} to make"
        return f"{text}, {again} of them again: their settings or files have changed" if again else text

    def _take(self, news: pairs_lib.Outcome | pairs_lib.Step, shown: progress.Progress) -> None:
        """Notes and shows a step or an outcome."""
        if isinstance(news, pairs_lib.Step):
            shown.step(news)
        else:
            self.outcomes[news.number] = news
            shown.outcome(news)

    def _workers(self, stops: Callable[[], int]) -> Workers:
        """Returns those who make the pairs."""
        if self.settings.ray_address is None:
            return parent.Workers(self.settings.output_dir, stops, xla_cache=self._xla_cache)
        from nst_keras.cli.batch import cluster  # noqa: PLC0415  Ray is optional.

        return cluster.Workers(self.settings, stops, xla_cache=self._xla_cache)

    def _picture(self, name: str, made: bool) -> pathlib.Path | None:
        """Returns the file of a picture that was made or read; None where it is not on this machine."""
        if made:
            with contextlib.suppress(OSError):
                return self._place.local_copy(name)
            return None
        if name.startswith(paths.SAMPLE):
            return samples.path(name) if name.removeprefix(paths.SAMPLE) in samples.SAMPLES else None
        if paths.is_url(str(paths.local(name))):
            copy = downloads.copy_of(name)
            return None if copy is None else pathlib.Path(copy)
        path = pathlib.Path(os.path.expanduser(paths.local(name)))
        return path if not storage.is_remote(name) and path.is_file() else None


def _unmade(pair: pairs_lib.Pair) -> pairs_lib.Outcome | None:
    """Returns the outcome of a pair that cannot be made; None for others."""
    return pairs_lib.Outcome(pair.number, pairs_lib.Status.FAILED, pair.problem) if pair.problem else None
