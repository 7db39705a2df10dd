"""Many devices, by `tf.distribute`: work that is dealt to the replicas of a strategy."""

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

# Numbers that hosts send each other at a time, 4 MiB: TensorFlow holds room for some fifteen such pieces, at any size.
_PIECE = 2**20

# What TensorFlow raises when a worker is gone, by whether the network, its heartbeat or another worker told of it.
_LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.InternalError,
)


class Replicas:
    """The replicas of a strategy: equal devices, on one host or many, that share out a list of work.

    A network that they run must be made within `scope()`, which gives each replica a copy of the weights.

    Args:
        strategy: As `strategies.get` returns it.

    Attributes:
        strategy: The strategy given.
        count: Number of replicas, on all hosts.
        identities: The numbers, among all, of the replicas of this host.
    """

    def __init__(self, strategy: tf.distribute.Strategy) -> None:
        self.strategy = strategy
        self.count = strategy.num_replicas_in_sync
        # The only public way to ask for the replicas of this host.
        local = strategy.experimental_distribute_values_from_function(lambda replica: replica.replica_id_in_sync_group)
        self.identities = strategy.experimental_local_results(local)
        self._has_devices = _is_distributed(strategy)
        # Called eagerly, TensorFlow's own sum begins threads each time, and leaves them behind. One for each size.
        self._reduce = functools.cache(lambda size: compilation.compiled(self._reduced, jit_compile="false"))
        self._pool = futures.ThreadPoolExecutor(len(self.identities), thread_name_prefix="replica")

    def has_other_hosts(self) -> bool:
        """Whether there are replicas on other hosts."""
        return self.count > len(self.identities)

    def scope(self) -> contextlib.AbstractContextManager[Any]:
        """The strategy's scope, in which networks are made."""
        return self.strategy.scope()

    def deal(self, items: Sequence[Item]) -> list[list[Item | None]]:
        """Shares out a list, which must be the same on all hosts.

        Returns:
            For each round, one item per replica of this host, or None where none is left for it. All hosts get the same
            number of rounds.
        """
        padded = [*items, *[None] * (-len(items) % self.count)]
        starts = range(0, len(padded), self.count)
        return [[padded[start + identity] for identity in self.identities] for start in starts]

    def run(self, function: Callable[..., Any], arguments: Sequence[tuple[Any, ...] | None]) -> list[Any]:
        """Calls a function on the replicas of this host, at the same time.

        Args:
            function: Of tensors; compiled, it is traced once for each replica and shape of its arguments.
            arguments: One tuple per replica of this host, of tensors or nests of them; None for a replica that rests.

        Returns:
            The results, one per replica of this host, each on its device; None for a replica that rests.
        """
        if len(self.identities) == 1:
            return [self._call(function, 0, arguments[0])]
        calls = [self._pool.submit(self._call, function, *numbered) for numbered in enumerate(arguments)]
        return [call.result() for call in calls]

    def total(self, values: Sequence[Any]) -> Any:
        """The sum over all replicas of all hosts: the same bits on every host. All hosts must call it equally often.

        Args:
            values: Nests of tensors of one structure, from any of this host's replicas and rounds; None adds nothing.

        Returns:
            A nest of tensors.

        Raises:
            ValueError: There is no value, or every one is None.
            ConnectionError: Another host is lost.
        """
        given = [value for value in values if value is not None]
        if not given:
            raise ValueError("values must hold a nest of tensors, but has none. Give zeros where nothing was done.")
        local = tf.nest.map_structure(lambda *parts: functools.reduce(tf.add, parts), *given)
        if not self.has_other_hosts():
            return local
        leaves = [tf.convert_to_tensor(leaf) for leaf in tf.nest.flatten(local)]
        summed = self.total_of_array(np.concatenate([np.ravel(leaf) for leaf in leaves]))
        parts = np.split(summed, np.cumsum([tf.size(leaf) for leaf in leaves])[:-1])
        pairs = zip(parts, leaves, strict=True)
        return tf.nest.pack_sequence_as(local, [tf.constant(part, leaf.dtype, leaf.shape) for part, leaf in pairs])

    def total_of_array(self, array: np.ndarray) -> np.ndarray:
        """The sum of each host's array over all hosts, likewise; sent in pieces, so that it takes little room.

        Args:
            array: float32 of any shape, the same on all hosts; C-contiguous, or it is copied. It is overwritten.

        Returns:
            The sum, in the array's own memory.

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
        """In the place of `tf.distribute.Strategy.run`, which begins a replica's work when that before it has ended."""
        if arguments is None:
            return None
        if not self._has_devices:
            return function(*arguments)
        device = self.strategy.extended.worker_devices[index]
        with tf.device(device), tf.distribute.ReplicaContext(self.strategy, self.identities[index]):
            return function(*arguments)

    def _over_hosts(self, value: np.ndarray) -> tf.Tensor:
        """The sum over hosts of one tensor of each: of its first replica, the others add zeros."""

        def of_replica(replica: tf.distribute.experimental.ValueContext) -> tf.Tensor:
            first = replica.replica_id_in_sync_group == self.identities[0]
            return tf.identity(value) if first else tf.zeros_like(value)

        with _explained():
            values = self.strategy.experimental_distribute_values_from_function(of_replica)
            return self._reduce(value.size)(values)

    def _reduced(self, values: Any) -> tf.Tensor:
        return self.strategy.reduce(tf.distribute.ReduceOp.SUM, values, axis=None)


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    """Raises `ConnectionError` where a collective fails, which it does once a worker is gone."""
    try:
        yield
    except _LOST as error:
        raise ConnectionError(
            'strategy="multi_worker": another worker stopped or cannot be reached, so the run cannot go on. Start all '
            "of them again, and with checkpoint_dir and resume=True the run goes on from its last checkpoint."
        ) from error


def _is_distributed(strategy: tf.distribute.Strategy) -> bool:
    """Whether it names its devices, as all but TensorFlow's default do."""
    with strategy.scope():
        return tf.distribute.has_strategy()
