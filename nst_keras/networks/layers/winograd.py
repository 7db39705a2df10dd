"""3x3 convolutions by Winograd's minimal filtering, F(4x4, 3x3), for frozen kernels.

A tile of 4x4 outputs takes 36 products a pair of channels in place of 144 (Lavin and Gray, "Fast Algorithms for
Convolutional Neural Networks", arXiv 1509.09308, section 4.3); the kernel, which is frozen, is transformed once. XLA
fuses the transforms, and runs the wide layers of VGG19 about twice as fast as by its own convolution.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

__all__ = ["EXPANSION", "KERNEL_EXPANSION", "TILE", "convolution", "transformed_kernel"]

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

# Numbers that the transforms make of one: 36 of the 16 pixels of a tile, and of the 9 of a kernel.
EXPANSION = 36 / TILE**2
KERNEL_EXPANSION = 36 / 9


def transformed_kernel(kernel: np.ndarray) -> np.ndarray:
    """G g G^T of each kernel g: [3, 3, channels, filters] -> float32 [36, channels, filters]."""
    kernel = np.asarray(kernel, np.float64)
    transformed = np.einsum("ra,sb,abio->rsio", _KERNEL, _KERNEL, kernel)
    return transformed.reshape(36, *kernel.shape[2:]).astype(np.float32)


def convolution(inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """The convolution of stride 1 with zero padding ("same"), differentiable with respect to the inputs.

    Args:
        inputs: float32 [1, height, width, channels], its shape known.
        kernel: float32 [36, channels, filters], from `transformed_kernel`.

    Returns:
        float32 [1, height, width, filters].
    """
    height, width = inputs.shape[1:3]

    @tf.custom_gradient
    def differentiable(values: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
        """The convolution, and its transpose."""
        return _forward(values, kernel), lambda upstream: _backward(upstream, kernel, height, width)

    return differentiable(inputs)


def _forward(inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """A^T [ (G g G^T) (B^T d B) ] A over all tiles d (Lavin and Gray, eq. 12)."""
    _, height, width, channels = inputs.shape
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
    """The transpose of `_forward`, step by step: each matrix transposed, overlapping tiles added up."""
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
    """Each row of a matrix as a sum of the parts, its zeros left out."""
    # So are products with 1: a network has a thousand of them, which take half a second to trace.
    rows = [[(c, part) for c, part in zip(row, parts, strict=True) if c] for row in matrix]
    return [tf.add_n([part if c == 1 else float(c) * part for c, part in row]) for row in rows]


def _joined(tiles: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """[rows, 4, columns, 4, filters] put side by side, and cut to [1, height, width, filters]."""
    rows, _, columns, _, filters = tiles.shape
    return tf.reshape(tiles, (1, rows * TILE, columns * TILE, filters))[:, :height, :width]


def _overlapped(places: Sequence[tf.Tensor], axis: int) -> tf.Tensor:
    """Tiles of 6, place by place, added up at steps of 4 along an axis of n tiles, which becomes 4 (n + 1) long."""

    def moved(tensor: tf.Tensor, before: int) -> tf.Tensor:
        """One tile longer, by zeros before it or after it."""
        padding = [[0, 0] for _ in tensor.shape]
        padding[axis] = [before, 1 - before]
        return tf.pad(tensor, padding)

    first = [moved(place, 0) for place in places[:TILE]]
    last = [moved(place, 1) for place in places[TILE:]]
    joined = tf.stack([first[0] + last[0], first[1] + last[1], *first[2:]], axis + 1)
    shape = joined.shape.as_list()
    return tf.reshape(joined, [*shape[:axis], shape[axis] * TILE, *shape[axis + 2 :]])
