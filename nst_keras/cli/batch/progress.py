"""How far a batch has come, as a line. Nothing here needs TensorFlow."""

from __future__ import annotations

import time
from collections.abc import Sequence

from nst_keras.cli import line, output
from nst_keras.cli.batch import ordering
from nst_keras.cli.batch import pairs as pairs_lib

__all__ = ["Progress"]


class Progress:
    """Shows how many pairs are done, what is being made, how much time is left, and why pairs fail.

    Args:
        pairs: All pairs of the batch.
        quiet: Whether only failures are shown.
    """

    def __init__(self, pairs: Sequence[pairs_lib.Pair], *, quiet: bool) -> None:
        self._pairs = {pair.number: pair for pair in pairs}
        self._outcomes: dict[int, pairs_lib.Outcome] = {}
        self._steps: dict[int, pairs_lib.Step] = {}
        self._work = {pair.number: ordering.pixels(pair) * ordering.steps(pair) for pair in pairs}
        self._quiet, self._said = quiet, set[str]()
        self._line, self._has_begun = line.Line(), False
        self._begun = time.monotonic()

    def begin(self, text: str) -> None:
        """Says what is to be made, and shows the line from then on."""
        self._has_begun = True
        if not self._quiet:
            output.write(f"nst_keras: {text}")

    def step(self, step: pairs_lib.Step) -> None:
        """Shows a step of a pair."""
        self._steps[step.number] = step
        self._draw()

    def outcome(self, outcome: pairs_lib.Outcome) -> None:
        """Shows what has become of a pair. A failure is a line of its own."""
        self._outcomes[outcome.number] = outcome
        self._steps.pop(outcome.number, None)
        for text in outcome.warnings:
            if text not in self._said:
                self._said.add(text)
                self.say(f"warning: {text}")
        if outcome.status is pairs_lib.Status.FAILED:
            self.say(f"{title(self._pairs[outcome.number])}: {outcome.sentence}")
        self._draw()

    def say(self, text: str) -> None:
        """Prints a line on standard error, above the line that is redrawn."""
        self.clear()
        output.say(text, 0)

    def clear(self) -> None:
        """Blanks the line of a terminal."""
        self._line.clear()

    def _draw(self) -> None:
        """Shows the line, if the last one was shown some time ago."""
        if not self._quiet and self._has_begun and self._line.is_due:
            self._line.show(self.text())

    def text(self) -> str:
        """Returns the line."""
        counts = [outcome.status for outcome in self._outcomes.values()]
        failed = counts.count(pairs_lib.Status.FAILED)
        parts = [f"{len(counts) - failed} of {len(self._pairs)} pictures made"]
        parts += [f"{failed} failed"] if failed else []
        parts += [f"{self._pairs[at].output} {step.step}/{step.total}" for at, step in sorted(self._steps.items())]
        left = self._seconds_left()
        return ", ".join([*parts, *([] if left is None else [f"{line.clock(left)} left"])])

    def _seconds_left(self) -> float | None:
        """Returns the seconds left by the pace so far; None before a pair is made."""
        made = [at for at, one in self._outcomes.items() if one.status is pairs_lib.Status.MADE]
        if not made:
            return None
        done = sum(self._work[at] for at in made)
        done += sum(self._work[at] * step.step / step.total for at, step in self._steps.items())
        left = sum(work for at, work in self._work.items() if at not in self._outcomes)
        left -= sum(self._work[at] * step.step / step.total for at, step in self._steps.items())
        return max(0.0, left) * (time.monotonic() - self._begun) / done


def title(pair: pairs_lib.Pair) -> str:
    """Returns what a pair is called in a line: its picture's name, and what it is made of."""
    return f"{pair.output} ({' + '.join(pair.inputs)})" if pair.inputs else pair.output
