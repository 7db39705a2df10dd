"""Whether a run fits into the memory there is and, where it does not, which one would.

On Linux a process that takes too much memory is killed without a word: hence the estimate before the run.
"""

from __future__ import annotations

import bisect
import contextlib
import re
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import tensorflow as tf

from nst_keras.engine import memory_estimate
from nst_keras.images import resizing
from nst_keras.networks import extractors
from nst_keras.runtime import memory

__all__ = ["check_memory", "explained", "largest_image_size", "out_of_memory_message"]

_LONGEST_SIDE = 2**15  # No picture that Pillow decodes is longer.

# Settings that take less memory, by how a user writes them.
_SAVINGS: dict[str, dict[str, Any]] = {
    'jit_compile="false"': {"jit_compile": "false"},
    "tile_size=128": {"tile_size": 128},
    "lbfgs_history=3": {"lbfgs_history": 3},
    'extractor="compact"': {"extractor": "compact"},
}

_OUT_OF_MEMORY = re.compile(r"out of memory|RESOURCE_EXHAUSTED|failed to allocate|OOM when allocating", re.IGNORECASE)


def check_memory(
    height: int,
    width: int,
    extractor: str | extractors.FeatureExtractor = "vgg19",
    optimizer: str | keras.optimizers.Optimizer = "adam",
    **settings: Any,
) -> str:
    """The line with which a run begins; a run that does not fit is warned of, with the size and settings that do.

    Args:
        height: Of the content image, in pixels.
        width: Likewise.
        extractor: As `memory_estimate.estimate_memory` takes it.
        optimizer: Likewise.
        settings: The other arguments of `memory_estimate.estimate_memory`.

    Returns:
        One line, such as "512x384 px, vgg19, lbfgs: expected peak memory 2.1 GiB of this machine's 23.4 GiB."

    Raises:
        ValueError: As `memory_estimate.estimate_memory` does.
    """
    needed = memory_estimate.estimate_memory(height, width, extractor, optimizer, **settings).total
    available = memory.available_memory()
    run = _run_in_words(height, width, extractor, optimizer, settings.get("tile_size"))
    if available is None:
        return f"{run}: expected peak memory {_gibibytes(needed)}."
    if needed > available.usable:
        remedy = _remedy(available.usable, height, width, extractor, optimizer, **settings)
        warnings.warn(
            f"{run}: expected peak memory {_gibibytes(needed)}, but {available.place} has only "
            f"{_gibibytes(available.usable)} for it. {remedy}",
            UserWarning,
            stacklevel=2,
        )
    return f"{run}: expected peak memory {_gibibytes(needed)} of {available.place}'s {_gibibytes(available.total)}."


def largest_image_size(
    room: int,
    height: int,
    width: int,
    extractor: str | extractors.FeatureExtractor = "vgg19",
    optimizer: str | keras.optimizers.Optimizer = "adam",
    *,
    style_size: tuple[int, int] | None = None,
    **settings: Any,
) -> int | None:
    """The largest `image_size`, the longest side of an image of this aspect, whose run is expected to fit.

    Args:
        room: Bytes that the run may take.
        height: Of the content image, in pixels.
        width: Likewise.
        extractor: As `memory_estimate.estimate_memory` takes it.
        optimizer: Likewise.
        style_size: Height and width of the largest style image, which `image_size` reduces too; those of the content
            image if left out.
        settings: The other arguments of `memory_estimate.estimate_memory`.

    Returns:
        Pixels, or None where no size that the network accepts would fit.
    """
    mode = settings.get("jit_compile", "auto")
    network = memory_estimate.extractor_of(extractor, layers=settings.pop("layers", None), jit_compile=mode)

    def sizes(longest_side: int) -> list[tuple[int, int]]:
        style = style_size or (height, width)
        return [_scaled(height, width, longest_side), _scaled(*style, min(longest_side, max(style)))]

    def total(longest_side: int) -> int:
        content, style = sizes(longest_side)
        if not (network.accepts(*content) and network.accepts(*style)):
            return 0
        return memory_estimate.estimate_memory(*content, network, optimizer, style_size=style, **settings).total

    fitting = bisect.bisect_right(range(1, _LONGEST_SIDE + 1), room, key=total)
    return fitting if fitting and total(fitting) else None


def out_of_memory_message(
    error: BaseException,
    height: int,
    width: int,
    extractor: str | extractors.FeatureExtractor = "vgg19",
    optimizer: str | keras.optimizers.Optimizer = "adam",
    **settings: Any,
) -> str | None:
    """The sentence for a run that memory did not suffice for, with the size and settings for which it would.

    Args:
        error: What the run raised.
        height: Of the content image, in pixels.
        width: Likewise.
        extractor: As `memory_estimate.estimate_memory` takes it.
        optimizer: Likewise.
        settings: The other arguments of `memory_estimate.estimate_memory`.

    Returns:
        One line, or None for an error of another kind.
    """
    if not _is_out_of_memory(error):
        return None
    # The run has refuted any estimate by which it fits: three quarters of it are then what can be had.
    room = 3 * memory_estimate.estimate_memory(height, width, extractor, optimizer, **settings).total // 4
    available = memory.available_memory()
    room = room if available is None else min(room, available.usable)
    remedy = _remedy(room, height, width, extractor, optimizer, **settings)
    run = _run_in_words(height, width, extractor, optimizer, settings.get("tile_size"))
    return f"{run}: out of memory. {remedy}"


@contextlib.contextmanager
def explained(need: Mapping[str, Any]) -> Iterator[None]:
    """Tells what would fit, where memory does not suffice for what is done in it.

    Args:
        need: {argument: value} of `out_of_memory_message`, but for its error.

    Raises:
        MemoryError: In the place of whatever said that memory did not suffice.
    """
    try:
        yield
    except Exception as error:
        message = out_of_memory_message(error, **need)
        if message is None:
            raise
        raise MemoryError(message) from error


def _remedy(
    room: int,
    height: int,
    width: int,
    extractor: str | extractors.FeatureExtractor,
    optimizer: str | keras.optimizers.Optimizer,
    **settings: Any,
) -> str:
    """What would fit into the room: a smaller image, or at this size a setting that alone suffices."""
    size = largest_image_size(room, height, width, extractor, optimizer, **settings)
    run = {"extractor": extractor, "optimizer": optimizer, **settings}
    run["layers"] = settings.get("layers") or getattr(extractor, "layers", None)
    sufficient = [
        saving
        for saving, change in _SAVINGS.items()
        if not change.items() <= run.items() and _fits(room, height, width, **(run | change))
    ]
    at_this_size = f"At this size, {' or '.join(sufficient)} would." if sufficient else ""
    if size is None:
        return at_this_size.replace(" would.", " would fit.") or "No size of it would fit: free some memory."
    return f"image_size={size} would fit. {at_this_size}".strip()


def _fits(room: int, height: int, width: int, **run: Any) -> bool:
    try:
        return memory_estimate.estimate_memory(height, width, **run).total <= room
    except ValueError:  # Another extractor may not have the layers.
        return False


def _is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, (MemoryError, tf.errors.ResourceExhaustedError)):
        return True
    # XLA's come as other kinds, from one version to the next.
    return isinstance(error, (tf.errors.OpError, RuntimeError)) and bool(_OUT_OF_MEMORY.search(str(error)))


def _run_in_words(
    height: int,
    width: int,
    extractor: str | extractors.FeatureExtractor,
    optimizer: str | keras.optimizers.Optimizer,
    tile_size: int | None,
) -> str:
    tiles = f", tiles of {tile_size} px" if tile_size else ""
    names = [getattr(value, "name", value) for value in (extractor, optimizer)]
    return f"{width}x{height} px, {', '.join(names)}{tiles}"


def _scaled(height: int, width: int, longest_side: int) -> tuple[int, int]:
    """The size that `resizing.resize` gives."""
    return resizing.scaled_size(height, width, longest_side / max(height, width))


def _gibibytes(count: int) -> str:
    return f"{count / 2**30:.1f} GiB"
