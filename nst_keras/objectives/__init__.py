"""Objectives: targets and weights -> value_and_gradient(image) -> (LossTerms, gradient)."""
