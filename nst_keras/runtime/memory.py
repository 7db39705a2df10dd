"""Finds out how much memory there is: of the machine, of the container around this process, or of the GPU."""

from __future__ import annotations

import math
import os
import pathlib
import warnings
from collections.abc import Iterator
from typing import NamedTuple

import tensorflow as tf

__all__ = ["Available", "available_memory", "check_frames", "check_output", "check_picture", "machine_memory"]


_SAVING = 58  # Bytes a pixel, measured: 38 while the picture is resized, and 16-bit channels and the file itself.
_LONGEST = 2**24  # Pixels of a side. Beyond it float32 no longer tells one pixel from the next.


class Available(NamedTuple):
    """The memory available to a run.

    Attributes:
        place: Where it is, in words: "this machine", "this container" or "the GPU".
        total: Size of that memory in bytes.
        usable: Bytes that this process can hold: what it holds now, plus what is free.
    """

    place: str
    total: int
    usable: int


class _Controller(NamedTuple):
    """The files in which a version of Linux's cgroups reports memory."""

    folder: str
    limits: tuple[str, ...]  # The second, above which the kernel slows a process down until it gives memory back.
    used: str
    reclaimable: str


# By the name of the controller in /proc/self/cgroup; version 2 has one hierarchy, without a name.
_CONTROLLERS = {
    "": _Controller("sys/fs/cgroup", ("memory.max", "memory.high"), "memory.current", "inactive_file"),
    "memory": _Controller(
        "sys/fs/cgroup/memory", ("memory.limit_in_bytes",), "memory.usage_in_bytes", "total_inactive_file"
    ),
}


def available_memory(root: str | os.PathLike[str] = "/") -> Available | None:
    """Returns the memory available to a run on this machine at this moment.

    If TensorFlow runs on a GPU, this is the GPU memory that it may use. Otherwise it is the machine's, within the
    limits of the containers around this process (Linux's cgroups, version 1 or 2).

    Args:
        root: Folder that holds Linux's `proc` and `sys`.

    Returns:
        The memory, or None if the system does not report it.
    """
    if tf.config.list_physical_devices("GPU"):
        limit = _gpu_limit()
        return None if limit is None else Available("the GPU", limit, limit)
    total = machine_memory()
    if total is None:
        return None
    root = pathlib.Path(root)
    groups = [(limit, used) for limit, used in _groups(root) if limit < total]
    frees = [_kilobytes(root / "proc/meminfo", "MemAvailable:"), *(limit - used for limit, used in groups)]
    frees = [max(0, free) for free in frees if free is not None]
    place, total = ("this container", min(groups)[0]) if groups else ("this machine", total)
    if not frees:
        return Available(place, total, total)
    held = _kilobytes(root / "proc/self/status", "VmRSS:") or 0
    return Available(place, total, min(total, held + min(frees)))


def machine_memory() -> int | None:
    """Returns the bytes of this machine's memory, or None if the system does not report them."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def check_picture(argument: str, height: int, width: int) -> None:
    """Checks that a picture, and a copy of it, would fit into the machine's memory.

    Args:
        argument: The argument that asks for this size.
        height: Height in pixels.
        width: Width in pixels.

    Raises:
        ValueError: The picture is too large.
    """
    memory, needed = machine_memory(), 2 * height * width * 3 * 4
    if max(height, width) > _LONGEST or (memory is not None and needed > memory):
        raise ValueError(
            f"{argument} asks for a picture of {width}x{height} px, more than this machine can hold. Ask for a smaller "
            "one."
        )


def check_output(height: int, width: int) -> None:
    """Checks that the finished picture could be resized and saved in the memory that there is.

    Args:
        height: Height that it is saved with, in pixels.
        width: Width that it is saved with, in pixels.

    Raises:
        ValueError: The picture is too large.
    """
    check_picture("output_size", height, width)
    available, needed = available_memory(), _SAVING * height * width
    if available is not None and needed > available.usable:
        raise ValueError(
            f"output_size asks for a picture of {width}x{height} px. Saving it takes {needed / 2**30:.1f} GiB, but "
            f"{available.place} has only {available.usable / 2**30:.1f} GiB for it. Ask for a smaller one."
        )


def check_frames(height: int, width: int, *, steps: int, frame_interval: int) -> None:
    """Warns if the frames of a run would take more than a quarter of the machine's memory.

    Args:
        height: Height of a frame in pixels.
        width: Width of a frame in pixels.
        steps: Steps of the whole run.
        frame_interval: Steps from one kept frame to the next.

    Raises:
        ValueError: The frames would take more than all of the memory.
    """
    memory = machine_memory()
    frame = height * width * 3
    needed = frame * math.ceil(steps / frame_interval)
    if memory is None or needed <= memory / 4:
        return
    enough = math.ceil(steps * frame / (memory / 4))
    message = (
        f"frame_interval={frame_interval} keeps frames of {needed / 2**30:.3g} GiB over {steps} steps, of this "
        f"machine's {memory / 2**30:.3g} GiB. frame_interval={enough} keeps them within a quarter."
    )
    if needed > memory:
        raise ValueError(message)
    warnings.warn(message, UserWarning, stacklevel=3)


def _gpu_limit() -> int | None:
    """Returns the bytes that TensorFlow may use on its first GPU, or None if it does not report them."""
    try:
        # TensorFlow has no public name for this.
        from tensorflow.python.client import device_lib  # noqa: PLC0415

        return next(device.memory_limit for device in device_lib.list_local_devices() if device.device_type == "GPU")
    except Exception:  # Whatever a driver or another version of TensorFlow raises, a run can do without.
        return None


def _groups(root: pathlib.Path) -> Iterator[tuple[int, int]]:
    """Yields (limit, used) in bytes of each cgroup around this process that has a limit, the innermost first."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, names, path = line.split(":", 2)
        for controller in (_CONTROLLERS[name] for name in names.split(",") if name in _CONTROLLERS):
            mount = root / controller.folder
            inmost = mount / path.strip("/")
            # Inside a container the path may be the host's. Then only its beginning, the mount itself, exists.
            folders = [folder for folder in (inmost, *inmost.parents) if folder.is_relative_to(mount)]
            yield from (found for folder in folders if (found := _limit_and_use(folder, controller)))


def _limit_and_use(folder: pathlib.Path, controller: _Controller) -> tuple[int, int] | None:
    try:
        limits = [(folder / name).read_text().strip() for name in controller.limits if (folder / name).exists()]
        limit = min(int(text) for text in limits if text != "max")
        used = int((folder / controller.used).read_text())
        stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):  # `ValueError` where there is no limit.
        return None
    # Cached pages of unused files count as used, but are freed when memory is needed.
    return limit, used - int(stat.get(controller.reclaimable, 0))


def _kilobytes(path: pathlib.Path, key: str) -> int | None:
    """Returns the bytes of the entry `key 123 kB` in a file of /proc, or None if there is none."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(key)), None)
