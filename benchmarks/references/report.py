"""What a race came to, as a table, in words and in a Markdown file."""

from __future__ import annotations

import collections
import datetime
import importlib.util
import os
import pathlib
import platform
import re
import statistics
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from nst_keras import export
from references import race

__all__ = ["Result", "machine", "print_table", "result", "table", "write_table"]


class Result(NamedTuple):
    """What a recipe came to on one pair.

    Attributes:
        evaluations: Of each level; None for one that it did not come to.
        seconds: To each level, or spent without coming to it.
        with_start_up: The same seconds, with all that the first evaluations take.
        step: Seconds of an evaluation.
        grain: Energy of the high frequencies of its picture.
    """

    evaluations: list[int | None]
    seconds: list[float]
    with_start_up: list[float]
    step: float
    grain: float


def result(runner: race.Runner, levels: Sequence[float]) -> Result:
    """What a runner came to, level by level."""
    evaluations = [runner.reached(level) for level in levels]
    spent = [reached or len(runner.losses) for reached in evaluations]
    return Result(
        evaluations,
        [runner.elapsed(count) for count in spent],
        [runner.elapsed(count, start_up=True) for count in spent],
        runner.step,
        race.high_frequencies(np.clip(runner.picture(), 0, 255)),
    )


def table(results: Mapping[str, Mapping[str, Result]], *, ours: str, plain: str) -> list[list[str]]:
    """Rows of cells: medians over the tasks, ratios task by task to ours, and of grain to that of a plain one.

    Args:
        results: {task: {recipe: result}}.
        ours: Name of a recipe.
        plain: Name of the recipe whose grain the others are divided by.
    """
    by_recipe = collections.defaultdict(list)
    for of_task in results.values():
        for name, one in of_task.items():
            by_recipe[name].append((one, of_task[ours], of_task[plain]))
    rows = [["recipe", "s an evaluation", "evaluations", "s", "times ours, at each level", "with start-up", "grain"]]
    for name, found in by_recipe.items():
        count = _median([one.evaluations[-1] or np.inf for one, _, _ in found])
        seconds = _median([one.seconds[-1] if one.evaluations[-1] else np.inf for one, _, _ in found])
        pairs = [(one, mine) for one, mine, _ in found]
        ratios = [_ratio(pairs, "seconds", level) for level in range(3)]
        started = _ratio(pairs, "with_start_up", -1)
        grain = statistics.median(one.grain / plain.grain for one, _, plain in found)
        step = statistics.median(one.step for one, _, _ in found)
        shown = [f"{step:.3f}", _number(count, ".0f"), _number(seconds, ".1f")]
        rows.append([name, *shown, " / ".join(ratios), started, f"{grain:.2f}"])
    return rows


def _median(values: Sequence[float]) -> float:
    """The middle value, or the upper of two: with infinities, there is no mean of them."""
    return statistics.median_high(values)


def _number(value: float, form: str) -> str:
    return format(value, form) if np.isfinite(value) else "not reached"


def _ratio(pairs: list[tuple[Result, Result]], kind: str, level: int) -> str:
    """Median of a recipe's seconds over ours; `>` where it did not come to the level in half of them."""
    ratios = [getattr(one, kind)[level] / getattr(mine, kind)[level] for one, mine in pairs]
    missed = sum(one.evaluations[level] is None for one, _ in pairs)
    return f"{'> ' if 2 * missed >= len(pairs) else ''}{statistics.median(ratios):.1f}"


def machine() -> str:
    """The machine, the versions and the date, in words."""
    information = pathlib.Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.+)", information.read_text()) if information.exists() else None
    versions = [f"TensorFlow {tf.__version__}"]
    if importlib.util.find_spec("torch") is not None:
        import torch  # noqa: PLC0415  An extra.

        versions.append(f"PyTorch {torch.__version__}")
    processor = found[1] if found else platform.processor() or platform.machine()
    return f"{processor}, {os.cpu_count()} cores; {', '.join(versions)}; {datetime.date.today()}"


def print_table(rows: list[list[str]]) -> None:
    """Prints rows with columns of equal width."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))


def write_table(rows: list[list[str]], notes: Sequence[str], path: str, *, name: str = "time_to_loss") -> None:
    """Puts the table and what is said below it between the marks of a Markdown file, `<!-- NAME -->`."""
    rows = [rows[0], ["---"] * len(rows[0]), *rows[1:]]
    lines = [*(f"| {' | '.join(row)} |" for row in rows), "", *notes]
    mark, text = f"<!-- {name} -->", pathlib.Path(path).read_text(encoding="utf-8")
    before, _, rest = text.partition(mark)
    if rest.count(mark) != 1:
        raise SystemExit(f"--table: {path} needs two marks {mark}, one before the table and one after.")
    with export.replacing(path) as temporary:
        new = "\n".join([mark, "", *lines, "", mark])
        pathlib.Path(temporary).write_text(f"{before}{new}{rest.partition(mark)[2]}", encoding="utf-8")
