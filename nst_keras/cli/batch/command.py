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
from nst_keras.cli import flagfiles, flags, output, signals, wide
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
_TAKES = (
    "a batch takes PHOTOS PAINTINGS FOLDER. Put a pattern in quotes, so that the shell does not replace it, and commas "
    "between several names."
)


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
    values = wide.flag_values(settings.BatchSettings, without=rows.NOT_HERE)
    values.set_gnu_getopt(is_short)  # Arguments without a name may then stand between flags.
    try:
        whole, texts = flagfiles.expanded(argv, values)
        rest = values(["batch", *whole])[1:]
        if values["help"].value or values["helpfull"].value or (is_short and not argv):
            usage, full = docstrings.of(sys.modules[__name__]), bool(values["helpfull"].value)
            output.write(wide.help_text(values, settings.BatchSettings, usage=usage, sections=_SECTIONS, full=full))
            return 0
        if values["preset"].value == "list":
            output.write(presets.listing())
            return 0
        for arguments in (argv, *map(flagfiles.lines, texts.values())):
            flags.check_once(arguments, values)
        wide.place(values, rest, _POSITIONAL, is_short=is_short, takes=_TAKES)
        batch = flags.settings_of(values, settings.BatchSettings)
        made = running.Batch(wide.given(values, rows.OPTIONS), batch, command=shlex.join(argv))
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
