"""A style transfer from the command line: parses flags, runs the job, and says how it ended.

Exit status:
  0    The picture is made.
  1    The run failed. One line says why. The picture so far is written.
  2    A flag or an input is unusable. One line says why. Nothing is written.
  130  Ctrl-C interrupted the run. The picture so far is written. A third Ctrl-C stops even the writing.
  143  SIGTERM ended the run, as Ctrl-C would; 129: SIGHUP did.

Two files are written beside the picture STEM.png. STEM.flags is a flagfile that makes the picture again. STEM.json has
the settings, the losses of each step and the seconds taken.

Commas separate several values of a flag: --style_image=a.jpg,b.jpg. Put a name that has a comma in double quotes,
inside the shell's own quotes: --style_image='"a,b.jpg",c.jpg'. A single name of an existing file needs no quotes. In a
URL, a comma separates only before another URL, a sample:NAME or an existing file.

--compare="content_weight=0.01,0.1;style_layer_scheme=fine,coarse" makes a picture for each combination of these values.
With --output=STEM.png they are written to the folder STEM_compare, with a labelled sheet of all, comparison.png.
"""

from __future__ import annotations

import contextlib
import pathlib
import re
import sys
import warnings
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any

from absl import flags as absl_flags

from nst_keras import presets, settings
from nst_keras.cli import flagfiles as flagfiles_lib
from nst_keras.cli import flags, output, positional, signals, starting
from nst_keras.cli import help as help_lib
from nst_keras.runtime import backend, lean, phases, xla_cache
from nst_keras.settings import paths

if TYPE_CHECKING:
    from nst_keras.cli import comparison_job, job

__all__ = ["main"]

# What a flagfile that describes a whole look has.
_LOOK = re.compile(r"^--?(preset|extractor)\b", re.MULTILINE)
_FAILURE, _USAGE = 1, 2


def main(argv: Sequence[str] | None, *, usage: str, is_short: bool = False) -> int:
    """Runs the command line, and returns the exit status.

    Args:
        argv: The arguments after the program's name. Default: those of the process.
        usage: How the command is used: the head of its help.
        is_short: Whether arguments without a name are pictures, as `positional` says. Otherwise they are refused.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    with output.safe_streams(), signals.StopSignals() as ending:
        try:
            return _main(argv, usage, is_short=is_short, ending=ending)
        except KeyboardInterrupt:
            return output.say("interrupted before the first step; nothing was written.", ending.status)


def _main(argv: Sequence[str], usage: str, *, is_short: bool, ending: signals.StopSignals) -> int:
    """Runs the command line, and returns the exit status. See `main`."""
    values = _flag_values()
    values.set_gnu_getopt(is_short)  # Arguments without a name may then stand between flags.
    try:
        whole, flagfiles = flagfiles_lib.expanded(argv, values)
        rest = values(["nst_keras", *whole])[1:]
        answer = usage if is_short and not argv else help_lib.answer(values, usage)
        if answer is not None:
            lost = output.write(answer)
            return output.say(f"the answer could not be printed ({lost}).", _FAILURE) if lost else 0
        for arguments in (argv, *map(flagfiles_lib.lines, flagfiles.values())):
            flags.check_once(arguments, values)
        if is_short:
            positional.place(values, rest, has_look=any(map(_LOOK.search, flagfiles.values())))
        _check_usage(values, [] if is_short else rest)
    except (absl_flags.Error, ValueError, OSError, RuntimeError, ImportError) as error:
        return output.say(error, _USAGE)
    with _warnings_as_lines():
        # A flagfile that a run has written may be replaced: making its picture again writes it anew.
        kept = [path for path, text in flagfiles.items() if not text.startswith(flags.HEADER)]
        return _run(values, kept, ending, asks_size="image_size" in dict(flags.given(argv, values)))


def _run(
    values: absl_flags.FlagValues, flagfiles: Sequence[str], ending: signals.StopSignals, *, asks_size: bool = False
) -> int:
    """Runs a job with these flags, and returns the exit status.

    Args:
        values: The parsed flags.
        flagfiles: Paths of flagfiles that the job must not replace.
        ending: The signals that end the run.
        asks_size: Whether the command line itself, and no flagfile, gives `image_size`.
    """
    try:
        vary = _vary(values["compare"].value)
        asked = flags.settings_of(values, varied=vary or ())
        _check_pictures(asked.transfer.images)
        _keep_compiled(asked)
    except (ValueError, OSError, RuntimeError) as error:
        return _failed(error, _USAGE, values)
    try:
        with starting.shown(quiet=bool(values["quiet"].value)), backend.chosen():
            with phases.named("loading TensorFlow"):
                lean.load()  # It takes seconds: a bad flag comes first.
                from nst_keras.cli import comparison_job, job  # noqa: PLC0415
            keeps_frames = not values["frame_interval"].using_default_value
            work = (
                job.Job(asked, flagfiles=flagfiles, keeps_frames=keeps_frames)
                if vary is None
                else comparison_job.ComparisonJob(asked, vary, flagfiles=flagfiles)
            )
    except Exception as error:
        return _failed(error, _USAGE, values)
    if asks_size and (note := _size_note(work, values)):
        output.say(note, 0)
    ending.keeping = lambda: work.state.interrupted
    try:
        work.run()
        status = 0
    except Exception as error:
        if not work.state.begun:  # The run checks its own arguments before it begins.
            return _failed(error, _USAGE, values)
        status = _failed(error, _FAILURE, values)
    except KeyboardInterrupt:
        if not work.has_picture:
            raise
        status = 0
    ending.keeping = lambda: True
    return _finish(work, status, values, ending)


def _keep_compiled(asked: settings.JobSettings) -> None:
    """Makes TensorFlow keep what XLA compiles in the folder that is asked for, or in the usual one."""
    folder = asked.process.xla_cache
    if folder != xla_cache.AUTO or str(asked.transfer.runtime.jit_compile).lower() != "false":
        xla_cache.use_named(folder)


def _vary(text: str | None) -> dict[str, list[Any]] | None:
    """Returns {option: its values} from the flag `--compare`; None without it."""
    if not text:
        return None
    from nst_keras.cli import comparing  # noqa: PLC0415  It loads NumPy, which few runs need so early.

    return comparing.vary_of(text)


def _finish(
    work: job.Job | comparison_job.ComparisonJob,
    status: int,
    values: absl_flags.FlagValues,
    ending: signals.StopSignals,
) -> int:
    """Writes the files of a job, prints what was written, and returns the exit status.

    Args:
        work: The job, after its run.
        status: Exit status of the run: 0, or that of a failure.
        values: The parsed flags.
        ending: The signals that end the run. They wait while the files are written.
    """
    state = work.state
    unfinished = ending.status if state.interrupted or ending.received else _FAILURE
    if not work.has_picture:
        return status or output.say(state.stop_reason, unfinished)
    try:
        for problem in work.write():
            status = _failed(problem, status or _FAILURE, values)
    except Exception as error:
        return _failed(error, _FAILURE, values)
    except KeyboardInterrupt:
        there = ", ".join(work.written()) or "no files"
        return output.say(f"interrupted while writing; there are {there}.", ending.status)
    written = f"wrote {', '.join(work.written())}" if work.is_chief else "the chief writes the files"
    if status or not state.completed:
        return status or output.say(f"{state.stop_reason.rstrip('.')}; {written}", unfinished)
    if not values["quiet"].value:
        output.write(f"nst_keras: {work.summary}; {written}")
    return 0 if ending.received is None else output.say(f"interrupted at the end; {written}", ending.status)


@contextlib.contextmanager
def _warnings_as_lines() -> Generator[None, None, None]:
    """Prints each warning as one line on standard error, like errors."""
    with warnings.catch_warnings():
        for category in (UserWarning, RuntimeWarning):
            warnings.simplefilter("default", category)
        warnings.showwarning = lambda message, *_: output.say(f"warning: {message}", 0)
        yield


def _flag_values() -> absl_flags.FlagValues:
    """Returns all flags of the command line, unparsed."""
    values = absl_flags.FlagValues()
    flags.define(values)
    help_lib.define(values)
    return values


def _check_usage(values: absl_flags.FlagValues, rest: Sequence[str]) -> None:
    """Raises an error for arguments that are no flags, or if no image is given."""
    if rest:
        raise absl_flags.Error(f"{rest[0]!r} is no flag. Flags are written --name=value; --help lists them.")
    pictures = [values[name].value for name in ("content_image", "style_image")]
    if pictures == [None, None]:
        raise absl_flags.Error("neither --content_image nor --style_image is given. --help lists all flags.")


def _check_pictures(images: settings.ImageSettings) -> None:
    """Raises `FileNotFoundError` for a picture that is not there: it is told before TensorFlow is loaded."""
    for field in settings.fields(type(images)):
        special = settings.declared(field).reads
        if special is not None:
            given: Any = getattr(images, field.name)
            names: list[Any] = given if isinstance(given, list) else [given]
            for name in map(str, filter(None, names)):
                # A word may be a special value misspelt, which the run itself tells better.
                is_word = bool(special) and not pathlib.PurePath(name).suffix
                if not is_word and paths.is_missing(name):
                    raise FileNotFoundError(paths.missing(field.name, name))


def _size_note(work: job.Job | comparison_job.ComparisonJob, values: absl_flags.FlagValues) -> str | None:
    """Returns a sentence if the picture is smaller than the size that was asked for; None otherwise."""
    size, asked = work.longest_side, values["image_size"].value
    if values["content_image"].value is None or asked is None or size is None or size >= asked:
        return None
    return f"image_size: the photograph has {size} px, and so has the picture. --enlarge brings it to {asked} px."


def _failed(error: Exception, status: int, values: absl_flags.FlagValues) -> int:
    """Prints an error as one line, and returns the exit status; with --debug, raises the error."""
    if values["debug"].value:
        raise error
    sentence = str(error) or type(error).__name__
    return output.say(f"{sentence}{_from_preset(sentence, values)}", status)


def _from_preset(sentence: str, values: absl_flags.FlagValues) -> str:
    """Returns a sentence to add where an error names an option that the preset sets; "" elsewhere."""
    preset, option = values["preset"].value, re.match(r"\w*", sentence)
    name = option[0] if option else ""
    if preset not in presets.names() or name not in presets.get(preset).values or not values[name].using_default_value:
        return ""
    return f" (The preset {preset!r} sets {flags.flag_line(name, presets.get(preset).values[name])}.)"
