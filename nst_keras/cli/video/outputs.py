"""The files that a clip's command writes, checked before it makes a frame."""

from __future__ import annotations

import itertools
import pathlib
from collections.abc import Collection
from typing import NamedTuple

from nst_keras import export, settings
from nst_keras.cli.video import writing
from nst_keras.settings import paths

__all__ = ["Outputs", "check", "named"]


class Outputs(NamedTuple):
    """The files that a command writes.

    Attributes:
        clip: The clip.
        preview: The picture that each frame replaces; None for none.
        tried: The picture that a dry run writes.
    """

    clip: pathlib.Path
    preview: pathlib.Path | None
    tried: pathlib.Path


def named(video: settings.VideoSettings, *, overwrite: bool) -> Outputs:
    """Returns the files that are asked for.

    Args:
        video: The options of the clip.
        overwrite: Whether a dry run's picture may replace another. Otherwise it gets a number where one exists.

    Raises:
        ValueError: The clip has another suffix.
    """
    clip = pathlib.Path(video.output).expanduser()
    export.check_suffix("output", clip, writing.SUFFIXES)
    preview = None if video.preview is None else pathlib.Path(video.preview).expanduser()
    tried = clip.with_suffix(".png")
    return Outputs(clip, preview, tried if overwrite else export.free_name(tried))


def check(outputs: Outputs, video: settings.VideoSettings, read: Collection[str], *, may_replace: bool) -> None:
    """Raises an error if a file cannot be written, or would replace one that is read.

    Args:
        outputs: What `named` has returned.
        video: The options of the clip.
        read: Paths of the pictures that are read.
        may_replace: Whether the clip may replace another.

    Raises:
        ValueError: A preview of another suffix, or a file that is read.
        OSError: A file exists and may not be replaced, or its folder is missing or cannot be written to.
    """
    source = pathlib.Path(paths.local(video.video or "")).expanduser()
    written = {"output": outputs.tried if video.dry_run else outputs.clip, "preview": outputs.preview}
    for (argument, path), one in itertools.product(written.items(), [source, *map(pathlib.Path, read)]):
        if path is not None and path.exists() and one.is_file() and path.samefile(one):
            what = "the clip itself" if one == source else "a file that it is made from"
            raise ValueError(f"{argument}: {str(path)!r} would replace {what}. Choose another name.")
    if video.dry_run:
        export.check_destination("output", outputs.tried, [".png"], overwrite=True)
    else:
        export.check_destination("output", outputs.clip, writing.SUFFIXES, overwrite=may_replace)
    if outputs.preview is not None:
        export.check_destination("preview", outputs.preview, list(export.STILL_OPTIONS), overwrite=True)
