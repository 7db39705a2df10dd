"""Chooses which images are processed in tiles, and the size of the tiles."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

import numpy as np

from nst_keras import checks
from nst_keras.engine import memory_estimate
from nst_keras.networks import extractors, receptive_field
from nst_keras.objectives.tiled import tiles, tiling
from nst_keras.runtime import devices, memory

__all__ = ["SIZES", "TileSizes"]

# The sizes that "auto" chooses from. The larger a tile, the smaller the halo's share of its window.
SIZES = (1024, 768, 512, 384, 256, 128)


class TileSizes:
    """The tile size of each image size, chosen once and then kept.

    Args:
        tile_size: Side of the tiles in pixels, 1 or more; None for whole images; or `"auto"`. On one replica, `"auto"`
            keeps an image whole if that fits into memory, and else takes the largest tiles that fit. On several, it
            takes the size with the least work for the busiest replica among those that fit.
        halo: Context pixels around each tile, a multiple of the network's stride. None for the receptive field.
        replicas: The replicas that share the tiles.

    Raises:
        ValueError: `tile_size` is neither a whole number of 1 or more, None nor `"auto"`, or `halo` is given without
            tiles.
    """

    def __init__(self, tile_size: int | str | None, halo: int | None, replicas: devices.Replicas) -> None:
        if halo is not None and tile_size is None:
            raise ValueError(f"halo={halo!r} has no effect with tile_size=None. Leave it out, or give a tile_size.")
        self._is_automatic = tile_size == "auto"
        self._tile_size = None if tile_size is None or tile_size == "auto" else _checked(tile_size)
        self.halo, self.replicas = halo, replicas
        self._chosen: dict[tuple[int, int], int | None] = {}

    def of(self, request: memory_estimate.MemoryRequest) -> int | None:
        """Returns the tile size for an image, the same at each call; None if the image is processed whole.

        Args:
            request: The run at the image's size. Its `tile_size` and `halo` are ignored.

        Raises:
            ValueError: With `"auto"`: an unknown name or layer, or an image too small for the network.
        """
        if not self._is_automatic:
            return self._tile_size
        if request.size not in self._chosen:
            self._chosen[request.size] = self._choose(request)
        return self._chosen[request.size]

    def check(self, extractor: extractors.FeatureExtractor, height: int, width: int) -> None:
        """Checks that an image can be cut into tiles, unless `"auto"` would keep it whole.

        Args:
            extractor: The network that the image is cut for.
            height: Image height in pixels.
            width: Image width in pixels.

        Raises:
            ValueError: The network cannot be evaluated in tiles, or `tile_size` or `halo` does not suit its stride.
        """
        if self._is_automatic and (self.halo is None or _reach(extractor) is None):
            return
        tile_size = SIZES[-1] if self._is_automatic else self._tile_size
        if tile_size is not None:
            tiling.Tiling(extractor, height, width, tile_size, self.halo)

    def take(self, sizes: Mapping[tuple[int, int], int | None]) -> None:
        """Uses the choices of an earlier run, {(height, width): tile size, or None for a whole image}."""
        self._chosen.update(sizes)

    def _choose(self, request: memory_estimate.MemoryRequest) -> int | None:
        extractor = memory_estimate.extractor_of(
            request.extractor, layers=request.layers, jit_compile=request.jit_compile
        )
        reach = _reach(extractor)
        if reach is None:
            return None
        reach = reach if self.halo is None else reach._replace(halo=self.halo)
        available = memory.available_memory()
        room = math.inf if available is None else available.usable

        def work(tile_size: int | None) -> int:
            """Returns the work of the busiest replica, in thirds of a step's work per pixel."""
            if tile_size is None:
                return 3 * request.pixels
            rows, columns = (tiles.spans(side, tile_size, reach) for side in request.size)
            busiest = -(-len(rows) * len(columns) // self.replicas.count)
            # Tiles need one forward pass more, which costs half of backpropagation: 4 thirds of a step's work.
            return 4 * busiest * rows[0].length * columns[0].length

        def fits(tile_size: int | None) -> bool:
            """Returns whether the run fits into memory with these tiles."""
            halo = None if tile_size is None else self.halo
            run = dataclasses.replace(request, extractor=extractor, layers=None, tile_size=tile_size, halo=halo)
            return memory_estimate.estimate(run).total <= room

        sizes = [None, *(size for size in SIZES if size >= reach.stride)]
        fitting = (size for size in sorted(sizes, key=work) if self._everywhere(fits(size)))
        return next(fitting, sizes[-1])

    def _everywhere(self, fits: bool) -> bool:
        """Returns whether the run fits on all hosts: their memory may differ, but they must choose the same size."""
        return not self.replicas.total_of_array(np.array([not fits], np.float32))[0]


def _checked(tile_size: int | str) -> int:
    """Returns the tile size if it is a whole number of pixels, 1 or more; raises `ValueError` otherwise."""
    if isinstance(tile_size, str):
        raise ValueError(f"tile_size must be a number of pixels, 'auto' or None, but {tile_size!r} was given.")
    return checks.integer("tile_size", tile_size)


def _reach(extractor: extractors.FeatureExtractor) -> receptive_field.Reach | None:
    """Returns the network's stride and halo; None if it cannot be evaluated in tiles."""
    try:
        return receptive_field.reach(extractor.network)
    except ValueError:
        return None
