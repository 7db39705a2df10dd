"""Keras layers that stand in for a network's own."""

__all__: list[str] = []
