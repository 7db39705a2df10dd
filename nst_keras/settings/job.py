"""The options of the command line: files out, and how the process behaves."""

from __future__ import annotations

import dataclasses

from nst_keras.settings import options
from nst_keras.settings.fit import FitSettings, SaveSettings
from nst_keras.settings.transfer import TransferSettings

__all__ = ["FileSettings", "JobSettings", "ProcessSettings"]


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class FileSettings(options.Group):
    """The files that the command line writes.

    Attributes:
        output: The picture: .png, .jpg, .webp or .tiff. STEM.flags and STEM.json stand beside it.
        animation: The run as a .gif or .mp4. Default: none is made.
        animation_seconds: Length of the animation in seconds.
        contact_sheet: Content, styles, frames and picture on a page: .png, .pdf or .svg. Default: none is made.
        loss_plot: The losses over the steps: .png, .pdf or .svg. Default: none is made.
        overwrite: Replaces files that exist, but none that the run reads. So does `resume` where it goes on.
    """

    title = "Files"
    output: str = options.option("stylized.png")
    animation: str | None = options.option(None)
    animation_seconds: float = options.option(6.0)
    contact_sheet: str | None = options.option(None)
    loss_plot: str | None = options.option(None)
    overwrite: bool = options.option(False)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class ProcessSettings(options.Group):
    """How the process behaves.

    Attributes:
        quiet: Prints nothing but warnings and errors.
        xla_cache: Folder where XLA's compiled code is kept for later runs, which then start sooner. Default: none.
        debug: Shows the traceback of an error.
    """

    title = "Process"
    quiet: bool = options.option(False)
    xla_cache: str | None = options.option(None)
    debug: bool = options.option(False)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class JobSettings:
    """What a command line says."""

    transfer: TransferSettings = dataclasses.field(default_factory=TransferSettings)
    fit: FitSettings = dataclasses.field(default_factory=FitSettings)
    save: SaveSettings = dataclasses.field(default_factory=SaveSettings)
    files: FileSettings = dataclasses.field(default_factory=FileSettings)
    process: ProcessSettings = dataclasses.field(default_factory=ProcessSettings)
