"""Checks before the first step whether the pictures of a run can be saved at their size."""

from __future__ import annotations

import pathlib

from nst_keras import export, settings
from nst_keras.engine import inputs
from nst_keras.engine import result as result_lib
from nst_keras.runtime import memory

__all__ = ["check"]


def check(pictures: inputs.Inputs, save: settings.SaveSettings, output: pathlib.Path, preview: object = None) -> None:
    """Checks that a picture at its final size fits into its format and into memory.

    Args:
        pictures: The pictures at the size of the result.
        save: How the picture is saved.
        output: The picture's file.
        preview: The file of the picture during the run; None for none.

    Raises:
        ValueError: A format cannot hold the picture, or `output_size` asks for more than there is memory for.
    """
    size = result_lib.output_size(pictures, save.output_size)
    export.check_still(output, bit_depth=save.bit_depth, size=size, argument="output")
    if save.output_size is not None:
        memory.check_output(*size)
    if preview is not None:
        export.check_still(str(preview), size=pictures.size, argument="preview")
