"""What a batch is asked to make: rows of a table, every content with every style, a grid.

Nothing here needs TensorFlow.
"""

from __future__ import annotations

import itertools
import os
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from nst_keras import presets, settings
from nst_keras.cli import comparing, flags
from nst_keras.cli.batch import done, expanding, pairs, table
from nst_keras.cli.batch.report import files
from nst_keras.sweeps import variation

__all__ = ["NOT_HERE", "OF_ROWS", "OPTIONS", "Row", "rows"]

# Options of one run that mean nothing in a batch: each pair is begun anew, and found again by its record.
NOT_HERE = (
    *variation.OF_ONE_RUN,
    "show_image",
    "show_interval",
    "preview",
    "callbacks",
    "verbose",
    "debug",
    "strategy",
    "metadata",
)
# {option of a pair: its field}.
OPTIONS = {field.name: field for field in settings.fields(settings.JobSettings) if field.name not in NOT_HERE}
# Options that a row of a table may give: not those of the whole batch.
OF_ROWS = tuple(name for name in OPTIONS if name not in ("quiet", "xla_cache", "compare", "overwrite"))


class Row(NamedTuple):
    """A picture to make.

    Attributes:
        content: Content image; None in a mode without content.
        style: Style image, or images to blend; None in a mode without style.
        own: {option: value} of the options that it has for itself.
        own_texts: {option: text} of these, as their flags take them.
        settings_text: What varies in a grid, for the picture's name; "" for no grid.
        problem: Why it cannot be made, as a sentence; "" if it can be tried.
    """

    content: str | None
    style: str | list[str] | None
    own: presets.Options
    own_texts: Mapping[str, str]
    settings_text: str = ""
    problem: str = ""


def rows(given: presets.Options, batch: settings.BatchSettings) -> list[Row]:
    """Returns the product of the table's rows, the pictures that they do not name, and the settings that vary.

    Args:
        given: {option: value} of a run's options that are given.
        batch: The options of the batch.

    Raises:
        ValueError: No pictures, pictures that are given twice, or a bad table.
        TypeError: Pictures that are no names.
        OSError: A picture, folder or table is missing.
    """
    written = [table.Row({}, {})] if batch.pairs is None else table.read(batch.pairs, OF_ROWS)
    grid = _grid(given.get("compare"))
    whole = _named_pictures(given, batch, {name for row in written for name in row.values})
    found: list[Row] = []
    for row in written:
        contents, styles = ([row.values[name]] if name in row.values else whole[name] for name in pairs.INPUTS)
        own = {name: value for name, value in row.values.items() if name not in pairs.INPUTS}
        texts = {name: text for name, text in row.texts.items() if name not in pairs.INPUTS}
        for content, style, one in itertools.product(contents, styles, grid):
            varied: presets.Options = {} if one is None else one.values
            varied_texts = {name: flags.form_of(name).text(value) for name, value in varied.items()}
            called = "" if one is None else one.file_stem()
            found.append(Row(content, style, {**own, **varied}, {**texts, **varied_texts}, called, row.problem))
    if not any(row.content or row.style for row in found):
        raise ValueError(
            "neither content_image nor style_image is given. Name files or folders, or a table with pairs."
        )
    return found


def _named_pictures(given: presets.Options, batch: settings.BatchSettings, columns: set[str]) -> dict[str, list[Any]]:
    """Returns {option: the pictures that it names for all rows}; None alone where it names none."""
    found: dict[str, list[Any]] = {name: [None] for name in pairs.INPUTS}
    for name in pairs.INPUTS:
        if given.get(name) is not None:
            if name in columns:
                raise ValueError(f"{name} is given twice: as --{name} and as a column of the table. Leave one out.")
            pictures = expanding.pictures(
                name, given[name], recursive=batch.recursive, is_left_out=_is_own(batch.output_dir)
            )
            if not pictures:
                raise ValueError(f"{name}: {given[name]!r} holds only what a batch has made. Name another folder.")
            found[name] = list(pictures)
    return found


def _is_own(output_dir: str) -> Callable[[str], bool]:
    """Returns a function that tells whether a file is in the output folder, and a batch has made it."""
    folder = os.path.realpath(os.path.expanduser(output_dir))

    def is_own(name: str) -> bool:
        """Returns whether a batch has made a file."""
        path = pathlib.Path(os.path.realpath(os.path.expanduser(name)))
        if not path.is_relative_to(folder):
            return False
        return files.is_reserved(path.relative_to(folder).as_posix()) or done.is_made_by_a_batch(path)

    return is_own


def _grid(compare: Any) -> Sequence[variation.Combination | None]:
    """Returns the combinations of the options that vary; None alone if none does."""
    if not compare:
        return [None]
    is_text = isinstance(compare, str)
    vary = comparing.vary_of(compare) if is_text else variation.checked(compare, argument="compare")
    return variation.combinations(vary)
