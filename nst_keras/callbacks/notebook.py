"""An output of a notebook's cell that changes in place."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

__all__ = ["InPlace", "is_notebook"]


def is_notebook() -> bool:
    """Returns whether this code runs in a notebook (Jupyter or Colab), which shows pictures and HTML."""
    if "IPython" not in sys.modules:
        return False
    return type(sys.modules["IPython"].get_ipython()).__name__ in ("ZMQInteractiveShell", "Shell")


class InPlace:
    """One output of the cell. Each call of `show` replaces it.

    It is no widget, so a saved notebook keeps it. Only inside a widget that captures outputs (`with output:`, and what
    `interact` calls) is it one: what such a widget has captured cannot be replaced from here.
    """

    def __init__(self) -> None:
        self._update: Callable[[dict[str, str]], None] | None = None

    def show(self, bundle: dict[str, str]) -> None:
        """Shows one content in several forms, of which the notebook picks the richest that it can display.

        Args:
            bundle: {MIME type: content}, pictures in base64.
        """
        if self._update is not None:
            self._update(bundle)
        else:
            widgets = _capturing()
            self._update = _output(bundle) if widgets is None else _widget(bundle, widgets)


def _output(bundle: dict[str, str]) -> Callable[[dict[str, str]], None]:
    """Shows a content as an output, and returns what replaces it."""
    import IPython.display  # noqa: PLC0415  Only a notebook is sure to have it.

    handle: Any = IPython.display.display(bundle, raw=True, display_id=True)
    return lambda changed: handle.update(changed, raw=True)


def _widget(bundle: dict[str, str], widgets: Any) -> Callable[[dict[str, str]], None]:
    """Shows a content in a widget of its own, which is set rather than captured, and returns what replaces it."""
    import IPython.display  # noqa: PLC0415

    widget = widgets.Output()

    def update(changed: dict[str, str]) -> None:
        """Shows another content in the widget."""
        widget.outputs = ({"output_type": "display_data", "data": changed, "metadata": {}},)

    update(bundle)
    IPython.display.display(widget)
    return update


def _capturing() -> Any:
    """Returns the module `ipywidgets` if one of its widgets captures what is shown now, else None."""
    widgets: Any = sys.modules.get("ipywidgets")
    states = {} if widgets is None else widgets.Widget.get_manager_state(drop_defaults=True)["state"]
    is_one = any(one["model_name"] == "OutputModel" and one["state"].get("msg_id") for one in states.values())
    return widgets if is_one else None
