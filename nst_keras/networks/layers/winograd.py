"""3x3 convolutions by Winograd's minimal filtering, F(4x4, 3x3), for frozen kernels.

A tile of 4x4 outputs takes 36 products per pair of channels in place of 144 (Lavin and Gray, "Fast Algorithms for
Convolutional Neural Networks", arXiv 1509.09308, section 4.3). The kernel is frozen, and so transformed only once. XLA
fuses the transforms. It runs the wide layers of VGG19 about twice as fast as with its own convolution.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

__all__ = ["EXPANSION", "KERNEL_EXPANSION", "TILE", "convolution", "known_sizes", "transformed_kernel"]

# The matrices of Lavin and Gray: data (B^T), kernel (G) and output (A^T) transforms, for the points 0, 1, -1, 2, -2.
_DATA = np.array(
    [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ]
)
_KERNEL = np.array([[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]]) / 24
_OUTPUT = np.array([[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]])
TILE = 4  # Outputs along each side of a tile.

# Size of the transforms, relative to what is transformed: 36 numbers for 16 pixels of a tile, or 9 of a kernel.
EXPANSION = 36 / TILE**2
KERNEL_EXPANSION = 36 / 9


def transformed_kernel(kernel: np.ndarray) -> np.ndarray:
    """Returns G g G^T of each kernel g: [3, 3, channels, filters] -> float32 [36, channels, filters]."""
    kernel = np.asarray(kernel, np.float64)
    transformed = np.einsum("ra,sb,abio->rsio", _KERNEL, _KERNEL, kernel)
    return transformed.reshape(36, *kernel.shape[2:]).astype(np.float32)


def known_sizes(inputs: tf.Tensor) -> tuple[int, int, int]:
    """Returns height, width and channels of inputs [1, height, width, channels], whose shape must be known."""
    _, height, width, channels = inputs.shape  # TensorFlow's annotation allows sizes that are not known.
    return height, width, channels  # pyright: ignore[reportReturnType]


def convolution(inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """Returns the convolution of stride 1 with zero padding ("same"), differentiable with respect to the inputs.

    Args:
        inputs: float32 [1, height, width, channels]; the shape must be known.
        kernel: float32 [36, channels, filters], from `transformed_kernel`.

    Returns:
        float32 [1, height, width, filters].
    """
    return _of_sizes(*known_sizes(inputs), kernel.shape[-1])(inputs, kernel)


@functools.lru_cache(maxsize=256)
def _of_sizes(height: int, width: int, channels: int, filters: int) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    """Returns the convolution of inputs and kernels of these sizes, as a graph of its own.

    TensorFlow keeps each custom gradient that is traced, with the graph around it, for as long as the process lives.
    Here that is a small graph for each size, and not the whole step of every picture.
    """

    @tf.custom_gradient
    def differentiable(inputs: tf.Tensor, kernel: tf.Tensor) -> tuple[tf.Tensor, Callable[..., Any]]:
        """Returns the convolution, and the function that gives its gradient."""
        return _forward(inputs, kernel), lambda upstream: (_backward(upstream, kernel, height, width), None)

    shapes = [1, height, width, channels], [36, channels, filters]
    return tf.function(
        differentiable, input_signature=[tf.TensorSpec(shape, tf.float32) for shape in shapes], autograph=False
    )


def _forward(inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """Returns A^T [ (G g G^T) (B^T d B) ] A over all tiles d (Lavin and Gray, eq. 12)."""
    height, width, channels = known_sizes(inputs)
    rows, columns = _tiles(height), _tiles(width)
    padding = [[1, rows * TILE + 1 - height], [1, columns * TILE + 1 - width], [0, 0]]
    padded = tf.pad(inputs[0], padding)
    bands = [padded[i : i + TILE * rows - 3 : TILE] for i in range(6)]
    bands = tf.stack(_combinations(_DATA, bands))
    data = tf.stack(_combinations(_DATA, [bands[:, :, j : j + TILE * columns - 3 : TILE] for j in range(6)]), 1)
    products = tf.matmul(tf.reshape(data, (36, rows * columns, channels)), kernel)
    products = tf.reshape(products, (6, 6, rows, columns, -1))
    tall = tf.stack(_combinations(_OUTPUT, tf.unstack(products)), 1)
    tiles = tf.stack(_combinations(_OUTPUT, tf.unstack(tall)), 3)
    return _joined(tf.transpose(tiles, (1, 0, 2, 3, 4)), height, width)


def _backward(upstream: tf.Tensor, kernel: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """Returns the transpose of `_forward`, step by step: each matrix transposed, overlapping tiles added up."""
    rows, columns = _tiles(height), _tiles(width)
    filters = upstream.shape[-1]
    padded = tf.pad(upstream[0], [[0, rows * TILE - height], [0, columns * TILE - width], [0, 0]])
    tiles = tf.reshape(padded, (rows, TILE, columns, TILE, filters))
    tall = tf.stack(_combinations(_OUTPUT.T, tf.unstack(tiles, axis=1)))
    products = tf.stack(_combinations(_OUTPUT.T, tf.unstack(tall, axis=3)), 1)
    products = tf.reshape(products, (36, rows * columns, filters))
    data = tf.reshape(tf.matmul(products, kernel, transpose_b=True), (6, 6, rows, columns, -1))
    bands = _overlapped(_combinations(_DATA.T, tf.unstack(data, axis=1)), axis=2)
    inputs = _overlapped(_combinations(_DATA.T, tf.unstack(bands)), axis=0)
    return inputs[tf.newaxis, 1 : height + 1, 1 : width + 1]


def _tiles(side: int) -> int:
    return -(-side // TILE)


def _combinations(matrix: np.ndarray, parts: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Returns the sum of the parts for each row of a matrix, weighted by the row."""
    # Without products with 0 and 1: a network has a thousand of them, which take half a second to trace.
    rows = [[(c, part) for c, part in zip(row, parts, strict=True) if c] for row in matrix]
    return [tf.add_n([part if c == 1 else float(c) * part for c, part in row]) for row in rows]


def _joined(tiles: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """Returns tiles [rows, 4, columns, 4, filters] side by side, cut to [1, height, width, filters]."""
    return tf.reshape(tiles, (1, _tiles(height) * TILE, _tiles(width) * TILE, tiles.shape[-1]))[:, :height, :width]


def _overlapped(places: Sequence[tf.Tensor], axis: int) -> tf.Tensor:
    """Returns tiles of 6 added up at steps of 4, along an axis of n tiles, which becomes 4 (n + 1) long.

    Args:
        places: The values of all tiles at each of the 6 places.
        axis: The axis of the tiles.
    """

    def moved(tensor: tf.Tensor, before: int) -> tf.Tensor:
        """Returns the tensor, one tile longer by zeros before it or after it."""
        padding = [[0, 0] for _ in tensor.shape]
        padding[axis] = [before, 1 - before]
        return tf.pad(tensor, padding)

    first = [moved(place, 0) for place in places[:TILE]]
    last = [moved(place, 1) for place in places[TILE:]]
    joined = tf.stack([first[0] + last[0], first[1] + last[1], *first[2:]], axis + 1)
    shape = joined.shape.as_list()
    return tf.reshape(joined, [*shape[:axis], shape[axis] * TILE, *shape[axis + 2 :]])
