"""What the hosts of a run tell each other, so that all make the same steps and none waits for another in vain.

Each function must be called by all hosts, equally often and in the same order; with one host, nothing is sent.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from nst_keras.runtime import devices, strategies

__all__ = ["check_same", "gathered", "is_chief", "joined", "number_of_chief", "of_chief"]


# Settings by which hosts decide what to send each other: they must be the same before anything else is sent.
_AGREED = ("seed", "mode", "image_size", "texture_size", "pyramid", "tile_size", "halo", "style_statistic")


def joined(strategy: str | tf.distribute.Strategy, settings: Mapping[str, Any] | None = None) -> devices.Replicas:
    """The replicas of a strategy, once all hosts have come together.

    Args:
        strategy: As `strategies.get` takes it.
        settings: {argument: value} of `NeuralStyleTransfer`, where it is to be seen whether hosts agree on them.

    Raises:
        ValueError: They do not; and as `strategies.get`.
        TypeError: As `strategies.get`.
        RuntimeError: Likewise.
    """
    replicas = devices.Replicas(strategies.get(strategy))
    if settings is not None:
        check_same(replicas, {name: settings[name] for name in _AGREED})
    return replicas


def is_chief(replicas: devices.Replicas) -> bool:
    """Whether this process is to write files, see `strategies.is_chief`."""
    return strategies.is_chief(replicas.strategy)


def gathered(replicas: devices.Replicas, numbers: Sequence[float]) -> np.ndarray:
    """The numbers that each host gives.

    Args:
        replicas: Of all hosts.
        numbers: As many on each host.

    Returns:
        float32 [replicas, numbers], each host's in the rows of its replicas; the chief's first.

    Raises:
        ConnectionError: Another host is lost.
    """
    table = np.zeros((replicas.count, len(numbers)), np.float32)
    table[list(replicas.identities)] = numbers
    return replicas.total_of_array(table)


def number_of_chief(replicas: devices.Replicas, number: int) -> int:
    """The chief's whole number, of 0 to 2^39; raises `ConnectionError` where another host is lost."""
    high, low = gathered(replicas, divmod(number, 2**16))[0]  # In halves, since float32 holds 24 bits.
    return int(high) * 2**16 + int(low)


def of_chief(replicas: devices.Replicas, values: Any) -> Any:
    """The chief's values, a nest of float32 tensors of one structure on all hosts.

    Raises:
        ConnectionError: Another host is lost.
    """
    return replicas.total([values if is_chief(replicas) else tf.nest.map_structure(tf.zeros_like, values)])


def check_same(replicas: devices.Replicas, settings: Mapping[str, Any]) -> None:
    """Sees that all hosts make the same run.

    Args:
        replicas: Of all hosts.
        settings: {setting: value}, as JSON takes it, of as many settings on each host.

    Raises:
        ValueError: A setting differs from one host to another; it is named.
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


def _digest(value: Any) -> int:
    """24 bits, which float32 holds."""
    return int.from_bytes(hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).digest()[:3], "big")
