"""Pairs of pictures as programs take them, `CONTENT;STYLE`, where runs on them start, and the weights there are."""

from __future__ import annotations

import tensorflow as tf

from nst_keras.images import loading, starts
from nst_keras.networks import architectures

__all__ = ["pictures", "start", "weights"]


def pictures(pair: str, size: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Content and style, float32 [1, height, width, 3], 0..255, their longest sides reduced to a number of pixels."""
    content, style = (loading.load(source, longest_side=size) for source in pair.split(";"))
    return content, style


def start(init: str, content: tf.Tensor) -> tf.Tensor:
    """The content itself for `content`; white noise of its size for `noise`."""
    return content if init == "content" else starts.white_noise(*content.shape[1:3], seed=0)


def weights(extractor: str) -> str:
    """A network's real weights where they lie on this machine or come with the package; random ones elsewhere."""
    has_file = architectures.ARCHITECTURES[extractor].packaged or architectures.weights_file(extractor)
    return "imagenet" if has_file else "random"
