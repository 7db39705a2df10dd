"""Many devices, by `tf.distribute`: the strategies by name, and work that is dealt to their replicas."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures
from typing import Any, TypeVar

import numpy as np
import tensorflow as tf

from nst_keras import checks, compilation

__all__ = ["STRATEGIES", "Replicas", "get", "is_chief"]

Item = TypeVar("Item")

# Numbers that hosts send each other at a time, 4 MiB: TensorFlow holds room for some fifteen such pieces, at any size.
_PIECE = 2**20

# Seconds that a host waits for another that lives but does not come: the chief may be writing a large checkpoint.
_PATIENCE = 1800

# What TensorFlow raises when a worker is gone, by whether the network, its heartbeat or another worker told of it.
_LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.InternalError,
)

# Their variables or their work do not live on equal replicas.
_UNEQUAL = (
    tf.distribute.ParameterServerStrategy,
    tf.distribute.experimental.ParameterServerStrategy,
    tf.distribute.experimental.CentralStorageStrategy,
)


def get(strategy: str | tf.distribute.Strategy) -> tf.distribute.Strategy:
    """The strategy that a name stands for; the same one each time in a process.

    Args:
        strategy: A name in `STRATEGIES`, or a strategy of equal replicas, which is returned as it is. `"auto"` is the
            strategy whose scope it is called in, if any; otherwise `"multi_worker"` where `TF_CONFIG` names two workers
            or more, `"tpu"` where there is one, `"mirrored"` where there are two GPUs or more, else `"default"`.
            `"default"` is TensorFlow's own, of one device. `"mirrored"` takes all GPUs of this host or, without GPU,
            all logical CPU devices. `"multi_worker"` takes the hosts in `TF_CONFIG`; it waits until all of them
            have begun, and must be made before TensorFlow runs anything.

    Raises:
        ValueError: An unknown name; `"multi_worker"` without a sound `TF_CONFIG`; `"tpu"` without a TPU.
        TypeError: A strategy of unequal replicas (`ParameterServerStrategy`, say), or something else.
        RuntimeError: `"multi_worker"` after TensorFlow has begun to work.
    """
    if isinstance(strategy, _UNEQUAL) or not isinstance(strategy, (str, tf.distribute.Strategy)):
        raise TypeError(
            f"strategy must be one of {', '.join(STRATEGIES)}, or a tf.distribute.Strategy of equal replicas such as "
            f"MirroredStrategy, but {type(strategy).__name__} was given."
        )
    return STRATEGIES[checks.one_of("strategy", strategy, STRATEGIES)]() if isinstance(strategy, str) else strategy


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process writes files: True but for workers of a run over hosts that are not its chief."""
    resolver = strategy.cluster_resolver
    if resolver is None or resolver.task_type in (None, "chief"):
        return True
    return "chief" not in resolver.cluster_spec().jobs and (resolver.task_type, resolver.task_id) == ("worker", 0)


class Replicas:
    """The replicas of a strategy: equal devices, on one host or many, that share out a list of work.

    A network that they run must be made within `scope()`, which gives each replica a copy of the weights.

    Args:
        strategy: As `get` returns it.

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


def _automatic() -> tf.distribute.Strategy:
    if tf.distribute.has_strategy():
        return tf.distribute.get_strategy()
    several_hosts = "TF_CONFIG" in os.environ and _workers() > 1
    # Physical devices can be listed before TensorFlow begins to work, which lets it be configured after this.
    several_gpus = len(tf.config.get_visible_devices("GPU")) > 1
    conditions = {"multi_worker": several_hosts, "tpu": _has_tpu(), "mirrored": several_gpus, "default": True}
    return STRATEGIES[next(name for name, fits in conditions.items() if fits)]()


@functools.cache
def _mirrored() -> tf.distribute.Strategy:
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return tf.distribute.MirroredStrategy([device.name for device in devices])


@functools.cache
def _multi_worker() -> tf.distribute.Strategy:
    _workers()
    try:
        with _signals_kept():
            options = tf.distribute.experimental.CommunicationOptions(timeout_seconds=_PATIENCE)
            return tf.distribute.MultiWorkerMirroredStrategy(communication_options=options)
    except RuntimeError as error:
        raise RuntimeError(
            f'strategy="multi_worker" must be made before TensorFlow runs anything, and failed ({error}). Make it '
            "first in the program: before a picture is loaded or a network built."
        ) from error


@functools.cache
def _tpu() -> tf.distribute.Strategy:
    if not _has_tpu():
        raise ValueError('strategy="tpu" needs a TPU, but TensorFlow finds none. Choose "auto", or set TPU_NAME.')
    name = os.environ.get("TPU_NAME", "local")
    return tf.distribute.TPUStrategy(tf.distribute.cluster_resolver.TPUClusterResolver.connect(name))


def _has_tpu() -> bool:
    return "TPU_NAME" in os.environ or bool(tf.config.list_physical_devices("TPU"))


def _workers() -> int:
    """The number of workers that `TF_CONFIG` names; raises `ValueError` where it does not place this process."""
    try:
        configuration = json.loads(os.environ["TF_CONFIG"])
        cluster, task = configuration["cluster"], configuration["task"]
        if task["type"] not in ("chief", "worker") or int(task["index"]) not in range(len(cluster[task["type"]])):
            raise ValueError(f"its task, {task}, is no chief or worker of its cluster")
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f'strategy="multi_worker" needs the environment variable TF_CONFIG ({type(error).__name__}: {error}). Set '
            'it on each host to {"cluster": {"worker": ["host:port", ...]}, "task": {"type": "worker", "index": 0}}.'
        ) from error
    return sum(len(cluster.get(job, ())) for job in ("chief", "worker"))


@contextlib.contextmanager
def _signals_kept() -> Iterator[None]:
    """Undoes that TensorFlow, in a cluster, ignores the signal by which a process is told to stop."""
    handler = signal.getsignal(signal.SIGTERM)
    yield
    if threading.current_thread() is threading.main_thread() and handler is not None:
        signal.signal(signal.SIGTERM, handler)


STRATEGIES: dict[str, Callable[[], tf.distribute.Strategy]] = {
    "auto": _automatic,
    "default": tf.distribute.get_strategy,
    "mirrored": _mirrored,
    "multi_worker": _multi_worker,
    "tpu": _tpu,
}
