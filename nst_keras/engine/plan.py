"""What a run solves: at each of its stages an objective and an optimizer, compiled once for all runs that they fit."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import keras

from nst_keras import losses, optimizers
from nst_keras.engine import inputs, modes, schedule, tile_sizes
from nst_keras.images import digests
from nst_keras.networks import extractors
from nst_keras.objectives import objective as objective_lib
from nst_keras.runtime import processors

__all__ = ["Problem", "Stage"]

# XLA takes some 10 seconds to compile a step, at any size, and then saves 0.07 to 0.1 s of 0.26 with VGG19 at 256 px: a
# stage of few pixels, times its steps, is left to the graph.
_LEAST_FOR_XLA = 140 * 256**2


class Stage(NamedTuple):
    """A run, or the part of it that is at one size.

    Attributes:
        pictures: At that size.
        objective: What is lowered.
        optimizer: Makes what lowers it, or finds it made.
        end: The step after which the next stage begins.
    """

    pictures: inputs.Inputs
    objective: objective_lib.Objective
    optimizer: Callable[[], optimizers.Optimizer]
    end: int


class Problem:
    """Pictures, layers and the way to compare them, of which a run's weights and learning rate make its stages.

    Args:
        pictures: What the run begins with.
        extractor: Gives the layers.
        mode: What the run is for.
        style_layers: {layer: weight}.
        content_layers: {layer: weight}.
        comparison: {argument: value} for `objective.Objective`: how features and pictures are compared.
        optimizer: As `optimizers.get` takes it.
        averaging: Likewise; None for 0.99 where stages are optimised by Adam, and 0 elsewhere.
        lbfgs_history: Likewise.
        preconditioning: Likewise; `"auto"` is 0 without a content term, too. Large forms of style alone have no place
            of their own: moved as easily as grain, they take that of the picture's edges.
        tiled: Which of the stages' pictures are taken in tiles.
        stage_sizes: The longest side of the picture at each stage.
        stage_shares: As `schedule.stage_ends` takes them.
        jit_compile: A name in `compilation.JIT_MODES`.

    Attributes:
        pictures: Of the last stage.
        extractor: Gives the layers.

    Raises:
        ValueError: An unknown optimizer, a stage that is too small for the network, or one that cannot be cut into
            tiles as was asked for.
        TypeError: An optimizer of another type.
    """

    def __init__(
        self,
        pictures: inputs.Inputs,
        extractor: extractors.FeatureExtractor,
        *,
        mode: modes.Mode,
        style_layers: Mapping[str, float],
        content_layers: Mapping[str, float],
        comparison: Mapping[str, Any],
        optimizer: str | keras.optimizers.Optimizer,
        averaging: float | None,
        lbfgs_history: int | None,
        preconditioning: str | float,
        tiled: tile_sizes.TileSizes,
        stage_sizes: tuple[int, ...],
        jit_compile: str,
        stage_shares: tuple[float, ...] | None = None,
    ) -> None:
        if averaging is None:
            averaging = 0.99 if len(stage_sizes) > 1 and optimizer == "adam" else 0.0
        if preconditioning == "auto" and not mode.content:
            preconditioning = 0.0
        self._optimizer_settings = {
            "identifier": optimizer,
            "averaging": averaging,
            "lbfgs_history": lbfgs_history,
            "preconditioning": preconditioning,
        }
        optimizers.get(**self._optimizer_settings)  # For its errors: only a run knows its learning rate.
        self._optimizer_settings["preconditioning"] = optimizers.exponent_of(optimizer, preconditioning)
        self.extractor = extractor
        self._mode = mode
        self._layers = {"style_layers": dict(style_layers), "content_layers": dict(content_layers)}
        self._comparison = dict(comparison)
        self._jit_compile_setting = jit_compile
        suits_graph = jit_compile == "auto" and processors.has_instructions_for(extractor.compute_dtype)
        self._jit_compile = "false" if suits_graph else jit_compile
        self._sizes, self._shares = stage_sizes, stage_shares
        self._tiled = tiled
        self._objectives: dict[tuple[Any, ...], objective_lib.Objective] = {}
        self._prepared: tuple[optimizers.LearningRate | None, optimizers.Optimizer] | None = None
        self.take(pictures)

    @property
    def stage_sizes(self) -> list[int] | None:
        """The longest side of the picture at each stage; None where there is but one."""
        return list(self._sizes) if len(self._sizes) > 1 else None

    def take(self, pictures: inputs.Inputs) -> None:
        """Takes pictures, of the same content and style, in the place of those that it has."""
        self.pictures = pictures
        self._scaled = [*(pictures.scaled(size) for size in self._sizes[:-1]), pictures]
        pictures.check_sizes(self.extractor)
        try:
            self._scaled[0].check_sizes(self.extractor)
        except ValueError as error:
            raise ValueError(
                f"pyramid: its stage of {self._sizes[0]} px is too small for {self.extractor.name}. Take fewer stages, "
                "or name larger sizes."
            ) from error
        for scaled in self._scaled:
            self._tiled.check(self.extractor, *scaled.size)

    def stages(self, learning_rate: optimizers.LearningRate | None, steps: int, **weights: float | None) -> list[Stage]:
        """The stages of a run of so many steps, with these weights; None stands for the normalization's usual ones.

        A term of weight 0 is left out, and cuts the network shorter.

        Args:
            learning_rate: As `optimizers.get` takes it.
            steps: Of the whole run.
            weights: {name of a weight in `objective.WEIGHTED_TERMS`: value}.

        Raises:
            ValueError: A learning rate that does not fit, more stages than steps, a weight that is negative or not
                finite, or neither style nor content.
        """
        weights = self._weights(weights)
        ends = schedule.stage_ends(len(self._sizes), steps, self._shares)
        lengths = [end - begin for begin, end in zip((0, *ends), ends, strict=False)]
        made = self._optimizer(learning_rate)
        modes_of_stages = [self._jit_mode(*stage) for stage in zip(self._scaled, lengths, strict=True)]
        return [
            Stage(
                pictures,
                self._objective(pictures, weights, jit_compile),
                (lambda: made) if len(ends) == 1 else functools.partial(self._made, learning_rate, jit_compile),
                end,
            )
            for pictures, jit_compile, end in zip(self._scaled, modes_of_stages, ends, strict=True)
        ]

    def fingerprint(self, stages: list[Stage], learning_rate: optimizers.LearningRate | None) -> dict[str, Any]:
        """{setting: value} of all that decides the pixels of a step, as `checkpoints` compares it."""
        objective = stages[-1].objective
        settings = {
            **self.pictures.fingerprint(),
            "extractor": f"sha256:{self.extractor.fingerprint()}",
            **self._layers,
            **self._comparison,
            **{name: objective.weights[term] for term, name in objective_lib.WEIGHTED_TERMS.items()},
            "optimizer": digests.described(self._optimizer_settings["identifier"]),
            "averaging": self._optimizer_settings["averaging"],
            "lbfgs_history": self._optimizer_settings["lbfgs_history"],
            "preconditioning": self._optimizer_settings["preconditioning"],
            "tile_size": self.tile_sizes(),
            "halo": self._tiled.halo,
            "learning_rate": digests.described(learning_rate),
            "jit_compile": self._jit_compile_setting,
        }
        if len(stages) > 1:
            settings["pyramid"] = [[size, stage.end] for size, stage in zip(self._sizes, stages, strict=True)]
        return settings

    def need(self) -> dict[str, Any]:
        """What decides the memory of a run, as `capacity` takes it."""
        height, width = self.pictures.size
        size = {"height": height, "width": width, "extractor": self.extractor}
        tiles = {"tile_size": self._tile_size(self.pictures), "halo": self._tiled.halo}
        return size | self._need(self.pictures) | (tiles if tiles["tile_size"] else {})

    def tile_sizes(self) -> list[int | None]:
        """The size of the tiles in which the picture is taken at each stage; None for as a whole."""
        return [self._tile_size(pictures) for pictures in self._scaled]

    def take_tile_sizes(self, sizes: Sequence[int | None]) -> None:
        """Takes those that an earlier run of the same settings chose, so that its steps come out the same."""
        self._tiled.take(dict(zip((pictures.size for pictures in self._scaled), sizes, strict=False)))

    def _tile_size(self, pictures: inputs.Inputs) -> int | None:
        return self._tiled.of(self.extractor, *pictures.size, self._need(pictures))

    def _need(self, pictures: inputs.Inputs) -> dict[str, Any]:
        """What decides the memory of a stage, but for its size, its network and its tiles."""
        sizes = [tuple(image.shape[1:3]) for image in pictures.style_images]
        settings = dict(self._optimizer_settings)
        return {
            "optimizer": settings.pop("identifier"),
            **settings,
            "style_size": max(sizes, key=math.prod, default=None),
            "jit_compile": self._jit_compile,
        }

    def _weights(self, given: Mapping[str, float | None]) -> dict[str, float]:
        usual = losses.NORMALIZATIONS[self._comparison["normalization"]]
        defaults = {
            "style_weight": usual.style_weight if self._mode.style else 0.0,
            "content_weight": usual.content_weight if self._mode.content else 0.0,
        }
        weights = {name: defaults.get(name, 0.0) if value is None else value for name, value in given.items()}
        if not (weights["style_weight"] or weights["content_weight"]):
            raise ValueError("style_weight and content_weight are both 0. Give one of them a weight.")
        return weights

    def _objective(
        self, pictures: inputs.Inputs, weights: Mapping[str, float], jit_compile: str
    ) -> objective_lib.Objective:
        present = {"style_layers": weights["style_weight"] != 0, "content_layers": weights["content_weight"] != 0}
        tile_size = self._tile_size(pictures)
        key = (pictures.size, *present.values(), jit_compile, tile_size)
        if key not in self._objectives:
            self._objectives[key] = objective_lib.Objective(
                self.extractor,
                tile_size=tile_size,
                halo=self._tiled.halo if tile_size else None,
                replicas=self._tiled.replicas,
                regions=pictures.regions,
                content_image=pictures.content_target,
                **{name: layers if present[name] else {} for name, layers in self._layers.items()},
                **self._comparison,
                **weights,
                seen=pictures.seen,
                jit_compile=jit_compile,
            )
        self._objectives[key].set_weights(**weights)
        return self._objectives[key]

    def _optimizer(self, learning_rate: optimizers.LearningRate | None) -> optimizers.Optimizer:
        """That of the last run, compiled already, where it was of the same learning rate; a new one otherwise."""
        if self._prepared is None or self._prepared[0] != learning_rate:
            self._prepared = (learning_rate, self._made(learning_rate, self._jit_compile))
        return self._prepared[1]

    def _made(self, learning_rate: optimizers.LearningRate | None, jit_compile: str) -> optimizers.Optimizer:
        return optimizers.get(
            learning_rate=learning_rate,
            jit_compile=jit_compile,
            on_host=self._tile_size(self.pictures) is not None,
            **self._optimizer_settings,
        )

    def _jit_mode(self, pictures: inputs.Inputs, steps: int) -> str:
        is_short = len(self._sizes) > 1 and steps * math.prod(pictures.size) < _LEAST_FOR_XLA
        return "false" if is_short and self._jit_compile == "auto" else self._jit_compile
