"""Makes the pictures of the documentation: rows that show one option each, and what the presets make.

    python -m tools.gallery [--only=colour,presets/quick,presets,top] [--overwrite]

The pictures are:
  NAME.jpg           a row: one option, several values.
  presets/NAME.jpg   what a preset makes of each of the `--pairs`.
  presets.jpg        what the six presets for artists make of the pairs.
  ../top.jpg         a large picture made of the first pair.

Pictures that are there already are kept, and so are the parts of which the presets' are composed: a program that was
stopped continues where it was. All rows take about ten minutes on two idle cores. Previews of presets that need VGG19
take minutes each, and its weights.
"""

from __future__ import annotations

import functools
import pathlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from absl import app, flags

from nst_keras import settings, transfer
from nst_keras.losses import statistics
from tools import previews, sheets

ROOT = pathlib.Path(__file__).parents[1]
SAMPLES = ["sample:landscape", "sample:swirls", "sample:grace_hopper", "sample:stained_glass"]

ONLY = flags.DEFINE_list("only", None, "Names of pictures, such as colour,presets/quick,presets,top. Default: all.")
FOLDER = flags.DEFINE_string("folder", str(ROOT / "docs" / "gallery"), "Folder for the pictures.")
PARTS = flags.DEFINE_string("parts", str(ROOT / "build" / "gallery"), "Folder that keeps the presets' own pictures.")
PAIRS = flags.DEFINE_list("pairs", SAMPLES, "Photographs and paintings of the previews: CONTENT,STYLE,CONTENT,STYLE.")
SIZE = flags.DEFINE_integer("image_size", None, "Longest side of a picture, in pixels. Default: 336, or the preset's.")
STEPS = flags.DEFINE_integer("steps", None, "Steps per picture. Default: 60, twice as many in some, or the preset's.")
JIT = flags.DEFINE_string("jit_compile", "auto", "XLA: auto, true or false.")
OVERWRITE = flags.DEFINE_bool("overwrite", False, "Makes existing rows again.")

USUAL = {
    "style_image": "sample:swirls",
    "content_image": "sample:landscape",
    "extractor": "compact",
    "content_layers": ["conv4_2"],
    "normalization": "relative",
    "optimizer": "lbfgs",
    "seed": 0,
}
# Settings that `fit_style_transfer` takes; the constructor takes the others.
OF_A_RUN = {field.name for field in settings.fields(settings.FitSettings)}
BOTH = ["sample:swirls", "sample:woodblock"]
SKY = ["sample:landscape_sky", "sample:landscape_ground"]
NO_CONTENT = {"content_image": None, "content_layers": None}
TEXTURE = {**NO_CONTENT, "mode": "texture", "texture_size": "336x252"}
TWICE = {"steps": 2}
WIDTH = 1200  # Pixels of a row.


class Row(NamedTuple):
    """Pictures side by side.

    Attributes:
        pictures: {label: settings of this picture that differ from `USUAL`}.
        settings: Settings of all the row's pictures that differ from `USUAL`.
        part: The part that is shown, enlarged: left, top, right and bottom, as shares of the picture's sides.
    """

    pictures: Mapping[str, Mapping[str, Any]]
    settings: Mapping[str, Any] = {}
    part: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)


ROWS: dict[str, Row] = {
    "strength": Row({f"strength={share:g}": {"strength": share} for share in (0.0, 0.25, 0.5, 1.0)}, {"pyramid": 3}),
    "pyramid": Row(
        {
            "one size": {},
            "pyramid=4": {"pyramid": 4},
            'pyramid=4, optimizer="adam"': {"pyramid": 4, "optimizer": "adam", **TWICE},
        }
    ),
    "style_scale": Row({f"style_scale={scale}": {"style_scale": scale} for scale in (0.5, 1.0, 2.0)}),
    "blend": Row(
        {f"style_blend={blend}": {"style_blend": blend} for blend in ([1, 0], [1, 1], [0, 1])}, {"style_image": BOTH}
    ),
    "masks": Row(
        {
            "style_mask: sky": {"style_image": "sample:swirls", "style_mask": SKY[0]},
            "style_mask: sky, ground": {"style_image": BOTH, "style_mask": SKY},
            "content_mask: sky": {"content_mask": SKY[0]},
        }
    ),
    "colour": Row(
        {f'"{name}"': {"preserve_color": name} for name in ("none", "luminance", "match", "histogram")},
        {"style_image": "sample:stained_glass"},
    ),
    "statistics": Row(
        {f'"{name}"': {"style_statistic": name} for name in statistics.STATISTICS},
        {**TEXTURE, "style_image": "sample:stained_glass"},
    ),
    "variation": Row(
        {
            "var_weight=0": {},
            '"l1", var_weight=3': {"variation": "l1", "var_weight": 3.0},
            '"l2", var_weight=40': {"variation": "l2", "var_weight": 40.0},
        },
        part=(0.0, 0.2, 0.5, 0.8),
    ),
    "layers": Row(
        {f'"{name}"': {"style_layer_scheme": name} for name in ("fine", "equal")} | {"8": {"style_layer_scheme": 8}},
        {"pyramid": 3},
    ),
    "network": Row(
        {f'pooling="{name}"': {"pooling": name} for name in ("max", "avg", "l2")},
        {**TEXTURE, "style_image": "sample:swirls"},
    ),
    "modes": Row(
        {
            "texture": {**TEXTURE, "style_image": "sample:woodblock", **TWICE},
            "texture, style_scale=0.5": {**TEXTURE, "style_image": "sample:stained_glass", "style_scale": 0.5, **TWICE},
            "style_reconstruction": {
                **NO_CONTENT,
                "mode": "style_reconstruction",
                "style_layers": ["conv1_1", "conv2_1"],
            },
            "content_reconstruction": {
                "mode": "content_reconstruction",
                "style_image": None,
                "variation": "l2",
                "var_weight": 5.0,
                "content_weight": 1.0,
                **TWICE,
            },
        },
    ),
}


def picture(asked: Mapping[str, Any]) -> np.ndarray:
    """Returns the picture of a run with these settings, uint8 [height, width, 3]."""
    own = dict(asked)
    steps = (STEPS.value or 60) * own.pop("steps", 1)
    of_a_run = {name: own.pop(name) for name in OF_A_RUN & own.keys()}
    options = {"image_size": SIZE.value or 336, "frame_interval": steps, "jit_compile": JIT.value}
    run = transfer.NeuralStyleTransfer(**options, **own)
    run.fit_style_transfer(1, steps, verbose=0, **of_a_run)
    return run.image


def row_sheet(row: Row) -> np.ndarray:
    """Returns the pictures of a row, or a part of each, side by side."""
    made = {label: picture({**USUAL, **row.settings, **own}) for label, own in row.pictures.items()}
    return sheets.wide([(label, sheets.cropped(made[label], row.part)) for label in made], WIDTH)


def maker() -> previews.Maker:
    """Returns what makes the presets' pictures, with the flags of this program that concern them."""
    given = {"image_size": SIZE.value, "steps_per_epoch": STEPS.value}
    own = [f"--{name}={value}" for name, value in given.items() if value is not None]
    own += ["--epochs=1"] if STEPS.value else []
    return previews.Maker(pathlib.Path(PARTS.value), own + ([f"--jit_compile={JIT.value}"] if JIT.present else []))


def pictures() -> dict[str, Callable[[], np.ndarray]]:
    """Returns {path in the folder, without its suffix: what makes that picture}."""
    pairs, make = previews.pairs_of(PAIRS.value), maker()
    presets = sorted(path.stem for path in previews.PRESETS.glob("*.flags"))
    return {
        **{name: functools.partial(row_sheet, row) for name, row in ROWS.items()},
        **{f"presets/{name}": functools.partial(previews.preset_sheet, name, pairs, make) for name in presets},
        "presets": functools.partial(previews.all_artists, pairs, make),
        "top": functools.partial(previews.top, pairs[0], make),
    }


def main(_: list[str]) -> None:
    """Makes the pictures that do not exist yet."""
    known, folder = pictures(), pathlib.Path(FOLDER.value)
    for name in ONLY.value or known:
        if name not in known:
            raise app.UsageError(f"only={name!r} is none of {', '.join(known)}.")
        path = (folder.absolute().parent if name == "top" else folder) / f"{name}.jpg"
        if OVERWRITE.value or not path.exists():
            sheets.save(known[name](), path)
            print(path, flush=True)


if __name__ == "__main__":
    app.run(main)
