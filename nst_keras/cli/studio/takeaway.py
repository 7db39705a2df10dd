"""What a visitor takes away: the picture with its settings inside, animations, and three texts that make it again."""

from __future__ import annotations

import dataclasses
import io
import json
import pathlib
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import PIL.Image

from nst_keras import export, presets, settings, transfer
from nst_keras.cli import flags, positional, provenance
from nst_keras.cli.studio import asked as asked_lib
from nst_keras.cli.studio import forming, sources
from nst_keras.export import record as record_lib

__all__ = ["Made", "made"]

# Options whose values are those that the run used: its steps are those that were made, compiled as all were to be.
_AS_USED = ("epochs", "steps_per_epoch", "seed", "precision", "jit_compile")
_LONGEST_FRAME = 512  # Pixels. Frames are for looking at, and for animations of this size.
_QUALITY = 92


class Made(NamedTuple):
    """A picture that was made, with all that a visitor can take away.

    Attributes:
        picture: The file of the picture, with its settings inside.
        files: All files so far: the picture, the flagfile, masks, animations.
        steps: The step of each frame.
        frames: Each frame as a JPEG.
        losses: {term, or TERM/LAYER: loss} of each step, the step among them.
        command: The command that makes the picture.
        python: The Python that makes it.
        flagfile: The flagfile that makes it.
        sentence: Why the run ended.
    """

    picture: pathlib.Path
    files: list[pathlib.Path]
    steps: Sequence[int]
    frames: Sequence[bytes]
    losses: Sequence[Mapping[str, float]]
    command: str
    python: str
    flagfile: str
    sentence: str

    def animation(self, suffix: str) -> pathlib.Path:
        """Returns the animation of the frames, which is written beside the picture at the first call.

        Args:
            suffix: `.gif` or `.mp4`.

        Raises:
            ImportError: `.mp4` without the package that writes it.
        """
        path = self.picture.with_suffix(suffix)
        if path not in self.files:
            frames = [np.asarray(PIL.Image.open(io.BytesIO(frame), formats=["JPEG"])) for frame in self.frames]
            export.save_animation(frames, path)
            self.files.append(path)
        return path


def made(
    style_transfer: transfer.NeuralStyleTransfer,
    run: forming.Forming,
    asked: asked_lib.Asked,
    folder: pathlib.Path,
    hidden: Callable[[str], str],
) -> Made:
    """Writes the picture, its flagfile and its masks, and returns all that a visitor can take away.

    Args:
        style_transfer: The transfer that has made the picture.
        run: Its run, which has ended.
        asked: What was asked for.
        folder: An empty folder for the files.
        hidden: Function that takes the folders of this machine out of a text.
    """
    result = style_transfer.result
    result = dataclasses.replace(result, options={**result.options, "callbacks": ()})  # The page's own are no one's.
    record: record_lib.Record = json.loads(hidden(json.dumps(result.record(settings.SaveSettings()))))
    record["settings"] = dict(sources.named(record["settings"], asked.pictures))
    given = [asked.pictures.get(name) for name in ("content_image", "style_image")]
    picture = folder / f"{positional.stem_of(name for one in given for name in _list(one))}.png"
    export.save_image(result.generated_image, picture, text=json.dumps(record))
    again = f"{picture.stem}_again.png"  # Beside the picture, and not in its place.
    flagfile = provenance.flagfile(record, {"output": again})
    files = [picture, picture.with_suffix(".flags"), *_masks(asked.pictures)]
    export.write_text(files[1], flagfile)
    # The steps are those that were made.
    used = {**asked.options, **{name: record["settings"][name] for name in _AS_USED}}
    remark = "".join(f"# This cannot be repeated: {what}.\n" for what in _by_hand(record))
    return Made(
        picture,
        files,
        [frame.step for frame in run.frames],
        [_encoded(frame.image) for frame in run.frames],
        run.losses,
        remark + _command(asked, used, again),
        remark + _python(asked, used, again),
        flagfile,
        _why_ended(style_transfer, run),
    )


def _by_hand(record: record_lib.Record) -> list[str]:
    """Returns what the visitor did to the run by hand, as text."""
    found = {"changes": "it was steered, ", "end": "it was stopped "}
    return [f"{words}{record['without_flag'][name]}" for name, words in found.items() if name in record["without_flag"]]


def _why_ended(style_transfer: transfer.NeuralStyleTransfer, run: forming.Forming) -> str:
    """Returns why the run ended, as a sentence."""
    if run.is_late:
        return f"The time for a picture was up after step {style_transfer.step}"
    return f"Stopped after step {style_transfer.step}" if run.is_stopped else style_transfer.stop_reason


def _encoded(image: np.ndarray) -> bytes:
    """Returns a picture as a JPEG, reduced to the size of frames."""
    picture = PIL.Image.fromarray(image)
    picture.thumbnail((_LONGEST_FRAME, _LONGEST_FRAME), PIL.Image.Resampling.LANCZOS)
    return export.encoded(picture, "JPEG", quality=_QUALITY)


def _masks(pictures: presets.Options) -> list[pathlib.Path]:
    """Returns the files of the masks."""
    return [pathlib.Path(one) for name in ("style_mask", "content_mask") for one in _list(pictures.get(name))]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _names(asked: asked_lib.Asked) -> presets.Options:
    """Returns {option: name or names} of the pictures, as the visitor knows them."""
    return sources.named(asked.pictures, asked.pictures)


def _command(asked: asked_lib.Asked, used: presets.Options, output: str) -> str:
    """Returns the command that makes the picture."""
    given = {"preset": asked.preset, **_names(asked), **used, "output": output}
    words = [shlex.quote(flags.flag_line(name, value)) for name, value in given.items()]
    return " \\\n    ".join(["python -m nst_keras.run", *words])


def _python(asked: asked_lib.Asked, used: presets.Options, output: str) -> str:
    """Returns the Python that makes the picture."""
    given = {**_names(asked), **used}
    lines = [f"    {name}={value!r}," for name, value in given.items()]
    return "\n".join(
        [
            "from nst_keras import NeuralStyleTransfer",
            "",
            "style_transfer = NeuralStyleTransfer.from_preset(",
            f"    {asked.preset!r},",
            *lines,
            ")",
            "style_transfer.fit_style_transfer()",
            f"style_transfer.save({output!r})",
        ]
    )
