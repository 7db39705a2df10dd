"""A batch: every photograph in every style. `python -m nst_keras.batch --content_image=photos/ --style_image=...`.

`nst-keras batch photos/ paintings/ made/` is the same in fewer words.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from nst_keras.cli import process
from nst_keras.cli.batch import asking, command
from nst_keras.cli.batch.report.values import Report

__all__ = ["Report", "main", "run"]

main = command.main


def run(
    content_image: str | os.PathLike[str] | Sequence[str] | None = None,
    style_image: str | os.PathLike[str] | Sequence[str] | None = None,
    output_dir: str | os.PathLike[str] = "stylized",
    **options: Any,
) -> Report:
    """Makes every content image in every style, and writes the pictures and a report to a folder.

    Pictures that were made before with the same settings, of the same files, are kept. A pair that fails costs no
    other. Ctrl-C ends the batch after the present step, and the report says what is left.

    Example:
    ```python
    from nst_keras import batch

    report = batch.run("photos", ["wave.jpg", "night.jpg"], "made", preset="painting")
    report.summary  # "40 pictures made, in 905 s"
    ```

    Args:
        content_image: Content images: files, folders, patterns such as `photos/*.jpg`, URLs, URIs or `sample:NAME`.
        style_image: Style images, named in the same ways.
        output_dir: Folder of the pictures and of the report, or a URI such as `s3://bucket/made`.
        options: {option: value} of the batch (`settings.BatchSettings`), `preset`, and any option of
            `NeuralStyleTransfer`, of `fit_style_transfer` and of `save` whose value a flag can give. `output` is the
            template of the names.

    Returns:
        What has become of each pair.

    Raises:
        ValueError: An unknown or bad option, no pictures, a bad template or table, or an unknown preset.
        TypeError: Pictures that are no names.
        OSError: A picture, folder or table is missing, or the folder cannot be written to.
        ImportError: A cluster or a URI needs a package that is not installed.
    """
    return asking.run({"content_image": content_image, "style_image": style_image, **options}, os.fspath(output_dir))


if __name__ == "__main__":
    process.run(main)
