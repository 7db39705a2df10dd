"""Exchanges values between the hosts of a run, so that all make the same steps and none waits for another in vain.

All hosts must call each function equally often and in the same order. With one host, nothing is sent.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from nst_keras.runtime import devices, strategies

__all__ = ["answer_of_chief", "check_same", "gathered", "is_chief", "joined", "number_of_chief", "of_chief"]


def joined(strategy: str | tf.distribute.Strategy) -> devices.Replicas:
    """Returns the replicas of a strategy, once all hosts have started.

    Args:
        strategy: A name in `strategies.STRATEGIES`, or a strategy of equal replicas; see `strategies.get`.

    Raises:
        ValueError: An unknown name, a bad `TF_CONFIG`, or no TPU.
        TypeError: A strategy of unequal replicas, or another type.
        RuntimeError: `"multi_worker"` after TensorFlow has started to work.
    """
    return _replicas(strategies.get(strategy))


@functools.lru_cache(maxsize=4)
def _replicas(strategy: tf.distribute.Strategy) -> devices.Replicas:
    """Returns the replicas of a strategy, the same object for the same strategy: what they compiled is used again."""
    return devices.Replicas(strategy)


def is_chief(replicas: devices.Replicas) -> bool:
    """Returns whether this process writes the files of the run; see `strategies.is_chief`."""
    return strategies.is_chief(replicas.strategy)


def gathered(replicas: devices.Replicas, numbers: Sequence[float]) -> np.ndarray:
    """Returns the numbers of each host.

    Args:
        replicas: The replicas of all hosts.
        numbers: This host's numbers, equally many on each host.

    Returns:
        float32 [replicas, numbers]: each host's numbers in the rows of its replicas, the chief's first.

    Raises:
        ConnectionError: Another host is lost.
    """
    table = np.zeros((replicas.count, len(numbers)), np.float32)
    table[list(replicas.identities)] = numbers
    return replicas.total_of_array(table)


def number_of_chief(replicas: devices.Replicas, number: int) -> int:
    """Returns the chief's integer in 0..2^39; raises `ConnectionError` if another host is lost."""
    high, low = gathered(replicas, divmod(number, 2**16))[0]  # In halves, since float32 holds 24 bits.
    return int(high) * 2**16 + int(low)


def answer_of_chief(replicas: devices.Replicas, answer: bool) -> bool:
    """Returns the chief's answer to a question that hosts of different kinds may answer differently.

    Raises:
        ConnectionError: Another host is lost.
    """
    return bool(number_of_chief(replicas, int(answer))) if replicas.has_other_hosts() else answer


def of_chief(replicas: devices.Replicas, values: Any) -> Any:
    """Returns the chief's values: a nest of float32 tensors, of the same structure on all hosts.

    Raises:
        ConnectionError: Another host is lost.
    """
    return replicas.total([values if is_chief(replicas) else tf.nest.map_structure(tf.zeros_like, values)])


def check_same(replicas: devices.Replicas, settings: Mapping[str, object]) -> None:
    """Checks that all hosts make the same run.

    Args:
        replicas: The replicas of all hosts.
        settings: {setting: value}, equally many on each host. Values are compared by their JSON.

    Raises:
        ValueError: A setting differs between hosts. The message names it.
        ConnectionError: Another host is lost.
    """
    names = sorted(settings)
    table = gathered(replicas, [_digest(settings[name]) for name in names])
    differing = [name for name, column in zip(names, table.T, strict=True) if np.ptp(column)]
    if differing:
        raise ValueError(
            f"strategy: the hosts differ in {', '.join(differing)}. Start the same command on each of them, with the "
            "same files."
        )


def _digest(value: object) -> int:
    """Returns a digest of 24 bits, as many as float32 holds exactly."""
    return int.from_bytes(hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).digest()[:3], "big")
