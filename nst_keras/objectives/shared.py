"""The objective of a picture that is taken as a whole, in a run over several hosts."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from nst_keras.networks import extractors
from nst_keras.objectives import objective
from nst_keras.runtime import devices, hosts

__all__ = ["SharedObjective"]


class SharedObjective(objective.Objective):
    """An `objective.Objective` that each host evaluates for itself, and takes from the chief.

    So all keep to one picture, bit for bit, where their devices round differently: they can go on to share out its
    tiles at a larger size, and come to the same end.

    Args:
        extractor: As `objective.Objective` takes it.
        replicas: Of all hosts.
        **options: As `objective.Objective` takes them.

    Raises:
        ValueError: As `objective.Objective` does.
    """

    def __init__(self, extractor: extractors.FeatureExtractor, *, replicas: devices.Replicas, **options: Any) -> None:
        super().__init__(extractor, **options)
        self._replicas = replicas

    def _evaluate(self, image: tf.Tensor, weights: tf.Tensor) -> tuple[objective.LossTerms, tf.Tensor]:
        return hosts.of_chief(self._replicas, super()._evaluate(image, weights))
