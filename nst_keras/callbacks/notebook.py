"""An output of a notebook's cell that changes in place."""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["InPlace", "is_notebook"]


def is_notebook() -> bool:
    """Returns whether this code runs in a notebook (Jupyter or Colab), which shows pictures and HTML."""
    if "IPython" not in sys.modules:
        return False
    return type(sys.modules["IPython"].get_ipython()).__name__ in ("ZMQInteractiveShell", "Shell")


class InPlace:
    """One output of the cell. Each call of `show` replaces it.

    It is no widget, so a saved notebook keeps it.
    """

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, bundle: dict[str, str]) -> None:
        """Shows one content in several forms, of which the notebook picks the richest that it can display.

        Args:
            bundle: {MIME type: content}, pictures in base64.
        """
        import IPython.display  # noqa: PLC0415  Only a notebook is sure to have it.

        if self._handle is None:
            self._handle = IPython.display.display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)
