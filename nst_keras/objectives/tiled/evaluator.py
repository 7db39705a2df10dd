"""The objective of a picture larger than memory: the same loss and gradient, evaluated tile by tile.

The style loss knows the picture by sums over its locations alone, Gram matrices above all. So its exact gradient takes
two passes over the tiles: the first adds up each tile's sums S, whereupon the loss L(S) and dL/dS are known; the second
goes back through each tile against them, since dL/dx = <dL/dS, dS/dx>, and S is a sum over tiles. The content loss is
such a sum itself. What is asked of the picture for itself, total variation and the like, needs no network and no tiles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from nst_keras import losses
from nst_keras.losses import guidance, statistics
from nst_keras.networks import extractors
from nst_keras.objectives import backpropagation, objective, targets
from nst_keras.objectives.tiled import content_features, tiles, tiling
from nst_keras.runtime import compilation, devices, strategies

__all__ = ["TiledObjective", "check_statistic"]


def check_statistic(style_statistic: str) -> None:
    """Raises `ValueError` for a name in `statistics.STATISTICS` that is no sum over locations, as tiles ask for."""
    if not isinstance(statistics.get(style_statistic, normalization="mean"), statistics.Additive):
        raise ValueError(
            f"style_statistic={style_statistic!r} puts all locations of the picture in order, which tiles cannot do "
            "each for itself. Choose another, or tile_size=None."
        )


class TiledObjective(objective.Objective):
    """An `objective.Objective`, in memory that does not grow with the picture but for the picture itself.

    Args:
        extractor: As `objective.Objective` takes it; of layers that see so far and no farther.
        tile_size: What each side of the picture is divided into, in pixels, at most; see `tiles.tiles`.
        halo: Pixels around each tile that its window shows too, a multiple of the network's stride. All that the
            tile's features see, if left out, which makes the gradient exact. Less is faster, and not exact near the
            borders of tiles: with VGG19's five style layers 64 px in the place of 80 are off by 5e-7, 32 px by 5e-5.
        replicas: Share out the tiles among them; the one device if left out.
        **options: As `objective.Objective` takes them.

    Raises:
        ValueError: As `objective.Objective` does; a network that cannot be cut into tiles, a `style_statistic` that is
            no sum over locations, or a bad `tile_size` or `halo`.
    """

    def __init__(
        self,
        extractor: extractors.FeatureExtractor,
        *,
        tile_size: int,
        halo: int | None = None,
        replicas: devices.Replicas | None = None,
        **options: Any,
    ) -> None:
        self._tile_size, self._halo = tile_size, halo
        self._replicas = replicas or devices.Replicas(strategies.get("default"))
        self._counted: dict[tuple[int, int], list[dict[str, tf.Tensor]]] = {}
        self._tilings: dict[tuple[int, int], tiling.Tiling] = {}
        check_statistic(options.get("style_statistic", "gram"))
        super().__init__(extractor, **options)

    def tracing_count(self) -> int:
        """How often its compiled functions were traced, one with the other: 4 for a whole run."""
        return sum(function.tracing_count() for function in (self._sums, self._compared, self._pulled, self._closed))

    def _prepare(
        self, regions: Sequence[guidance.Region], content_image: tf.Tensor | None, jit_compile: str | bool
    ) -> None:
        self._regions: list[targets.Target] = []
        self._style = self._extractor
        if self._style_layers:
            self._style = self._extractor.select(self._style_layers)
            self._regions = targets.style_targets(self._statistic, self._style, regions, tile_size=self._tile_size)
        cut = self._tiling(content_image) if self._content_layers else None
        self._content = content_features.TiledContent(self._extractor, self._content_layers, content_image, cut)
        of_sums, of_pull = self._signatures()
        self._sums = compilation.compiled(self._sums_of, jit_compile=jit_compile, graph_signature=of_sums)
        self._compared = compilation.compiled(self._comparison, jit_compile=jit_compile)
        self._pulled = compilation.compiled(self._pull, jit_compile=jit_compile, graph_signature=of_pull)
        self._closed = compilation.compiled(self._closing, jit_compile=jit_compile)

    def _signatures(self) -> tuple[list[Any], list[Any]]:
        """Of both passes as graphs, of any size: where it is known, layers take forms that are good in XLA alone."""

        def parts(names: Iterable[str], numbers: Mapping[str, int]) -> dict[str, tf.TensorSpec]:
            """Of so many numbers at each location."""
            return {name: tf.TensorSpec([1, None, None, numbers[name]]) for name in names}

        window = tf.TensorSpec([1, None, None, 3])
        starts = dict.fromkeys(self._extractor.layers, tf.TensorSpec([2], tf.int32))
        one = dict.fromkeys(self._extractor.layers, 1)
        guides = [parts(self._style_layers, one) for _ in self._regions]
        pulls = tf.nest.map_structure(lambda total: tf.TensorSpec(total.shape), self._no_sums())
        content = self._content_layers
        of_content = [
            parts(content, one),
            parts(content, self._extractor.coordinates),
            dict.fromkeys(content, tf.TensorSpec([])),
        ]
        return [window, starts, guides], [window, starts, guides, pulls, *of_content]

    def _evaluate(self, image: tf.Tensor, weights: tf.Tensor) -> tuple[objective.LossTerms, tf.Tensor]:
        with tf.device(image.device):  # On the host, maybe: an accelerator is to hold windows alone.
            seen = self._seen(image)
        sums = self._add_up(seen)
        style_layers, pulls, content_pulls = self._compared(sums, self._counts(seen), weights)
        squares, gradient = self._pull_back(seen, pulls, content_pulls)
        content_layers = {name: content_pulls[name] * total for name, total in squares.items()}
        with tf.device(image.device):
            priors, gradient = self._closed(image, gradient, weights)
        return objective.terms_of(style_layers, content_layers, **priors), gradient

    def _add_up(self, seen: tf.Tensor) -> list[Any]:
        """The first pass: for each region the statistic's sums over all of the picture."""
        if not self._regions:
            return []

        def arguments(tile: tiles.Tile, places: dict[str, tiling.Place]) -> tuple[Any, ...]:
            """Those of the first pass over a tile."""
            return _window(seen, tile), *self._guided(places)

        total = self._no_sums()
        for _, sums in self._each(seen, self._sums, arguments):
            total = tf.nest.map_structure(tf.add, total, sums)
        return self._replicas.total([total])

    def _sums_of(
        self, window: tf.Tensor, starts: dict[str, tf.Tensor], guides: Sequence[dict[str, tf.Tensor]]
    ) -> list[dict[str, dict[str, tf.Tensor]]]:
        return self._style_sums(self._style(window), starts, guides)

    def _comparison(
        self, sums: list[Any], counts: list[dict[str, tf.Tensor]], weights: tf.Tensor
    ) -> tuple[dict[str, tf.Tensor], list[Any], dict[str, tf.Tensor]]:
        """The style loss of each layer, its gradient with respect to the sums, and that of content to its squares."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(sums)
            style = {name: self._score(name, sums, counts) for name in self._style_layers}
            style = self._weighted(weights, "style", style, self._style_layers)
            total = tf.add_n(list(style.values())) if style else tf.constant(0.0)
        content = {
            name: losses.content_score(
                tf.constant(1.0), self._content.energy[name], size, normalization=self._normalization
            )
            for name, size in self._content.size.items()
        }
        pulls = tape.gradient(total, sums) if style else []
        return style, pulls, self._weighted(weights, "content", content, self._content_layers)

    def _score(self, name: str, sums: list[Any], counts: list[dict[str, tf.Tensor]]) -> tf.Tensor:
        """The style loss of a layer, before its weights."""
        channels = self._extractor.channels[name]
        of_regions = []
        for target, of_region, count in zip(self._regions, sums, counts, strict=True):
            means = {key: total / count[name] for key, total in of_region[name].items()}
            score = self._statistic.score(
                means, target.layers[name], normalization=self._normalization, channels=channels
            )
            of_regions.append(target.strength * score)
        return tf.add_n(of_regions)

    def _pull_back(
        self, seen: tf.Tensor, pulls: list[Any], content_pulls: dict[str, tf.Tensor]
    ) -> tuple[dict[str, tf.Tensor], np.ndarray]:
        """The second pass: each content layer's sum of squares, and the gradient with respect to what is seen."""

        def arguments(tile: tiles.Tile, places: dict[str, tiling.Place]) -> tuple[Any, ...]:
            """Those of the second pass over a tile."""
            content = self._content.of(tile, places)
            own = {name: places[name].own for name in content}
            return _window(seen, tile), *self._guided(places), pulls, own, content, content_pulls

        total, gradient = tf.nest.map_structure(tf.zeros_like, content_pulls), np.zeros(seen.shape, np.float32)
        for tile, (squares, of_window) in self._each(seen, self._pulled, arguments):
            gradient[tile.window] += of_window.numpy()
            total = tf.nest.map_structure(tf.add, total, squares)
        # Without content there is nothing of it to send.
        return total and self._replicas.total([total]), self._replicas.total_of_array(gradient)

    def _each(
        self,
        seen: tf.Tensor,
        function: Callable[..., Any],
        arguments: Callable[[tiles.Tile, dict[str, tiling.Place]], tuple[Any, ...]],
    ) -> Iterator[tuple[tiles.Tile, Any]]:
        """Calls a function for each of this host's tiles, of as many at a time as there are replicas."""
        cut = self._tiling(seen)
        for dealt in self._replicas.deal(cut.tiles):
            given = [None if tile is None else arguments(tile, cut.places(tile)) for tile in dealt]
            results = self._replicas.run(function, given)
            yield from ((tile, result) for tile, result in zip(dealt, results, strict=True) if tile is not None)

    def _no_sums(self) -> list[Any]:
        """The sums of no location at all, for a host that has no tile."""
        empty = {name: tf.zeros([1, 0, 0, numbers]) for name, numbers in self._style.coordinates.items()}
        return [
            {name: self._statistic.sums(features, target.layers[name]) for name, features in empty.items()}
            for target in self._regions
        ]

    def _pull(
        self,
        window: tf.Tensor,
        starts: dict[str, tf.Tensor],
        guides: Sequence[dict[str, tf.Tensor]],
        pulls: list[Any],
        own: dict[str, tf.Tensor],
        content: dict[str, tf.Tensor],
        content_pulls: dict[str, tf.Tensor],
    ) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        def pulled(features: dict[str, tf.Tensor]) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
            """What is differentiated for the image's gradient, and each content layer's sum of squares."""
            squares = {
                name: _squares(tiling.cropped(features[name], starts[name], _size(mask)), content[name], mask)
                for name, mask in own.items()
            }
            values = tf.nest.flatten([self._style_sums(features, starts, guides), squares])
            pairs = zip(tf.nest.flatten([pulls, content_pulls]), values, strict=True)
            return tf.add_n([tf.reduce_sum(pull * value) for pull, value in pairs]), squares

        return backpropagation.through(self._extractor, window, pulled)

    def _style_sums(
        self, features: dict[str, tf.Tensor], starts: dict[str, tf.Tensor], guides: Sequence[dict[str, tf.Tensor]]
    ) -> list[dict[str, dict[str, tf.Tensor]]]:
        """For each region {layer: the statistic's sums over the tile's own locations}."""
        sizes = {name: _size(guide) for name, guide in guides[0].items()} if guides else {}
        own = {name: tiling.cropped(features[name], starts[name], size) for name, size in sizes.items()}
        return [
            {name: self._statistic.sums(own[name], target.layers[name], guide[name]) for name in own}
            for target, guide in zip(self._regions, guides, strict=True)
        ]

    def _guided(self, places: dict[str, tiling.Place]) -> tuple[dict[str, np.ndarray], list[dict[str, np.ndarray]]]:
        """Where a tile's own features begin, and for each region what each of them counts."""
        guides = [
            {name: places[name].guide(target.guides.get(name)) for name in self._style_layers}
            for target in self._regions
        ]
        return {name: place.start for name, place in places.items()}, guides

    def _counts(self, seen: tf.Tensor) -> list[dict[str, tf.Tensor]]:
        """For each region {layer: what all of its locations count together}."""
        size, sizes = tuple(seen.shape[1:3]), self._tiling(seen).sizes
        if size not in self._counted:
            self._counted[size] = [
                {name: statistics.count(target.guides.get(name), sizes[name]) for name in self._style_layers}
                for target in self._regions
            ]
        return self._counted[size]

    def _tiling(self, image: tf.Tensor) -> tiling.Tiling:
        size = tuple(image.shape[1:3])
        if size not in self._tilings:
            self._tilings[size] = tiling.Tiling(self._extractor, *size, self._tile_size, self._halo)
        return self._tilings[size]


def _size(part: tf.Tensor) -> tf.TensorShape | tf.Tensor:
    """Height and width of [1, height, width, ...], where they are known, and otherwise as a tensor."""
    return part.shape[1:3] if part.shape.is_fully_defined() else tf.shape(part)[1:3]


def _window(seen: tf.Tensor, tile: tiles.Tile) -> tf.Tensor:
    with tf.device(seen.device):
        return seen[tile.window]


def _squares(features: tf.Tensor, target: tf.Tensor, own: tf.Tensor) -> tf.Tensor:
    """The sum (F - P)^2 over a tile's own features."""
    return tf.reduce_sum(own * tf.math.squared_difference(features, tf.cast(target, tf.float32)))
