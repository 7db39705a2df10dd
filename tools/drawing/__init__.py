"""How each of the `samples` is drawn: a file or a few for each picture, over a shared `canvas` and `curves`."""

from __future__ import annotations

__all__: list[str] = []
