"""What a run will need, against what the machine has, told before the work begins."""

from __future__ import annotations

import math
import os
import warnings

__all__ = ["check_frames", "machine_memory"]


def machine_memory() -> int | None:
    """Bytes of this machine's memory; None where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def check_frames(height: int, width: int, *, steps: int, frame_interval: int) -> None:
    """Warns where the frames of a run would take more than a quarter of the machine's memory.

    Args:
        height: Pixels of a frame.
        width: Likewise.
        steps: Steps of the whole run.
        frame_interval: Every so many steps a frame is kept.

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
