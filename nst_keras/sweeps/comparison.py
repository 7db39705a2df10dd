"""A comparison: the results of several runs that differ in chosen options, their sheet, and their files."""

from __future__ import annotations

import dataclasses
import functools
import math
import os
import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from nst_keras import checks, settings
from nst_keras.engine import result as result_lib
from nst_keras.export import plots
from nst_keras.sweeps import sheet, variation

__all__ = ["SHEET", "Compared", "Comparison", "file_names"]

SHEET = "comparison.png"  # The sheet's name in the folder of a comparison.
_COLUMNS = 5  # Most pictures in a row, if one option varies.


class Compared(NamedTuple):
    """One combination and its run.

    Attributes:
        settings: {option: value} of the options that vary.
        result: The result of the run.
        label: The settings as text, such as `content_weight=0.5, mode=texture`.
    """

    settings: dict[str, object]
    result: result_lib.Result
    label: str


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Comparison:
    """The pictures of several runs that differ in chosen options.

    Attributes:
        combinations: All combinations, in order.
        made: {index of a combination: result of its run}.
        interrupted: Whether Ctrl-C ended the comparison. `made` then lacks some combinations, and the run that was
            going may have made only some of its steps.
    """

    combinations: Sequence[variation.Combination]
    made: Mapping[int, result_lib.Result]
    interrupted: bool = False

    @property
    def results(self) -> list[Compared]:
        """The runs in the order of their combinations, each with its settings and its result."""
        every = enumerate(self.combinations)
        return [Compared(one.values, self.made[at], one.label()) for at, one in every if at in self.made]

    @property
    def pictures(self) -> dict[str, np.ndarray]:
        """{settings as text: the picture, uint8 [height, width, 3]}."""
        return {one.label: one.result.image for one in self.results}

    @functools.cached_property
    def figure(self) -> plots.Figure:
        """The sheet, a matplotlib figure: a grid of all pictures.

        With one option, its values follow each other, five a row at most. With two, the first has a column and the
        second a row for each value. With more, each row has one combination of all but the first option. A picture
        whose run ended early says so, and one that was not made is an empty field.
        """
        return sheet.draw(self._grid())

    @settings.documents(settings.SaveSettings)
    def save(  # noqa: D417  The decorator inserts the help of the options.
        self,
        folder: str | os.PathLike[str],
        *,
        suffix: str = ".png",
        output_size: int | str | None = None,
        bit_depth: int = 8,
        alpha: bool = False,
        metadata: bool = True,
    ) -> None:
        """Saves the sheet as `comparison.png`, and each picture under a name with its settings.

        Every picture holds all settings that make it again. Existing files of these names are replaced, each completely
        or not at all. One that cannot be saved costs no other.

        Args:
            folder: The folder, which is made unless it exists.
            suffix: Kind of the pictures: .png, .jpg, .jpeg, .webp, .tif or .tiff.
            {options}

        Raises:
            ValueError: A bad argument, or a format that cannot hold this bit depth or transparency.
            OSError: A file cannot be written.
        """
        asked = settings.SaveSettings(output_size=output_size, bit_depth=bit_depth, alpha=alpha, metadata=metadata)
        for problem in [problem for problem in self.save_as(folder, suffix, asked) if problem is not None]:
            raise problem  # The first, after all that can be saved is.

    def save_as(
        self,
        folder: str | os.PathLike[str],
        suffix: str,
        asked: settings.SaveSettings,
        save: Callable[[result_lib.Result, pathlib.Path, settings.SaveSettings], Any] = result_lib.Result.save_as,
    ) -> Iterator[Exception | None]:
        """Saves the pictures and then the sheet, one after the other, and yields what went wrong with each.

        Args:
            folder: The folder, which is made unless it exists.
            suffix: Kind of the pictures.
            asked: The options of `save`.
            save: Saves a picture to a file. Default: `Result.save_as`.
        """
        place = pathlib.Path(folder).expanduser()
        yield _problem(checks.make_folder, "folder", place)
        names = file_names(self.combinations, suffix)
        for at in sorted(self.made):
            yield _problem(save, self.made[at], place / names[at], asked)
        yield _problem(lambda: plots.save(self.figure, place / SHEET))

    def _grid(self) -> sheet.Grid:
        """Returns what stands where on the sheet."""
        names = list(self.combinations[0].texts)
        labels = [one.label() for one in self.combinations]
        if len(names) == 1:
            rows = math.ceil(len(labels) / _COLUMNS)
            return sheet.Grid(_rows(self._cells(labels), math.ceil(len(labels) / rows)))
        # The first option changes along a row, so that the cells of a row have the others in common.
        below = math.prod(1 + max(one.places[name] for one in self.combinations) for name in names[1:])
        if len(names) > 2:
            return sheet.Grid([self._cells(labels)[at::below] for at in range(below)])
        cells = self._cells([""] * len(labels))
        return sheet.Grid(
            [cells[at::below] for at in range(below)],
            columns=[one.label(names[0]) for one in self.combinations[::below]],
            labels=[one.label(names[1]) for one in self.combinations[:below]],
        )

    def _cells(self, labels: Sequence[str]) -> list[sheet.Cell]:
        """Returns the cell of each combination, with its label and a note if its run ended early."""
        results = [self.made.get(at) for at in range(len(labels))]
        return [
            sheet.Cell(None, label) if result is None else sheet.Cell(result.image, f"{label} {_note(result)}".strip())
            for label, result in zip(labels, results, strict=True)
        ]


def file_names(combinations: Sequence[variation.Combination], suffix: str) -> list[str]:
    """Returns the name of each picture's file, such as `1_content_weight=0.5.png`.

    Args:
        combinations: All combinations.
        suffix: The suffix of the names, with its dot.
    """
    digits = len(str(len(combinations)))
    return [f"{number:0{digits}}_{one.file_stem()}{suffix}" for number, one in enumerate(combinations, 1)]


def _problem(write: Callable[..., Any], *arguments: Any) -> Exception | None:
    """Calls a function, and returns its error, if any."""
    try:
        write(*arguments)
    except Exception as error:
        return error
    return None


def _note(result: result_lib.Result) -> str:
    return "" if result.completed else f"(ended after step {result.step})"


def _rows(cells: Sequence[sheet.Cell], columns: int) -> list[Sequence[sheet.Cell]]:
    return [cells[start : start + columns] for start in range(0, len(cells), columns)]
