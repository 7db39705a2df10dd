"""Reads the pictures that a user names into the inputs of a run: lists, folders, sizes, scales and masks, checked."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple, TypeAlias, TypeGuard

import numpy as np
import PIL.Image
import tensorflow as tf

from nst_keras import checks, settings
from nst_keras.engine import inputs
from nst_keras.images import colour, folders, loading, masks, resizing, starts
from nst_keras.runtime import memory
from nst_keras.settings import modes, paths

__all__ = ["read"]

# What is one picture, if it stands in a list.
_ONE = (str, os.PathLike, np.ndarray, tf.Tensor, PIL.Image.Image)

Sources: TypeAlias = "settings.ImageSource | list[settings.ImageSource] | None"


def read(
    given: settings.ImageSettings,
    mode: modes.Mode,
    *,
    seed: int,
    before: inputs.Inputs | None = None,
    changed: Collection[str] = (),
) -> inputs.Inputs:
    """Returns the inputs of a run: every picture read, resized and checked.

    Args:
        given: The pictures, their sizes and how they are used. `modes.get` has checked them against the mode.
        mode: The kind of run.
        seed: Seed of the noise, 0 or more.
        before: Inputs that were read with other settings. Default: every picture is read.
        changed: Names of the settings that differ from those of `before`. Pictures that depend on none of them are
            reused.

    Raises:
        ValueError: A bad option, options that contradict each other, or a picture that is damaged or too large.
        TypeError: A picture of an unsupported type.
        OSError: A picture cannot be read.
    """
    preservation = colour.PRESERVATIONS[checks.one_of("preserve_color", given.preserve_color, colour.PRESERVATIONS)]
    if given.enlarge and given.image_size is None:
        raise ValueError("enlarge has no effect without image_size. Give the longest side to enlarge to.")
    start = starts.read(mode.init if given.init is None else given.init)
    known = _Known(before, changed)
    picture = known.content() or _content(given)
    content = None if picture is None else picture.image
    styles = (known.styles() if given.style_scale is None else []) or _styles(given)
    size = _size(content, given.texture_size, styles)
    if given.style_scale is not None:
        styles = known.styles(size) or _scaled(_sources(given.style_image), given.style_scale, size)
    style_masks, content_mask = _style_masks(given.style_mask, size, styles), _content_mask(given.content_mask, size)
    masks.check_painted(style_masks, content_mask)
    return inputs.Inputs(
        size=size,
        content_image=content,
        content_target=None if content is None else preservation.content(content),
        style_images=styles,
        style_targets=[_style_target(style, content, preservation) for style in styles],
        blend=_blend(given.style_blend, styles),
        style_masks=style_masks,
        content_mask=content_mask,
        init=start,
        seed=seed,
        preserve_color=given.preserve_color,
        content_size=None if picture is None else picture.size,
        content_alpha=None if picture is None else picture.alpha,
    )


_LARGEST_SCALE = 1e9  # Of a style: far beyond any memory, which is checked once the pictures are read.


class _Known(NamedTuple):
    """Earlier inputs, and which of their pictures can be reused."""

    before: inputs.Inputs | None
    changed: Collection[str]

    def content(self) -> loading.Picture | None:
        """Returns the content image as it was read before; None if it must be read."""
        before = self.before
        if before is None or before.content_image is None or self._has("content_image"):
            return None
        return loading.Picture(before.content_image, before.content_alpha, before.content_size or before.size)

    def styles(self, size: tuple[int, int] | None = None) -> list[tf.Tensor]:
        """Returns the style images as they were read before; empty if they must be read.

        Args:
            size: Height and width of the picture now, if the size of the style images depends on it.
        """
        before = self.before
        if before is None or self._has("style_image", "style_scale") or (size and size != before.size):
            return []
        return before.style_images

    def _has(self, *names: str) -> bool:
        """Returns whether one of these settings has changed, or the size of all images."""
        return any(name in self.changed for name in (*names, "image_size", "enlarge", "size_step"))


def _content(given: settings.ImageSettings) -> loading.Picture | None:
    """Returns the content image, resized, with its transparency; None if none is given."""
    if given.content_image is None:
        return None
    _check_is_one(given.content_image)
    picture = loading.read(given.content_image, longest_side=given.image_size, argument="content_image")
    return picture._replace(image=_rounded(_enlarged(picture.image, given), given.size_step))


def _check_is_one(content_image: object) -> None:
    """Raises an error for a folder or several pictures in place of the content image."""
    if _is_folder(content_image):
        error, what = IsADirectoryError, f"the folder {str(content_image)!r}"
    elif isinstance(content_image, str) and paths.several(content_image):
        error, what = FileNotFoundError, f"{content_image!r}, several pictures"
    elif isinstance(content_image, (list, tuple)) and any(isinstance(one, _ONE) for one in content_image):
        error, what = TypeError, f"a list of {len(content_image)}"
    else:
        return
    raise error(
        f"content_image is {what}, but a run makes one picture: nst-keras batch makes several, and so does "
        "nst_keras.batch.run in Python."
    )


def _styles(given: settings.ImageSettings) -> list[tf.Tensor]:
    """Returns the style images at `image_size`. With `style_scale`, `_scaled` reads them again at another size."""
    sources = _sources(given.style_image)
    styles = [loading.load(source, longest_side=given.image_size, argument="style_image") for source in sources]
    return [_enlarged(style, given) for style in styles]


def _enlarged(image: tf.Tensor, given: settings.ImageSettings) -> tf.Tensor:
    """Returns an image enlarged to `image_size` if `enlarge` says so, else the image itself."""
    if not given.enlarge or given.image_size is None:
        return image
    return _resized("image_size", image, given.image_size)


def _rounded(image: tf.Tensor, step: int | None) -> tf.Tensor:
    """Returns an image stretched to sides that are multiples of a number of pixels; the image itself for None."""
    if step is None:
        return image
    height, width = (max(1, round(side / step)) * step for side in resizing.size_of(image))
    memory.check_picture("size_step", height, width)
    return resizing.resize_to(image, height, width)


def _style_masks(style_mask: Sources, size: tuple[int, int], styles: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Returns the style masks at the picture's size, one for each style image; empty if none are given."""
    sources = _list(style_mask)
    if sources:
        _check_count("style_mask", sources, styles)
    return [masks.load(source, size, argument=f"style_mask[{place}]") for place, source in enumerate(sources)]


def _content_mask(content_mask: settings.ImageSource | None, size: tuple[int, int]) -> tf.Tensor | None:
    """Returns the content mask at the picture's size, or None."""
    return None if content_mask is None else masks.load(content_mask, size, argument="content_mask")


def _list(sources: Sources) -> list[settings.ImageSource]:
    """Returns the sources as a list: empty for None, of one for a single source."""
    if sources is None:
        return []
    return list(sources) if isinstance(sources, (list, tuple)) else [sources]


def _sources(style_image: Sources) -> list[settings.ImageSource]:
    """Returns the sources of the style images. A folder stands for the pictures in it, sorted by name."""
    if isinstance(style_image, (list, tuple)) and not style_image:
        raise ValueError("style_image is an empty list. Give at least one image.")
    return [one for source in _list(style_image) for one in _in_folder(source)]


def _is_folder(source: object) -> TypeGuard[str | os.PathLike[str]]:
    return isinstance(source, (str, os.PathLike)) and paths.is_folder(source)


def _in_folder(source: settings.ImageSource) -> Sequence[settings.ImageSource]:
    """Returns the pictures in a folder, or the source itself if it is no folder."""
    if not _is_folder(source):
        return [source]
    found = folders.pictures(paths.local(source))
    if not found:
        raise ValueError(
            f"style_image: there is no picture ({', '.join(folders.SUFFIXES)}) in the folder {str(source)!r}. Give "
            "another folder."
        )
    return found


def _size(content: tf.Tensor | None, texture_size: str | None, styles: Sequence[tf.Tensor]) -> tuple[int, int]:
    """Returns height and width of the picture in pixels."""
    if texture_size is None:
        return resizing.size_of(styles[0] if content is None else content)
    if not isinstance(texture_size, str) or not re.fullmatch(r"[1-9]\d*x[1-9]\d*", texture_size):
        raise ValueError(
            f"texture_size must be WIDTHxHEIGHT in pixels, such as '640x480', but {texture_size!r} was given."
        )
    width, height = map(int, texture_size.split("x"))
    memory.check_picture("texture_size", height, width)
    return height, width


def _scaled(
    sources: Sequence[settings.ImageSource], style_scale: float | Sequence[float], size: tuple[int, int]
) -> list[tf.Tensor]:
    """Returns the style images, the longest side of each scaled to `style_scale` times the picture's longest side.

    A file is reduced to that size as it is read.
    """
    scales = _numbers(style_scale, repeated=len(sources))
    _check_count("style_scale", scales, sources)
    for scale in scales:
        if not 0 < checks.finite("style_scale", scale) <= _LARGEST_SCALE:
            raise ValueError(
                f"style_scale must be above 0, up to {_LARGEST_SCALE:g}, but {scale!r} was given. 1 is the picture's "
                "size."
            )
    sides = [max(1, round(scale * max(size))) for scale in scales]
    return [
        _resized("style_scale", loading.load(source, longest_side=side, argument="style_image"), side)
        for source, side in zip(sources, sides, strict=True)
    ]


def _resized(argument: str, image: tf.Tensor, longest_side: int) -> tf.Tensor:
    """Returns an image reduced or enlarged to a longest side, if the machine can hold that."""
    size = resizing.size_of(image)
    memory.check_picture(argument, *resizing.scaled_size(*size, longest_side / max(size)))
    return resizing.resize(image, longest_side, enlarge=True)


def _style_target(style: tf.Tensor, content: tf.Tensor | None, preservation: colour.Preservation) -> tf.Tensor:
    """Returns the image that the style loss compares with: recoloured and clipped to 0..255, or the style itself."""
    if content is None:  # There are no colours to preserve.
        return style
    target = preservation.style(style, content)
    return target if target is style else tf.clip_by_value(target, 0.0, 255.0)


def _blend(style_blend: Sequence[float] | None, styles: Sequence[tf.Tensor]) -> list[float]:
    """Returns the share of each style image, scaled to add up to 1. Default: equal shares."""
    if style_blend is None:
        return [1.0 / len(styles) for _ in styles]
    given = _numbers(style_blend)
    _check_count("style_blend", given, styles)
    shares = [checks.non_negative("style_blend", share) for share in given]
    if not 0 < sum(shares) < math.inf:
        raise ValueError(f"style_blend={given} adds up to {sum(shares)}. Give shares such as 0.7 and 0.3.")
    return [share / sum(shares) for share in shares]


def _numbers(values: float | Sequence[float], *, repeated: int = 1) -> list[float]:
    """Returns numbers, also those of a NumPy array, as a list; a single number is repeated."""
    plain: Any = np.asarray(values).tolist() if isinstance(values, (list, tuple, np.ndarray)) else values
    return plain if isinstance(plain, list) else [plain] * repeated


def _check_count(argument: str, values: Sequence[object], styles: Sequence[object]) -> None:
    """Raises `ValueError` unless there are as many values as style images."""
    if len(values) != len(styles):
        raise ValueError(f"{argument} has {len(values)} entries for {len(styles)} style images. Give one for each.")
