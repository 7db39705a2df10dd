"""`python -m nst_keras.run --flagfile=configs/NAME.flags`: a style transfer from the command line.

Exit status: 0 when the picture is made; 2 and one line for a flag or an input that cannot be used, before anything is
written; 1 and one line for a run that failed; 130 for one interrupted, its picture so far kept. Beside the picture STEM.png
stand STEM.flags, the run in full, which makes it again, and STEM.json, what came of it.
"""

from __future__ import annotations

import json
import os
import pathlib
import platform
import sys
import time
import warnings
from collections.abc import Sequence
from typing import Any

from absl import flags as absl_flags

import nst_keras
from nst_keras import flags

__all__ = ["main"]

_USAGE, _FAILURE, _INTERRUPTED = 2, 1, 130
_PICTURE_FLAGS = ("style_image", "content_image", "init", "weights")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Args:
        argv: The arguments after the program's name; those of the process if left out.

    Returns:
        The exit status.
    """
    values = _flag_values()
    try:
        rest = values(["nst_keras.run", *(sys.argv[1:] if argv is None else argv)])[1:]
        _check_required(values, rest)
    except absl_flags.Error as error:
        return _say(error, _USAGE)
    if values["help"].value:
        print(f"{__doc__.strip()}\n{values.get_help()}")
        return 0
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's greetings would bury the one line that counts.
    warnings.showwarning = lambda message, *_: print(f"nst_keras: warning: {message}", file=sys.stderr)
    try:
        return _transfer(values)
    except KeyboardInterrupt:
        return _say("interrupted before the first step; nothing was written.", _INTERRUPTED)


def _transfer(values: absl_flags.FlagValues) -> int:
    try:
        _check_destinations(values)
        setup, fit = _settings(values)
        from nst_keras import transfer  # Here, since it takes TensorFlow's seconds to import.

        style_transfer = transfer.NeuralStyleTransfer(**setup)
    except Exception as error:
        return _failed(error, _USAGE, values)
    try:
        begun = time.monotonic()
        frames = style_transfer.fit_style_transfer(**fit)
        seconds = time.monotonic() - begun
        _write(values, style_transfer, frames, setup | fit | {"seed": style_transfer.seed}, seconds)
    except Exception as error:
        return _failed(error, _USAGE if isinstance(error, ValueError) else _FAILURE, values)
    if "interrupted" in style_transfer.stop_reason:
        return _say(style_transfer.stop_reason, _INTERRUPTED)
    return 0 if style_transfer.completed else _say(style_transfer.stop_reason, _FAILURE)


def _flag_values() -> absl_flags.FlagValues:
    values = absl_flags.FlagValues()
    flags.define(values, *flags.SETUP)
    flags.define(values, *flags.FIT)
    own = {"flag_values": values, "module_name": __name__}
    seconds = flags.signature("export", "save_animation")[0].parameters["seconds"].default
    absl_flags.DEFINE_string("output", "stylized.png", "The picture: .png, .jpg, .webp or .tiff.", **own)
    absl_flags.DEFINE_string("animation", None, "The run as a .gif or .mp4; none is made if left out.", **own)
    absl_flags.DEFINE_float("animation_seconds", seconds, "Length of the animation.", **own)
    absl_flags.DEFINE_bool("overwrite", False, "Replaces files that exist.", **own)
    absl_flags.DEFINE_bool("debug", False, "Shows the traceback of an error.", **own)
    absl_flags.DEFINE_bool("help", False, "Shows this help.", short_name="h", **own)
    return values


def _check_required(values: absl_flags.FlagValues, rest: Sequence[str]) -> None:
    if rest:
        raise absl_flags.Error(f"{rest[0]!r} is no flag. Flags are written --name=value; --help lists them.")
    missing = [f"--{name}" for name in ("content_image", "style_image") if values[name].value is None]
    if missing and not values["help"].value:
        raise absl_flags.Error(f"{' and '.join(missing)} must be given. --help lists all flags.")


def _destinations(values: absl_flags.FlagValues) -> dict[str, pathlib.Path]:
    """{what: where} of all files that a run writes."""
    output = pathlib.Path(values["output"].value).expanduser()
    files = {"output": output, "flags": output.with_suffix(".flags"), "record": output.with_suffix(".json")}
    if values["animation"].value is not None:
        files["animation"] = pathlib.Path(values["animation"].value).expanduser()
    return files


def _check_destinations(values: absl_flags.FlagValues) -> None:
    from nst_keras import export

    suffixes = {"output": export.STILL_OPTIONS, "animation": export.ANIMATION_WRITERS}
    for what, path in _destinations(values).items():
        argument = "--animation" if what == "animation" else "--output"
        allowed = list(suffixes.get(what, [path.suffix]))
        export.check_destination(argument, path, allowed, overwrite=values["overwrite"].value)


def _settings(values: absl_flags.FlagValues) -> tuple[dict[str, Any], dict[str, Any]]:
    """Arguments of the class and of its run, with a weights file that the environment names put in."""
    from nst_keras import extractors

    setup, fit = flags.arguments(values, *flags.SETUP), flags.arguments(values, *flags.FIT)
    if setup["weights"] == "imagenet":
        setup["weights"] = extractors.weights_file(setup["extractor"]) or "imagenet"
    return setup, fit


def _write(
    values: absl_flags.FlagValues, style_transfer: Any, frames: Sequence[Any], settings: dict[str, Any], seconds: float
) -> None:
    from nst_keras import export

    files = _destinations(values)
    export.save_image(style_transfer.image, files["output"])
    _write_text(files["flags"], _flagfile(values, settings, files))
    _write_text(files["record"], json.dumps(_record(style_transfer, settings, seconds), indent=1))
    if "animation" in files and frames:
        export.save_animation(frames, files["animation"], seconds=values["animation_seconds"].value)
    print(f"nst_keras: {style_transfer.stop_reason}, {seconds:.0f} s; wrote {', '.join(map(str, files.values()))}")


def _flagfile(values: absl_flags.FlagValues, settings: dict[str, Any], files: dict[str, pathlib.Path]) -> str:
    """A flagfile that makes the picture again, from any folder."""
    resolved = {name: _absolute(value) if name in _PICTURE_FLAGS else value for name, value in settings.items()}
    own = {"output": files["output"].resolve(), "animation_seconds": values["animation_seconds"].value}
    if "animation" in files:
        own["animation"] = files["animation"].resolve()
    lines = [flags.flag_line(name, value) for name, value in (resolved | own).items()]
    return "\n".join([f"# Made by nst_keras {nst_keras.__version__}. To make it again, add --overwrite.", *lines, ""])


def _absolute(name: str) -> str:
    """A file's whole path; other names (URLs, samples, `content`) as they are."""
    path = os.path.expanduser(name)
    return os.path.abspath(path) if os.path.exists(path) else name


def _record(style_transfer: Any, settings: dict[str, Any], seconds: float) -> dict[str, Any]:
    import keras
    import numpy as np
    import tensorflow as tf

    versions = {"nst_keras": nst_keras.__version__, "python": platform.python_version()}
    versions |= {module.__name__: module.__version__ for module in (tf, keras, np)}
    return {
        "settings": settings,
        "versions": versions,
        "steps": style_transfer.step,
        "stop_reason": style_transfer.stop_reason,
        "completed": style_transfer.completed,
        "seconds": round(seconds, 3),
        "history": style_transfer.history.history,
    }


def _write_text(path: pathlib.Path, text: str) -> None:
    from nst_keras import export

    with export.replacing(path) as temporary:
        pathlib.Path(temporary).write_text(text, encoding="utf-8")


def _failed(error: Exception, status: int, values: absl_flags.FlagValues) -> int:
    if values["debug"].value:
        raise error
    return _say(str(error) or type(error).__name__, status)


def _say(message: Any, status: int) -> int:
    print(f"nst_keras: {' '.join(str(message).split())}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
