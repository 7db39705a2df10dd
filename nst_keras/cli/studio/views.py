"""What the page shows, as HTML and as tables. Pictures are inside the HTML: they are no files, and have no address."""

from __future__ import annotations

import base64
import html
import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
import PIL.Image

from nst_keras import export

__all__ = ["CSS", "EMPTY", "LOSS", "brushes", "losses", "picture", "row", "status", "waiting"]

_QUALITY = 90
LOSS = "log10 of the loss"  # A column of the table of the losses.
_POINTS = 60  # Steps that the plot of the losses shows.

EMPTY = '<div class="picture-empty">The picture forms here.</div>'

CSS = """
.picture img, .row-of-pictures img {
    display: block; width: 100%; max-height: 75vh; object-fit: contain; border-radius: 6px;
}
.picture-empty {
    display: grid; place-items: center; min-height: 240px; border: 2px dashed var(--border-color-primary);
    border-radius: 6px; color: var(--body-text-color-subdued);
}
.row-of-pictures { display: flex; flex-wrap: wrap; gap: 12px; }
.row-of-pictures figure { flex: 1 1 220px; margin: 0; }
.row-of-pictures figcaption { padding: 4px 0; color: var(--body-text-color); overflow-wrap: anywhere; }
.samples .caption-label { font-size: 0.7em; padding: 0 4px; }
.status { color: var(--body-text-color); font-size: 1.05em; }
.status progress {
    appearance: none; display: block; width: 100%; height: 8px; margin-top: 6px; border: 0; border-radius: 4px;
    overflow: hidden; background: var(--border-color-primary);
}
.status progress::-webkit-progress-bar { background: var(--border-color-primary); }
.status progress::-webkit-progress-value { background: var(--color-accent); }
.status progress::-moz-progress-bar { background: var(--color-accent); }
"""


def picture(image: np.ndarray | bytes, alt: str) -> str:
    """Returns a picture.

    Args:
        image: uint8 [height, width, 3], or a JPEG.
        alt: What it shows, for those who cannot see it.
    """
    return f'<div class="picture">{_img(image, alt)}</div>'


def row(pictures: Iterable[tuple[np.ndarray | bytes | None, str]]) -> str:
    """Returns pictures side by side, each with its caption below. A picture that is None is still to come."""
    figures = (
        f"<figure>{EMPTY if image is None else _img(image, caption)}"
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
        for image, caption in pictures
    )
    return f'<div class="row-of-pictures">{"".join(figures)}</div>'


def status(sentence: str, done: int = 0, total: int = 0, *, is_spoken: bool = True) -> str:
    """Returns a sentence with a bar of what is done.

    Args:
        sentence: What is said.
        done: Number of steps made.
        total: Number of steps to make; 0 for no bar.
        is_spoken: Whether screen readers read it aloud. They would read every step otherwise.
    """
    bar = f'<progress value="{done}" max="{total}" aria-label="Steps made"></progress>' if total else ""
    live = "polite" if is_spoken else "off"
    return f'<div class="status" role="status" aria-live="{live}">{html.escape(sentence)}{bar}</div>'


def brushes(colours: Mapping[str, str]) -> str:
    """Returns what each brush is for.

    Args:
        colours: {purpose: colour}.
    """
    words = (f'<b style="color: {colour}">&#9679; {html.escape(purpose)}</b>' for purpose, colour in colours.items())
    return f"Brushes: {', '.join(words)}"


def waiting(before: int) -> str:
    """Returns a visitor's place in the line, as a sentence."""
    return f"Waiting: {before} before you." if before > 1 else "Waiting: you are next."


def losses(steps: Sequence[Mapping[str, float]], *, layers: bool) -> pd.DataFrame | None:
    """Returns the table of a plot of the losses, thinned to some steps: `step`, `log10 of the loss` and `term`.

    It is None if there are none, because the plot would treat every column of an empty table as text.

    Args:
        steps: {term, or TERM/LAYER: loss} of each step, the step among them.
        layers: Whether each layer has a line of its own. Otherwise each term has.
    """
    shown = (
        [steps[place] for place in sorted({round(p) for p in np.linspace(0, len(steps) - 1, _POINTS)})] if steps else []
    )
    rows = [
        (int(one["step"]), math.log10(value), name)
        for one in shown
        for name, value in one.items()
        if name != "step" and ("/" in name) == layers and value > 0.0
    ]
    return pd.DataFrame(rows, columns=["step", LOSS, "term"]) if rows else None


def _img(image: np.ndarray | bytes, alt: str) -> str:
    data = image if isinstance(image, bytes) else export.encoded(PIL.Image.fromarray(image), "JPEG", quality=_QUALITY)
    return f'<img alt="{html.escape(alt)}" src="data:image/jpeg;base64,{base64.b64encode(data).decode()}">'
