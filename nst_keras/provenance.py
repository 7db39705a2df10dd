"""How a picture was made, as a record that travels inside its file, and the flagfile that makes it again.

    python -m nst_keras.provenance picture.png > settings.flags
    python -m nst_keras.run --flagfile=settings.flags --output=again.png

Exit status: 0 where the picture tells; 2 and one line where it does not.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import nst_keras
from nst_keras import digests as digests_lib
from nst_keras import flags, folders
from nst_keras.formats import metadata

__all__ = ["INPUTS", "digests", "flagfile", "input_files", "main", "read", "record", "resolved"]

# Settings that may name a file, or a list of them, which the run reads.
INPUTS = ("content_image", "style_image", "content_mask", "style_mask", "init", "weights")

# Names for these that are no files, whatever lies in the working folder.
_NAMES = {"init": ("content", "noise", "style"), "weights": ("imagenet", "random")}

# What a run shows and keeps on its way, and where it is made; it has no part in the picture.
_ON_THE_WAY = ("show_image", "show_interval", "preview", "tensorboard", "frame_interval", "frames_dir", "verbose")
_ON_THE_WAY += ("checkpoint_dir", "checkpoint_interval", "resume", "strategy")


def record(run: Any, settings: Mapping[str, Any]) -> dict[str, Any]:
    """All that is known of how a run's picture came about.

    Args:
        run: A `NeuralStyleTransfer` after its run.
        settings: {argument: value} of all that decided the picture.

    Returns:
        As JSON takes it: `settings`, of which those that no flag can name are described in `without_flag`; SHA-256 of
        the `inputs` and of the `extractor` with its weights; `versions`; `steps`, `stop_reason`, `completed`; the last
        `losses`.
    """
    settings = {name: resolved(name, value) for name, value in settings.items() if name not in _ON_THE_WAY}
    settings = {name: value for name, value in settings.items() if name not in flags.WITHOUT_FLAG or value is not None}
    if run.step and not run.completed and run.stage_count == 1:  # The steps that made this picture.
        settings |= {"epochs": 1, "steps_per_epoch": run.step}
    settings = {name: value if name in INPUTS else _plain(value) for name, value in settings.items()}
    is_text = {name: _is_text(name, value) for name, value in settings.items()}
    without_flag = {name: digests_lib.described(value) for name, value in settings.items() if not is_text[name]}
    if run.step and not run.completed and run.stage_count > 1:
        without_flag["end"] = f"after step {run.step}, in stage {run.stage + 1} of {run.stage_count}"
    if run.picture_replaced:
        without_flag["picture"] = "one that a callback has put back, of an earlier step"
    return {
        "nst_keras": nst_keras.__version__,
        "settings": {name: value for name, value in settings.items() if is_text[name]},
        "without_flag": without_flag,
        "inputs": dict(run.input_digests),
        "extractor": {"name": run.extractor.name, "sha256": run.extractor.fingerprint()},
        "versions": _versions(),
        "steps": run.step,
        "stop_reason": run.stop_reason,
        "completed": run.completed,
        "losses": {name: values[-1] for name, values in run.history.history.items() if values},
    }


def flagfile(made: Mapping[str, Any], **others: Any) -> str:
    """The flagfile that makes a picture again, from any folder, as far as flags can say it.

    Args:
        made: What `record` gave.
        others: {flag: value} beside those in the record: where to write, say.

    Returns:
        Lines `--name=value`, after comments with the rest of the record.
    """
    lines = [f"{flags.HEADER} {made['nst_keras']}. To make it again where it lies, add --overwrite."]
    lines += [f"# With {', '.join(f'{name} {version}' for name, version in made['versions'].items())}."]
    lines += [f"# {name}: sha256 {value}" for name, value in made["inputs"].items()]
    lines += [f"# extractor {made['extractor']['name']} with its weights: sha256 {made['extractor']['sha256']}"]
    losses = sorted(made["losses"].items(), key=lambda item: item[0] != "loss")  # The total before its terms.
    losses = ", ".join(f"{name} {value:.6g}" for name, value in losses)
    lines += [f"# {made['steps']} steps ({made['stop_reason']}): {losses}"]
    lines += [f"# No flag can say what was given as {name}: {what}" for name, what in made["without_flag"].items()]
    given = {name: value for name, value in made["settings"].items() if name in _known_flags()} | others
    given_lines = {name: flags.flag_line(name, value) for name, value in given.items()}
    # A line of a flagfile is all that a value can be: neither the end of one nor the blanks around it are kept.
    lines += [f"# No flag can say: {line!r}" for line in given_lines.values() if line.splitlines() != [line.strip()]]
    whole = [" ".join(line.split()) for line in lines]
    whole += [line for line in given_lines.values() if line.splitlines() == [line.strip()]]
    return "\n".join([*whole, ""])


def read(path: str | os.PathLike) -> dict[str, Any]:
    """The record inside a picture.

    Raises:
        ValueError: The picture holds none, or one that cannot be understood.
        OSError: The file cannot be read.
    """
    text = metadata.read(path)
    try:
        made = json.loads(text or "")
        flagfile(made)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        what = "holds no record of a run" if text is None else f"holds a record that cannot be understood ({error!r})"
        raise ValueError(
            f"{str(path)!r} {what}. Give one as a run or its `save` wrote it; many programs drop what is inside."
        ) from error
    return made


def digests(settings: Mapping[str, Any]) -> dict[str, str]:
    """{argument: SHA-256} of those settings in `INPUTS` that were read from files or given as arrays.

    Several of an argument are `style_image[0]` and so on.
    """
    values = {name: digests_lib.digest(source) for name, source in _entries(settings).items()}
    return {name: value for name, value in values.items() if value is not None}


def resolved(name: str, value: Any) -> Any:
    """A setting that names files with each file's whole path, a list of one as that one; other settings as they are."""
    if name not in INPUTS:
        return value
    if isinstance(value, (list, tuple)):
        entries = [resolved(name, entry) for entry in value]
        return entries[0] if len(entries) == 1 else entries
    if not isinstance(value, (str, os.PathLike)) or os.fspath(value) in _NAMES.get(name, ()):
        return value
    path = os.path.expanduser(value)
    return os.path.abspath(path) if os.path.exists(path) else os.fspath(value)


def input_files(settings: Mapping[str, Any]) -> list[str]:
    """All files that settings name to be read, those in folders too.

    Args:
        settings: {argument: value}, as flags give them.
    """
    sources = [source for source in _entries(settings).values() if isinstance(source, (str, os.PathLike))]
    paths = [os.path.expanduser(source) for source in sources]
    in_folders = [str(picture) for path in paths if os.path.isdir(path) for picture in folders.pictures(path)]
    return [path for path in paths if os.path.isfile(path)] + in_folders


def _entries(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The sources that settings name in `INPUTS`, one by one: `style_image`, or `style_image[0]` and so on."""
    found = {}
    for name in INPUTS:
        value = settings.get(name)
        sources = value if isinstance(value, (list, tuple)) else [value]
        names = [name] if len(sources) == 1 else [f"{name}[{place}]" for place in range(len(sources))]
        found |= dict(zip(names, sources, strict=True))
    return {
        name: source
        for name, source in found.items()
        if source is not None and not (isinstance(source, str) and source in _NAMES.get(name, ()))
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Prints how a picture was made.

    Args:
        argv: The arguments after the program's name; those of the process if left out.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser("nst_keras.provenance", description=__doc__.partition("\n")[0])
    parser.add_argument("picture", help="PNG, JPEG, WebP or TIFF that a run has written")
    parser.add_argument("--json", action="store_true", help="print the whole record, not a flagfile")
    arguments = parser.parse_args(argv)
    try:
        made = read(arguments.picture)
    except (ValueError, OSError) as error:
        print(f"nst_keras: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    print(json.dumps(made, indent=1) if arguments.json else flagfile(made), end="\n" if arguments.json else "")
    for sentence in _changed_inputs(made):
        print(f"nst_keras: warning: {sentence}", file=sys.stderr)
    return 0


def _changed_inputs(made: Mapping[str, Any]) -> list[str]:
    """A sentence for each input that is not what it was when the picture was made."""
    sentences, entries = [], _entries(made["settings"])
    for name, before in made["inputs"].items():
        path = entries.get(name)
        if not isinstance(path, str):
            continue
        if not os.path.exists(path):
            flag = name.partition("[")[0]
            sentences.append(f"{name}: there is no file {path!r} any more. Name it with --{flag}.")
        elif digests_lib.digest(path) != before:
            sentences.append(f"{name}: {path!r} is not what it was: the picture will be another.")
    return sentences


def _known_flags() -> set[str]:
    """Flags that a picture may name: what a stranger's picture says besides is not run."""
    functions = (flags.SETUP, flags.FIT, flags.SAVE)
    names = {name for function in functions for name in flags.signature(*function)[0].parameters}
    return names - {*flags.WITHOUT_FLAG, *_ON_THE_WAY}


def _plain(value: Any) -> Any:
    """A number, or an array of numbers, of NumPy's as Python's, also where others hold it."""
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    return value.tolist() if isinstance(value, (np.generic, np.ndarray)) else value


def _is_text(name: str, value: Any) -> bool:
    """Whether a flag can say it."""
    if name in flags.WITHOUT_FLAG:
        return False
    if isinstance(value, Mapping):
        return all(isinstance(layer, str) for layer in value)
    parts = value if isinstance(value, (list, tuple)) else [value]
    return value is None or (bool(parts) and all(isinstance(part, (str, bool, int, float)) for part in parts))


def _versions() -> dict[str, str]:
    names = ("tensorflow", "keras", "numpy")
    loaded = {name: sys.modules[name].__version__ for name in names if name in sys.modules}
    return {"nst_keras": nst_keras.__version__, "python": platform.python_version(), **loaded}


if __name__ == "__main__":
    sys.exit(main())
