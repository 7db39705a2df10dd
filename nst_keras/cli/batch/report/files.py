"""The report of a batch: a page to look at, a contact sheet, the facts as JSON, and a table of what failed.

Nothing here needs TensorFlow.
"""

from __future__ import annotations

import csv
import functools
import io
import json
import math
import pathlib
import re
from collections.abc import Callable, Mapping

import numpy as np

import nst_keras
from nst_keras import checks, export, presets
from nst_keras.cli import flags
from nst_keras.cli.batch import pairs
from nst_keras.cli.batch.report import page, sheet, thumbnails, values
from nst_keras.cli.batch.report.values import Report

__all__ = ["FACTS", "FAILURES", "FILES", "PAGE", "Report", "is_own", "is_reserved", "write"]

PAGE, FACTS, FAILURES = "report.html", "report.json", "failures.csv"
# What a report writes. A contact sheet of several pages has others too, see `is_reserved`.
FILES = (PAGE, FACTS, FAILURES, sheet.SHEET)

_BROKEN = re.compile("[\ud800-\udfff]")


def write(
    report: Report,
    folder: pathlib.Path,
    picture_of: Callable[[str, bool], pathlib.Path | None],
    *,
    with_unfinished: bool = False,
) -> list[Exception]:
    """Writes the report, each file whole or not at all, and removes an older report's files that this one has not.

    One that cannot be written costs no other.

    Args:
        report: The batch.
        folder: The folder of the report and of the pictures. It is made if it is missing.
        picture_of: Returns the local file of a picture by its name, and by whether the batch has made it. None where
            there is none, such as for a URL that was not downloaded.
        with_unfinished: Whether the table of failures has the pairs that were stopped or not begun too.

    Returns:
        What could not be written.
    """
    pictures = thumbnails.Thumbnails(picture_of)
    writers = [
        functools.partial(checks.make_folder, "output_dir", folder),
        functools.partial(_write_facts, report, folder / FACTS),
        functools.partial(_write_failures, report, folder / FAILURES, with_unfinished=with_unfinished),
        functools.partial(_write_page, report, folder / PAGE, pictures),
        functools.partial(sheet.write, report, folder, pictures),
    ]
    problems: list[Exception] = []
    for write_one in writers:
        try:
            write_one()
        except Exception as error:
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            path = getattr(error, "filename", None) or folder
            problems.append(OSError(f"output_dir: {str(path)!r} could not be written ({reason})."))
            problems[-1].__cause__ = error
    return problems


def is_own(path: pathlib.Path) -> bool:
    """Returns whether a file holds the facts of a batch."""
    try:
        facts: object = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(facts, dict) and {"nst_keras", "pairs"} <= facts.keys()


def is_reserved(name: str) -> bool:
    """Returns whether a file of this name would be one of the report's, also where letters have no case.

    >>> is_reserved("Report.html"), is_reserved("contact_sheet_2.png"), is_reserved("dog_wave.png")
    (True, True, False)
    """
    return name.lower() in FILES or sheet.is_page(name)


def _write_facts(report: Report, path: pathlib.Path) -> None:
    """Writes the facts of a batch and of each pair as JSON."""
    facts = {
        "nst_keras": nst_keras.__version__,
        "began": report.began,
        "seconds": _plain(report.seconds),
        "command": values.without_passwords(report.command),
        "counts": {status.value: count for status, count in report.counts.items()},
        "pairs": [_facts(report, pair) for pair in report.pairs],
    }
    text = json.dumps(facts, indent=1, ensure_ascii=False, allow_nan=False)
    # Bytes of names that are no UTF-8 would make a file that no program reads.
    export.write_text(path, _BROKEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n")


def _facts(report: Report, pair: pairs.Pair) -> presets.Options:
    """Returns what there is to say of a pair, for JSON."""
    outcome = report.outcome(pair)
    facts = {
        "number": pair.number,
        "content": pair.content,
        "style": pair.style,
        "output": pair.output,
        "status": outcome.status.value,
        "sentence": outcome.sentence,
        "own": pair.own,
        "size": outcome.size,
        "steps": outcome.steps,
        "seconds": outcome.seconds,
        "losses": outcome.losses,
        "warnings": outcome.warnings,
    }
    return {name: _plain(value) for name, value in facts.items()}


def _plain(value: object) -> object:
    """Returns a value as JSON holds it, without passwords. Numbers that are not finite become text."""
    if isinstance(value, (np.generic, np.ndarray)):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if value is None or isinstance(value, (bool, int)) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return values.without_passwords(str(value))


def _write_failures(report: Report, path: pathlib.Path, *, with_unfinished: bool) -> None:
    """Writes the table of the pairs that failed, by which a batch makes just these again; removes it if none did.

    It has all options of each pair, so that no other flags are needed.

    Passwords in URLs stay in it, because the pairs could not be made without them.
    """
    failed = [*report.failed, *(report.unfinished if with_unfinished else [])]
    if not failed:
        if path.is_file():
            path.unlink()
        return
    texts = {pair.number: {**pair.common_texts, **pair.own_texts} for pair in failed}
    own = list(dict.fromkeys(name for given in texts.values() for name in given if name != "output"))
    table = io.StringIO(newline="")
    writer = csv.DictWriter(table, ["content_image", "style_image", *own, "output", "reason"], lineterminator="\n")
    writer.writeheader()
    for pair in failed:
        reason = values.shown(report.outcome(pair).sentence)
        style = "" if pair.style is None else flags.form_of("style_image").text(pair.style)
        named = {"content_image": pair.content or "", "style_image": style, "output": pair.output, "reason": reason}
        writer.writerow({**texts[pair.number], **named})
    export.write_text(path, table.getvalue())


def _write_page(report: Report, path: pathlib.Path, pictures: thumbnails.Thumbnails) -> None:
    """Writes the page."""
    beside = [FACTS, *([FAILURES] if report.failed else [])]
    if any(pictures.get(report.picture(pair), sheet.SIDE, made=True) for pair in report.pairs):
        beside.append(sheet.SHEET)
    export.write_text(path, page.page(report, pictures, beside))
