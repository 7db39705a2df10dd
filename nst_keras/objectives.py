"""Which of the objectives is a picture's: as a whole, as a whole on several hosts, or in tiles."""

from __future__ import annotations

from typing import Any

from nst_keras import distribution, extractors, objective, shared_objective, tiled_objective

__all__ = ["build"]


def build(
    extractor: extractors.FeatureExtractor,
    *,
    tile_size: int | None,
    halo: int | None = None,
    replicas: distribution.Replicas | None = None,
    **options: Any,
) -> objective.Objective:
    """The objective of a picture, taken as a whole where `tile_size` is None.

    Args:
        extractor: As `objective.Objective` takes it.
        tile_size: As `tiled_objective.TiledObjective` takes it; None for the whole.
        halo: Likewise.
        replicas: Likewise; over several hosts, a whole picture's is the chief's.
        **options: As `objective.Objective` takes them.

    Raises:
        ValueError: As these do.
    """
    if tile_size is None and replicas is not None and replicas.has_other_hosts():
        return shared_objective.SharedObjective(extractor, replicas=replicas, **options)
    if tile_size is None:
        return objective.Objective(extractor, **options)
    return tiled_objective.TiledObjective(extractor, tile_size=tile_size, halo=halo, replicas=replicas, **options)
