"""A batch: every photograph in every style. `python -m nst_keras.batch --content_image=photos/ --style_image=...`.

`nst-keras batch photos/ paintings/ made/` is the same in fewer words.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from nst_keras import settings
from nst_keras.cli import process
from nst_keras.cli.batch import asking, command
from nst_keras.cli.batch.report.values import Report

__all__ = ["Report", "main", "run"]

main = command.main


def run(
    content_image: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None = None,
    style_image: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None = None,
    output_dir: str | os.PathLike[str] = "stylized",
    *,
    preset: str | None = None,
    pairs: str | os.PathLike[str] | None = None,
    recursive: bool = False,
    size_buckets: int | None = None,
    resume: bool = True,
    dry_run: bool = False,
    ray_address: str | None = None,
    workers: int | None = None,
    worker_cpus: int | None = None,
    tries: int = 3,
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
        preset: Look to start from; `nst_keras.presets.names()` has all.
        pairs: CSV file with a row for each picture, in place of every content with every style.
        recursive: Also takes the pictures in the folders inside a folder.
        size_buckets: Number of lengths that the pictures' shorter sides are rounded to.
        resume: Keeps pictures that were made before. Otherwise all are made again.
        dry_run: Makes nothing. The report has what was made before and what cannot be made.
        ray_address: Ray cluster that makes the pictures: `auto`, `local` or `HOST:PORT`.
        workers: Pictures that are made at once on a cluster.
        worker_cpus: Processor cores that a worker of a cluster takes.
        tries: Most attempts at a picture whose worker dies.
        options: {option: value} of `NeuralStyleTransfer`, of `fit_style_transfer` and of `save` whose value a flag can
            give. They win over the preset's. `output` is the template of the names.

    Returns:
        What has become of each pair.

    Raises:
        ValueError: An unknown or bad option, no pictures, a bad template or table, or an unknown preset.
        TypeError: Pictures that are no names.
        OSError: A picture, folder or table is missing, the folder cannot be written to, or no cluster answers.
        RuntimeError: The process that makes the pictures cannot be started.
        ImportError: A cluster or a URI needs a package that is not installed.
    """
    asked = settings.BatchSettings(
        pairs=pairs,  # pyright: ignore[reportArgumentType]
        output_dir=output_dir,  # pyright: ignore[reportArgumentType]  It is checked there.
        recursive=recursive,
        size_buckets=size_buckets,
        resume=resume,
        dry_run=dry_run,
        ray_address=ray_address,
        workers=workers,
        worker_cpus=worker_cpus,
        tries=tries,
    )
    pictures = {"content_image": content_image, "style_image": style_image, "preset": preset}
    return asking.run(asked, {**{name: value for name, value in pictures.items() if value is not None}, **options})


if __name__ == "__main__":
    process.run(main)
