"""python -m nst_keras.batch --content_image=PHOTOS --style_image=PAINTINGS --output_dir=FOLDER [--flag=value ...]

Makes every photograph in the style of every painting, and a report of all. nst-keras batch PHOTOS PAINTINGS FOLDER
does the same, with the preset quick.

Examples:
  nst-keras batch photos/ paintings/ made/                                 every pair
  nst-keras batch "photos/*.jpg" wave.jpg,night.jpg made/ --preset=bold    some photographs, two paintings
  nst-keras batch photos/ wave.jpg made/ --compare="strength=0.5,1"        each with several settings
  nst-keras batch --pairs=pairs.csv --output_dir=made/                     one row for each picture
  nst-keras batch photos/ paintings/ made/ --dry_run                       what would be made, and how long it takes

PHOTOS and PAINTINGS are folders, files, patterns, URLs or sample:NAME, with commas between them. All flags of
python -m nst_keras.run hold for each picture. --output is a template: {content}_{style}.png.

The same command goes on where the last one ended: pictures that are made are kept, changed ones are made again.

Exit status: 0 if all pictures are made, 1 if some failed, 2 for unusable flags, 130 after Ctrl-C, 143 after SIGTERM.
"""

from __future__ import annotations

import contextlib
import shlex
import sys
from collections.abc import Sequence

from absl import flags as absl_flags

from nst_keras import presets, settings
from nst_keras.cli import flagfiles, flags, output, signals
from nst_keras.cli import help as help_lib
from nst_keras.cli.batch import estimating, rows, running
from nst_keras.settings import docstrings

__all__ = ["main"]

_FAILURE, _USAGE = 1, 2
# Errors that are told as a sentence.
_SENTENCES = (ValueError, TypeError, OSError, ImportError, RuntimeError)
# {section of --help: its flags}. --helpfull has the others.
_SECTIONS = {
    "Pictures": ("pairs", "output_dir", "recursive", "resume", "dry_run", "compare", "output", "overwrite"),
    "Look": ("preset", "image_size", "size_buckets", "strength", "steps_per_epoch", "seed"),
    "Cluster": ("ray_address", "workers"),
}
_POSITIONAL = ("content_image", "style_image", "output_dir")


def main(argv: Sequence[str] | None = None, *, is_short: bool = False) -> int:
    """Runs a batch, and returns the exit status.

    Args:
        argv: The arguments after the program's name. Default: those of the process.
        is_short: Whether arguments without a name are the pictures and the folder, and the preset is the quick one.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    with output.safe_streams(), signals.StopSignals() as ending:
        try:
            return _main(argv, ending, is_short=is_short)
        except KeyboardInterrupt:
            return output.say("interrupted; the pictures that were finished are kept.", ending.status)


def _main(argv: Sequence[str], ending: signals.StopSignals, *, is_short: bool) -> int:
    """Runs a batch, and returns the exit status. See `main`."""
    values = _flag_values()
    values.set_gnu_getopt(is_short)  # Arguments without a name may then stand between flags.
    try:
        whole, texts = flagfiles.expanded(argv, values)
        rest = values(["batch", *whole])[1:]
        if values["help"].value or values["helpfull"].value or (is_short and not argv):
            output.write(_help(values, full=bool(values["helpfull"].value)))
            return 0
        if values["preset"].value == "list":
            output.write(presets.listing())
            return 0
        for arguments in (argv, *map(flagfiles.lines, texts.values())):
            flags.check_once(arguments, values)
        _place(values, rest, is_short=is_short)
        batch = flags.settings_of(values, settings.BatchSettings)
        made = running.Batch(_given(values), batch, command=shlex.join(argv))
    except (absl_flags.Error, *_SENTENCES) as error:
        return output.say(error, _USAGE)
    with contextlib.closing(made):
        if batch.dry_run:
            return _list(made)
        return _run(made, ending, quiet=bool(values["quiet"].value))


def _run(made: running.Batch, ending: signals.StopSignals, *, quiet: bool) -> int:
    """Makes the pictures, writes the report, and returns the exit status."""
    ending.keeping = lambda: True  # Signals ask the run to stop, and do not break into it.
    before, status = len(made.outcomes), 0
    try:
        made.run(lambda: ending.count)
    except _SENTENCES as error:
        status = output.say(error, _USAGE if len(made.outcomes) == before else _FAILURE)
        if status == _USAGE:
            return status
    problems = made.write()
    for problem in problems:
        status = output.say(problem, _FAILURE)
    sentence = f"{made.report.summary}." if problems else f"{made.report.summary}; {made.where}"
    if made.is_unfinished and ending.received is not None:
        return output.say(f"interrupted: {sentence} The same command goes on.", ending.status)
    if made.report.failed or status:
        return output.say(sentence, _FAILURE)
    if not quiet:
        output.write(f"nst_keras: {sentence}")
    return 0


def _list(made: running.Batch) -> int:
    """Prints what would be made, and returns the exit status."""
    for line in estimating.lines(made.pairs, made.outcomes):
        output.write(line)
    try:
        output.write(estimating.summary(made.left, made.settings.output_dir))
    except _SENTENCES as error:
        return output.say(error, _FAILURE)
    return _FAILURE if made.report.failed else 0


def _flag_values() -> absl_flags.FlagValues:
    """Returns all flags of a batch, unparsed."""
    values = absl_flags.FlagValues()
    flags.define(values, settings.BatchSettings)
    flags.define(values, without=rows.NOT_HERE)
    for name, short in {"help": "h", "helpfull": None}.items():
        text = "Shows how the command is used." if short else "Shows all flags."
        absl_flags.DEFINE_bool(name, False, text, short_name=short, flag_values=values, module_name="Help")
    return values


def _given(values: absl_flags.FlagValues) -> presets.Options:
    """Returns {option: value} of the flags of a run that are given."""
    known = rows.OPTIONS
    return {name: values[name].value for name in values if name in known and not values[name].using_default_value}


def _place(values: absl_flags.FlagValues, rest: Sequence[str], *, is_short: bool) -> None:
    """Sets flags from the arguments without a name, and the preset if none is given.

    Raises:
        absl.flags.Error: An argument without a name that has no meaning, or is given twice.
    """
    if rest and not is_short:
        raise absl_flags.Error(f"{rest[0]!r} is no flag. Flags are written --name=value; --help lists them.")
    if len(rest) > len(_POSITIONAL):
        raise absl_flags.Error(
            f"{len(rest)} arguments are given ({', '.join(rest)}), but a batch takes PHOTOS PAINTINGS FOLDER. Put a "
            "pattern in quotes, so that the shell does not replace it, and commas between several names."
        )
    for name, text in zip(_POSITIONAL, rest, strict=False):
        if not values[name].using_default_value:
            raise absl_flags.Error(f"{name} is given twice: as {text!r} and as --{name}. Give it once.")
        values[name].parse(text)
        values[name].using_default_value = False
    if is_short and values["preset"].using_default_value and values["extractor"].using_default_value:
        values["preset"].parse(presets.DEFAULT)
        values["preset"].using_default_value = False


def _help(values: absl_flags.FlagValues, *, full: bool) -> str:
    """Returns how the command is used, and its most used flags; in full, all flags."""
    usage = docstrings.of(sys.modules[__name__])
    if not full:
        short = help_lib.short(_SECTIONS, settings.BatchSettings, settings.JobSettings)
        return f"{usage}\n\n{short}\n--helpfull shows all flags, --preset=list all looks."
    titles = [settings.BatchSettings.title, *(group.title for group in settings.groups(settings.JobSettings))]
    return "\n\n".join([usage, *(values.module_help(title).strip() for title in dict.fromkeys(titles))])
