"""The contact sheet of a batch: content images against styles, or picture after picture."""

from __future__ import annotations

import itertools
import math
import pathlib
import warnings
from collections.abc import Iterator, Sequence

import numpy as np

from nst_keras import export
from nst_keras.cli.batch import pairs
from nst_keras.cli.batch.report import thumbnails, values
from nst_keras.sweeps import sheet

__all__ = ["SHEET", "SIDE", "is_page", "write"]

SHEET = "contact_sheet.png"
_ROWS, _COLUMNS = 25, 20  # Most of a grid's on a page.
_IN_A_ROW = 5  # Pictures in a row, if they form no grid.
SIDE = 384  # Most pixels of a side of a result as it is read.
_PIXELS, _LEAST = 8_500_000, 150  # Of a page's pictures together, about, and the least of one's longer side.


def write(report: values.Report, folder: pathlib.Path, pictures: thumbnails.Thumbnails) -> None:
    """Writes the pages of the sheet, each whole or not at all, and removes those of an older sheet that had more.

    There is no sheet where no picture can be read.

    Args:
        report: The batch.
        folder: The folder of the sheet.
        pictures: The pictures' thumbnails.

    Raises:
        OSError: A page cannot be written.
    """
    is_any = any(pictures.get(report.picture(pair), SIDE, made=True) for pair in report.pairs)
    pages = _pages(_Sheet(report, pictures)) if is_any else ()
    numbered = itertools.count(1)
    for grid in pages:
        _write(grid, folder / _page_name(next(numbered)))
    for number in numbered:
        surplus = folder / _page_name(number)
        if not surplus.is_file():
            break
        surplus.unlink()


def is_page(name: str) -> bool:
    """Returns whether a file's name is that of a page of the sheet.

    >>> is_page("contact_sheet.png"), is_page("Contact_Sheet_12.png"), is_page("contact_sheet_dog.png")
    (True, True, False)
    """
    first, _, number = name.lower().removesuffix(".png").partition("contact_sheet")
    return name.lower().endswith(".png") and not first and (not number or number.removeprefix("_").isdecimal())


def _page_name(number: int) -> str:
    return SHEET if number == 1 else SHEET.replace(".", f"_{number}.")


def _write(grid: sheet.Grid, path: pathlib.Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Letters that the font has not are boxes.
        figure = sheet.draw(grid)
        with export.replacing(path) as temporary:
            figure.savefig(temporary, format="png")


class _Sheet:
    """What a batch's sheet shows of each pair."""

    def __init__(self, report: values.Report, pictures: thumbnails.Thumbnails) -> None:
        self.report, self._pictures = report, pictures
        inputs = (name for pair in report.pairs for name in [*([pair.content] if pair.content else []), *pair.styles])
        self._names = values.short_names(inputs)

    def is_begun(self, pair: pairs.Pair) -> bool:
        """Returns whether a pair is made, or was tried."""
        return self.report.outcome(pair).status is not pairs.Status.WAITING

    def content(self, pair: pairs.Pair) -> str:
        """Returns what a pair's content is called; "" for none."""
        return self._names[pair.content] if pair.content else ""

    def styles(self, pair: pairs.Pair) -> str:
        """Returns what a pair's styles are called."""
        return " + ".join(self._names[name] for name in pair.styles)

    def label(self, pair: pairs.Pair) -> str:
        """Returns a pair's content, style and settings."""
        own = (values.shown(f"{name}={text}") for name, text in pair.own_texts.items())
        return ", ".join(filter(None, [self.content(pair), self.styles(pair), *own]))

    def cells(self, rows: Sequence[Sequence[pairs.Pair]], *, labelled: bool) -> list[list[sheet.Cell]]:
        """Returns the cells of a page. Many pictures are smaller than few."""
        most = max(_LEAST, math.isqrt(_PIXELS // sum(map(len, rows))))
        return [[self._cell(pair, self.label(pair) if labelled else "", most) for pair in row] for row in rows]

    def _cell(self, pair: pairs.Pair, label: str, most: int) -> sheet.Cell:
        picture = self._pictures.get(self.report.picture(pair), SIDE, made=True)
        return sheet.Cell(None if picture is None else np.asarray(thumbnails.reduced(picture, most)), label)


def _pages(shown: _Sheet) -> Iterator[sheet.Grid]:
    """Yields the grid of each page. Rows in which nothing is begun are left out."""
    rows = _grid(shown.report.pairs)
    if rows is None:
        begun = [pair for pair in shown.report.pairs if shown.is_begun(pair)]
        rows = [begun[start : start + _IN_A_ROW] for start in range(0, len(begun), _IN_A_ROW)]
        for top in range(0, len(rows), _ROWS):
            yield sheet.Grid(shown.cells(rows[top : top + _ROWS], labelled=True))
        return
    rows = [row for row in rows if any(map(shown.is_begun, row))]
    columns = len(rows[0])
    across = math.ceil(columns / math.ceil(columns / _COLUMNS))
    for top, left in itertools.product(range(0, len(rows), _ROWS), range(0, columns, across)):
        part = [row[left : left + across] for row in rows[top : top + _ROWS]]
        yield sheet.Grid(
            shown.cells(part, labelled=False),
            columns=[shown.styles(pair) for pair in part[0]],
            labels=[shown.content(row[0]) for row in part],
        )


def _grid(every: Sequence[pairs.Pair]) -> list[list[pairs.Pair]] | None:
    """Returns pairs in a row for each content and a column for each style; None if they form no such grid."""
    found = {(pair.content, tuple(pair.styles)): pair for pair in every}
    contents = list(dict.fromkeys(content for content, _ in found))
    styles = list(dict.fromkeys(style for _, style in found))
    is_whole = len(every) == len(found) == len(contents) * len(styles)
    if not is_whole or min(len(contents), len(styles)) < 2 or any(pair.own_texts for pair in every):
        return None
    return [[found[content, style] for style in styles] for content in contents]
