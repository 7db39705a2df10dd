"""What an estimate of memory is asked for: a stage of a run, described for `memory_estimate`."""

from __future__ import annotations

import math

from nst_keras.engine import inputs, memory_estimate
from nst_keras.engine import setup as setup_lib
from nst_keras.images import resizing

__all__ = ["of"]


def of(
    setup: setup_lib.Setup,
    pictures: inputs.Inputs,
    *,
    jit_compile: str | None = None,
    tile_size: int | None = None,
    frames: int = 0,
) -> memory_estimate.MemoryRequest:
    """Returns the request for an estimate of the memory of a stage.

    Args:
        setup: Pictures, network and layers of the run.
        pictures: The pictures at the size of the stage.
        jit_compile: How the stage is compiled, a name in `compilation.JIT_MODES`. Default: as the setup says.
        tile_size: Side of the tiles in pixels; None if the picture is evaluated whole.
        frames: Number of frames that the run keeps in memory, 0 or more.
    """
    height, width = pictures.size
    styles = [resizing.size_of(image) for image in pictures.style_images]
    return memory_estimate.MemoryRequest(
        height=height,
        width=width,
        extractor=setup.extractor,
        optimizer=setup.optimization.optimizer,
        averaging=setup.optimization.averaging,
        lbfgs_history=setup.optimization.lbfgs_history,
        preconditioning=setup.optimization.preconditioning,
        tolerance=setup.optimization.tolerance,
        style_size=max(styles, key=math.prod, default=None),
        jit_compile=jit_compile or setup.jit_compile,
        tile_size=tile_size,
        halo=setup.tiles.halo if tile_size else None,
        frames=frames,
    )
