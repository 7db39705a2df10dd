"""Deals work to many devices: the replicas of a `tf.distribute` strategy."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures
from typing import Any, TypeVar

import numpy as np
import tensorflow as tf

from nst_keras.runtime import compilation

__all__ = ["Replicas"]

Item = TypeVar("Item")

# Numbers in a piece that hosts send at a time: 4 MiB. TensorFlow holds memory for some fifteen pieces, of any size.
_PIECE = 2**20

# What TensorFlow raises when a worker is gone, as reported by the network, its heartbeat or another worker.
_LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.InternalError,
)


class Replicas:
    """The replicas of a strategy: equal devices, on one host or many, that share a list of work.

    A network that they run must be made within `scope()`, which gives each replica a copy of the weights.

    Args:
        strategy: A strategy of equal replicas, such as `strategies.get` returns.

    Attributes:
        strategy: The strategy given.
        count: Number of replicas on all hosts.
        identities: Indices, in 0..count - 1, of the replicas of this host.
    """

    def __init__(self, strategy: tf.distribute.Strategy) -> None:
        self.strategy = strategy
        self.count = strategy.num_replicas_in_sync
        # The only public way to get the replicas of this host.
        local = strategy.experimental_distribute_values_from_function(lambda replica: replica.replica_id_in_sync_group)
        self.identities = strategy.experimental_local_results(local)
        self._has_devices = _is_distributed(strategy)
        # Called eagerly, TensorFlow's own sum starts threads each time and leaves them behind. One graph for each size.
        self._reduce = functools.cache(lambda size: compilation.compiled(self._reduced, jit_compile="false"))
        self._pool = futures.ThreadPoolExecutor(len(self.identities), thread_name_prefix="replica")

    def has_other_hosts(self) -> bool:
        """Returns whether there are replicas on other hosts."""
        return self.count > len(self.identities)

    def scope(self) -> contextlib.AbstractContextManager[Any]:
        """Returns the strategy's scope, within which networks must be made."""
        return self.strategy.scope()

    def deal(self, items: Sequence[Item]) -> list[list[Item | None]]:
        """Deals a list to the replicas. It must be the same on all hosts.

        Returns:
            For each round, one item per replica of this host, or None if none is left for it. All hosts get the same
            number of rounds.
        """
        padded = [*items, *[None] * (-len(items) % self.count)]
        starts = range(0, len(padded), self.count)
        return [[padded[start + identity] for identity in self.identities] for start in starts]

    def run(self, function: Callable[..., Any], arguments: Sequence[tuple[Any, ...] | None]) -> list[Any]:
        """Calls a function on the replicas of this host at the same time.

        Args:
            function: A function of tensors. If compiled, it is traced once for each replica and shape of its arguments.
            arguments: For each replica of this host, a tuple of tensors or nests of them, or None to leave it idle.

        Returns:
            For each replica of this host, the result on its device, or None if it was idle.
        """
        if len(self.identities) == 1:
            return [self._call(function, 0, arguments[0])]
        calls = [self._pool.submit(self._call, function, *numbered) for numbered in enumerate(arguments)]
        return [call.result() for call in calls]

    def total(self, values: Sequence[Any]) -> Any:
        """Returns the sum over all replicas of all hosts, the same bits on every host.

        All hosts must call it equally often.

        Args:
            values: Nests of tensors, all of one structure, from any replicas and rounds of this host. None adds
                nothing.

        Returns:
            A nest of tensors.

        Raises:
            ValueError: There is no value, or all are None.
            ConnectionError: Another host is lost.
        """
        given = [value for value in values if value is not None]
        if not given:
            raise ValueError("values must hold a nest of tensors, but has none. Give zeros if nothing was done.")
        local = tf.nest.map_structure(lambda *parts: functools.reduce(tf.add, parts), *given)
        if not self.has_other_hosts():
            return local
        leaves = [tf.convert_to_tensor(leaf) for leaf in tf.nest.flatten(local)]
        summed = self.total_of_array(np.concatenate([np.ravel(leaf) for leaf in leaves]))
        parts = np.split(summed, np.cumsum([tf.size(leaf) for leaf in leaves])[:-1])
        pairs = zip(parts, leaves, strict=True)
        return tf.nest.pack_sequence_as(local, [tf.constant(part, leaf.dtype, leaf.shape) for part, leaf in pairs])

    def total_of_array(self, array: np.ndarray) -> np.ndarray:
        """Returns the sum of all hosts' arrays, the same bits on every host. It is sent in pieces to save memory.

        All hosts must call it equally often.

        Args:
            array: float32 of any shape, the same on all hosts. It is overwritten; one that is not C-contiguous is
                copied first.

        Returns:
            The sum, in the memory of `array`.

        Raises:
            ConnectionError: Another host is lost.
        """
        if not self.has_other_hosts():
            return array
        flat = np.ascontiguousarray(array).reshape(-1)
        for start in range(0, flat.size, _PIECE):
            piece = flat[start : start + _PIECE]
            piece[:] = self._over_hosts(piece).numpy()
        return flat.reshape(array.shape)

    def _call(self, function: Callable[..., Any], index: int, arguments: tuple[Any, ...] | None) -> Any:
        """Calls a function on a replica. `tf.distribute.Strategy.run` would call it on one replica after another."""
        if arguments is None:
            return None
        if not self._has_devices:
            return function(*arguments)
        device = self.strategy.extended.worker_devices[index]
        with tf.device(device), tf.distribute.ReplicaContext(self.strategy, self.identities[index]):
            return function(*arguments)

    def _over_hosts(self, value: np.ndarray) -> tf.Tensor:
        """Sums one tensor of each host over the hosts. A host's first replica adds it, the others add zeros."""

        def addend(replica: tf.distribute.experimental.ValueContext) -> tf.Tensor:
            """Returns what a replica adds."""
            first = replica.replica_id_in_sync_group == self.identities[0]
            return tf.identity(value) if first else tf.zeros_like(value)

        with _explained():
            values = self.strategy.experimental_distribute_values_from_function(addend)
            return self._reduce(value.size)(values)

    def _reduced(self, values: Any) -> tf.Tensor:
        return self.strategy.reduce(tf.distribute.ReduceOp.SUM, values, axis=None)


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    """Raises `ConnectionError` if a collective fails, as it does once a worker is gone."""
    try:
        yield
    except _LOST as error:
        raise ConnectionError(
            'strategy="multi_worker": another worker stopped or cannot be reached, so the run cannot go on. Start all '
            "of them again, and with checkpoint_dir and resume=True the run goes on from its last checkpoint."
        ) from error


def _is_distributed(strategy: tf.distribute.Strategy) -> bool:
    """Returns whether a strategy names its devices, as all but TensorFlow's default do."""
    with strategy.scope():
        return tf.distribute.has_strategy()
