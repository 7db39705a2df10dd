"""Frozen Keras networks: an image in, {layer: features} out."""

__all__: list[str] = []
