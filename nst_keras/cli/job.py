"""One style transfer from settings to files: the picture, its animation, the flagfile that repeats it, its record."""

from __future__ import annotations

import json
import pathlib
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from nst_keras import export, transfer
from nst_keras.cli import provenance
from nst_keras.engine import checkpoints, result
from nst_keras.export import plots, record
from nst_keras.networks import architectures
from nst_keras.runtime import hosts

__all__ = ["Files", "Job"]

# A `frame_interval` that keeps no frame but the last, however many epochs are asked for.
_LAST_ALONE = sys.maxsize


class Files(NamedTuple):
    """The files that a run writes.

    Attributes:
        output: The picture, STEM.png.
        flags: STEM.flags beside it: the whole run as a flagfile, which makes the picture again.
        record: STEM.json: what the picture holds inside, with the losses of each step and the seconds that it took.
        animation: The run as a moving picture; None for none.
        contact_sheet: Content, styles, frames at intervals and the picture on one page; None for none.
        loss_plot: The losses over the steps; None for none.
        preview: The picture while it forms; None for none.
    """

    output: pathlib.Path
    flags: pathlib.Path
    record: pathlib.Path
    animation: pathlib.Path | None
    contact_sheet: pathlib.Path | None
    loss_plot: pathlib.Path | None
    preview: pathlib.Path | None


class Job:
    """A style transfer, found fit to be run and written before it begins; over several hosts, the chief writes it.

    Args:
        setup: {argument: value} for `NeuralStyleTransfer`. Without a `frame_interval`, the job keeps the last frame
            alone where nothing that it makes has need of the others.
        fit: Likewise, for its `fit_style_transfer`.
        picture: Likewise, for its `save`.
        flagfiles: That were read, and are not to be replaced.
        output: The picture: .png, .jpg, .webp or .tiff. STEM.flags and STEM.json stand beside it.
        animation: The run as a .gif or .mp4; none is made if left out.
        animation_seconds: Length of the animation.
        contact_sheet: Content, styles, frames and picture on a page, as .png, .pdf or .svg; none is made if left out.
        loss_plot: The losses over the steps, as .png, .pdf or .svg; none is made if left out.
        overwrite: Replaces files that exist, but none that the run reads; so does `resume` where it goes on.

    Attributes:
        style_transfer: The `NeuralStyleTransfer`.
        files: What it writes, as `Files`.

    Raises:
        ValueError: A bad argument, a suffix or length that cannot be written, one file that is to be two, or a file
            that is read too.
        OSError: An input cannot be read, a file exists already and may not be replaced, or its folder is missing or may
            not be written to.
        ImportError: The animation's format needs a package that is not installed.
        ConnectionError: Another host is lost.
    """

    def __init__(
        self,
        setup: Mapping[str, Any],
        fit: Mapping[str, Any],
        picture: Mapping[str, Any],
        *,
        flagfiles: Sequence[str] = (),
        output: str = "stylized.png",
        animation: str | None = None,
        animation_seconds: float = 6.0,
        contact_sheet: str | None = None,
        loss_plot: str | None = None,
        overwrite: bool = False,
    ) -> None:
        # First of all: hosts find each other before TensorFlow runs anything, and one that fails then tells the others.
        is_chief = hosts.is_chief(hosts.joined(setup["strategy"]))
        further = {"animation": animation, "contact_sheet": contact_sheet, "loss_plot": loss_plot}
        self.files = _files(output, **further, preview=fit["preview"])
        self._fit, self._picture, self._animation_seconds = fit, picture, animation_seconds
        setup = {**setup, "weights": _resolved_weights(setup["extractor"], setup["weights"])}
        if is_chief:
            self._check_files([*flagfiles, *record.input_files(setup)], overwrite or self._can_go_on())
        if "frame_interval" not in setup and not self._needs_frames(setup):
            setup["frame_interval"] = _LAST_ALONE
        self.style_transfer = transfer.NeuralStyleTransfer(**setup)
        self._seconds = 0.0

    def run(self, *, verbose: int | str) -> None:
        """Makes the picture; raises what `fit_style_transfer` does.

        Args:
            verbose: As `fit_style_transfer` takes it.
        """
        begun = time.monotonic()
        try:
            self.style_transfer.fit_style_transfer(**self._fit, verbose=verbose)
        finally:
            self._seconds = time.monotonic() - begun

    @property
    def has_picture(self) -> bool:
        """Whether there is something to write."""
        return self.style_transfer.step > 0 or self.style_transfer.completed

    @property
    def summary(self) -> str:
        """Why the run ended, and how long it took."""
        return f"{self.style_transfer.stop_reason} in {self._seconds:.0f} s"

    @property
    def is_chief(self) -> bool:
        """Whether this process writes the files: False on the hosts but one of a run over several."""
        return self.style_transfer.is_chief

    def write(self) -> None:
        """Writes what the run has made, each file whole or not at all; does nothing where the chief does it.

        Raises:
            OSError: A file cannot be written.
        """
        if not self.is_chief:
            return
        style_transfer, files = self.style_transfer, self.files
        made = style_transfer.record(**self._picture)
        style_transfer.save(files.output, **self._picture)
        _write_text(files.flags, provenance.flagfile(made, **self._own_flags()))
        whole = {**made, "seconds": round(self._seconds, 3), "history": style_transfer.history.history}
        _write_text(files.record, json.dumps(whole, indent=1))
        if files.animation is not None and len(style_transfer.frames):
            export.save_animation(style_transfer.frames, files.animation, seconds=self._animation_seconds)
        if files.contact_sheet is not None:
            style_transfer.plot_frames(files.contact_sheet)
        if files.loss_plot is not None:
            style_transfer.plot_history(files.loss_plot)

    def written(self) -> list[str]:
        """The files and folders of the run that there are."""
        settings = self.style_transfer.settings
        folders = [settings.get(name) for name in ("tensorboard", "checkpoint_dir", "frames_dir")]
        paths = [*self.files, *(pathlib.Path(folder).expanduser() for folder in folders if folder)]
        return [str(path) for path in paths if path is not None and path.exists()]

    def _needs_frames(self, setup: Mapping[str, Any]) -> bool:
        """A run with checkpoints may need them when it goes on, if an animation is asked for then."""
        folder = setup["frames_dir"] or self._fit["checkpoint_dir"]
        return folder is not None or self._shows_frames()

    def _shows_frames(self) -> bool:
        return self.files.animation is not None or self.files.contact_sheet is not None

    def _own_flags(self) -> dict[str, Any]:
        """{flag: value} for a flagfile, beside those that decide the picture."""
        written = {name: str(path.resolve()) for name, path in self.files._asdict().items() if name in _FLAGS and path}
        if self._shows_frames():
            written["frame_interval"] = self.style_transfer.settings["frame_interval"]
        return written | ({"animation_seconds": self._animation_seconds} if self.files.animation is not None else {})

    def _can_go_on(self) -> bool:
        """Whether there is a checkpoint to go on from: files of that run are then replaced."""
        folder = self._fit["checkpoint_dir"]
        return self._fit["resume"] and folder is not None and bool(checkpoints.Store(folder).steps())

    def _check_files(self, read: Sequence[str], overwrite: bool) -> None:
        """Finds out, as far as that goes before a run, whether all its files can be written after it."""
        _check_inputs(self.files, read)
        named = {name: path for name, path in self.files._asdict().items() if path is not None}
        for name, path in named.items():
            suffixes = _SUFFIXES.get(name, [path.suffix])
            argument = name if name in _SUFFIXES else "output"
            export.check_destination(argument, path, suffixes, overwrite=overwrite)
            others = [other.resolve() for other_name, other in named.items() if other_name != name]
            if path.resolve() in others:
                raise ValueError(f"{argument}: {str(path)!r} is another file of this run. Choose another name.")
        result.check_output_size(self._picture["output_size"])
        bit_depth, has_alpha = self._picture["bit_depth"], self._picture["alpha"]
        export.check_still(self.files.output, bit_depth=bit_depth, has_alpha=has_alpha)
        if self.files.animation is not None:
            export.check_animation(self.files.animation, seconds=self._animation_seconds, argument="animation")


def _files(output: str, **others: str | None) -> Files:
    """Where a run writes; of the others, those that are None or empty are not wanted."""
    if not pathlib.Path(output).name:
        raise ValueError(f"output must name a picture, but {output!r} was given.")
    picture = pathlib.Path(output).expanduser()
    paths = {name: pathlib.Path(path).expanduser() if path else None for name, path in others.items()}
    return Files(picture, picture.with_suffix(".flags"), picture.with_suffix(".json"), **paths)


def _check_inputs(files: Files, read: Sequence[str]) -> None:
    for written in (path for path in files if path is not None and path.exists()):
        if any(pathlib.Path(name).exists() and written.samefile(name) for name in read):
            raise ValueError(f"output: {str(written)!r} would replace a file that this run reads. Choose another name.")


def _resolved_weights(extractor: str, weights: str) -> str:
    """The weights with the file in place of `imagenet` that the environment names, for the record."""
    return (architectures.weights_file(extractor) if weights == "imagenet" else None) or weights


def _write_text(path: pathlib.Path, text: str) -> None:
    with export.replacing(path) as temporary:
        pathlib.Path(temporary).write_text(text, encoding="utf-8", errors="backslashreplace")


# What each file's name may end in, for those that a flag of their own names.
_SUFFIXES = {
    "output": list(export.STILL_OPTIONS),
    "animation": list(export.ANIMATION_WRITERS),
    "contact_sheet": list(plots.FIGURE_OPTIONS),
    "loss_plot": list(plots.FIGURE_OPTIONS),
    "preview": list(export.STILL_OPTIONS),
}
# Those that a flagfile names, to make them again.
_FLAGS = ("output", "animation", "contact_sheet", "loss_plot")
