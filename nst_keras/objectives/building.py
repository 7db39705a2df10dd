"""Which of the objectives is a picture's: as a whole, as a whole on several hosts, or in tiles."""

from __future__ import annotations

from typing import Any

from nst_keras.networks import extractors
from nst_keras.objectives import objective, shared
from nst_keras.objectives.tiled import evaluator
from nst_keras.runtime import devices

__all__ = ["build"]


def build(
    extractor: extractors.FeatureExtractor,
    *,
    tile_size: int | None,
    halo: int | None = None,
    replicas: devices.Replicas | None = None,
    **options: Any,
) -> objective.Objective:
    """The objective of a picture, taken as a whole where `tile_size` is None.

    Args:
        extractor: As `objective.Objective` takes it.
        tile_size: As `evaluator.TiledObjective` takes it; None for the whole.
        halo: Likewise.
        replicas: Likewise; over several hosts, a whole picture's is the chief's.
        **options: As `objective.Objective` takes them.

    Raises:
        ValueError: As these do.
    """
    if tile_size is None and replicas is not None and replicas.has_other_hosts():
        return shared.SharedObjective(extractor, replicas=replicas, **options)
    if tile_size is None:
        return objective.Objective(extractor, **options)
    return evaluator.TiledObjective(extractor, tile_size=tile_size, halo=halo, replicas=replicas, **options)
