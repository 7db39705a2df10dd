"""The networks that are known by name: how each is built and fed, its documented layers, its weights.

`ARCHITECTURES` is the registry. `n_style_layers=n` means the first n of an entry's style layers.
"""

from __future__ import annotations

import os
import pathlib
import re
import types
import warnings
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from nst_keras import checks
from nst_keras.networks import compact, compact_v2, weights_files
from nst_keras.runtime import backend

__all__ = [
    "ARCHITECTURES",
    "WEIGHTS_VARIABLE",
    "Architecture",
    "build",
    "known_architecture",
    "known_layers",
    "layer_names",
    "weights_file",
    "weights_stamp",
]

WEIGHTS_VARIABLE = "NST_KERAS_WEIGHTS_DIR"

# InceptionV3's stem, with the names in its authors' code; Keras numbers these layers anew at each construction.
_INCEPTION_STEM = ("conv2d_1a_3x3", "conv2d_2a_3x3", "conv2d_2b_3x3", "conv2d_3b_1x1", "conv2d_4a_3x3")


class Architecture(NamedTuple):
    """A network that is known by name.

    Attributes:
        build: weights -> keras.Model without its top; weights are None, `"imagenet"` or a path.
        preprocess: RGB 0..255 -> the input that the network was trained on.
        style_layers: Style layers, shallow to deep.
        content_layers: Content layers, the usual one first.
        aliases: model -> {another name of a layer: its name in this model}.
        channels: {layer: N}, where the network gives fewer coordinates of N channels, in these layers only.
        packaged: The file for `"imagenet"`, where it comes with the package; None where Keras downloads it.
    """

    build: Callable[[str | None], keras.Model]
    preprocess: Callable[[tf.Tensor], Any]
    style_layers: tuple[str, ...]
    content_layers: tuple[str, ...]
    aliases: Callable[[keras.Model], dict[str, str]]
    channels: Mapping[str, int] = types.MappingProxyType({})
    packaged: pathlib.Path | None = None


def build(name: str, weights: str) -> keras.Model:
    """Returns a network without its top, with its weights.

    Args:
        name: A name in `ARCHITECTURES`.
        weights: `"imagenet"`, `"random"`, or the path of a Keras weights file. `"imagenet"` is the file that
            `weights_file` finds, else Keras's download with its hash check. For `compact` and `compact_v2` it is
            the package's own file, whose hash is checked too.

    Raises:
        ValueError: The weights are those of another network, or there are several files for this one.
        FileNotFoundError: There is no such file.
        OSError: The download failed, or the package's own file is damaged; the message says what to do.
    """
    architecture = ARCHITECTURES[name]
    if weights == "random":
        return architecture.build(None)
    if weights == "imagenet" and architecture.packaged:
        return architecture.build("imagenet")
    path = weights_file(name) if weights == "imagenet" else os.path.expanduser(weights)
    if path is not None:
        return _with_weights_of(path, name, architecture)
    try:
        return architecture.build("imagenet")
    except Exception as error:  # `get_file` raises bare `Exception` for a failed download.
        raise OSError(
            f"weights: the ImageNet weights of {name} could not be {_failure(name, error)}. "
            f"Give the path of a Keras weights file (without the top) as weights=, or put one whose name begins with "
            f"{name!r} in a folder and set {WEIGHTS_VARIABLE} to it. extractor='compact_v2' needs no download."
        ) from error


def weights_file(name: str) -> str | None:
    """Returns the file for a network in the folder that `NST_KERAS_WEIGHTS_DIR` names; None where there is none.

    Weights that come with the package are never looked for there.

    Raises:
        ValueError: There is no such folder, or it holds several files with the network's name.
    """
    folder = os.path.expanduser(os.environ.get(WEIGHTS_VARIABLE, ""))
    if not folder or ARCHITECTURES[name].packaged:
        return None
    if not os.path.isdir(folder):
        raise ValueError(f"weights: {WEIGHTS_VARIABLE} names {folder!r}, which is no folder. Correct or unset it.")
    found = sorted(str(p) for p in pathlib.Path(folder).glob(f"{name}*") if p.suffix in (".h5", ".keras"))
    if len(found) > 1:
        raise ValueError(f"weights: {WEIGHTS_VARIABLE} holds several files for {name}: {', '.join(found)}. Name one.")
    return found[0] if found else None


def weights_stamp(name: str, weights: str) -> tuple[str, int, int] | None:
    """Returns path, time of change and size of the weights file that `build` reads; None for Keras's download.

    Args:
        name: A name in `ARCHITECTURES`.
        weights: `"imagenet"`, or the path of a Keras weights file.

    Raises:
        ValueError: There are several files for this network, see `weights_file`.
    """
    known_path = (ARCHITECTURES[name].packaged or weights_file(name)) if weights == "imagenet" else weights
    path = known_path and os.path.expanduser(known_path)
    if path is None or not os.path.isfile(path):
        return None
    known = os.stat(path)
    return os.path.abspath(path), known.st_mtime_ns, known.st_size


def known_architecture(identifier: object) -> Architecture | None:
    """Returns the registry's entry for a name, or for a model or extractor with a known name; None for others.

    Raises:
        ValueError: Unknown name.
    """
    if isinstance(identifier, str):
        return ARCHITECTURES[checks.one_of("extractor", identifier, ARCHITECTURES)]
    architecture = ARCHITECTURES.get(getattr(identifier, "name", ""))
    if architecture is None or not isinstance(identifier, keras.Model):
        return architecture
    return architecture if set(architecture.style_layers) <= set(known_layers(identifier)) else None


def layer_names(model: keras.Model) -> tuple[str, ...]:
    """Returns the names of a model's layers with feature maps [batch, height, width, channels], in order."""
    inner = (layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer))
    return tuple(layer.name for layer in inner if len(getattr(layer.output, "shape", ())) == 4)


def known_layers(model: keras.Model) -> dict[str, str]:
    """Returns {name that is accepted for a layer: its name in this model}, with the network's aliases.

    Example:
    >>> vgg19 = keras.applications.VGG19(weights=None, include_top=False)
    >>> known_layers(vgg19)["conv4_2"]
    'block4_conv2'
    """
    architecture = ARCHITECTURES.get(model.name)
    return {name: name for name in layer_names(model)} | (architecture.aliases(model) if architecture else {})


def _with_weights_of(path: str, name: str, architecture: Architecture) -> keras.Model:
    if not os.path.isfile(path):
        raise FileNotFoundError(f"weights: there is no file {path!r}. Give a file, 'imagenet' or 'random'.")
    if reason := weights_files.reason_to_refuse(path):
        raise ValueError(f"weights: {path!r} {reason}. Get the file from the network's authors.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Of each layer that a wrong file lacks; the error says it once.
            return architecture.build(str(path))
    except Exception as error:  # h5py, zipfile and Keras each raise their own.
        raise ValueError(
            f"weights: {path!r} does not fit {name} without its top, or is damaged ({_first_line(error)}). "
            "Give the whole file of that network."
        ) from error


def _failure(name: str, error: Exception) -> str:
    """Returns what failed of a download or of reading its file, with the files that Keras keeps for this network."""
    # Of a failed download `get_file` raises `Exception` itself, or `ValueError` for a file with another hash.
    is_download = type(error) is Exception or "corrupted file" in str(error)
    sentence = f"{'downloaded' if is_download else 'read'} ({_first_line(error)})"
    kept = sorted(map(str, pathlib.Path(backend.folder(), "models").glob(f"{name}_*_notop*")))
    return f"{sentence}. What Keras has kept may be damaged: delete {' and '.join(kept)}" if kept else sentence


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


def _paper_names(model: keras.Model) -> dict[str, str]:
    """Returns {paper's name: Keras's name} of VGG's layers: `conv4_2` is `block4_conv2`."""
    convolutions = (name for name in layer_names(model) if re.fullmatch(r"block\d_conv\d", name))
    return {name.replace("block", "conv").replace("_conv", "_"): name for name in convolutions}


def _stem_names(model: keras.Model) -> dict[str, str]:
    """Returns {stable name: Keras's name} of InceptionV3's first convolutions, after batch norm and ReLU."""
    activations = [layer.name for layer in model.layers if isinstance(layer, keras.layers.Activation)]
    return dict(zip(_INCEPTION_STEM, activations, strict=False))


def _vgg(build: Callable[..., keras.Model], preprocess: Callable[[tf.Tensor], Any]) -> Architecture:
    return Architecture(
        build=lambda weights: build(include_top=False, weights=weights),
        preprocess=preprocess,
        # Gatys et al. 2015, section "Methods": style from conv1_1 to conv5_1.
        style_layers=tuple(f"block{block}_conv1" for block in range(1, 6)),
        # TensorFlow's tutorial uses conv5_2, the paper conv4_2.
        content_layers=tuple(f"block{block}_conv2" for block in range(5, 0, -1)),
        aliases=_paper_names,
    )


ARCHITECTURES: dict[str, Architecture] = {
    "vgg19": _vgg(keras.applications.VGG19, keras.applications.vgg19.preprocess_input),
    "vgg16": _vgg(keras.applications.VGG16, keras.applications.vgg16.preprocess_input),
    "compact": Architecture(
        build=compact.network,
        preprocess=keras.applications.vgg19.preprocess_input,
        style_layers=tuple(f"block{block}_conv1" for block in range(1, 6)),
        content_layers=("block5_conv2", "block4_conv2"),
        aliases=_paper_names,
        channels=compact.CHANNELS,
        packaged=compact.WEIGHTS_FILE,
    ),
    "compact_v2": Architecture(
        build=compact_v2.network,
        preprocess=keras.applications.vgg19.preprocess_input,
        style_layers=tuple(f"block{block}_conv1" for block in range(1, 6)),
        content_layers=tuple(f"block{block}_conv2" for block in range(5, 1, -1)),
        aliases=_paper_names,
        channels=compact_v2.CHANNELS,
        packaged=compact_v2.WEIGHTS_FILE,
    ),
    "inception_v3": Architecture(
        # Keras's annotation leaves out None, which its documentation names.
        build=lambda weights: keras.applications.InceptionV3(
            include_top=False,
            weights=weights,  # pyright: ignore[reportArgumentType]
        ),
        preprocess=keras.applications.inception_v3.preprocess_input,
        style_layers=(
            "conv2d_1a_3x3",
            "conv2d_2b_3x3",
            "conv2d_4a_3x3",
            "mixed0",
            "mixed2",
            "mixed3",
            "mixed5",
            "mixed7",
        ),
        content_layers=("mixed5", "mixed4", "mixed3", "mixed2", "mixed0"),
        aliases=_stem_names,
    ),
}
