"""Compares an image with targets: value_and_gradient(image) -> (LossTerms, gradient)."""
