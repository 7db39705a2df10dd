"""Remembers what a network finds in pictures, so that a style that comes back need not be measured again."""

from __future__ import annotations

import collections
import threading
from collections.abc import Callable
from typing import TypeVar

import tensorflow as tf

from nst_keras.images import digests

__all__ = ["Remembered"]

Found = TypeVar("Found")

_BYTES = 64 * 2**20


class Remembered:
    """A store of what functions of pictures have returned, found again by the pictures' pixels.

    Beyond its limit, what was used least recently is dropped.

    Args:
        limit: Bytes of all tensors remembered together.
    """

    def __init__(self, limit: int = _BYTES) -> None:
        self._limit = limit
        self._entries: collections.OrderedDict[tuple[str, str], tuple[object, int]] = collections.OrderedDict()
        self._lock = threading.Lock()  # Runs in several threads share an evaluator.

    def get(self, name: str, pictures: tuple[tf.Tensor, ...], compute: Callable[[], Found]) -> Found:
        """Returns what a function has returned for these pictures, or computes and remembers it.

        Args:
            name: Name of the function. The results of each are kept apart.
            pictures: All tensors that the result depends on.
            compute: Function without arguments that returns a nest of tensors.
        """
        key = (name, digests.digest(*pictures) or "")
        with self._lock:
            if key in self._entries:
                self._entries.move_to_end(key)
                return self._entries[key][0]  # pyright: ignore[reportReturnType]  # Stored under this name.
        found = compute()
        with self._lock:
            self._entries[key] = found, sum(_bytes(leaf) for leaf in tf.nest.flatten(found))
            while sum(size for _, size in self._entries.values()) > self._limit:
                self._entries.popitem(last=False)
        return found


def _bytes(tensor: tf.Tensor) -> int:
    return tensor.dtype.size * (tensor.shape.num_elements() or 0)
