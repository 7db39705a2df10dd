"""Plots of a run: its losses, and a contact sheet of its pictures. Pure functions that return matplotlib figures.

They do not use pyplot: no figure stays open, and no screen is needed. A figure that a notebook's cell returns shows
itself.
"""

from __future__ import annotations

import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from nst_keras import checks, export
from nst_keras.images import loading, pixels

if TYPE_CHECKING:
    import matplotlib.axes

    from nst_keras.export.figures import Figure

__all__ = ["FIGURE_OPTIONS", "Figure", "plot_frames", "plot_history", "plot_rows", "save"]

# Suffix -> `metadata` for matplotlib. Without dates the same figure always makes the same file.
FIGURE_OPTIONS: dict[str, dict[str, None]] = {".png": {}, ".pdf": {"CreationDate": None}, ".svg": {"Date": None}}

# Name in the history -> (label, colour, line style). The colours are Okabe and Ito's, which colour-blind people can
# tell apart; the line styles differ in print without colour.
_TERMS: dict[str, tuple[str, str, str]] = {
    "loss": ("total", "#000000", "-"),
    "style_loss": ("style", "#D55E00", "-"),
    "content_loss": ("content", "#0072B2", "--"),
    "var_loss": ("total variation", "#009E73", "-."),
}
_OTHERS = (("#CC79A7", "-"), ("#E69F00", "--"), ("#56B4E9", "-."), ("#F0E442", ":"))

_WIDTH, _GAP, _LABEL = 10.0, 0.12, 0.22  # Inches on the contact sheet: its width, between pictures, for a label.
_TALLEST = 30.0  # Inches of a row: a strip of pixels would make a sheet that no memory holds.
_DOTS_PER_INCH = 120


def __getattr__(name: str) -> Any:
    if name != "Figure":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from nst_keras.export import figures  # noqa: PLC0415  matplotlib is imported only to draw.

    return figures.Figure


def _figure(**options: Any) -> Figure:
    """Returns an empty figure."""
    from nst_keras.export import figures  # noqa: PLC0415

    return figures.Figure(dpi=_DOTS_PER_INCH, **options)


def plot_history(
    history: Mapping[str, Sequence[float]],
    *,
    steps: Sequence[int] | None = None,
    title: str | None = None,
    path: str | os.PathLike | None = None,
) -> Figure:
    """Plots the loss and its terms against the steps, on a logarithmic axis.

    Terms of 0 are not drawn. Nor are values that are not finite, or so far below the step's total that float32 cannot
    tell them from 0: these would stretch the axis over many empty decades.

    Args:
        history: {name: a value a step}, such as `style_transfer.history.history`. Names without "loss" are ignored.
        steps: The step of each value, such as `style_transfer.history.epoch`. Default: 1, 2, 3 and so on.
        title: A title above the plot. Default: none.
        path: A file to save the figure to as well, see `save`. Default: none.

    Raises:
        ValueError: A history without losses above 0, or of another length than `steps`, or another suffix.
        OSError: The file cannot be written.
    """
    curves = _curves(history)
    if not curves:
        raise ValueError("history holds no losses above 0. Run fit_style_transfer first.")
    if steps is not None and any(len(steps) != len(series) for series in curves.values()):
        raise ValueError(f"steps has {len(steps)} entries, which is not the length of history. Leave steps out.")
    figure = _figure(figsize=(7.2, 4.2), layout="constrained")
    axes = figure.add_subplot(xlabel="step", ylabel="loss, times its weight", yscale="log", title=title or "")
    _draw(axes, curves, steps)
    _tidy(axes)
    return figure if path is None else save(figure, path)


def _curves(history: Mapping[str, Sequence[float]]) -> dict[str, np.ndarray]:
    """Returns the losses that are above 0 anywhere, with NaN for values that a logarithmic axis should not show."""
    values = {name: np.asarray(series, float) for name, series in history.items() if "loss" in name}
    least = np.finfo(np.float32).eps * values["loss"] if "loss" in values else 0.0
    visible = {name: np.where(np.isfinite(v) & (v > least), v, np.nan) for name, v in values.items()}
    return {name: series for name, series in visible.items() if np.any(series > 0)}


def _draw(axes: matplotlib.axes.Axes, curves: Mapping[str, np.ndarray], steps: Sequence[int] | None) -> None:
    """Draws the curves, those with a colour of their own in `_TERMS` first."""
    others = iter(_OTHERS * len(curves))
    for name in sorted(curves, key=[*_TERMS, *curves].index):
        label, colour, style = _TERMS.get(name) or (name, *next(others))
        at = np.arange(1, len(curves[name]) + 1) if steps is None else np.asarray(steps)
        marker, width = "o" if len(at) == 1 else "", 2.2 if name == "loss" else 1.6
        axes.plot(at, curves[name], style, label=label, color=colour, marker=marker, linewidth=width)


def _tidy(axes: matplotlib.axes.Axes) -> None:
    import matplotlib.ticker  # noqa: PLC0415

    axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(integer=True))
    axes.yaxis.set_minor_formatter(matplotlib.ticker.LogFormatterSciNotation(minor_thresholds=(1.2, 0.5)))
    axes.grid(which="major", color="#000000", alpha=0.15, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)


def plot_frames(
    content: loading.ImageSource | None,
    styles: Sequence[loading.ImageSource],
    frames: Sequence[np.ndarray],
    result: loading.ImageSource,
    *,
    steps: Sequence[int] | None = None,
    rows: int = 1,
    columns: int = 6,
    path: str | os.PathLike | None = None,
) -> Figure:
    """Draws a contact sheet: content, styles and result in its first row, and below them frames of the run.

    The frames are thinned evenly to the rows and columns. All pictures keep their shape. Those of a row have the same
    height and fill the width.

    Args:
        content: The content image: a path, URL, array, tensor or PIL image. None for a run without one.
        styles: The style images, each of any such kind.
        frames: uint8 [height, width, 3] each, such as `style_transfer.frames`; may be empty.
        result: The picture, of any such kind.
        steps: The step of each frame, for its label. Default: labels count the frames.
        rows: Rows of frames, 1 or more.
        columns: Frames in a row, 1 or more.
        path: A file to save the figure to as well, see `save`. Default: none.

    Raises:
        ValueError: `steps` of another length than `frames`, rows or columns below 1, or another suffix.
        OSError: An image cannot be read, or the file cannot be written.
    """
    checks.integer("rows", rows)
    checks.integer("columns", columns)
    if steps is not None and len(steps) != len(frames):
        raise ValueError(f"steps has {len(steps)} entries, but frames has {len(frames)}. Give one for each frame.")
    names = ["style"] if len(styles) == 1 else [f"style {place}" for place in range(1, len(styles) + 1)]
    named = {"content": content, **dict(zip(names, styles, strict=True)), "result": result}
    top = [(name, _pixels(image)) for name, image in named.items() if image is not None]
    places = np.linspace(0, len(frames) - 1, min(rows * columns, len(frames))).round().astype(int)
    labels = range(1, len(frames) + 1) if steps is None else steps
    label = "frame {}" if steps is None else "step {}"
    shown = [(label.format(labels[place]), np.asarray(frames[place])) for place in places]
    sheet = [top, *(shown[start : start + columns] for start in range(0, len(shown), columns))]
    figure = plot_rows(sheet)
    return figure if path is None else save(figure, path)


def _pixels(image: loading.ImageSource) -> np.ndarray:
    return pixels.to_uint8(image if isinstance(image, tf.Tensor) else loading.load(image))


def plot_rows(sheet: Sequence[Sequence[tuple[str, np.ndarray]]]) -> Figure:
    """Draws rows of labelled pictures on a figure 10 inches wide and as high as the rows need.

    All pictures keep their shape. Those of a row have the same height, 30 inches at most, and fill the width. From the
    second row on, a row of fewer pictures than the second leaves the rest of its width empty.

    Args:
        sheet: The rows, each a list of (label, uint8 [height, width, 3]).
    """
    first, *others = ([picture for _, picture in row] for row in sheet)
    heights = [_row_height(first), *(_row_height(row, least=len(sheet[1])) for row in others)]
    height = sum(heights) + len(sheet) * (_LABEL + _GAP) + _GAP
    figure = _figure(figsize=(_WIDTH, height), facecolor="white")
    top = height - _LABEL - _GAP
    for row, row_height in zip(sheet, heights, strict=True):
        left = _GAP
        for label, picture in row:
            width = row_height * picture.shape[1] / picture.shape[0]
            box = (left / _WIDTH, (top - row_height) / height, width / _WIDTH, row_height / height)
            axes = figure.add_axes(box)
            axes.imshow(picture, aspect="auto")
            axes.axis("off")
            axes.set_title(label, loc="left", fontsize=9, pad=3)
            left += width + _GAP
        top -= row_height + _LABEL + _GAP
    return figure


def _row_height(pictures: Sequence[np.ndarray], *, least: int = 1) -> float:
    """Returns the height in inches at which a row of `least` pictures or more fills the width, `_TALLEST` at most."""
    aspects = [picture.shape[1] / picture.shape[0] for picture in pictures]
    aspects += [aspects[-1]] * (least - len(aspects))
    return min(_TALLEST, (_WIDTH - _GAP * (len(aspects) + 1)) / sum(aspects))


def save(figure: Figure, path: str | os.PathLike) -> Figure:
    """Saves a figure, whole or not at all, and returns it.

    Args:
        figure: The figure.
        path: Ends in .png, .pdf or .svg. An existing file is replaced.

    Raises:
        ValueError: Another suffix.
        OSError: The file cannot be written.
    """
    path = pathlib.Path(path).expanduser()
    export.check_destination("path", path, list(FIGURE_OPTIONS), overwrite=True)
    with export.replacing(path) as temporary:
        figure.savefig(temporary, metadata=FIGURE_OPTIONS[path.suffix.lower()])
    return figure
