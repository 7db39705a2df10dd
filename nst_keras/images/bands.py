"""Works on large pictures in bands of rows, so that memory need not hold a second picture of that size."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

__all__ = ["is_large", "of_rows", "resized"]

_LARGE = 16_000_000  # Pixels. A picture with no more than these is one band.
_BAND = 2_000_000  # Pixels in a band of a large picture: 24 MB of float32.
_ALIGNMENT = 64  # Bytes.
_REACH = 3  # Pixels that Lanczos's kernel covers on each side, if it does not reduce.

Rows = Callable[[int, int], "np.ndarray | tf.Tensor"]


def is_large(height: int, width: int) -> bool:
    """Returns whether a picture of this size is worked on in more than one band."""
    return height * width > _LARGE


def of_rows(height: int, width: int) -> Iterator[tuple[int, int]]:
    """Yields the bands of a picture from top to bottom, each as its first row and the row after its last."""
    step = max(1, _BAND // width) if is_large(height, width) else height
    for top in range(0, height, step):
        yield top, min(top + step, height)


def resized(rows: Rows, size: tuple[int, int], new_size: tuple[int, int]) -> tf.Tensor:
    """Resizes a picture that is read band by band, with antialiasing (Lanczos).

    If neither the picture nor the result is large, this equals `tf.image.resize`, bit for bit.

    Args:
        rows: `rows(top, bottom)` returns the rows from `top` to before `bottom`, float32 [bottom - top, width,
            channels], 0..255. It is called once for each row, from top to bottom.
        size: Height and width of the picture.
        new_size: Height and width of the result. If they equal `size`, the pixels stay unchanged.

    Returns:
        float32 [1, new height, new width, channels], 0..255.
    """
    if size == new_size:
        return _joined((rows(*band) for band in of_rows(*size)), size)
    return _joined(_resized_bands(rows, size, new_size), new_size)


def _resized_bands(rows: Rows, size: tuple[int, int], new_size: tuple[int, int]) -> Iterator[tf.Tensor]:
    scale = np.divide(new_size, size, dtype=np.float32)
    held: np.ndarray | tf.Tensor = np.empty(0, np.float32)
    start = known = 0
    for top, bottom in _bands_of_result(size, new_size):
        first, last = _needed(top, bottom, float(scale[0]), size[0])
        held = held[first - start :]
        if known < last:
            held, known = tf.concat([held, rows(known, last)], axis=0) if known else rows(0, last), last
        start = first
        yield _lanczos(held, (bottom - top, new_size[1]), scale, start * scale[0] - top)


def _bands_of_result(size: tuple[int, int], new_size: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Yields bands of the result, such that neither they nor the rows that they come from exceed a band's pixels."""
    new_height, new_width = new_size
    rows = min(_BAND / new_width, _BAND / size[1] * new_height / size[0])
    step = max(1, int(rows)) if is_large(*size) or is_large(*new_size) else new_height
    for top in range(0, new_height, step):
        yield top, min(top + step, new_height)


def _needed(top: int, bottom: int, scale: float, height: int) -> tuple[int, int]:
    """Returns the rows of a picture that go into these rows of the resized one, and one more on each side."""
    reach = _REACH * max(1.0, 1.0 / scale) + 1
    return max(0, math.floor(top / scale - reach)), min(height, math.ceil(bottom / scale + reach))


def _lanczos(held: np.ndarray | tf.Tensor, new_size: tuple[int, int], scale: np.ndarray, shift: float) -> tf.Tensor:
    resized = tf.raw_ops.ScaleAndTranslate(
        images=tf.convert_to_tensor(held)[tf.newaxis],
        size=new_size,
        scale=scale,
        translation=np.array([shift, 0], np.float32),
        kernel_type="lanczos3",
        antialias=True,
    )
    return tf.clip_by_value(resized[0], 0.0, 255.0)


def _joined(pieces: Iterator[np.ndarray | tf.Tensor], size: tuple[int, int]) -> tf.Tensor:
    """Joins bands to [1, height, width, channels]. Each band is freed once it is in its place."""
    piece = next(pieces)
    if piece.shape[0] == size[0]:
        return tf.convert_to_tensor(piece)[tf.newaxis]
    whole = _aligned((1, *size, np.shape(piece)[2]))
    whole[0, : len(piece)] = piece
    top = len(piece)
    for piece in pieces:
        whole[0, top : top + len(piece)] = piece
        top += len(piece)
    # Shares the memory, and copies it to another device only. `tf.constant` would copy an array twice.
    return tf.identity(tf.experimental.dlpack.from_dlpack(whole.__dlpack__()))


def _aligned(shape: tuple[int, ...]) -> np.ndarray:
    """Returns an uninitialised float32 array, aligned as TensorFlow needs it to share the memory."""
    count = math.prod(shape)
    memory = np.empty(count + _ALIGNMENT // 4, np.float32)
    start = -memory.ctypes.data % _ALIGNMENT // 4
    return memory[start : start + count].reshape(shape)
