"""The losses of neural style transfer: pure functions of features, and the statistics of features that are style."""

from nst_keras.losses.functional import (
    NORMALIZATIONS,
    Normalization,
    alpha_norm_loss,
    content_loss,
    content_score,
    gram_matrix,
    style_loss,
    total_variation_loss,
)
from nst_keras.losses.terms import Term

__all__ = [
    "NORMALIZATIONS",
    "Normalization",
    "Term",
    "alpha_norm_loss",
    "content_loss",
    "content_score",
    "gram_matrix",
    "style_loss",
    "total_variation_loss",
]
