"""The order of a batch: pairs of one network and one size follow each other. Nothing here needs TensorFlow."""

from __future__ import annotations

import functools
import os
import warnings
from collections.abc import Iterable

import PIL.Image

from nst_keras import settings
from nst_keras.cli.batch import pairs as pairs_lib
from nst_keras.images import samples
from nst_keras.images.formats import rasters
from nst_keras.settings import paths

__all__ = ["kind", "ordered", "pixels", "size", "steps"]

# Values of EXIF's orientation that turn a picture on its side.
_TURNED = (5, 6, 7, 8)
_USUAL_SIZE = (512, 512)


def ordered(pairs: Iterable[pairs_lib.Pair]) -> list[pairs_lib.Pair]:
    """Returns pairs in the order in which least is compiled and measured: by settings, size, style and number.

    Args:
        pairs: Pairs with settings.
    """
    every = list(pairs)
    kinds = list(dict.fromkeys(map(kind, every)))
    return sorted(every, key=lambda pair: (kinds.index(kind(pair)), size(pair) or (0, 0), pair.styles, pair.number))


def size(pair: pairs_lib.Pair) -> tuple[int, int] | None:
    """Returns about the height and width that a pair's picture will have; None where only its run can tell."""
    if pair.asked is None:
        return None
    images = pair.asked.transfer.images
    if images.texture_size is not None:
        width, _, height = images.texture_size.partition("x")
        return (int(height), int(width)) if height.isdecimal() and width.isdecimal() else None
    own = _own_size(pair.inputs[0]) if pair.inputs else None
    return None if own is None else _scaled(own, images)


def pixels(pair: pairs_lib.Pair) -> int:
    """Returns the number of pixels of a pair's picture; that of 512x512 where the size is not known."""
    height, width = size(pair) or _USUAL_SIZE
    return height * width


def steps(pair: pairs_lib.Pair) -> int:
    """Returns the number of steps of a pair; 0 for one that cannot be made."""
    return 0 if pair.asked is None else pair.asked.fit.epochs * pair.asked.fit.steps_per_epoch


def _scaled(own: tuple[int, int], images: settings.ImageSettings) -> tuple[int, int]:
    """Returns the size of a picture after it was reduced or enlarged."""
    scale = 1.0 if images.image_size is None else images.image_size / max(own)
    scale = scale if images.enlarge else min(1.0, scale)
    height, width = (max(1, round(side * scale)) for side in own)
    step = images.size_step or 1
    return max(1, round(height / step)) * step, max(1, round(width / step)) * step


def kind(pair: pairs_lib.Pair) -> str:
    """Returns a key. Pairs with equal keys share one compiled transfer."""
    own = settings.values(pair.asked.transfer) if pair.asked is not None else {}
    images = settings.values(settings.ImageSettings())
    return repr({name: value for name, value in own.items() if name not in images})


def _own_size(name: str) -> tuple[int, int] | None:
    """Returns height and width of a picture as it is shown; None if that is not known without reading it whole."""
    try:
        path = samples.path(name) if name.startswith(paths.SAMPLE) else os.path.expanduser(paths.local(name))
        # A pipe would wait for its other end.
        return _size_in(str(path), os.stat(path).st_mtime_ns) if os.path.isfile(path) else None
    except Exception:  # Whatever is wrong with it, the run says it better.
        return None


@functools.lru_cache(maxsize=4096)
def _size_in(path: str, changed: int) -> tuple[int, int]:
    """Returns height and width of a picture in a file that was last changed then."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # The run warns of what is odd in a picture.
        with PIL.Image.open(path) as picture:
            turned = rasters.orientation_of(picture) in _TURNED
            width, height = picture.size
    return (width, height) if turned else (height, width)
