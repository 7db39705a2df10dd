"""What the report of a batch tells: the pairs, what has become of them, and how names and numbers are written."""

from __future__ import annotations

import math
import pathlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from nst_keras.cli.batch import pairs
from nst_keras.settings import paths, printable

__all__ = ["Report", "duration", "number", "short_names", "shown", "without_passwords"]

_PASSWORD = re.compile(r"(\w+://[^/?#:\s\"',]*):[^/?#\s]*@")
_HAS_PICTURE = (pairs.Status.MADE, pairs.Status.KEPT)


class Report(NamedTuple):
    """A batch, at its end or after an interruption.

    Attributes:
        pairs: All pairs of the batch.
        outcomes: {number of a pair: what has become of it}. A pair without one is not begun.
        seconds: Seconds that this batch took.
        began: When it began, in ISO's form, such as `2026-01-31T12:00:00+00:00`.
        command: The command line; "" if Python made the batch.
        is_interrupted: Whether Ctrl-C ended it.
    """

    pairs: Sequence[pairs.Pair]
    outcomes: Mapping[int, pairs.Outcome]
    seconds: float
    began: str
    command: str
    is_interrupted: bool = False

    def __repr__(self) -> str:
        """Returns the summary."""
        return f"<{type(self).__name__}: {self.summary}>"

    @property
    def common(self) -> Mapping[str, str]:
        """{option: text} of the options that all pairs have."""
        return self.pairs[0].common_texts if self.pairs else {}

    @property
    def counts(self) -> dict[pairs.Status, int]:
        """{status: number of pairs}, in the order of the statuses. Those of no pair are among them."""
        found = Counter(self.outcome(pair).status for pair in self.pairs)
        return {status: found[status] for status in pairs.Status}

    @property
    def failed(self) -> list[pairs.Pair]:
        """The pairs that failed."""
        return [pair for pair in self.pairs if self.outcome(pair).status is pairs.Status.FAILED]

    @property
    def unfinished(self) -> list[pairs.Pair]:
        """The pairs that were stopped or not begun."""
        unfinished = (pairs.Status.STOPPED, pairs.Status.WAITING)
        return [pair for pair in self.pairs if self.outcome(pair).status in unfinished]

    @property
    def summary(self) -> str:
        """One sentence, such as `93 pictures made, 4 made before, 7 failed, in 312 s`."""
        counts = self.counts
        made = counts.pop(pairs.Status.MADE)
        first = f"{made or 'No'} picture{'' if made == 1 else 's'} made"
        others = [f"{count} {status.value}" for status, count in counts.items() if count]
        return ", ".join([first, *others, f"in {duration(self.seconds)}"])

    def outcome(self, pair: pairs.Pair) -> pairs.Outcome:
        """Returns what has become of a pair. Where nothing else is said, the sentence is the pair's problem."""
        found = self.outcomes.get(pair.number) or pairs.Outcome(pair.number, pairs.Status.WAITING)
        return found if found.sentence or not pair.problem else found._replace(sentence=pair.problem)

    def picture(self, pair: pairs.Pair) -> str:
        """Returns the name of a pair's picture; "" if this batch left none, whatever an earlier one has left."""
        return pair.output if self.outcome(pair).status in _HAS_PICTURE else ""


def without_passwords(text: str) -> str:
    """Returns a text without the passwords in its URLs.

    >>> without_passwords("--content_image=https://me:secret@host/a.png --mode=transfer")
    '--content_image=https://me@host/a.png --mode=transfer'
    """
    return _PASSWORD.sub(r"\1@", text)


def shown(text: str) -> str:
    r"""Returns a text for people, in one line: control characters and broken ones spelt out, and no passwords.

    >>> shown("caf\udce9\n1.jpg")
    'caf\\udce9 1.jpg'
    """
    return printable.printable(" ".join(without_passwords(text).split()))


def short_names(names: Iterable[str]) -> dict[str, str]:
    """Returns {name: text that people know it by}: the file's name alone, unless another file has the same.

    >>> short_names(["in/dog.jpg", "sample:swirls", "a/wave.jpg", "b/wave.jpg"])
    {'in/dog.jpg': 'dog.jpg', 'sample:swirls': 'swirls', 'a/wave.jpg': 'a/wave.jpg', 'b/wave.jpg': 'b/wave.jpg'}
    """
    every = dict.fromkeys(names)
    short = {name: pathlib.PurePath(paths.local(name).removeprefix(paths.SAMPLE)).name or name for name in every}
    found = Counter(short.values())
    return {name: shown(text if found[text] == 1 else name) for name, text in short.items()}


def number(value: float) -> str:
    """Returns a number in three digits.

    >>> number(0.0123), number(1.5), number(31240.0), number(0.0), number(float("nan"))
    ('1.23e-2', '1.5', '3.12e4', '0', 'nan')
    """
    if value == 0 or not math.isfinite(value) or 0.1 <= abs(value) < 1000:
        return f"{value:.3g}"
    mantissa, _, exponent = f"{value:.2e}".partition("e")
    return f"{mantissa}e{int(exponent)}"


def duration(seconds: float) -> str:
    """Returns a time in seconds, or from ten minutes on in minutes and hours.

    >>> duration(0.02), duration(0.42), duration(312.4), duration(900.0), duration(7265.0)
    ('0 s', '0.4 s', '312 s', '15 min', '2 h 01 min')
    """
    if seconds < 600:
        return f"{seconds:.0f} s" if seconds >= 10 or seconds < 0.05 else f"{seconds:.1f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"
