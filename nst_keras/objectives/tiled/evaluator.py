"""Evaluates a picture larger than memory: the same loss and gradient as of the whole, tile by tile.

How the loss of a picture and its exact gradient come from its tiles is explained in `passes`. The regularizers need no
network and no tiles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from nst_keras.losses import statistics
from nst_keras.objectives import base, comparison, remembered, targets
from nst_keras.objectives.tiled import content_features, passes, style_summaries, tiles, tiling
from nst_keras.runtime import compilation, devices, strategies

__all__ = ["Tiled"]

Places = Mapping[str, tiling.Place]


class Tiled:
    """Evaluates an image tile by tile, in memory that grows only by the image itself and its content features.

    Args:
        compared: Layers and losses. The network's receptive field must be limited, the statistic
            `statistics.Additive`.
        tile_size: Size of a tile in pixels, without its halo; see `tiles.tiles`.
        halo: Context pixels around each tile, a multiple of the network's stride. Default: the receptive field, which
            makes gradients exact. Less is faster and approximate near the borders of tiles: with VGG19's five style
            layers the gradient is off by 5e-7 at 64 px in place of 80, and by 5e-5 at 32 px.
        replicas: Devices that share the tiles. Default: one device.
        jit_compile: A name in `compilation.JIT_MODES`, or a bool.

    Attributes:
        comparison: Layers and losses.

    Raises:
        ValueError: The network cannot be cut into tiles, the statistic is no sum over locations, `tile_size` or `halo`
            does not suit the network, there are further terms, or `jit_compile` is unknown.
    """

    def __init__(
        self,
        compared: comparison.Comparison,
        *,
        tile_size: int,
        halo: int | None = None,
        replicas: devices.Replicas | None = None,
        jit_compile: str | bool = "auto",
    ) -> None:
        if compared.further:
            names = ", ".join(term.name for term in compared.further)
            raise ValueError(
                f"losses: {names} needs the whole picture, but tile_size={tile_size!r}. Set tile_size=None."
            )
        self.comparison = compared
        self._statistic = statistics.additive(compared.statistic)
        self._tile_size, self._halo = tile_size, halo
        self._replicas = replicas or devices.Replicas(strategies.get("default"))
        self._tilings: dict[tuple[int, int], tiling.Tiling] = {}
        self._memory = remembered.Remembered()
        self._style = compared.extractor.select(compared.style_layers) if compared.style_layers else compared.extractor
        self._content = {
            name: compilation.compiled(compared.extractor.select([name]).__call__, jit_compile="false", any_size=True)
            for name in compared.content_layers
        }
        self._summarise = style_summaries.tiled_summary(self._statistic, self._style, tile_size)
        self._compile(jit_compile)

    def targets_of(self, reference: targets.Reference, strength: float = 1.0) -> passes.TiledTargets:
        """Returns what a picture is compared with, see `base.Evaluator`."""
        compared, style = self.comparison, []
        if compared.style_layers:
            style = targets.style_targets(
                self._statistic,
                self._style,
                reference,
                strength=strength,
                summarise=self._summarise,
                memory=self._memory,
            )
        image = base.content_of(reference) if compared.content_layers else None
        cut = None if image is None else self._tiling(image)
        content = content_features.TiledContent(compared.extractor, self._content, image, cut)
        return passes.TiledTargets(style, content, list(reference.kept))

    def evaluate(
        self, image: tf.Tensor, weights: base.Weights, against: passes.TiledTargets
    ) -> tuple[base.LossTerms, tf.Tensor]:
        """Returns the terms of the loss and its gradient, see `base.Evaluator`."""
        with tf.device(image.device):  # It may be the host's: an accelerator should hold only windows.
            seen = self.comparison.shown(image, against.kept)
        sums = self._first_pass(seen, against)
        style_layers, style_gradients, content_gradients = self._compiled_gradients(
            _without_guides(against.style), against.content.sizes, sums, self._counts(seen, against), weights
        )
        squares, gradient = self._second_pass(seen, against, style_gradients, content_gradients)
        content_layers = {name: content_gradients[name] * total for name, total in squares.items()}
        with tf.device(image.device):
            regularizers, gradient = self._compiled_regularized(image, gradient, weights, against.kept)
        return base.terms_of(style_layers, content_layers, **regularizers), gradient

    def tracing_count(self) -> int:
        """Returns how often the functions of a step were traced, all together: 4, with XLA for each size."""
        functions = (
            self._compiled_sums,
            self._compiled_gradients,
            self._compiled_part_gradient,
            self._compiled_regularized,
        )
        return sum(function.tracing_count() for function in functions)

    def _compile(self, jit_compile: str | bool) -> None:
        def compiled(function: Callable[..., Any]) -> Any:
            """Returns a function compiled for windows of any size."""
            return compilation.compiled(function, jit_compile=jit_compile, any_size=True)

        self._compiled_sums = compiled(self._part_sums)
        self._compiled_gradients = compiled(self._gradients_of_sums)
        self._compiled_part_gradient = compiled(self._part_gradient)
        self._compiled_regularized = compiled(self.comparison.regularized)

    def _part_sums(self, style: list[targets.StyleTarget], part: passes.Part) -> list[passes.Sums]:
        return passes.style_sums(self._statistic, style, self._style(part.window), part)

    def _gradients_of_sums(
        self,
        style: list[targets.StyleTarget],
        content: content_features.Sizes,
        sums: list[passes.Sums],
        counts: Sequence[Mapping[str, tf.Tensor]],
        weights: base.Weights,
    ) -> tuple[dict[str, tf.Tensor], list[passes.Sums], dict[str, tf.Tensor]]:
        return passes.gradients_of_sums(self.comparison, style, content, sums, counts, weights)

    def _part_gradient(
        self,
        style: list[targets.StyleTarget],
        part: passes.Part,
        style_gradients: list[passes.Sums],
        content: passes.ContentPart,
    ) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        extractor = self.comparison.extractor
        return passes.pull_back(extractor, self._statistic, style, part, style_gradients, content)

    def _no_sums(self, against: passes.TiledTargets) -> list[passes.Sums]:
        coordinates = self.comparison.extractor.coordinates
        style = {name: coordinates[name] for name in self.comparison.style_layers}
        return passes.no_sums(self._statistic, against.style, style)

    def _first_pass(self, seen: tf.Tensor, against: passes.TiledTargets) -> list[passes.Sums]:
        """Makes the first pass, and returns for each region the statistic's sums over the whole picture."""
        if not against.style:
            return []
        style = _without_guides(against.style)

        def arguments(tile: tiles.Tile, places: Places) -> tuple[list[targets.StyleTarget], passes.Part]:
            """Returns the arguments of the first pass over a tile."""
            return style, self._part(seen, against, tile, places)

        total = self._no_sums(against)  # A host may have no tile.
        for _, sums in self._each(seen, self._compiled_sums, arguments):
            total = tf.nest.map_structure(tf.add, total, sums)
        return self._replicas.total([total])

    def _second_pass(
        self,
        seen: tf.Tensor,
        against: passes.TiledTargets,
        style_gradients: list[passes.Sums],
        content_gradients: dict[str, tf.Tensor],
    ) -> tuple[dict[str, tf.Tensor], np.ndarray]:
        """Makes the second pass; returns {content layer: sum (F - P)^2} and the gradient with respect to `seen`."""
        style = _without_guides(against.style)

        def arguments(tile: tiles.Tile, places: Places) -> tuple[Any, ...]:
            """Returns the arguments of the second pass over a tile."""
            features = against.content.of(tile, places)
            own = {name: places[name].own for name in features}
            content = passes.ContentPart(own, features, content_gradients)
            return style, self._part(seen, against, tile, places), style_gradients, content

        total = tf.nest.map_structure(tf.zeros_like, content_gradients)
        gradient = np.zeros((1, *tiling.size_of(seen), 3), np.float32)
        for tile, (squares, of_window) in self._each(seen, self._compiled_part_gradient, arguments):
            gradient[tile.window] += of_window.numpy()
            total = tf.nest.map_structure(tf.add, total, squares)
        if total:  # Without content layers there are no sums to exchange.
            total = self._replicas.total([total])
        return total, self._replicas.total_of_array(gradient)

    def _each(
        self,
        seen: tf.Tensor,
        function: Callable[..., Any],
        arguments: Callable[[tiles.Tile, Places], tuple[Any, ...]],
    ) -> Iterator[tuple[tiles.Tile, Any]]:
        """Yields each of this host's tiles with the result of a function. Each replica works on one tile at a time."""
        cut = self._tiling(seen)
        for dealt in self._replicas.deal(cut.tiles):
            given = [None if tile is None else arguments(tile, cut.places(tile)) for tile in dealt]
            results = self._replicas.run(function, given)
            yield from ((tile, result) for tile, result in zip(dealt, results, strict=True) if tile is not None)

    def _part(self, seen: tf.Tensor, against: passes.TiledTargets, tile: tiles.Tile, places: Places) -> passes.Part:
        """Cuts a tile out of what is seen of the picture."""
        with tf.device(seen.device):
            window = seen[tile.window]
        guides = [
            {name: places[name].guide(target.guides.get(name)) for name in self.comparison.style_layers}
            for target in against.style
        ]
        return passes.Part(window, {name: place.start for name, place in places.items()}, guides)

    def _counts(self, seen: tf.Tensor, against: passes.TiledTargets) -> list[dict[str, tf.Tensor]]:
        """Returns for each region {style layer: the sum of its guide over all locations}."""
        sizes = self._tiling(seen).sizes
        return [
            {name: statistics.count(target.guides.get(name), sizes[name]) for name in self.comparison.style_layers}
            for target in against.style
        ]

    def _tiling(self, image: tf.Tensor) -> tiling.Tiling:
        size = tiling.size_of(image)
        if size not in self._tilings:
            self._tilings[size] = tiling.Tiling(self.comparison.extractor, *size, self._tile_size, self._halo)
        return self._tilings[size]


def _without_guides(style: list[targets.StyleTarget]) -> list[targets.StyleTarget]:
    """Returns the targets without guides of the whole picture, whose parts come with each tile."""
    return [target._replace(guides={}) for target in style]
