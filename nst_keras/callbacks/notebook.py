"""What stands in a notebook's cell and changes in place."""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["InPlace", "is_notebook"]


def is_notebook() -> bool:
    """Whether this code runs in a notebook (Jupyter's or Colab's), which shows pictures and HTML."""
    if "IPython" not in sys.modules:
        return False
    return type(sys.modules["IPython"].get_ipython()).__name__ in ("ZMQInteractiveShell", "Shell")


class InPlace:
    """One output of the cell, which every showing replaces; without widgets, so that the saved notebook keeps it."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, bundle: dict[str, str]) -> None:
        """Shows {MIME type: content}, of which the notebook takes the richest that it can; pictures in base64."""
        import IPython.display  # noqa: PLC0415  Only a notebook is sure to have it.

        if self._handle is None:
            self._handle = IPython.display.display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)
