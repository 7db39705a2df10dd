"""A matplotlib figure without pyplot: nothing but its import needs matplotlib, and no backend is chosen for it.

Import this module only to draw. `MPLBACKEND` may name a backend that is not installed here, as in a program that a
notebook starts: matplotlib is then imported without it.
"""

from __future__ import annotations

import io

from nst_keras.runtime import backend

backend.drop_unknown_plotting()

import matplotlib.figure  # noqa: E402
from matplotlib import textpath  # noqa: E402
from matplotlib.backends import backend_agg  # noqa: E402

__all__ = ["Figure", "textpath"]


class Figure(matplotlib.figure.Figure):
    """A matplotlib figure that a notebook shows without pyplot."""

    def _repr_png_(self) -> bytes:
        """Returns the figure as PNG, which IPython shows."""
        encoded = io.BytesIO()
        backend_agg.FigureCanvasAgg(self).print_png(encoded)
        return encoded.getvalue()
