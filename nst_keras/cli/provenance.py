"""Prints how a picture was made: the flagfile that makes it again, from the record inside the picture.

    python -m nst_keras.provenance picture.png > settings.flags
    python -m nst_keras.run --flagfile=settings.flags --output=again.png

The picture may come from a stranger. So no file that its record names is opened or looked for, unless `--check_inputs`
asks for that; flags that do not decide the picture are left out; and control characters are spelt out.

Exit status: 0, or 2 with one line if the picture has no record.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import sys
from collections.abc import Mapping, Sequence

from nst_keras.cli import flags, output
from nst_keras.export import record
from nst_keras.images import digests
from nst_keras.images.formats import metadata
from nst_keras.settings import docstrings, paths
from nst_keras.settings import printable as printable_lib

__all__ = ["flagfile", "main", "read"]

_LARGEST_INPUT = 4 * 2**30  # Bytes. Pictures and weights are smaller.
# {flag: what it was} for pictures of versions that did not have it yet, and whose default is another now.
_EARLIER = {"precision": "float32"}
# What `--smoothing=auto` was for InceptionV3, in the same versions' records.
_EARLIER_SMOOTHING = "softmax"
_NOT_UNDERSTOOD = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)


def flagfile(made: record.Record, others: Mapping[str, object] | None = None) -> str:
    """Returns the flagfile that makes a picture again, from any folder.

    Options that no flag can give, such as arrays, are named in comments.

    Args:
        made: The picture's record.
        others: {flag: value} of further flags, such as the output. Default: none.

    Returns:
        Lines `--name=value`, after comments with the rest of the record.
    """
    lines = [f"{flags.HEADER} {made['nst_keras']}. To make the picture again in its place, add --overwrite."]
    lines += [f"# With {', '.join(f'{name} {version}' for name, version in made['versions'].items())}."]
    lines += [f"# {name}: sha256 {value}" for name, value in made["inputs"].items()]
    lines += [f"# extractor {made['extractor']['name']} with its weights: sha256 {made['extractor']['sha256']}"]
    lines += [f"# {made['steps']} steps ({made['stop_reason']}): {_losses(made)}"]
    lines += [f"# No flag can say what was given as {name}: {what}" for name, what in made["without_flag"].items()]
    # A picture from a stranger may record other flags: they are left out.
    known = {name for name, option in record.recorded_options().items() if option.has_flag}
    given = _EARLIER | {name: value for name, value in made["settings"].items() if name in known} | dict(others or {})
    if (given.get("extractor"), given.get("smoothing")) == ("inception_v3", "auto"):
        given["smoothing"] = _EARLIER_SMOOTHING
    given_lines = {name: _decoded(flags.flag_line(name, value)) for name, value in given.items()}
    lines += [f"# No flag can say: {line!r}" for line in given_lines.values() if not _is_flag(line)]
    whole = [printable_lib.printable(" ".join(line.split())) for line in lines]
    whole += [line for line in given_lines.values() if _is_flag(line)]
    return "\n".join([*whole, ""])


def read(path: str | os.PathLike[str]) -> record.Record:
    """Returns the record inside a picture.

    Raises:
        ValueError: The picture holds no record, or one of another form.
        OSError: The file cannot be read.
    """
    what, text = "holds no record of a run", metadata.read(path, argument="picture")
    try:
        if text is not None:
            made: record.Record = json.loads(text)
            json.dumps(made)  # A record may be nested too deeply for it.
            flagfile(made)
            return made
    except json.JSONDecodeError as error:
        what = f"holds a record that cannot be understood ({error})"
    except _NOT_UNDERSTOOD as error:
        what = f"holds a record that cannot be understood ({error!r})"
    raise ValueError(
        f"{str(path)!r} {what}. Give the file that a run wrote: many programs drop the record when they save it."
    )


@output.safe_streams()
def main(argv: Sequence[str] | None = None) -> int:
    """Prints how a picture was made, and returns the exit status.

    Args:
        argv: The arguments after the program's name. Default: those of the process.
    """
    parser = argparse.ArgumentParser(
        "nst_keras.provenance", description=docstrings.of(sys.modules[__name__]).partition("\n")[0]
    )
    parser.add_argument("picture", help="PNG, JPEG, WebP or TIFF that a run has written")
    parser.add_argument("--json", action="store_true", help="print the whole record, not a flagfile")
    parser.add_argument(
        "--check_inputs",
        action="store_true",
        help="open the files that the record names, and warn of those that have changed; for a picture of your own",
    )
    arguments = parser.parse_args(argv)
    try:
        made = read(arguments.picture)
    except (ValueError, OSError) as error:
        return output.say(error, 2)
    if lost := _print(json.dumps(made, indent=1) + "\n" if arguments.json else flagfile(made)):
        output.write(f"nst_keras: the settings could not be printed ({lost}).", file=sys.stderr)
        return 2
    for sentence in _changed_inputs(made) if arguments.check_inputs else ():
        output.write(f"nst_keras: warning: {sentence}", file=sys.stderr)
    return 0


def _print(text: str) -> OSError | None:
    """Prints a text, in UTF-8 where the output's own encoding cannot hold it: flagfiles are read as UTF-8.

    Returns:
        Why the text is lost, see `output.write`.
    """
    file = sys.stdout
    try:
        text.encode(getattr(file, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        if isinstance(file, io.TextIOWrapper) and not file.isatty():
            file.reconfigure(encoding="utf-8")
    return output.write(text, end="")


def _decoded(line: str) -> str:
    """Returns a line with the bytes of names that Python could not decode decoded, where they are UTF-8."""
    try:
        return line.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # Other surrogates, which no name has.
        return line


def _is_flag(line: str) -> bool:
    """Returns whether a flagfile can hold a line: one without line breaks, blanks at its ends or control characters."""
    letters = re.sub("[\udc80-\udcff]", "", line)  # Bytes that are no UTF-8 are written as they are.
    return letters.splitlines() == [letters.strip()] and printable_lib.printable(letters) == letters


def _losses(made: record.Record) -> str:
    """Returns the last losses as text, the total before its terms."""
    losses = sorted(made["losses"].items(), key=lambda item: item[0] != "loss")
    return ", ".join(f"{name} {value:.6g}" for name, value in losses)


def _changed_inputs(made: record.Record) -> list[str]:
    """Returns a sentence for each input file that has changed, is missing or is not read."""
    entries = record.entries(made["settings"])
    named = {name: path for name in made["inputs"] if isinstance(path := entries.get(name), str)}
    found = {name: _change(path, made["inputs"][name], name.partition("[")[0]) for name, path in named.items()}
    return [f"{name}: {sentence}" for name, sentence in found.items() if sentence is not None]


def _change(path: str, before: str, flag: str) -> str | None:
    """Returns what has become of an input file or folder, as a sentence; None if it is the same."""
    if paths.is_url(str(paths.local(path))):
        return None
    try:
        now = digests.of_path(os.path.expanduser(paths.local(path)), largest=_LARGEST_INPUT)
    except FileNotFoundError:
        return f"there is no file {path!r} any more. Give its new path with --{flag}."
    except (OSError, ValueError) as error:
        return f"{path!r} was not read ({getattr(error, 'strerror', None) or error}). Look at it yourself."
    return None if now == before else f"{path!r} has changed, and would make another picture."
