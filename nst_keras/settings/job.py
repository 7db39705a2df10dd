"""The options of the command line alone: the files that it writes, and the behaviour of the process."""

from __future__ import annotations

import dataclasses

from nst_keras import checks
from nst_keras.settings import options
from nst_keras.settings.fit import FitSettings, SaveSettings
from nst_keras.settings.transfer import TransferSettings

__all__ = ["FileSettings", "JobSettings", "ProcessSettings"]


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class FileSettings(options.Group):
    """The files that the command line writes.

    Attributes:
        output: Picture file: .png, .jpg, .webp or .tiff. STEM.flags and STEM.json are written beside it.
        animation: Animation of the run: .gif or .mp4. Default: none.
        animation_seconds: Length of the animation in seconds.
        contact_sheet: One page with content, styles, frames and picture: .png, .pdf or .svg. Default: none.
        loss_plot: Plot of the losses over the steps: .png, .pdf or .svg. Default: none.
        compare: Makes a picture for each combination of several values. Such as
            `content_weight=0.01,0.1;style_layer_scheme=fine,coarse`: semicolons separate options, commas the values of
            an option. If a value itself holds commas, `|` separates: `style_layers=conv1_1,conv2_1|conv4_1`. Written to
            the folder STEM_compare beside `output`: `comparison.png`, a labelled sheet, and each picture in `output`'s
            format. Default: one picture.
        overwrite: Replaces existing files, but never one that the run reads. `resume` does so too if there is a
            checkpoint.
    """

    title = "Files"
    output: str = options.option("stylized.png")
    animation: str | None = options.option(None)
    animation_seconds: float = options.option(6.0)
    contact_sheet: str | None = options.option(None)
    loss_plot: str | None = options.option(None)
    compare: str | None = options.option(None)
    overwrite: bool = options.option(False)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class ProcessSettings(options.Group):
    """The behaviour of the process.

    Attributes:
        preset: Look to start from, such as `painting`; `list` prints all. Flags that are given win over the preset's.
            `none`: the plain defaults. Default: `none`; for `nst-keras`, `quick`, unless a flagfile
            names a preset or an extractor.
        quiet: Prints only warnings and errors.
        xla_cache: Folder that keeps XLA's compiled code, so that later runs start sooner. It is tidied to 256 MiB.
            `auto`: `nst_keras/xla` in the user's cache folder; `none`: nothing is kept.
        debug: Shows the traceback of an error.
    """

    title = "Process"
    preset: str | None = options.option(None)
    quiet: bool = options.option(False)
    xla_cache: str | None = options.option("auto", checks.folder)
    debug: bool = options.option(False)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class JobSettings:
    """All options of a command line."""

    transfer: TransferSettings = dataclasses.field(default_factory=TransferSettings)
    fit: FitSettings = dataclasses.field(default_factory=FitSettings)
    save: SaveSettings = dataclasses.field(default_factory=SaveSettings)
    files: FileSettings = dataclasses.field(default_factory=FileSettings)
    process: ProcessSettings = dataclasses.field(default_factory=ProcessSettings)
