"""Tables of pairs: a CSV file with a picture to make in each row. Nothing here needs TensorFlow."""

from __future__ import annotations

import csv
import difflib
import io
import os
import pathlib
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from nst_keras import presets
from nst_keras.cli import flags

__all__ = ["ALIASES", "Row", "read"]

# {column: the option that it stands for}.
ALIASES = {"content": "content_image", "style": "style_image"}
# Columns that are read past: what a batch itself writes into failures.csv.
_IGNORED = ("reason",)
_MOST = 64 * 2**20  # Bytes.


class Row(NamedTuple):
    """A row of a table.

    Attributes:
        values: {option: value} of the cells that are not empty. A cell that cannot be read has its text.
        texts: {option: text} of the same cells.
        problem: Why the row cannot be used, as a sentence; "" if it can.
    """

    values: presets.Options
    texts: Mapping[str, str]
    problem: str = ""


def read(name: str, options: Sequence[str]) -> list[Row]:
    """Returns the rows of a table.

    Args:
        name: A CSV file in UTF-8 whose first row names the columns. Commas, semicolons or tabs separate cells.
        options: The options that a column may give.

    Raises:
        OSError: The file cannot be read.
        ValueError: The file is no table, has no rows, or has a column that is unknown or there twice.
    """
    path = pathlib.Path(os.path.expanduser(name))
    if path.exists() and not path.is_file():
        raise IsADirectoryError(f"pairs: {name!r} is no file. Name a CSV file.")
    try:
        with open(path, "rb") as file:
            text = file.read(_MOST + 1).decode("utf-8-sig", "surrogateescape")
    except OSError as error:
        raise OSError(f"pairs: {name!r} cannot be read ({error.strerror}). Name a CSV file.") from error
    if len(text) > _MOST:
        raise ValueError(f"pairs: {name!r} has over {_MOST // 2**20} MiB. Split it into several tables.")
    if "\0" in text:
        raise ValueError(f"pairs: {name!r} is no text in UTF-8. Save the table as CSV UTF-8, as Excel calls it.")
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    try:
        header, *rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)) or [[]]
    except csv.Error as error:
        raise ValueError(f"pairs: {name!r} is no table ({error}). Give a CSV file.") from error
    columns = _columns(name, header, options)
    found = [_row(columns, cells) for cells in rows if any(cell.strip() for cell in cells)]
    if not found:
        raise ValueError(f"pairs: {name!r} has no rows. Give one for each picture, below the names of the columns.")
    return found


def _columns(name: str, header: Sequence[str], options: Sequence[str]) -> list[str]:
    """Returns the option that each column gives."""
    columns = [ALIASES.get(cell.strip(), cell.strip()) for cell in header]
    for column in columns:
        if column not in options and column not in _IGNORED:
            near = difflib.get_close_matches(column, [*options, *ALIASES], n=1)
            hint = f"Did you mean {near[0]!r}?" if near else "The first row must name the columns: content, style, ..."
            raise ValueError(f"pairs: {name!r} has the column {column[:60]!r}, which is no option. {hint}")
        if columns.count(column) > 1:
            raise ValueError(f"pairs: {name!r} has the column {column!r} twice. Leave one out.")
    return columns


def _row(columns: Sequence[str], cells: Sequence[str]) -> Row:
    """Returns a row from its cells."""
    texts = {name: cell.strip() for name, cell in zip(columns, cells, strict=False) if cell.strip()}
    texts = {name: text for name, text in texts.items() if name not in _IGNORED}
    if len(cells) > len(columns):
        problem = f"pairs: this row has {len(cells)} cells for {len(columns)} columns. Put commas in quotes."
        return Row(dict(texts), texts, problem)
    values: dict[str, object] = dict(texts)
    problem = ""
    for name, text in texts.items():
        try:
            values[name] = _value(name, text)
        except ValueError as error:
            hint = " Write decimals with a point." if re.fullmatch(r"\d+,\d+", text) else ""
            problem = problem or f"{name}: {error}.{hint}"
    return Row(values, texts, problem)


def _value(name: str, text: str) -> object:
    """Returns a value from its text. A name with a comma that is a file is one picture."""
    is_file = name == "style_image" and os.path.exists(os.path.expanduser(text))
    return text if is_file else flags.form_of(name).parse(text)
