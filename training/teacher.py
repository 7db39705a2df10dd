"""The network whose features the compact networks have."""

from __future__ import annotations

import keras

from nst_keras.networks import architectures

__all__ = ["vgg19"]


def vgg19() -> keras.Model:
    """Returns VGG19 without its top.

    Raises:
        OSError: Its weights could not be downloaded; the message says what to do.
    """
    try:
        return architectures.build("vgg19", "imagenet")
    except OSError as error:
        raise OSError(
            "the teacher's weights could not be downloaded. Put a Keras weights file of VGG19 without its top, whose "
            f"name begins with vgg19, in a folder and set {architectures.WEIGHTS_VARIABLE} to it."
        ) from error
