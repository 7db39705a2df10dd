"""Prints how a picture was made: the flagfile that makes it again, from the record inside the picture.

    python -m nst_keras.provenance picture.png > settings.flags
    python -m nst_keras.run --flagfile=settings.flags --output=again.png

Exit status: 0, or 2 with one line if the picture has no record.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence

from nst_keras.cli import flags, output
from nst_keras.export import record
from nst_keras.images import digests as digests_lib
from nst_keras.settings import docstrings

__all__ = ["flagfile", "main", "read"]


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
    given = {name: value for name, value in made["settings"].items() if name in known} | dict(others or {})
    given_lines = {name: flags.flag_line(name, value) for name, value in given.items()}
    # A flagfile cannot hold a value with line breaks, or with spaces at its ends.
    lines += [f"# No flag can say: {line!r}" for line in given_lines.values() if line.splitlines() != [line.strip()]]
    whole = [" ".join(line.split()) for line in lines]
    whole += [line for line in given_lines.values() if line.splitlines() == [line.strip()]]
    return "\n".join([*whole, ""])


def read(path: str | os.PathLike[str]) -> record.Record:
    """Returns the record inside a picture.

    Raises:
        ValueError: The picture holds no record, or one of another form.
        OSError: The file cannot be read.
    """
    what = "holds no record of a run"
    try:
        made = record.read(path)
        if made is not None:
            flagfile(made)
            return made
    except json.JSONDecodeError as error:
        what = f"holds a record that cannot be understood ({error})"
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        what = f"holds a record that cannot be understood ({error!r})"
    raise ValueError(
        f"{str(path)!r} {what}. Give the file that a run wrote: many programs drop the record when they save it."
    )


@output.settled()
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
    arguments = parser.parse_args(argv)
    try:
        made = read(arguments.picture)
    except (ValueError, OSError) as error:
        output.write(f"nst_keras: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    text = json.dumps(made, indent=1) if arguments.json else flagfile(made)
    if lost := output.write(text, end="\n" if arguments.json else ""):
        output.write(f"nst_keras: the settings could not be printed ({lost}).", file=sys.stderr)
        return 2
    for sentence in _changed_inputs(made):
        output.write(f"nst_keras: warning: {sentence}", file=sys.stderr)
    return 0


def _losses(made: record.Record) -> str:
    """Returns the last losses as text, the total before its terms."""
    losses = sorted(made["losses"].items(), key=lambda item: item[0] != "loss")
    return ", ".join(f"{name} {value:.6g}" for name, value in losses)


def _changed_inputs(made: record.Record) -> list[str]:
    """Returns a sentence for each input file that has changed or is missing since the picture was made."""
    sentences, entries = [], record.entries(made["settings"])
    for name, before in made["inputs"].items():
        path = entries.get(name)
        if not isinstance(path, str):
            continue
        if not os.path.exists(path):
            flag = name.partition("[")[0]
            sentences.append(f"{name}: there is no file {path!r} any more. Give its new path with --{flag}.")
        elif digests_lib.digest(path) != before:
            sentences.append(f"{name}: {path!r} has changed, and would make another picture.")
    return sentences
