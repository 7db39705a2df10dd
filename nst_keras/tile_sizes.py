"""Which pictures are taken in tiles, and how large these are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from nst_keras import checks, distribution, extractors, footprint, hosts, memory, receptive_field, tiling

__all__ = ["SIZES", "TileSizes"]

# What "auto" chooses from. The larger a tile, the less of its window is halo.
SIZES = (1024, 768, 512, 384, 256, 128)


class TileSizes:
    """The size of the tiles of each picture, by its own.

    Args:
        tile_size: Pixels; None for pictures as a whole; or `"auto"`, which takes a picture as a whole where that fits
            into the memory there is, and otherwise in the largest tiles that do. Where there are several replicas, a
            picture is taken in tiles enough for them.
        halo: As `tiled_objective.TiledObjective` takes it.
        replicas: What the tiles are shared out to.

    Raises:
        ValueError: Another `tile_size`, or a `halo` without tiles.
    """

    def __init__(self, tile_size: int | str | None, halo: int | None, replicas: distribution.Replicas) -> None:
        if tile_size is not None and tile_size != "auto":
            if isinstance(tile_size, str):
                raise ValueError(f"tile_size must be a number of pixels, 'auto' or None, but {tile_size!r} was given.")
            checks.integer("tile_size", tile_size)
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
            need: What else decides the memory of its run, {argument: value} of `footprint.estimate_memory`.
        """
        if self._tile_size != "auto":
            return self._tile_size
        if (height, width) not in self._chosen:
            self._chosen[height, width] = self._automatic(extractor, height, width, need)
        return self._chosen[height, width]

    def take(self, sizes: Mapping[tuple[int, int], int | None]) -> None:
        """Takes choices that were made before, for pictures of these heights and widths."""
        self._chosen.update(sizes)

    def _automatic(
        self, extractor: extractors.FeatureExtractor, height: int, width: int, need: Mapping[str, Any]
    ) -> int | None:
        available, count = memory.available_memory(), self.replicas.count
        room = math.inf if available is None else available.usable
        room = float(hosts.gathered(self.replicas, [room]).min())

        def fits(tile_size: int | None) -> bool:
            estimate = footprint.estimate_memory(
                height, width, extractor, **need, tile_size=tile_size, halo=self.halo if tile_size else None
            )
            return estimate.total <= room

        if (count == 1 and fits(None)) or not _can_be_cut(extractor):
            return None
        sizes = [size for size in SIZES if len(tiling.Tiling(extractor, height, width, size).tiles) >= min(count, 2)]
        return next((size for size in sizes if fits(size)), sizes[-1] if sizes else None)


def _can_be_cut(extractor: extractors.FeatureExtractor) -> bool:
    try:
        receptive_field.reach(extractor.network)
    except ValueError:
        return False
    return True
