"""Compares a run's memory with the memory available, and names image sizes and settings that fit.

The comparison comes before the run because Linux kills a process that takes too much memory without a message.
"""

from __future__ import annotations

import bisect
import contextlib
import dataclasses
import re
import warnings
from collections.abc import Callable, Generator

import keras
import tensorflow as tf

from nst_keras import optimizers
from nst_keras.engine import memory_estimate
from nst_keras.images import resizing
from nst_keras.networks import extractors
from nst_keras.runtime import memory

__all__ = ["check_memory", "explained", "largest_image_size", "out_of_memory_message"]

_LONGEST_SIDE = 2**15  # Pillow decodes no longer image.

_OUT_OF_MEMORY = re.compile(r"out of memory|RESOURCE_EXHAUSTED|failed to allocate|OOM when allocating", re.IGNORECASE)

_OUT_OF_DISK = re.compile(r"no space left|quota exceeded|too many open files", re.IGNORECASE)


def check_memory(request: memory_estimate.MemoryRequest) -> str:
    """Returns the first line that a run prints, and warns if the run is not expected to fit.

    The warning names an image size and settings that fit.

    Returns:
        One line, such as "96x96 px, vgg19 in float32, lbfgs: expected peak memory 2.1 GiB of this machine's 23.4 GiB."

    Raises:
        ValueError: An unknown name or layer, an argument outside its range, or an image too small for the network.
        TypeError: The optimizer is neither a name nor an optimizer object.
    """
    needed = memory_estimate.estimate(request).total
    available = memory.available_memory()
    expected = f"{_in_words(request)}: expected peak memory {_gibibytes(needed)}"
    if available is None:
        return f"{expected}."
    if needed > available.usable:
        warnings.warn(
            f"{expected}, but {available.place} has only {_gibibytes(available.usable)} for it. "
            f"{_remedy(available.usable, request)}",
            UserWarning,
            stacklevel=2,
        )
    return f"{expected} of {available.place}'s {_gibibytes(available.total)}."


def largest_image_size(room: int, request: memory_estimate.MemoryRequest) -> int | None:
    """Returns the largest `image_size` for which the run is expected to fit.

    `image_size` is the longest side of the content image. The aspect of both images is kept, and a style image is
    reduced with it, never enlarged.

    Args:
        room: Bytes that the run may take.
        request: The run. Its height and width give the aspect of the content image.

    Returns:
        Pixels, or None if no size that the network accepts fits.

    Raises:
        ValueError: An unknown name or layer, or an argument outside its range.
        TypeError: The optimizer is neither a name nor an optimizer object.
    """
    network = memory_estimate.extractor_of(request.extractor, layers=request.layers, jit_compile=request.jit_compile)
    style_size = request.style_size or request.size

    def total(longest_side: int) -> int:
        """Returns the bytes of a run at this size; 0 if the network accepts no images so small."""
        height, width = _scaled(request.size, longest_side)
        style = _scaled(style_size, min(longest_side, max(style_size)))
        if not (network.accepts(height, width) and network.accepts(*style)):
            return 0
        scaled = dataclasses.replace(
            request, height=height, width=width, style_size=style, extractor=network, layers=None
        )
        return memory_estimate.estimate(scaled).total

    fitting = bisect.bisect_right(range(1, _LONGEST_SIDE + 1), room, key=total)
    return fitting if fitting and total(fitting) else None


def out_of_memory_message(error: BaseException, request: memory_estimate.MemoryRequest) -> str | None:
    """Returns the message for a run that ran out of memory, with an image size and settings that fit.

    Args:
        error: What the run raised.
        request: The run.

    Returns:
        One line, or None if the error is of another kind.
    """
    if not _is_out_of_memory(error):
        return None
    # The run needed more than the memory available, whatever was estimated: advise for 3/4 of its estimate at most.
    room = 3 * memory_estimate.estimate(request).total // 4
    available = memory.available_memory()
    room = room if available is None else min(room, available.usable)
    return f"{_in_words(request)}: out of memory. {_remedy(room, request)}"


@contextlib.contextmanager
def explained(request: memory_estimate.MemoryRequest) -> Generator[None, None, None]:
    """Re-raises out-of-memory errors as `MemoryError` with an image size and settings that fit.

    Raises:
        MemoryError: The body ran out of memory. Other errors pass unchanged.
    """
    try:
        yield
    except Exception as error:
        message = out_of_memory_message(error, request)
        if message is None:
            raise
        raise MemoryError(message) from error


def _with_compact(request: memory_estimate.MemoryRequest) -> memory_estimate.MemoryRequest:
    """Returns the request for the compact network, with the layers of the network in its place."""
    layers = request.layers
    if layers is None and isinstance(request.extractor, extractors.FeatureExtractor):
        layers = request.extractor.layers
    return dataclasses.replace(request, extractor="compact", layers=layers)


# Settings that take less memory, as a user writes them.
_SAVINGS: dict[str, Callable[[memory_estimate.MemoryRequest], memory_estimate.MemoryRequest]] = {
    'jit_compile="false"': lambda request: dataclasses.replace(request, jit_compile="false"),
    "tile_size=128": lambda request: dataclasses.replace(request, tile_size=128),
    "lbfgs_history=3": lambda request: dataclasses.replace(request, lbfgs_history=3),
    'extractor="compact"': _with_compact,
}


def _remedy(room: int, request: memory_estimate.MemoryRequest) -> str:
    """Returns the advice: a smaller image that fits, and each setting that alone makes this size fit."""
    advice: list[str] = []
    image_size = largest_image_size(room, request)
    if image_size is not None:
        advice.append(f"image_size={image_size} would fit.")
    changed = {words: saving(request) for words, saving in _SAVINGS.items()}
    sufficient = [words for words, run in changed.items() if run != request and _fits(room, run)]
    if sufficient:
        advice.append(f"At this size, {' or '.join(sufficient)} would fit.")
    return " ".join(advice) or "No image size would fit: free some memory."


def _fits(room: int, request: memory_estimate.MemoryRequest) -> bool:
    try:
        return memory_estimate.estimate(request).total <= room
    except ValueError:  # The compact network may not have the layers, or tiles may not suit the network.
        return False


def _is_out_of_memory(error: BaseException) -> bool:
    if _OUT_OF_DISK.search(str(error)):  # TensorFlow calls that exhausted too.
        return False
    if isinstance(error, (MemoryError, tf.errors.ResourceExhaustedError)):
        return True
    # XLA raises other types, which change from version to version.
    return isinstance(error, (tf.errors.OpError, RuntimeError)) and bool(_OUT_OF_MEMORY.search(str(error)))


def _in_words(request: memory_estimate.MemoryRequest) -> str:
    tiles = f", tiles of {request.tile_size} px" if request.tile_size else ""
    names = f"{_name(request.extractor)}{_precision(request.extractor)}, {_name(request.optimizer)}"
    return f"{request.width}x{request.height} px, {names}{tiles}"


def _name(value: str | extractors.FeatureExtractor | keras.optimizers.Optimizer | optimizers.Optimizer) -> str:
    return value if isinstance(value, str) else getattr(value, "name", type(value).__name__)


def _precision(extractor: str | extractors.FeatureExtractor) -> str:
    """Returns words for the type that the network computes in; none for a network given by its name."""
    return "" if isinstance(extractor, str) else f" in {extractor.compute_dtype}"


def _scaled(size: tuple[int, int], longest_side: int) -> tuple[int, int]:
    """Returns the height and width that `resizing.resize` gives."""
    return resizing.scaled_size(*size, longest_side / max(size))


def _gibibytes(count: int) -> str:
    return f"{count / 2**30:.1f} GiB"
