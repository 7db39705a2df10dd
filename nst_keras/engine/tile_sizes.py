"""Which pictures are taken in tiles, and how large these are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from nst_keras import checks
from nst_keras.engine import memory_estimate
from nst_keras.networks import extractors, receptive_field
from nst_keras.objectives.tiled import tiles, tiling
from nst_keras.runtime import devices, memory

__all__ = ["SIZES", "TileSizes"]

# What "auto" chooses from. The larger a tile, the less of its window is halo.
SIZES = (1024, 768, 512, 384, 256, 128)


class TileSizes:
    """The size of the tiles of each picture, by its own.

    Args:
        tile_size: Pixels; None for pictures as a whole; or `"auto"`, which takes a picture as a whole where that fits
            into the memory there is, and otherwise in the largest tiles that do. Where there are several replicas, it
            takes what leaves least work to each of them.
        halo: As `tiled_objective.TiledObjective` takes it.
        replicas: What the tiles are shared out to.

    Raises:
        ValueError: Another `tile_size`, or a `halo` without tiles.
    """

    def __init__(self, tile_size: int | str | None, halo: int | None, replicas: devices.Replicas) -> None:
        if tile_size is not None and tile_size != "auto":
            if isinstance(tile_size, str):
                raise ValueError(f"tile_size must be a number of pixels, 'auto' or None, but {tile_size!r} was given.")
            tile_size = checks.integer("tile_size", tile_size)
        if halo is not None and tile_size is None:
            raise ValueError(f"halo={halo!r} has no effect with tile_size=None. Leave it out, or give a tile_size.")
        self._tile_size, self.halo, self.replicas = tile_size, halo, replicas
        self._chosen: dict[tuple[int, int], int | None] = {}

    def of(
        self, extractor: extractors.FeatureExtractor, height: int, width: int, need: Mapping[str, Any]
    ) -> int | None:
        """The size of a picture's tiles, the same each time; None for a picture that is taken as a whole.

        Args:
            extractor: Of the picture's features.
            height: Of the picture, in pixels.
            width: Likewise.
            need: What else decides the memory of its run, {argument: value} of `memory_estimate.estimate_memory`.
        """
        if self._tile_size != "auto":
            return self._tile_size
        if (height, width) not in self._chosen:
            self._chosen[height, width] = self._automatic(extractor, height, width, need)
        return self._chosen[height, width]

    def check(self, extractor: extractors.FeatureExtractor, height: int, width: int) -> None:
        """Raises `ValueError` where a picture of this size cannot be cut as was asked for."""
        if isinstance(self._tile_size, int) or (self.halo is not None and _reach(extractor)):
            size = SIZES[-1] if self._tile_size == "auto" else self._tile_size
            tiling.Tiling(extractor, height, width, size, self.halo)

    def take(self, sizes: Mapping[tuple[int, int], int | None]) -> None:
        """Takes choices that were made before, for pictures of these heights and widths."""
        self._chosen.update(sizes)

    def _automatic(
        self, extractor: extractors.FeatureExtractor, height: int, width: int, need: Mapping[str, Any]
    ) -> int | None:
        reach = _reach(extractor)
        if reach is None:
            return None
        reach = reach if self.halo is None else reach._replace(halo=self.halo)
        available = memory.available_memory()
        room = math.inf if available is None else available.usable

        def work(tile_size: int | None) -> int:
            """Of the replica that has most of it; in tiles features are made twice, at half the cost of going back."""
            if tile_size is None:
                return 3 * height * width
            rows, columns = (tiles.spans(side, tile_size, reach) for side in (height, width))
            return 4 * -(-len(rows) * len(columns) // self.replicas.count) * rows[0].length * columns[0].length

        def fits(tile_size: int | None) -> bool:
            """Whether a run in such tiles fits into the memory there is."""
            estimate = memory_estimate.estimate_memory(
                height, width, extractor, **need, tile_size=tile_size, halo=self.halo if tile_size else None
            )
            return estimate.total <= room

        sizes = [None, *(size for size in SIZES if size >= reach.stride)]
        fitting = (size for size in sorted(sizes, key=work) if self._everywhere(fits(size)))
        return next(fitting, sizes[-1])

    def _everywhere(self, fits: bool) -> bool:
        """Whether it does on all hosts, which may have more memory or less, and must choose the same."""
        return not self.replicas.total_of_array(np.array([not fits], np.float32))[0]


def _reach(extractor: extractors.FeatureExtractor) -> receptive_field.Reach | None:
    """None for a network that cannot be cut."""
    try:
        return receptive_field.reach(extractor.network)
    except ValueError:
        return None
