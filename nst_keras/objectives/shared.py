"""Evaluates an image in a run over several hosts, which all take the chief's result."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from nst_keras.objectives import base, targets
from nst_keras.runtime import devices, hosts

__all__ = ["OverHosts"]


class OverHosts:
    """Evaluates on each host by an evaluator of its own, and returns the chief's result on all of them.

    Devices of different hosts may round differently. With one result for all, every host keeps the same picture, bit
    for bit, and they can share its tiles at a larger size.

    Args:
        evaluator: Evaluates the image on this host.
        replicas: Replicas of all hosts.

    Attributes:
        evaluator: The evaluator given.
    """

    def __init__(self, evaluator: base.Evaluator, replicas: devices.Replicas) -> None:
        self.evaluator = evaluator
        self._replicas = replicas

    def targets_of(self, reference: targets.Reference, strength: float) -> Any:
        """Returns what a picture is compared with, see `base.Evaluator`."""
        return self.evaluator.targets_of(reference, strength)

    def evaluate(self, image: tf.Tensor, weights: base.Weights, against: Any) -> tuple[base.LossTerms, tf.Tensor]:
        """Returns the chief's terms of the loss and its gradient, see `base.Evaluator`.

        All hosts must call it equally often.

        Raises:
            ConnectionError: Another host is lost.
        """
        return hosts.of_chief(self._replicas, self.evaluator.evaluate(image, weights, against))

    def tracing_count(self) -> int:
        """Returns how often the evaluator's functions were traced on this host."""
        return self.evaluator.tracing_count()
