"""Evaluates a picture larger than memory: the same loss and gradient as of the whole, tile by tile.

How the loss of a picture and its exact gradient come from its tiles is explained in `passes`. The regularizers need no
network and no tiles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from nst_keras.losses import guidance, statistics
from nst_keras.objectives import base, comparison, targets
from nst_keras.objectives.tiled import content_features, passes, style_summaries, tiles, tiling
from nst_keras.runtime import compilation, devices, strategies

__all__ = ["Tiled"]

Places = Mapping[str, tiling.Place]


class Tiled:
    """Evaluates an image tile by tile, in memory that grows only by the image itself and its content features.

    Args:
        compared: Layers and losses. The network's receptive field must be limited, the statistic
            `statistics.Additive`.
        regions: Style images of each region; may be empty without style layers.
        content_image: float32 [1, height, width, 3], 0..255; may be None without content layers.
        tile_size: Size of a tile in pixels, without its halo; see `tiles.tiles`.
        halo: Context pixels around each tile, a multiple of the network's stride. Default: the receptive field, which
            makes gradients exact. Less is faster and approximate near the borders of tiles: with VGG19's five style
            layers the gradient is off by 5e-7 at 64 px in place of 80, and by 5e-5 at 32 px.
        replicas: Devices that share the tiles. Default: one device.
        jit_compile: A name in `compilation.JIT_MODES`, or a bool.

    Attributes:
        comparison: Layers and losses.
        targets: Targets of these layers.

    Raises:
        ValueError: The network cannot be cut into tiles, the statistic is no sum over locations, `tile_size` or `halo`
            does not suit the network, there are style layers but no style image, or `jit_compile` is unknown.
    """

    def __init__(
        self,
        compared: comparison.Comparison,
        regions: Sequence[guidance.Region],
        content_image: tf.Tensor | None,
        *,
        tile_size: int,
        halo: int | None = None,
        replicas: devices.Replicas | None = None,
        jit_compile: str | bool = "auto",
    ) -> None:
        self.comparison = compared
        self._statistic = statistics.additive(compared.statistic)
        self._tile_size, self._halo = tile_size, halo
        self._replicas = replicas or devices.Replicas(strategies.get("default"))
        self._counted: dict[tuple[int, int], list[dict[str, tf.Tensor]]] = {}
        self._tilings: dict[tuple[int, int], tiling.Tiling] = {}
        self._style = compared.extractor.select(compared.style_layers) if compared.style_layers else compared.extractor
        self.targets = self._targets_of(regions, content_image)
        self._compile(jit_compile)

    def evaluate(self, image: tf.Tensor, weights: tf.Tensor) -> tuple[base.LossTerms, tf.Tensor]:
        """Returns the terms of the loss and its gradient, see `base.Evaluator`."""
        with tf.device(image.device):  # Which may be the host's: an accelerator should hold only windows.
            seen = self.comparison.seen(image)
        sums = self._first_pass(seen)
        style_layers, style_gradients, content_gradients = self._compiled_gradients(sums, self._counts(seen), weights)
        squares, gradient = self._second_pass(seen, style_gradients, content_gradients)
        content_layers = {name: content_gradients[name] * total for name, total in squares.items()}
        with tf.device(image.device):
            regularizers, gradient = self._compiled_regularized(image, gradient, weights)
        return base.terms_of(style_layers, content_layers, **regularizers), gradient

    def tracing_count(self) -> int:
        """Returns how often its compiled functions were traced, all together: 4 for a whole run."""
        functions = (
            self._compiled_sums,
            self._compiled_gradients,
            self._compiled_part_gradient,
            self._compiled_regularized,
        )
        return sum(function.tracing_count() for function in functions)

    def _targets_of(self, regions: Sequence[guidance.Region], content_image: tf.Tensor | None) -> passes.TiledTargets:
        compared, style = self.comparison, []
        if compared.style_layers:
            summarise = style_summaries.tiled_summary(self._statistic, self._style, self._tile_size)
            style = targets.style_targets(self._statistic, self._style, regions, summarise=summarise)
        cut = None if content_image is None or not compared.content_layers else self._tiling(content_image)
        content = content_features.TiledContent(compared.extractor, compared.content_layers, content_image, cut)
        return passes.TiledTargets(style, content)

    def _compile(self, jit_compile: str | bool) -> None:
        of_sums, of_gradient = passes.signatures(self.comparison, self.targets, self._no_sums())
        self._compiled_sums = compilation.compiled(self._part_sums, jit_compile=jit_compile, graph_signature=of_sums)
        self._compiled_gradients = compilation.compiled(self._gradients_of_sums, jit_compile=jit_compile)
        self._compiled_part_gradient = compilation.compiled(
            self._part_gradient, jit_compile=jit_compile, graph_signature=of_gradient
        )
        self._compiled_regularized = compilation.compiled(self.comparison.regularized, jit_compile=jit_compile)

    def _part_sums(self, part: passes.Part) -> list[passes.Sums]:
        return passes.style_sums(self._statistic, self.targets.style, self._style(part.window), part)

    def _gradients_of_sums(
        self, sums: list[passes.Sums], counts: Sequence[Mapping[str, tf.Tensor]], weights: tf.Tensor
    ) -> tuple[dict[str, tf.Tensor], list[passes.Sums], dict[str, tf.Tensor]]:
        return passes.gradients_of_sums(self.comparison, self.targets, sums, counts, weights)

    def _part_gradient(
        self, part: passes.Part, style_gradients: list[passes.Sums], content: passes.ContentPart
    ) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        extractor = self.comparison.extractor
        return passes.pull_back(extractor, self._statistic, self.targets.style, part, style_gradients, content)

    def _no_sums(self) -> list[passes.Sums]:
        coordinates = self.comparison.extractor.coordinates
        style = {name: coordinates[name] for name in self.comparison.style_layers}
        return passes.no_sums(self._statistic, self.targets.style, style)

    def _first_pass(self, seen: tf.Tensor) -> list[passes.Sums]:
        """Makes the first pass, and returns for each region the statistic's sums over the whole picture."""
        if not self.targets.style:
            return []

        def arguments(tile: tiles.Tile, places: Places) -> tuple[passes.Part]:
            """Returns the arguments of the first pass over a tile."""
            return (self._part(seen, tile, places),)

        total = self._no_sums()  # A host may have no tile.
        for _, sums in self._each(seen, self._compiled_sums, arguments):
            total = tf.nest.map_structure(tf.add, total, sums)
        return self._replicas.total([total])

    def _second_pass(
        self, seen: tf.Tensor, style_gradients: list[passes.Sums], content_gradients: dict[str, tf.Tensor]
    ) -> tuple[dict[str, tf.Tensor], np.ndarray]:
        """Makes the second pass; returns {content layer: sum (F - P)^2} and the gradient with respect to `seen`."""

        def arguments(tile: tiles.Tile, places: Places) -> tuple[passes.Part, list[passes.Sums], passes.ContentPart]:
            """Returns the arguments of the second pass over a tile."""
            features = self.targets.content.of(tile, places)
            own = {name: places[name].own for name in features}
            return self._part(seen, tile, places), style_gradients, passes.ContentPart(own, features, content_gradients)

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

    def _part(self, seen: tf.Tensor, tile: tiles.Tile, places: Places) -> passes.Part:
        """Cuts a tile out of what is seen of the picture."""
        with tf.device(seen.device):
            window = seen[tile.window]
        guides = [
            {name: places[name].guide(target.guides.get(name)) for name in self.comparison.style_layers}
            for target in self.targets.style
        ]
        return passes.Part(window, {name: place.start for name, place in places.items()}, guides)

    def _counts(self, seen: tf.Tensor) -> list[dict[str, tf.Tensor]]:
        """Returns for each region {style layer: the sum of its guide over all locations}."""
        size, sizes = tiling.size_of(seen), self._tiling(seen).sizes
        if size not in self._counted:
            self._counted[size] = [
                {name: statistics.count(target.guides.get(name), sizes[name]) for name in self.comparison.style_layers}
                for target in self.targets.style
            ]
        return self._counted[size]

    def _tiling(self, image: tf.Tensor) -> tiling.Tiling:
        size = tiling.size_of(image)
        if size not in self._tilings:
            self._tilings[size] = tiling.Tiling(self.comparison.extractor, *size, self._tile_size, self._halo)
        return self._tilings[size]
