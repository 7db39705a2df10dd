"""Pairs are made by the workers of a Ray cluster. Nothing here needs TensorFlow.

Ray places the workers, and tells of their death. Each worker has one pair at a time, and is given the next only when it
answers. So a worker that waits for a machine, or has lost its own, holds no pair.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import os
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from nst_keras import settings
from nst_keras.cli.batch import connecting, ordering, storage, worker
from nst_keras.cli.batch import pairs as pairs_lib
from nst_keras.settings import paths

__all__ = ["Workers"]

_TICK, _ENDING = 1.0, 10.0  # Seconds between two looks at the steps, and until temporary files are removed.
_PATIENCE = 300.0  # Seconds without any worker, after which the batch ends.
_THREADS = 3  # Of a worker: one makes a pair, the others answer.


@dataclasses.dataclass(eq=False)
class _Member:
    """A worker as this process sees it: whether it has begun to answer, its pair, and the kind of pair it made last."""

    actor: Any
    is_ready: bool = False
    pair: pairs_lib.Pair | None = None
    kind: object = None


class Workers:
    """Workers of a Ray cluster.

    Args:
        batch: The options of the batch. It has a `ray_address`.
        stops: Returns how often the batch was asked to stop: once, it ends after the present steps; twice, at once.
        xla_cache: Folder that keeps XLA's compiled code on each machine, `auto`, or None.

    Raises:
        ImportError: Ray is not installed.
        ValueError: An address of another form, or workers that no machine of the cluster has room for.
        ConnectionError: No cluster answers.
    """

    actor_class: type = worker.Worker

    def __init__(self, batch: settings.BatchSettings, stops: Callable[[], int], *, xla_cache: str | None) -> None:
        self._ray = connecting.ray()
        self._batch, self._stops, self._xla_cache = batch, stops, xla_cache
        self._is_own = connecting.connect(self._ray, str(batch.ray_address))
        self._room = connecting.Room(self._ray, batch)
        self._make = self._ray.remote(self.actor_class).options(max_concurrency=_THREADS, **self._room.options)
        self._crew: list[_Member] = []
        self._asked: dict[Any, tuple[_Member, str]] = {}  # {what Ray will answer: whom it was asked, and what}.
        self._waiting: dict[object, collections.deque[pairs_lib.Pair]] = {}  # By kind.
        self._begun = collections.Counter[int]()  # How often each pair was begun.
        self._unstarted, self._stopping = 0, False  # Workers that died before they answered, since one did.
        self._next, self._served = 0.0, time.monotonic()

    def outcomes(self, pairs: Sequence[pairs_lib.Pair]) -> Iterator[pairs_lib.Outcome | pairs_lib.Step]:
        """Makes pairs, and yields each step and each outcome, until all are made or the batch is stopped.

        Args:
            pairs: The pairs, in the order in which they are begun.

        Raises:
            ConnectionError: The cluster does not answer any more.
            TimeoutError: For five minutes, the cluster has had no room for any worker.
            RuntimeError: Workers cannot be started.
        """
        for pair in pairs:
            self._waiting.setdefault(_kind(pair), collections.deque()).append(pair)
        while self._busy or (self._waiting and not self._stopping):
            if self._stops() > 1:
                break
            if self._stops() and not self._stopping:
                self._stopping = True
                for member in self._busy:
                    member.actor.stop.remote()
            for answer in self._answers():
                if (news := self._heard(answer)) is not None:
                    yield news
        for member in self._busy:
            assert member.pair is not None
            yield pairs_lib.Outcome(member.pair.number, pairs_lib.Status.STOPPED)

    def close(self) -> None:
        """Ends the workers. A cluster that was started or joined by this object is left."""
        with contextlib.suppress(self._ray.exceptions.RayError, KeyboardInterrupt):
            closing = [member.actor.close.remote() for member in self._crew if member.is_ready and not member.pair]
            if closing:
                self._ray.wait(closing, num_returns=len(closing), timeout=_ENDING)
            for member in list(self._crew):
                self._end(member)
        if self._is_own:
            self._ray.shutdown()

    @property
    def _busy(self) -> list[_Member]:
        """The workers that make a pair."""
        return [member for member in self._crew if member.pair is not None]

    def _answers(self) -> list[Any]:
        """Sees that all have work, waits for about a second, and returns what is answered by then."""
        if time.monotonic() >= self._next or not self._asked:
            self._next = time.monotonic() + _TICK
            self._check_patience()
            self._hire()
            for member in self._busy:
                self._ask(member, "standing")
        for member in list(self._crew):
            if member.is_ready and member.pair is None:
                self._give(member)
        try:
            return self._ray.wait(list(self._asked), timeout=_TICK)[0]
        except self._ray.exceptions.RayError as error:
            raise ConnectionError(f"ray_address: the cluster does not answer ({_reason(error)}).") from error

    def _ask(self, member: _Member, what: str, *arguments: Any) -> None:
        """Calls a method of a worker, if that is not still being answered."""
        if (member, what) not in self._asked.values():
            self._asked[getattr(member.actor, what).remote(*arguments)] = member, what

    def _hire(self) -> None:
        """Asks for workers until there are enough of them, or one for each pair."""
        left = sum(map(len, self._waiting.values())) + len(self._busy)
        for _ in range(len(self._crew), 0 if self._stopping else min(self._room.workers(), left)):
            if self._unstarted < self._batch.tries:
                member = _Member(self._make.remote(_absolute(self._batch.output_dir), self._xla_cache))
                self._crew.append(member)
                self._ask(member, "ready")

    def _give(self, member: _Member) -> None:
        """Gives a worker a pair of the kind that it made last, or of which most are left; without any, ends it."""
        if not self._waiting or self._stopping:
            member.actor.close.remote()
            self._end(member, at_once=False)
            return
        kind = member.kind if member.kind in self._waiting else max(self._waiting, key=lambda k: len(self._waiting[k]))
        member.kind, member.pair = kind, self._waiting[kind].popleft()
        if not self._waiting[kind]:
            del self._waiting[kind]
        self._begun[member.pair.number] += 1
        self._ask(member, "make", member.pair)

    def _heard(self, answer: Any) -> pairs_lib.Outcome | pairs_lib.Step | None:
        """Returns what an answer tells of a pair; None if it tells nothing."""
        member, what = self._asked.pop(answer)
        if member not in self._crew:
            return None
        try:
            news: Any = self._ray.get(answer)
        except self._ray.exceptions.RayError as error:
            if what == "standing":
                return None  # If the worker has died, the answer about its pair tells it.
            return self._failed(member, error)
        if what == "ready":
            member.is_ready, self._unstarted = True, 0
        elif what == "make":
            pair, member.pair = member.pair, None
            return self._seen(pair, news)
        is_present = news is not None and member.pair is not None and news.number == member.pair.number
        return news if is_present else None

    def _failed(self, member: _Member, error: Exception) -> pairs_lib.Outcome | None:
        """Returns what becomes of the pair of a worker that has died, or could not make it; None if it waits again."""
        pair, member.pair = member.pair, None
        if pair is not None and isinstance(error, self._ray.exceptions.RayTaskError):
            return pairs_lib.Outcome(pair.number, pairs_lib.Status.FAILED, _reason(error))
        self._end(member)
        if pair is None:
            self._unstarted += 1
            if self._unstarted >= self._batch.tries and not any(other.is_ready for other in self._crew):
                raise RuntimeError(f"ray_address: workers cannot be started ({_reason(error)}).") from error
            return None
        if self._stopping:
            return pairs_lib.Outcome(pair.number, pairs_lib.Status.STOPPED)
        if (begun := self._begun[pair.number]) >= self._batch.tries:
            sentence = f"Its worker has died each time that it was begun ({begun}). Perhaps memory has run out: take a "
            return pairs_lib.Outcome(pair.number, pairs_lib.Status.FAILED, f"{sentence}smaller image_size.")
        self._waiting.setdefault(_kind(pair), collections.deque()).appendleft(pair)
        return None

    def _end(self, member: _Member, *, at_once: bool = True) -> None:
        """Lets a worker go. Ray ends one that nobody knows any more, after what it was asked."""
        self._crew.remove(member)
        if at_once:
            self._ray.kill(member.actor)

    def _check_patience(self) -> None:
        """Raises `TimeoutError` if there has been no worker for long."""
        now = time.monotonic()
        if any(member.is_ready for member in self._crew):
            self._served = now
        elif now - self._served >= _PATIENCE:
            raise TimeoutError(
                f"ray_address: for {_PATIENCE:.0f} seconds, the cluster has had no room for a worker, which takes "
                f"{self._room}. `ray status` tells what is free."
            )

    def _seen(self, pair: pairs_lib.Pair | None, outcome: pairs_lib.Outcome) -> pairs_lib.Outcome:
        """Returns an outcome, with a warning if this machine does not see the picture."""
        folder = _absolute(self._batch.output_dir)
        if pair is None or outcome.status is not pairs_lib.Status.MADE or not os.path.isabs(folder):
            return outcome
        if os.path.exists(os.path.join(folder, pair.output)):
            return outcome
        text = (
            f"output_dir: a worker has written to its own {folder!r}, which this machine does not see. Give a folder "
        )
        return outcome._replace(warnings=(*outcome.warnings, f"{text}that all machines share, or a URI."))


def _kind(pair: pairs_lib.Pair) -> object:
    """Returns what pairs share if one compiled step makes them."""
    return ordering.kind(pair), ordering.size(pair)


def _absolute(output_dir: str) -> str:
    """Returns a folder by its whole path, since workers have other current folders; a URI unchanged."""
    is_here = not storage.is_remote(output_dir)
    return os.path.abspath(os.path.expanduser(paths.local(output_dir))) if is_here else output_dir


def _reason(error: Exception) -> str:
    """Returns the last line of what Ray tells, which says most."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else type(error).__name__
