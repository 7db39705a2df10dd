"""The sheet of a comparison: a grid of labelled pictures on one matplotlib figure, each in its own shape.

Nothing here needs TensorFlow.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from nst_keras.export.figures import Figure

__all__ = ["Cell", "Grid", "draw", "wrapped"]

# In inches: a cell's usual and least width, the width at which a sheet's cells become smaller, gaps, lines of a label.
_CELL, _LEAST_CELL, _WIDEST, _GAP, _LINE = 2.6, 1.5, 15.0, 0.1, 0.17
_TALLEST = 1.6  # A cell's height, as a multiple of its width.
_FONT = 9  # Points.
_LINES = 6  # Most lines of a label.
_BREAKS = ",=_-/:"  # A long word may break after these: the earlier ones first.
_DOTS_PER_INCH = (100, 220)  # Least and most. In between, a cell has as many pixels as the largest picture.


class Cell(NamedTuple):
    """A place on the sheet.

    Attributes:
        picture: uint8 [height, width, 3]; None for a picture that was not made.
        label: Text above the picture; may be empty.
    """

    picture: np.ndarray | None
    label: str


class Grid(NamedTuple):
    """The pictures of a sheet in rows. The last row may be shorter.

    Attributes:
        rows: The cells of each row.
        columns: A text above each column; empty for none.
        labels: A text to the left of each row; empty for none.
    """

    rows: Sequence[Sequence[Cell]]
    columns: Sequence[str] = ()
    labels: Sequence[str] = ()


def draw(grid: Grid) -> Figure:
    """Draws the sheet. Texts are wrapped to the width, or height, of the pictures that they belong to."""
    from nst_keras.export import figures  # noqa: PLC0415  matplotlib is imported only to draw.

    side = _side(grid)
    heights = [_row_height(row, side) for row in grid.rows]
    header = _block(grid.columns, side)
    titles = [_block([cell.label for cell in row], side) for row in grid.rows]
    names = [wrapped(text, height) for text, height in zip(grid.labels, heights, strict=False)]
    left = _GAP + (max(map(len, names)) * _LINE + _GAP if names else 0.0)
    width = left + len(grid.rows[0]) * (side + _GAP)
    height = _GAP + header + sum(heights) + sum(titles) + len(heights) * _GAP
    figure = figures.Figure(figsize=(width, height), dpi=_dots_per_inch(grid, side), facecolor="white")
    page = _Page(figure, width, height)
    top = _GAP + header
    for place, text in enumerate(grid.columns):
        page.write(wrapped(text, side), left + place * (side + _GAP), top)
    for place, row in enumerate(grid.rows):
        top += titles[place]
        if names:
            page.write_upwards(names[place], left - _GAP, top + heights[place] / 2)
        for column, cell in enumerate(row):
            at = left + column * (side + _GAP)
            page.write(wrapped(cell.label, side), at, top)
            page.show(cell.picture, at, top, side, heights[place])
        top += heights[place] + _GAP
    return figure


def wrapped(text: str, inches: float) -> list[str]:
    """Returns a text in at most six lines, each no longer than `inches`. Lines break at spaces where they can.

    Args:
        text: The text; an empty one gives no lines.
        inches: Width of a line on the page.
    """
    lines: list[str] = []
    for word in text.split():
        joined = f"{lines[-1]} {word}" if lines else word
        if lines and _width(joined) <= inches:
            lines[-1] = joined
        else:
            lines += _pieces(word, inches)
    return lines if len(lines) <= _LINES else [*lines[: _LINES - 1], f"{lines[_LINES - 1][:-1]}…"]


class _Page:
    """A figure on which places are given in inches, from its upper left corner."""

    def __init__(self, figure: Figure, width: float, height: float) -> None:
        self._figure, self._width, self._height = figure, width, height

    def write(self, lines: Sequence[str], left: float, bottom: float) -> None:
        """Writes lines whose last one stands just above `bottom`."""
        x, y = left / self._width, 1 - (bottom - 0.04) / self._height
        self._figure.text(x, y, _plain(lines), fontsize=_FONT, va="bottom", ha="left", linespacing=1.25)

    def write_upwards(self, lines: Sequence[str], right: float, middle: float) -> None:
        """Writes lines from bottom to top, to the left of `right`."""
        x, y = (right + 0.04) / self._width, 1 - middle / self._height
        options = {"rotation": 90, "va": "center", "ha": "right", "multialignment": "center"}
        self._figure.text(x, y, _plain(lines), fontsize=_FONT, linespacing=1.25, **options)

    def show(self, picture: np.ndarray | None, left: float, top: float, width: float, height: float) -> None:
        """Shows a picture in its own shape, at the upper left of a box; an empty frame for None."""
        if picture is not None:
            aspect = picture.shape[0] / picture.shape[1]
            width, height = min(width, height / aspect), min(height, width * aspect)
        x, y = left / self._width, 1 - (top + height) / self._height
        axes = self._figure.add_axes((x, y, width / self._width, height / self._height))
        axes.set(xticks=[], yticks=[])
        if picture is None:
            axes.set_facecolor("#eeeeee")
            axes.text(0.5, 0.5, "not made", transform=axes.transAxes, ha="center", va="center", fontsize=_FONT)
        else:
            axes.imshow(picture, aspect="auto")
        axes.spines[:].set_visible(False)


def _plain(lines: Sequence[str]) -> str:
    return "\n".join(lines).replace("$", r"\$")  # A dollar sign would begin a formula.


def _side(grid: Grid) -> float:
    """Returns the width of a cell in inches: less in a sheet of many columns."""
    return max(_LEAST_CELL, min(_CELL, _WIDEST / len(grid.rows[0]) - _GAP))


def _row_height(row: Sequence[Cell], side: float) -> float:
    """Returns the height of a row's pictures in inches: that of the tallest one at full width."""
    aspects = [cell.picture.shape[0] / cell.picture.shape[1] for cell in row if cell.picture is not None]
    return side * min(max(aspects, default=0.75), _TALLEST)


def _block(texts: Sequence[str], side: float) -> float:
    """Returns the height in inches of the texts above a row of pictures."""
    lines = max((len(wrapped(text, side)) for text in texts), default=0)
    return lines * _LINE + (0.06 if lines else 0.0)


def _dots_per_inch(grid: Grid, side: float) -> int:
    """Returns the resolution at which the widest picture is shown pixel by pixel, within bounds."""
    widths = [cell.picture.shape[1] for row in grid.rows for cell in row if cell.picture is not None]
    least, most = _DOTS_PER_INCH
    return min(most, max(least, math.ceil(max(widths, default=0) / side)))


@functools.lru_cache(maxsize=4096)
def _width(text: str) -> float:
    """Returns the width of a text in inches, with a margin because letters on a screen begin at whole pixels."""
    from nst_keras.export import figures  # noqa: PLC0415

    if not text.strip():
        return 0.0
    drawn = figures.textpath.TextPath((0, 0), text.replace("$", "S"), size=_FONT)
    # The curves' control points, which enclose the letters: their exact extents take ten times as long.
    across = drawn.vertices[drawn.codes != drawn.CLOSEPOLY, 0]
    return 1.08 * float(np.ptp(across)) / 72 if across.size else 0.0


def _pieces(word: str, inches: float) -> list[str]:
    """Returns a word in pieces no wider than a line, broken after punctuation if it can be."""
    pieces: list[str] = []
    while word and _width(word) > inches:
        most = max(1, next((n for n in range(1, len(word)) if _width(word[: n + 1]) > inches), len(word)))
        places = [n for n in range(most, most // 2, -1) if word[n - 1] in _BREAKS]
        at = min(places, key=lambda n: _BREAKS.index(word[n - 1]), default=most)
        pieces.append(word[:at])
        word = word[at:]
    return [*pieces, word] if word else pieces
