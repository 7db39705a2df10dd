"""Makes the pairs of a batch, one after the other, by transfers that are kept between them."""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Generator
from typing import Any, NamedTuple, cast

from nst_keras import checks, export, settings
from nst_keras.callbacks import run_view
from nst_keras.cli import job, sizes
from nst_keras.cli.batch import done, storage
from nst_keras.cli.batch import pairs as pairs_lib
from nst_keras.engine import memory_estimate, schedule
from nst_keras.engine import plan as plan_lib
from nst_keras.engine import result as result_lib
from nst_keras.runtime import messages
from nst_keras.sweeps import engines

__all__ = ["Maker", "Watch"]


_TRIED = 4  # Steps that an estimate is made from.


class Watch(NamedTuple):
    """Those who watch a pair being made.

    Attributes:
        told: Is called with each step and the number of steps.
        is_stopped: Returns whether the run is to end after its present step.
    """

    told: Callable[[int, int], None]
    is_stopped: Callable[[], bool]


class Maker:
    """Makes pairs, and keeps what was compiled and measured for those to come.

    Args:
        output_dir: The folder of the pictures, or its URI.
    """

    def __init__(self, output_dir: str) -> None:
        self._place = storage.Place(output_dir)
        self._engines = engines.Engines()
        self._held = contextlib.ExitStack()
        self._copies: pathlib.Path | None = None  # Folder of the copies of remote pictures, if there are any.

    def close(self) -> None:
        """Removes temporary files."""
        self._held.close()
        self._place.close()

    def make(self, pair: pairs_lib.Pair, watch: Watch) -> pairs_lib.Outcome:
        """Makes a picture, and returns what has become of it. No error is raised: it is the outcome's sentence.

        Args:
            pair: The pair. It has settings.
            watch: Those who watch.
        """
        begun = time.monotonic()
        with _kept_warnings() as found:
            try:
                outcome = self._made(pair, watch, begun)
            except Exception as error:
                outcome = pairs_lib.Outcome(pair.number, pairs_lib.Status.FAILED, checks.sentence(error))
        return outcome._replace(seconds=time.monotonic() - begun, warnings=tuple(dict.fromkeys(found)))

    def estimate(self, pair: pairs_lib.Pair) -> pairs_lib.Estimate:
        """Makes a few steps of a pair, writes nothing, and returns what the pair costs. No error is raised."""
        try:
            return self._estimate(pair)
        except Exception as error:
            return pairs_lib.Estimate(pair.number, (0, 0), 0.0, 0.0, 0, checks.sentence(error))

    def _estimate(self, pair: pairs_lib.Pair) -> pairs_lib.Estimate:
        """Returns what a pair costs, see `estimate`."""
        if pair.asked is None:
            raise ValueError(pair.problem)
        asked, clock = self._with_copies(pair.asked), _Clock()
        # Without a pyramid: the steps of its stages are reckoned from those at the full size.
        given = dataclasses.replace(asked.transfer, schedule=settings.ScheduleSettings())
        few = dataclasses.replace(asked.fit, epochs=1, steps_per_epoch=_TRIED, callbacks=(clock,), verbose=0)
        with self._engines.borrowed(given) as style_transfer, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            style_transfer.fit(few)
            plan = style_transfer.result.plan
            memory = memory_estimate.estimate(plan_lib.stage_memory(plan, frames=0)).total
        first, *others = clock.seconds
        step, (height, width) = min(others), plan.setup.pictures.size
        sides = schedule.stage_sizes(asked.transfer.schedule.pyramid, max(height, width))
        shares = schedule.stage_shares(asked.transfer.schedule.pyramid_shares, len(sides))
        ends = schedule.stage_ends(len(sides), asked.fit.epochs * asked.fit.steps_per_epoch, shares)
        steps = [end - begin for begin, end in zip((0, *ends), ends, strict=False)]
        whole = sum(count * (side / max(height, width)) ** 2 for count, side in zip(steps, sides, strict=True))
        return pairs_lib.Estimate(pair.number, (height, width), step * whole, max(0.0, first - step), memory)

    def _made(self, pair: pairs_lib.Pair, watch: Watch, begun: float) -> pairs_lib.Outcome:
        """Makes a picture, see `make`."""
        if pair.asked is None:
            raise ValueError(pair.problem)
        asked = self._with_copies(pair.asked)
        _check_outputs(asked)
        with messages.of_keras(shown=False), self._engines.borrowed(asked.transfer) as style_transfer:
            sizes.check(style_transfer.state.pictures, asked.save, pathlib.Path(pair.output))
            every = (*asked.fit.callbacks, _Steps(watch))
            style_transfer.fit(dataclasses.replace(asked.fit, callbacks=every, verbose=0))
            result = style_transfer.result
            if not result.completed:
                status = pairs_lib.Status.STOPPED if watch.is_stopped() else pairs_lib.Status.FAILED
                return pairs_lib.Outcome(pair.number, status, result.stop.sentence)
            images = {name: getattr(pair.asked.transfer.images, name) for name in pairs_lib.PICTURES}
            result = dataclasses.replace(result, options={**result.options, **images, "callbacks": ()})
            self._write(pair, asked, result, time.monotonic() - begun)
        losses = {name: float(values[-1]) for name, values in result.history.items() if values}
        size = result_lib.output_size(result.plan.setup.pictures, asked.save.output_size)
        sentence = result.stop.sentence
        return pairs_lib.Outcome(
            pair.number, pairs_lib.Status.MADE, sentence, size=size, steps=result.step, losses=losses
        )

    def _write(
        self, pair: pairs_lib.Pair, asked: settings.JobSettings, result: result_lib.Result, seconds: float
    ) -> None:
        """Writes the files of a pair, the picture last: where it is, the others are too."""
        files = asked.files
        if files.animation is not None:
            export.save_animation(result.frames, self._place.prepared(files.animation), seconds=files.animation_seconds)
        if files.contact_sheet is not None:
            result.plot_frames(self._place.prepared(files.contact_sheet))
        if files.loss_plot is not None:
            result.plot_history(self._place.prepared(files.loss_plot))
        result.save_as(self._place.prepared(pair.output), asked.save, notes=done.notes(pair, seconds))
        for name in (files.animation, files.contact_sheet, files.loss_plot, pair.output):
            if name is not None:
                self._place.upload(name)

    def _with_copies(self, asked: settings.JobSettings) -> settings.JobSettings:
        """Returns the settings with copies in the place of remote pictures, and frames only where they are needed."""
        given = asked.transfer
        copies = {name: self._copy(name, getattr(given.images, name)) for name in pairs_lib.PICTURES}
        frames = given.frames
        if asked.files.animation is None and asked.files.contact_sheet is None:
            frames = dataclasses.replace(frames, frame_interval=sys.maxsize)
        given = dataclasses.replace(
            given,
            images=dataclasses.replace(given.images, **copies),
            network=job.resolved_weights(given.network),
            frames=frames,
        )
        return dataclasses.replace(asked, transfer=given)

    def _copy(self, argument: str, source: Any) -> Any:
        """Returns the path of a copy of a remote picture, for each in a list; anything else unchanged."""
        if isinstance(source, list):
            return [self._copy(argument, one) for one in source]
        if not storage.is_remote(source):
            return source
        if self._copies is None:
            self._copies = pathlib.Path(self._held.enter_context(tempfile.TemporaryDirectory(prefix="nst_keras-")))
        return storage.fetched(argument, source, self._copies)


class _Clock(run_view.RunCallback):
    """The callback that notes the seconds of each step."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []
        self._begun = 0.0

    def on_train_batch_begin(self, batch: int, logs: run_view.Logs = None) -> None:
        """Begins to count."""
        self._begun = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: run_view.Logs = None) -> None:
        """Notes the seconds of a step."""
        self.seconds.append(time.perf_counter() - self._begun)


class _Steps(run_view.RunCallback):
    """The callback that tells of each step, and ends a run that is to stop."""

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self._watch = watch

    def on_train_batch_end(self, batch: int, logs: run_view.Logs = None) -> None:
        """Tells of the step."""
        self._watch.told(self.run.step, self.run.total_steps)
        if self._watch.is_stopped():
            cast(Any, self.model).run.stop()


def _check_outputs(asked: settings.JobSettings) -> None:
    """Raises `ValueError` for a file of a kind that cannot be written, before anything is computed."""
    export.check_still(
        asked.files.output, bit_depth=asked.save.bit_depth, has_alpha=asked.save.alpha, argument="output"
    )
    if asked.files.animation is not None:
        export.check_animation(asked.files.animation, seconds=asked.files.animation_seconds, argument="animation")


@contextlib.contextmanager
def _kept_warnings() -> Generator[list[str], None, None]:
    """Yields a list to which the warnings within the block are added, as sentences."""
    found: list[str] = []
    with warnings.catch_warnings():
        for category in (UserWarning, RuntimeWarning):
            warnings.simplefilter("always", category)
        warnings.showwarning = lambda message, *_: found.append(str(message))
        yield found
