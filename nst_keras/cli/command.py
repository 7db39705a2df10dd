"""`python -m nst_keras.run --flagfile=configs/NAME.flags`: a style transfer from the command line.

Exit status: 0 when the picture is made; 2 and one line for a flag or an input that cannot be used, before anything is
written; 1 and one line for a run that failed, its picture so far kept; 130 for one interrupted, likewise.

Beside the picture STEM.png stand STEM.flags, the run in full, which makes it again, and STEM.json, what came of it.

Where a flag takes several, commas separate them: --style_image=a.jpg,b.jpg. A name that holds a comma itself stands in
double quotes, inside the shell's own: --style_image='"a,b.jpg",c.jpg'; alone it needs none, if there is such a file.
In a URL, a comma separates only before another URL, a sample:NAME or a file that exists.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import sys
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from absl import flags as absl_flags

from nst_keras.cli import flags
from nst_keras.runtime import xla_cache

if TYPE_CHECKING:
    from nst_keras.cli import job

__all__ = ["main"]

_FAILURE, _USAGE, _INTERRUPTED = 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Args:
        argv: The arguments after the program's name; those of the process if left out.

    Returns:
        The exit status.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    values = _flag_values()
    try:
        rest = values(["nst_keras.run", *argv])[1:]
        flagfiles = _flagfiles(argv, values)
        for arguments in (argv, *map(_flag_lines, flagfiles.values())):
            _check_once(arguments, values)
        _check_usage(values, rest)
    except (absl_flags.Error, UnicodeDecodeError) as error:  # The latter from a flagfile that is no text.
        return _say(error, _USAGE)
    if values["help"].value:
        print(f"{__doc__.strip()}\n{values.get_help()}")
        return 0
    try:
        with _warnings_as_lines():
            # Making a picture again replaces the flagfile that its run has written.
            return _run(values, [path for path, text in flagfiles.items() if not text.startswith(flags.HEADER)])
    except KeyboardInterrupt:
        return _say("interrupted before the first step; nothing was written.", _INTERRUPTED)


def _run(values: absl_flags.FlagValues, flagfiles: Sequence[str]) -> int:
    try:
        asked = flags.settings_of(values)
        if asked.process.xla_cache:
            xla_cache.use(asked.process.xla_cache)
    except (ValueError, OSError, RuntimeError) as error:
        return _failed(error, _USAGE, values)
    with _silent():
        from nst_keras.cli import job  # noqa: PLC0415  Takes TensorFlow's seconds; a bad flag need not wait.
    try:
        work = job.Job(asked, flagfiles=flagfiles, keeps_frames=not values["frame_interval"].using_default_value)
    except Exception as error:
        return _failed(error, _USAGE, values)
    status = 0
    try:
        work.run()
    except Exception as error:
        if not work.state.begun:  # The run's own arguments are checked in it.
            return _failed(error, _USAGE, values)
        status = _failed(error, _FAILURE, values)
    return _finish(work, status, values)


def _finish(work: job.Job, status: int, values: absl_flags.FlagValues) -> int:
    """Writes what a job has made, and tells of it; the status is that of a run that failed, or 0."""
    state = work.state
    unfinished = _INTERRUPTED if state.interrupted else _FAILURE
    if not work.has_picture:
        return status or _say(state.stop_reason, unfinished)
    try:
        work.write()
    except Exception as error:
        return _failed(error, _FAILURE, values)
    except KeyboardInterrupt:
        there = ", ".join(work.written()) or "no files"
        return _say(f"interrupted while writing; there are {there}.", _INTERRUPTED)
    written = f"wrote {', '.join(work.written())}" if work.is_chief else "the chief writes the files"
    if status or not state.completed:
        return status or _say(f"{state.stop_reason.rstrip('.')}; {written}", unfinished)
    if not values["quiet"].value:
        print(f"nst_keras: {work.summary}; {written}")
    return 0


@contextlib.contextmanager
def _warnings_as_lines() -> Iterator[None]:
    """Tells warnings as errors are told, in one line."""
    with warnings.catch_warnings():
        for category in (UserWarning, RuntimeWarning):
            warnings.simplefilter("default", category)
        warnings.showwarning = lambda message, *_: _say(f"warning: {message}", 0)
        yield


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Hushes TensorFlow's greetings, which would bury the one line that counts; they are written by its C++ code."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _flag_values() -> absl_flags.FlagValues:
    values = absl_flags.FlagValues()
    flags.define(values)
    absl_flags.DEFINE_bool("help", False, "Shows this help.", short_name="h", flag_values=values, module_name="Process")
    return values


def _flagfiles(argv: Sequence[str], values: absl_flags.FlagValues) -> dict[str, str]:
    """{path: text} of the flagfiles that a command line names."""
    named = [pathlib.Path(text).expanduser() for name, text in flags.given(argv, values) if name == "flagfile" and text]
    return {str(path): path.read_text(encoding="utf-8") for path in named}


def _flag_lines(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.startswith("-")]


def _check_once(arguments: Sequence[str], values: absl_flags.FlagValues) -> None:
    """Refuses a flag that takes several and is given twice in one place, where the last would count alone."""
    given = flags.given(arguments, values)
    for name, times in Counter(name for name, _ in given).items():
        if times > 1 and flags.kind_of(name).several:
            together = ",".join(text for other, text in given if other == name)
            raise absl_flags.Error(
                f"--{name} is given {times} times. Give it once, with commas between: --{name}={together}."
            )


def _check_usage(values: absl_flags.FlagValues, rest: Sequence[str]) -> None:
    if rest:
        raise absl_flags.Error(f"{rest[0]!r} is no flag. Flags are written --name=value; --help lists them.")
    pictures = [values[name].value for name in ("content_image", "style_image")]
    if pictures == [None, None] and not values["help"].value:
        raise absl_flags.Error("neither --content_image nor --style_image is given. --help lists all flags.")


def _failed(error: Exception, status: int, values: absl_flags.FlagValues) -> int:
    if values["debug"].value:
        raise error
    return _say(str(error) or type(error).__name__, status)


def _say(message: Any, status: int) -> int:
    print(f"nst_keras: {' '.join(str(message).split())}", file=sys.stderr)
    return status
