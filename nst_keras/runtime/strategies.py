"""Strategies of `tf.distribute` by name: for one device, the devices of a host, of many hosts, or of a TPU."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import signal
import threading
from collections.abc import Callable, Iterator

import tensorflow as tf

from nst_keras import checks

__all__ = ["STRATEGIES", "get", "is_chief"]

# Seconds that a host waits for another that is alive but late: the chief may be writing a large checkpoint.
_PATIENCE = 1800

# Strategies whose variables or work do not live on equal replicas.
_UNEQUAL = (
    tf.distribute.ParameterServerStrategy,
    tf.distribute.experimental.ParameterServerStrategy,
    tf.distribute.experimental.CentralStorageStrategy,
)


def get(strategy: str | tf.distribute.Strategy) -> tf.distribute.Strategy:
    """Returns the strategy of a name, the same one each time in a process.

    Args:
        strategy: A name in `STRATEGIES`, or a strategy of equal replicas, which is returned unchanged. `"auto"` is the
            strategy in whose scope this is called, if any. Otherwise it is `"multi_worker"` if `TF_CONFIG` names two
            workers or more, `"tpu"` if there is one, `"mirrored"` if there are two GPUs or more, else `"default"`.
            `"default"` is TensorFlow's own, for one device. `"mirrored"` uses all GPUs of this host or, without a GPU,
            all logical CPU devices. `"multi_worker"` uses the hosts in `TF_CONFIG`. It waits until all of them have
            started, and must be made before TensorFlow runs anything.

    Raises:
        ValueError: An unknown name, `"multi_worker"` without a valid `TF_CONFIG`, or `"tpu"` without a TPU.
        TypeError: A strategy of unequal replicas, such as `ParameterServerStrategy`, or another type.
        RuntimeError: `"multi_worker"` after TensorFlow has started to work.
    """
    if isinstance(strategy, _UNEQUAL) or not isinstance(strategy, (str, tf.distribute.Strategy)):
        raise TypeError(
            f"strategy must be one of {', '.join(STRATEGIES)}, or a tf.distribute.Strategy of equal replicas such as "
            f"MirroredStrategy, but {type(strategy).__name__} was given."
        )
    return STRATEGIES[checks.one_of("strategy", strategy, STRATEGIES)]() if isinstance(strategy, str) else strategy


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Returns whether this process writes files. It is False only for the workers of many hosts except their chief."""
    resolver = strategy.cluster_resolver
    if resolver is None or resolver.task_type in (None, "chief"):
        return True
    return "chief" not in resolver.cluster_spec().jobs and (resolver.task_type, resolver.task_id) == ("worker", 0)


def _automatic() -> tf.distribute.Strategy:
    if tf.distribute.has_strategy():
        return tf.distribute.get_strategy()
    several_hosts = _names_several() and _workers() > 1
    # Listing physical devices does not start TensorFlow, so it can still be configured afterwards.
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
    try:
        return tf.distribute.TPUStrategy(tf.distribute.cluster_resolver.TPUClusterResolver.connect(name))
    except Exception as error:  # Whatever TensorFlow raises where it finds none, often a page.
        reason = (str(error).strip().splitlines() or [""])[0][:200]
        raise ValueError(
            f'strategy="tpu": TPU_NAME={name!r} names a TPU that cannot be used ({type(error).__name__}: {reason}). '
            "Unset TPU_NAME, or choose strategy='default' (--strategy=default)."
        ) from error


def _has_tpu() -> bool:
    return "TPU_NAME" in os.environ or bool(tf.config.list_physical_devices("TPU"))


def _names_several() -> bool:
    """Returns whether `TF_CONFIG` may name several tasks: not if it is missing, empty, or names one task or none."""
    text = os.environ.get("TF_CONFIG", "").strip()
    try:
        cluster = json.loads(text or "{}").get("cluster") or {}
        return sum(len(addresses) for addresses in cluster.values()) > 1
    except (AttributeError, TypeError, ValueError):
        return True  # What is wrong with it, `_workers` says.


def _workers() -> int:
    """Returns the number of workers in `TF_CONFIG`; raises `ValueError` if this process is not one of them."""
    try:
        configuration = json.loads(os.environ["TF_CONFIG"])
        cluster, task = configuration["cluster"], configuration["task"]
        if task["type"] not in ("chief", "worker") or int(task["index"]) not in range(len(cluster[task["type"]])):
            raise ValueError(f"its task, {task}, is not a chief or worker of its cluster")
        return sum(len(cluster.get(job, ())) for job in ("chief", "worker"))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f'strategy="multi_worker" needs the environment variable TF_CONFIG ({type(error).__name__}: {error}). Set '
            'it on each host to {"cluster": {"worker": ["host:port", ...]}, "task": {"type": "worker", "index": 0}}, '
            "or choose strategy='default' (--strategy=default) for a run of this host alone."
        ) from error


@contextlib.contextmanager
def _signals_kept() -> Iterator[None]:
    """Restores the handling of SIGTERM, the signal to stop, which TensorFlow ignores in a cluster."""
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
