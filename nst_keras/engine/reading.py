"""From what a user names to the pictures of a run: lists, folders, sizes, scales and masks, each checked."""

from __future__ import annotations

import os
import pathlib
import re
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from nst_keras import checks
from nst_keras.engine import inputs, modes
from nst_keras.images import colour, folders, loading, resizing, starts
from nst_keras.images import masks as masks_lib

__all__ = ["read"]

Sources = loading.ImageSource | list[loading.ImageSource] | None


def read(
    style_image: Sources,
    content_image: loading.ImageSource | None,
    *,
    mode: str = "transfer",
    style_blend: Sequence[float] | None = None,
    style_scale: float | Sequence[float] | None = None,
    style_mask: Sources = None,
    content_mask: loading.ImageSource | None = None,
    preserve_color: str = "none",
    init: loading.ImageSource | None = None,
    image_size: int | None = None,
    enlarge: bool = False,
    texture_size: str | None = None,
    seed: int = 0,
) -> inputs.Inputs:
    """Reads them all.

    Args:
        style_image: As `loading.load` takes it, a folder of pictures, or a list.
        content_image: As `loading.load` takes it.
        mode: A name in `modes.MODES`, with which the others go.
        style_blend: The share of each style, 0 or more; they need not add up to 1. Equal ones if left out.
        style_scale: The longest side of each style, or of all, in shares of the picture's; that of `image_size`, and
            none is enlarged, if left out.
        style_mask: Where each style goes, as `masks.load` takes it: white where it does.
        content_mask: Likewise: white where the content image is kept.
        preserve_color: A name in `colour.PRESERVATIONS`.
        init: As `starts.read` takes it; the mode's own if left out.
        image_size: Longest side in pixels that content and style are reduced to; None leaves them as they are.
        enlarge: Whether `image_size` enlarges smaller ones too.
        texture_size: `WIDTHxHEIGHT` of a texture; that of the first style if left out.
        seed: Of the noise.

    Raises:
        ValueError: A bad argument, or one that does not go with the mode or with another; and as `loading.load`.
        TypeError: As `loading.load`.
        OSError: Likewise.
    """
    of_terms = {"style_image": style_image, "style_blend": style_blend, "style_scale": style_scale}
    of_terms |= {"style_mask": style_mask, "content_image": content_image, "content_mask": content_mask}
    kind = modes.get(mode, {**of_terms, "preserve_color": preserve_color, "texture_size": texture_size})
    preservation = colour.PRESERVATIONS[checks.one_of("preserve_color", preserve_color, colour.PRESERVATIONS)]
    image_size = None if image_size is None else checks.integer("image_size", image_size)
    if enlarge and image_size is None:
        raise ValueError("enlarge has no effect without image_size. Give the longest side to enlarge to.")
    start = starts.read(kind.init if init is None else init)
    sources = _sources(style_image)
    content = alpha = content_size = None
    if kind.content:
        content, alpha, content_size = loading.read(content_image, longest_side=image_size, argument="content_image")
    # With a scale, the styles are read once more, for what they are then reduced to.
    styles = [loading.load(source, longest_side=image_size, argument="style_image") for source in sources]
    if enlarge:
        content = None if content is None else resizing.resize(content, image_size, enlarge=True)
        styles = [resizing.resize(style, image_size, enlarge=True) for style in styles]
    size = _size(content, texture_size, styles)
    styles = styles if style_scale is None else _scaled(sources, style_scale, size)
    targets = [_within_range(preservation.style(style, content), style) for style in styles]
    masks = [
        masks_lib.load(source, size, argument=f"style_mask[{place}]") for place, source in enumerate(_list(style_mask))
    ]
    if masks:
        _check_count("style_mask", masks, styles)
    return inputs.Inputs(
        size=size,
        content_image=content,
        content_target=None if content is None else preservation.content(content),
        style_images=styles,
        style_targets=targets,
        blend=_blend(style_blend, styles),
        style_masks=masks,
        content_mask=None if content_mask is None else masks_lib.load(content_mask, size, argument="content_mask"),
        init=start,
        seed=seed,
        preserve_color=preserve_color,
        content_size=content_size,
        content_alpha=alpha,
    )


def _list(sources: Sources) -> list[loading.ImageSource]:
    if sources is None:
        return []
    return list(sources) if isinstance(sources, (list, tuple)) else [sources]


def _sources(style_image: Sources) -> list[loading.ImageSource]:
    """The style images named; in the place of a folder the pictures in it, by name."""
    if isinstance(style_image, (list, tuple)) and not style_image:
        raise ValueError("style_image is an empty list. Give at least one image.")
    return [one for source in _list(style_image) for one in _in_folder(source)]


def _in_folder(source: loading.ImageSource) -> list[loading.ImageSource]:
    if not isinstance(source, (str, os.PathLike)) or not pathlib.Path(source).expanduser().is_dir():
        return [source]
    found = folders.pictures(source)
    if not found:
        raise ValueError(
            f"style_image: there is no picture ({', '.join(folders.SUFFIXES)}) in the folder {str(source)!r}."
        )
    return found


def _size(content: tf.Tensor | None, texture_size: str | None, styles: Sequence[tf.Tensor]) -> tuple[int, int]:
    if texture_size is None:
        return tuple((styles[0] if content is None else content).shape[1:3])
    if not isinstance(texture_size, str) or not re.fullmatch(r"[1-9]\d*x[1-9]\d*", texture_size):
        raise ValueError(f"texture_size must be WIDTHxHEIGHT in pixels, '640x480' say, but {texture_size!r} was given.")
    width, height = map(int, texture_size.split("x"))
    return height, width


def _scaled(
    sources: Sequence[loading.ImageSource], style_scale: float | Sequence[float], size: tuple[int, int]
) -> list[tf.Tensor]:
    """The styles of these shares of the picture's size, from files that are read no larger than that."""
    scales = _numbers(style_scale)
    scales = scales if isinstance(scales, list) else [scales] * len(sources)
    _check_count("style_scale", scales, sources)
    for scale in scales:
        if checks.finite("style_scale", scale) <= 0:
            raise ValueError(f"style_scale must be above 0, but {scale!r} was given. 1 is the picture's own size.")
    sides = [max(1, round(scale * max(size))) for scale in scales]
    return [
        resizing.resize(loading.load(source, longest_side=side, argument="style_image"), side, enlarge=True)
        for source, side in zip(sources, sides, strict=True)
    ]


def _within_range(target: tf.Tensor, style: tf.Tensor) -> tf.Tensor:
    """Without what lies beyond 0..255, to which no picture could come; the style itself, if it is unchanged."""
    return target if target is style else tf.clip_by_value(target, 0.0, 255.0)


def _blend(style_blend: Sequence[float] | None, styles: Sequence[tf.Tensor]) -> list[float]:
    """Shares that add up to 1."""
    if style_blend is None:
        return [1.0 / len(styles) for _ in styles]
    given = _numbers(style_blend)
    given = given if isinstance(given, list) else [given]
    _check_count("style_blend", given, styles)
    shares = [checks.non_negative("style_blend", share) for share in given]
    if not sum(shares):
        raise ValueError(f"style_blend={given} leaves no style. Give one of them a share.")
    return [share / sum(shares) for share in shares]


def _numbers(values: float | Sequence[float]) -> float | list[float]:
    """One number as it is; several, NumPy's too, as a list."""
    return np.asarray(values).tolist() if isinstance(values, (list, tuple, np.ndarray)) else values


def _check_count(argument: str, values: Sequence[object], styles: Sequence[object]) -> None:
    if len(values) != len(styles):
        raise ValueError(f"{argument} has {len(values)} entries for {len(styles)} style images. Give one for each.")
