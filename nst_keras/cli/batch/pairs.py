"""A pair of a batch, and what has become of it. Nothing here needs TensorFlow."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any, NamedTuple

from nst_keras import presets, settings
from nst_keras.export import record

__all__ = ["INPUTS", "PICTURES", "Estimate", "Outcome", "Pair", "Status", "Step", "listed"]

# Options of a pair that name pictures to read.
PICTURES = tuple(field.name for field in settings.fields(settings.ImageSettings) if field.name in record.INPUTS)


# Those that a pair is made of.
INPUTS = ("content_image", "style_image")


class Pair(NamedTuple):
    """One picture to make.

    Attributes:
        number: Its number, from 1, in the order in which the pairs were given.
        content: Content image: a path, a URL, a URI or `sample:NAME`; None in a mode without content.
        style: Style image, or images to blend; None in a mode without style.
        own: {option: value} of the options that this pair has for itself, from a table or a grid.
        own_texts: {option: text} of these, as their flags take them; also of those that have a problem.
        common_texts: {option: text} of the options that all pairs have.
        files: {kind of file: name} of what it writes, such as `{"output": "dog_wave.png"}`. Names are below the batch's
            folder, with `/` between folders.
        asked: All settings of its run; None if there is a problem with them.
        asked_texts: {flag: text} of what was asked for, by which a picture is found to be made already.
        problem: Why it cannot be made, as a sentence; "" if it can be tried.
    """

    number: int
    content: str | None
    style: str | list[str] | None
    own: presets.Options
    own_texts: Mapping[str, str]
    common_texts: Mapping[str, str]
    files: Mapping[str, str]
    asked: settings.JobSettings | None
    asked_texts: Mapping[str, str]
    problem: str = ""

    @property
    def output(self) -> str:
        """The name of the picture."""
        return self.files["output"]

    @property
    def styles(self) -> list[str]:
        """The style images as a list."""
        return listed(self.style)

    @property
    def inputs(self) -> list[str]:
        """The content image and the style images."""
        return [*listed(self.content), *self.styles]


def listed(value: Any) -> list[Any]:
    """Returns a value as a list: empty for None, of one for anything but a list."""
    return value if isinstance(value, list) else [] if value is None else [value]


class Status(str, enum.Enum):
    """What has become of a pair."""

    MADE = "made"
    KEPT = "made before"
    FAILED = "failed"
    STOPPED = "stopped"
    WAITING = "not begun"


class Outcome(NamedTuple):
    """What has become of a pair.

    Attributes:
        number: The pair's number.
        status: What has become of it.
        sentence: Why it failed or its run ended; "" if there is nothing to say.
        seconds: Seconds that it took, from reading its pictures to the written file.
        size: Height and width of the picture in pixels; None if it is not made.
        steps: Number of steps made.
        losses: {term: value} in the last step.
        warnings: Warnings of its run.
    """

    number: int
    status: Status
    sentence: str = ""
    seconds: float = 0.0
    size: tuple[int, int] | None = None
    steps: int = 0
    losses: Mapping[str, float] = {}
    warnings: tuple[str, ...] = ()


class Step(NamedTuple):
    """How far a pair has come.

    Attributes:
        number: The pair's number.
        step: Number of steps made.
        total: Number of steps to make.
    """

    number: int
    step: int
    total: int


class Estimate(NamedTuple):
    """What a pair costs, found by a few of its steps.

    Attributes:
        number: The pair's number.
        size: Height and width of its picture in pixels.
        seconds: Seconds of all its steps, with nothing left to compile.
        compiling: Seconds that the first pair of its size takes more.
        memory: Bytes that the process takes at most.
        problem: Why it cannot be made, as a sentence; "" if it can.
    """

    number: int
    size: tuple[int, int]
    seconds: float
    compiling: float
    memory: int
    problem: str = ""
