"""Neural style transfer by optimising an image (Gatys, Ecker and Bethge), in TensorFlow and Keras.

The names below are imported when first used: `import nst_keras` itself does no work.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

# Public name -> (module, name there).
_PUBLIC = {
    "FeatureExtractor": ("networks.extractors", "FeatureExtractor"),
    "KerasOptimizer": ("optimizers", "KerasOptimizer"),
    "LBFGS": ("optimizers", "LBFGS"),
    "LossTerms": ("objectives.objective", "LossTerms"),
    "NeuralStyleTransfer": ("transfer", "NeuralStyleTransfer"),
    "Objective": ("objectives.objective", "Objective"),
    "content_loss": ("losses", "content_loss"),
    "estimate_memory": ("engine.memory_estimate", "estimate_memory"),
    "gram_matrix": ("losses", "gram_matrix"),
    "load_image": ("images.loading", "load"),
    "resize_image": ("images.resizing", "resize"),
    "save_animation": ("export", "save_animation"),
    "save_image": ("export", "save_image"),
    "style_loss": ("losses", "style_loss"),
    "total_variation_loss": ("losses", "total_variation_loss"),
}

__all__ = ["__version__", *_PUBLIC]  # noqa: PLE0604  The names are those of the table, and stand there once.


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _PUBLIC[name]
    return getattr(importlib.import_module(f"{__name__}.{module}"), attribute)


def __dir__() -> list[str]:
    return sorted(__all__)
