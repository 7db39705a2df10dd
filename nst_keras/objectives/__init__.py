"""Compares an image with targets: value_and_gradient(image) -> (LossTerms, gradient)."""

__all__: list[str] = []
