"""Neural style transfer by optimising an image (Gatys, Ecker and Bethge), in TensorFlow and Keras.

The names below are imported when first used: `import nst_keras` loads no TensorFlow. It only arranges that TensorFlow,
once it is loaded, writes no log lines.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from nst_keras.runtime import backend, quiet

if TYPE_CHECKING:  # What editors and type checkers see.
    from nst_keras.engine.memory_estimate import estimate_memory
    from nst_keras.export.animations import save_animation
    from nst_keras.export.stills import save_image
    from nst_keras.images.loading import load as load_image
    from nst_keras.images.resizing import resize as resize_image
    from nst_keras.losses.functional import content_loss, gram_matrix, style_loss, total_variation_loss
    from nst_keras.networks.extractors import FeatureExtractor
    from nst_keras.objectives.objective import LossTerms, Objective
    from nst_keras.optimizers import LBFGS, KerasOptimizer
    from nst_keras.runtime import xla_cache
    from nst_keras.sweeps.compare import compare
    from nst_keras.transfer import NeuralStyleTransfer

__version__ = "0.1.0"

__all__ = [
    "LBFGS",
    "FeatureExtractor",
    "KerasOptimizer",
    "LossTerms",
    "NeuralStyleTransfer",
    "Objective",
    "__version__",
    "compare",
    "content_loss",
    "estimate_memory",
    "gram_matrix",
    "load_image",
    "resize_image",
    "save_animation",
    "save_image",
    "style_loss",
    "total_variation_loss",
    "xla_cache",
]

# {public name: (module, name there)}; None for the module itself.
_PUBLIC: dict[str, tuple[str, str | None]] = {
    "FeatureExtractor": ("networks.extractors", "FeatureExtractor"),
    "KerasOptimizer": ("optimizers", "KerasOptimizer"),
    "LBFGS": ("optimizers", "LBFGS"),
    "LossTerms": ("objectives.objective", "LossTerms"),
    "NeuralStyleTransfer": ("transfer", "NeuralStyleTransfer"),
    "Objective": ("objectives.objective", "Objective"),
    "compare": ("sweeps.compare", "compare"),
    "content_loss": ("losses.functional", "content_loss"),
    "estimate_memory": ("engine.memory_estimate", "estimate_memory"),
    "gram_matrix": ("losses.functional", "gram_matrix"),
    "load_image": ("images.loading", "load"),
    "resize_image": ("images.resizing", "resize"),
    "save_animation": ("export.animations", "save_animation"),
    "save_image": ("export.stills", "save_image"),
    "style_loss": ("losses.functional", "style_loss"),
    "total_variation_loss": ("losses.functional", "total_variation_loss"),
    "xla_cache": ("runtime.xla_cache", None),
}

quiet.install()  # TensorFlow's log stays out of standard error, whichever module imports it first.


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _PUBLIC[name]
    backend.drop_unknown_plotting()
    try:
        found = importlib.import_module(f"{__name__}.{module}")
    except ModuleNotFoundError:  # Keras's backend, perhaps: another one than TensorFlow, which is not even installed.
        backend.require_tensorflow()
        raise
    return found if attribute is None else getattr(found, attribute)


def __dir__() -> list[str]:
    return sorted(__all__)
