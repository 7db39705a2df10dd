"""python -m nst_keras.video --video=CLIP --style_image=PAINTING --output=FILE [--flag=value ...]

Makes each frame of a clip in the style of a painting, so that the strokes move with what they lie on. nst-keras video
CLIP PAINTING FILE does the same, with the preset quick.

Examples:
  nst-keras video clip.mp4 painting.jpg made.mp4              the whole clip, with its sound
  nst-keras video clip.mp4 painting.jpg made.mp4 --dry_run    the first frame, and how long the clip takes
  nst-keras video clip.mp4 painting.jpg look.mp4 --every=12   each twelfth frame, for a quick look
  nst-keras video clip.mp4 painting.jpg made.mp4 --start=2 --end=5 --image_size=384
  nst-keras video sample:journey sample:swirls made.mp4       clips that come with the package

All flags of the look of python -m nst_keras.run hold for the frames. The same command goes on after Ctrl-C or a crash.

Exit status: 0 if the clip is made, 1 if it failed, 2 for unusable flags, 130 after Ctrl-C, 143 after SIGTERM.
"""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any

from absl import flags as absl_flags

from nst_keras import presets, settings
from nst_keras.cli import flagfiles, flags, output, signals, starting, wide
from nst_keras.cli.video import asking
from nst_keras.cli.video import progress as progress_lib
from nst_keras.runtime import backend, lean, phases, xla_cache
from nst_keras.settings import docstrings

if TYPE_CHECKING:
    from nst_keras.cli.video import making

__all__ = ["main"]

_FAILURE, _USAGE = 1, 2
# Errors that are told as a sentence.
_SENTENCES = (ValueError, TypeError, OSError, ImportError, RuntimeError, MemoryError)
# {section of --help: its flags}. --helpfull has the others.
_SECTIONS = {
    "Clip": ("video", "style_image", "output", "start", "end", "sound", "overwrite"),
    "Look": ("preset", "image_size", "strength", "style_scale", "preserve_color"),
    "Motion": ("temporal_weight", "frame_steps", "passes"),
    "First": ("dry_run", "every", "preview", "resume"),
}
_POSITIONAL = ("video", "style_image", "output")
_TAKES = "a clip takes CLIP PAINTING FILE."


def main(argv: Sequence[str] | None = None, *, is_short: bool = False) -> int:
    """Makes a clip, and returns the exit status.

    Args:
        argv: The arguments after the program's name. Default: those of the process.
        is_short: Whether arguments without a name are the clip, the painting and the output, and the preset is the
            quick one.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    with output.safe_streams(), signals.StopSignals() as ending, _warnings_as_lines():
        try:
            return _main(argv, is_short=is_short)
        except KeyboardInterrupt:
            return output.say(
                "interrupted. The frames that are made are kept: the same command goes on.", ending.status
            )


def _main(argv: Sequence[str], *, is_short: bool) -> int:
    """Makes a clip, and returns the exit status. See `main`."""
    values = wide.flag_values(settings.VideoSettings, without=asking.NOT_HERE)
    values.set_gnu_getopt(is_short)  # Arguments without a name may then stand between flags.
    try:
        whole, texts = flagfiles.expanded(argv, values)
        rest = values(["video", *whole])[1:]
        if values["help"].value or values["helpfull"].value or (is_short and not argv):
            usage, full = docstrings.of(sys.modules[__name__]), bool(values["helpfull"].value)
            output.write(wide.help_text(values, settings.VideoSettings, usage=usage, sections=_SECTIONS, full=full))
            return 0
        if values["preset"].value == "list":
            output.write(presets.listing())
            return 0
        for arguments in (argv, *map(flagfiles.lines, texts.values())):
            flags.check_once(arguments, values)
        wide.place(values, rest, _POSITIONAL, is_short=is_short, takes=_TAKES)
        video = flags.settings_of(values, settings.VideoSettings)
        asked = asking.settings_of(wide.given(values, asking.OPTIONS))
        made = _making(asked, video)
    except (absl_flags.Error, *_SENTENCES) as error:
        return output.say(error, _USAGE)
    try:
        return _try_out(made) if video.dry_run else _run(made, video, quiet=asked.process.quiet)
    except _SENTENCES as error:
        return output.say(error, _FAILURE)


@contextlib.contextmanager
def _warnings_as_lines() -> Generator[None, None, None]:
    """Prints each warning as one line on standard error, like errors, and the same one once for all frames."""
    told: set[str] = set()

    def show(message: Warning | str, *_: object) -> None:
        """Prints a warning that was not printed before."""
        if str(message) not in told:
            told.add(str(message))
            output.say(f"warning: {message}", 0)

    with warnings.catch_warnings():
        for category in (UserWarning, RuntimeWarning):
            warnings.simplefilter("default", category)
        warnings.showwarning = show
        yield


def _making(asked: settings.JobSettings, video: settings.VideoSettings) -> making.Making:
    """Returns the clip that is made; raises an error for a bad option or file."""
    xla_cache.use_named(asked.process.xla_cache)
    with starting.shown(quiet=asked.process.quiet), backend.chosen():
        with phases.named("loading TensorFlow"):
            lean.load()  # It takes seconds: a bad flag comes first.
            from nst_keras.cli.video import making  # noqa: PLC0415
        with phases.named("reading the clip"):
            return making.Making(asked, video)


def _run(made: Any, video: settings.VideoSettings, *, quiet: bool) -> int:
    """Makes the clip, and returns the exit status."""
    progress = progress_lib.Progress(made.source, passes=video.passes, before=made.made, quiet=quiet)
    try:
        report = made.run(progress.tell)
    finally:
        progress.clear()
    if not quiet:
        output.write(f"nst_keras: {progress_lib.summary(report)}")
    return 0


def _try_out(made: Any) -> int:
    """Makes the first frames, prints what the clip would take, and returns the exit status."""
    report = made.try_out()
    output.write(f"nst_keras: {progress_lib.estimate(report)}")
    return 0
