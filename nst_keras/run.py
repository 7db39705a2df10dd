"""`python -m nst_keras.run --flagfile=configs/NAME.flags`: a style transfer from the command line.

Exit status: 0 when the picture is made; 2 and one line for a flag or an input that cannot be used, before anything is
written; 1 and one line for a run that failed, its picture so far kept; 130 for one interrupted, likewise.

Beside the picture STEM.png stand STEM.flags, the run in full, which makes it again, and STEM.json, what came of it.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import pathlib
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

from absl import flags as absl_flags

from nst_keras import flags

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
        _check_required(values, rest)
    except (absl_flags.Error, UnicodeDecodeError) as error:  # The latter from a flagfile that is no text.
        return _say(error, _USAGE)
    if values["help"].value:
        print(f"{__doc__.strip()}\n{values.get_help()}")
        return 0
    try:
        return _transfer(values, _flagfiles(argv))
    except KeyboardInterrupt:
        return _say("interrupted before the first step; nothing was written.", _INTERRUPTED)


def _transfer(values: absl_flags.FlagValues, flagfiles: Sequence[str]) -> int:
    with _silent():
        from nst_keras import job, transfer  # noqa: PLC0415  Takes TensorFlow's seconds; a bad flag need not wait.

    with warnings.catch_warnings():
        for category in (UserWarning, RuntimeWarning):
            warnings.simplefilter("default", category)
        warnings.showwarning = lambda message, *_: _say(f"warning: {message}", 0)
        return _run(values, flagfiles, job, transfer)


def _run(values: absl_flags.FlagValues, flagfiles: Sequence[str], job: Any, transfer: Any) -> int:
    setup, fit, picture = (flags.arguments(values, *function) for function in (flags.SETUP, flags.FIT, flags.SAVE))
    length = values["animation_seconds"].value
    try:
        files = _checked_files(values, flagfiles, job, setup, fit, picture)
        setup["weights"] = job.resolved_weights(setup["extractor"], setup["weights"])
        style_transfer = transfer.NeuralStyleTransfer(**setup)
    except Exception as error:
        return _failed(error, _USAGE, values)
    status, begun = 0, time.monotonic()
    try:
        style_transfer.fit_style_transfer(**fit, verbose=0 if values["quiet"].value else "auto")
    except Exception as error:
        if not style_transfer.begun:  # The run's own arguments are checked in it.
            return _failed(error, _USAGE, values)
        status = _failed(error, _FAILURE, values)
    if style_transfer.step == 0 and not style_transfer.completed:
        return status or _say(style_transfer.stop_reason, _INTERRUPTED if style_transfer.interrupted else _FAILURE)
    try:
        seconds = time.monotonic() - begun
        job.write(files, style_transfer, picture, animation_seconds=length, seconds=seconds)
    except Exception as error:
        return _failed(error, _FAILURE, values)
    except KeyboardInterrupt:
        written = [str(path) for path in files if path is not None and path.exists()]
        return _say(f"interrupted while writing; there are {', '.join(written) or 'no files'}.", _INTERRUPTED)
    return status or _report(style_transfer, files, seconds, quiet=values["quiet"].value)


def _checked_files(
    values: absl_flags.FlagValues, flagfiles: Sequence[str], job: Any, *arguments: dict[str, Any]
) -> Sequence[Any]:
    """Where the run writes, all of it found fit before it begins."""
    setup, fit, picture = arguments
    wanted = {name: values[name].value for name in ("animation", "contact_sheet", "loss_plot")}
    files = job.destinations(values["output"].value, **wanted, preview=fit["preview"])
    job.check(
        files,
        inputs=[*flagfiles, *(setup[name] for name in ("content_image", "style_image", "init", "weights"))],
        # What a run has written that was interrupted, it replaces when it goes on.
        overwrite=values["overwrite"].value or (fit["resume"] and job.can_go_on(fit["checkpoint_dir"])),
        animation_seconds=values["animation_seconds"].value,
        bit_depth=picture["bit_depth"],
        has_alpha=picture["alpha"],
        output_size=picture["output_size"],
    )
    return files


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


def _report(style_transfer: Any, files: Sequence[Any], seconds: float, *, quiet: bool) -> int:
    written = ", ".join(str(path) for path in files if path is not None)
    if style_transfer.completed and quiet:
        return 0
    if style_transfer.completed:
        print(f"nst_keras: {style_transfer.stop_reason} in {seconds:.0f} s; wrote {written}")
        return 0
    status = _INTERRUPTED if style_transfer.interrupted else _FAILURE
    return _say(f"{style_transfer.stop_reason} Wrote {written}", status)


def _flag_values() -> absl_flags.FlagValues:
    values = absl_flags.FlagValues()
    flags.define(values, *flags.SETUP)
    flags.define(values, *flags.FIT)
    flags.define(values, *flags.SAVE)
    own = {"flag_values": values, "module_name": "nst_keras.run"}
    seconds = flags.signature("export.animations", "save_animation")[0].parameters["seconds"].default
    absl_flags.DEFINE_string("output", "stylized.png", "The picture: .png, .jpg, .webp or .tiff.", **own)
    absl_flags.DEFINE_string("animation", None, "The run as a .gif or .mp4; none is made if left out.", **own)
    absl_flags.DEFINE_float("animation_seconds", seconds, "Length of the animation.", **own)
    sheet = "Content, styles, frames and picture on a page, as .png, .pdf or .svg; none is made if left out."
    absl_flags.DEFINE_string("contact_sheet", None, sheet, **own)
    absl_flags.DEFINE_string("loss_plot", None, "The losses over the steps, likewise.", **own)
    absl_flags.DEFINE_bool("overwrite", False, "Replaces files that exist; so does --resume where it goes on.", **own)
    absl_flags.DEFINE_bool("quiet", False, "Prints nothing but warnings and errors.", **own)
    absl_flags.DEFINE_bool("debug", False, "Shows the traceback of an error.", **own)
    absl_flags.DEFINE_bool("help", False, "Shows this help.", short_name="h", **own)
    return values


def _flagfiles(argv: Sequence[str]) -> list[str]:
    """The flagfiles named, but for those that a run has written: making a picture again replaces its own."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--flagfile", "-flagfile", action="append", default=[])
    named = [pathlib.Path(name).expanduser() for name in parser.parse_known_args(argv)[0].flagfile]
    return [str(path) for path in named if not path.read_text(encoding="utf-8").startswith(flags.HEADER)]


def _check_required(values: absl_flags.FlagValues, rest: Sequence[str]) -> None:
    if rest:
        raise absl_flags.Error(f"{rest[0]!r} is no flag. Flags are written --name=value; --help lists them.")
    missing = [f"--{name}" for name in ("content_image", "style_image") if values[name].value is None]
    if missing and not values["help"].value:
        raise absl_flags.Error(f"{' and '.join(missing)} must be given. --help lists all flags.")


def _failed(error: Exception, status: int, values: absl_flags.FlagValues) -> int:
    if values["debug"].value:
        raise error
    return _say(str(error) or type(error).__name__, status)


def _say(message: Any, status: int) -> int:
    print(f"nst_keras: {' '.join(str(message).split())}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
