"""Evaluates pictures larger than memory, tile by tile."""

__all__: list[str] = []
