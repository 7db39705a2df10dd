"""Optimizers of an image: one evaluation of the objective per step, over any objective.

An objective is anything with `value_and_gradient(image) -> (terms, gradient)`, where `terms.total` is the loss.
"""

from nst_keras.optimizers.averaged import Averaged
from nst_keras.optimizers.base import Optimizer, Step
from nst_keras.optimizers.keras_optimizer import LEARNING_RATE, KerasOptimizer, LearningRate
from nst_keras.optimizers.kinds import OPTIMIZERS, Kind
from nst_keras.optimizers.lbfgs import HISTORY, LBFGS
from nst_keras.optimizers.lbfgs_updates import two_loop_direction
from nst_keras.optimizers.registry import canonical, defaults, exponent_of, get, state_images
from nst_keras.optimizers.settled import Settled
from nst_keras.optimizers.spectral import Spectral
from nst_keras.optimizers.wrapper import Wrapper

__all__ = [
    "HISTORY",
    "LBFGS",
    "LEARNING_RATE",
    "OPTIMIZERS",
    "Averaged",
    "KerasOptimizer",
    "Kind",
    "LearningRate",
    "Optimizer",
    "Settled",
    "Spectral",
    "Step",
    "Wrapper",
    "canonical",
    "defaults",
    "exponent_of",
    "get",
    "state_images",
    "two_loop_direction",
]
