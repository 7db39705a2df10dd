"""The pictures that a visitor gives: uploads and samples, by the names under which the visitor knows them."""

from __future__ import annotations

import os
import pathlib

import PIL.Image

from nst_keras import presets
from nst_keras.images import digests, samples
from nst_keras.settings import paths

__all__ = ["CONTENTS", "STYLES", "Samples", "named", "shown"]

CONTENTS = ("landscape", "grace_hopper")
STYLES = ("swirls", "stained_glass", "woodblock")


class Samples:
    """The sample pictures as files, which a page can show.

    Args:
        folder: The folder to write them to.

    Attributes:
        files: {name: its file}.
    """

    def __init__(self, folder: pathlib.Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.files = {name: folder / f"{name}.png" for name in (*CONTENTS, *STYLES)}
        for name, path in self.files.items():
            PIL.Image.fromarray(samples.read(name)).save(path)
        self._names = {digests.of_path(path): f"{samples.PREFIX}{name}" for name, path in self.files.items()}

    def source(self, path: str) -> str:
        """Returns `sample:NAME` for the file of a sample, whatever it is called now; else the path itself."""
        return self._names.get(digests.of_path(path), path)


def shown(path: str) -> str:
    """Returns the name under which a visitor knows a picture: that of the file, or `sample:NAME`."""
    return path if path.startswith(paths.SAMPLE) else os.path.basename(path)


def named(options: presets.Options, given: presets.Options) -> presets.Options:
    """Returns options with the paths of this machine replaced by the names that the visitor knows.

    Args:
        options: {option: value}, such as those of a record.
        given: {option: path or paths} of the pictures that were given.
    """
    known = {
        name: [shown(one) for one in value] if isinstance(value, list) else shown(value)
        for name, value in given.items()
    }
    return {name: known.get(name, value) for name, value in options.items()}
