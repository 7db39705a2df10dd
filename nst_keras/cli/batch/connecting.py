"""The way to a Ray cluster, and the room that it has for workers. Nothing here needs TensorFlow."""

from __future__ import annotations

import importlib
import logging
import os
import signal
import socket
import threading
from typing import Any

from nst_keras import settings

__all__ = ["Room", "connect", "ray"]

_REACHED = 10.0  # Seconds within which a cluster answers.
_MIB = 2**20

# What of this process's environment its workers have too. No keys of storage are among them: Ray shows these on its
# page. Machines have their own, or a role.
_SHARED = ("PYTHONPATH", "NST_KERAS_", "KERAS_", "TF_", "XLA_", "ONEDNN_")
_NOT_SHARED = ("TF_CONFIG",)  # It describes one machine.


def ray() -> Any:
    """Returns Ray's module.

    Raises:
        ImportError: It is not installed.
    """
    try:
        return importlib.import_module("ray")
    except ImportError as error:
        raise ImportError(
            'ray_address: a cluster needs Ray. Install it with `pip install "nst_keras[cluster]"`.'
        ) from error


def connect(module: Any, address: str) -> bool:
    """Joins a cluster, or starts one on this machine, unless the user's own program has.

    Args:
        module: Ray's module.
        address: `auto`, `local` or `HOST:PORT`.

    Returns:
        Whether it is ours to leave.

    Raises:
        ValueError: The address has another form.
        ConnectionError: No cluster answers.
    """
    if module.is_initialized():
        return False
    options: dict[str, Any] = {"address": address}
    if address == "local":
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Nobody has agreed to its reports.
        # Little is sent between processes. Ray would take a third of the memory for it.
        options |= {"include_dashboard": False, "object_store_memory": 80 * _MIB}
    else:
        options["address"] = _checked(module, address)
    is_main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGTERM)
    try:
        module.init(**options, log_to_driver=False, logging_level=logging.CRITICAL)
    except Exception as error:
        raise _unreachable(address, error) from error
    finally:
        if is_main:
            signal.signal(signal.SIGTERM, before)  # Ray's own would end this process without a report.
    return True


def _checked(module: Any, address: str) -> str:
    """Returns the address of a cluster at which something answers. Ray itself would try for minutes, and log it."""
    try:
        found = address
        if address == "auto":
            found = module._private.services.canonicalize_bootstrap_address_or_die("auto")
        host, _, port = found.removeprefix("ray://").rpartition(":")
        if not host or not port.isdigit():
            raise ValueError(f"ray_address: {address!r} is no address of a cluster. Give auto, local or HOST:PORT.")
        socket.create_connection((host.strip("[]"), int(port)), _REACHED).close()
    except OSError as error:
        raise _unreachable(address, error) from error
    return found


def _unreachable(address: str, error: Exception) -> ConnectionError:
    reason = " ".join(str(error).split()).partition(". ")[0].rstrip(".") or type(error).__name__
    advice = "Start one with `ray start --head`, or name another. `local` uses this machine alone."
    return ConnectionError(f"ray_address: no cluster answers at {address!r} ({reason}). {advice}")


class Room:
    """What a worker takes, and how many workers a cluster has room for.

    On a cluster with GPUs, a worker takes one of them, and `worker_cpus` cores or 1. Without GPUs, it takes
    `worker_cpus` cores, or as many as the smallest machine has, so that equal machines have one worker each.

    Args:
        module: Ray's module.
        batch: The options of the batch.

    Attributes:
        options: Ray's options of a worker.

    Raises:
        ValueError: This machine is the whole cluster, and has no room for any worker.
    """

    def __init__(self, module: Any, batch: settings.BatchSettings) -> None:
        self._ray, self._workers = module, batch.workers
        machines = self._machines()
        self._gpus = int(any(machine.get("GPU", 0) >= 1 for machine in machines))
        cores = [int(machine["CPU"]) for machine in machines if machine.get("CPU", 0) >= 1]
        self._cpus = batch.worker_cpus or (1 if self._gpus else min(cores, default=1))
        if batch.ray_address == "local" and not self._fitting():
            raise ValueError(
                f"worker_cpus: a worker that takes {self} has no room on this machine, which has "
                f"{max(cores, default=0)} cores. Give a smaller number."
            )
        environment = {name: value for name, value in os.environ.items() if name.startswith(_SHARED)}
        environment = {name: value for name, value in environment.items() if name not in _NOT_SHARED}
        if not self._gpus:  # Two workers on a machine do not take each other's cores.
            environment.setdefault("TF_NUM_INTRAOP_THREADS", str(self._cpus))
        self.options: dict[str, Any] = {"num_cpus": self._cpus, "num_gpus": self._gpus}
        self.options["runtime_env"] = {"env_vars": environment}

    def __str__(self) -> str:
        return f"{'a GPU and ' if self._gpus else ''}{self._cpus} processor core{'s' if self._cpus > 1 else ''}"

    def workers(self) -> int:
        """Returns the number of workers to ask for: `workers`, or as many as the present machines have room for."""
        return self._workers or max(1, self._fitting())

    def _fitting(self) -> int:
        """Returns the number of workers that the machines have room for, if nothing else runs on them."""
        needs = {"CPU": self._cpus, **({"GPU": 1} if self._gpus else {})}
        return sum(
            min(int(machine.get(name, 0) // need) for name, need in needs.items()) for machine in self._machines()
        )

    def _machines(self) -> list[dict[str, float]]:
        """Returns what each machine that is alive has in all."""
        return [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
