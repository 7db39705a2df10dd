"""Makes the pictures of README's section "Control" from the package's sample pictures.

    python docs/gallery.py [--only=colour,masks] [--overwrite]

Rows that are in `docs/gallery` already are kept, so a program that was stopped continues where it was. All rows take
about ten minutes on two cores.
"""

from __future__ import annotations

import io
import os
import pathlib
from collections.abc import Mapping
from typing import Any, NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import PIL.Image
from absl import app, flags

from nst_keras import export, transfer
from nst_keras.export import plots
from nst_keras.losses import regularizers, statistics
from nst_keras.networks import surgery

ONLY = flags.DEFINE_list("only", None, "Names of rows. Default: all.")
FOLDER = flags.DEFINE_string("folder", str(pathlib.Path(__file__).parent / "gallery"), "Folder for the pictures.")
SIZE = flags.DEFINE_integer("image_size", 336, "Longest side of a picture, in pixels.")
STEPS = flags.DEFINE_integer("steps", 60, "Steps per picture. A few pictures take twice as many.")
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
OF_A_RUN = ("style_weight", "content_weight", "var_weight", "alpha_norm_weight", "strength")
BOTH = ["sample:swirls", "sample:woodblock"]
SKY = ["sample:landscape_sky", "sample:landscape_ground"]
NO_CONTENT = {"content_image": None, "content_layers": None}
TEXTURE = {**NO_CONTENT, "mode": "texture", "texture_size": "336x252"}
TWICE = {"steps": 2}


class Row(NamedTuple):
    """Pictures side by side.

    Attributes:
        pictures: {label: settings of this picture that differ from `USUAL`}.
        settings: Settings of all the row's pictures that differ from `USUAL`.
    """

    pictures: Mapping[str, Mapping[str, Any]]
    settings: Mapping[str, Any] = {}


ROWS: dict[str, Row] = {
    "strength": Row({f"strength={share:g}": {"strength": share} for share in (0.0, 0.25, 0.5, 0.75, 1.0)}),
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
            "content_mask: ground": {"content_mask": SKY[1]},
        }
    ),
    "colour": Row(
        {f'"{name}"': {"preserve_color": name} for name in ("none", "luminance", "match", "histogram")},
        {"style_image": "sample:stained_glass"},
    ),
    "statistics": Row({f'"{name}"': {"style_statistic": name} for name in statistics.STATISTICS}),
    "variation": Row(
        {
            "var_weight=0": {},
            **{
                f'"{name}", {weight:g}': {"variation": name, "var_weight": weight}
                for name, weight in zip(regularizers.VARIATIONS, (3.0, 40.0, 40.0), strict=True)
            },
        },
    ),
    "layers": Row({f'"{name}"': {"style_layer_scheme": name} for name in ("fine", "equal", "coarse")}),
    "network": Row(
        {
            **{f'pooling="{name}"': {"pooling": name} for name in ("max", "avg", "l2") if name in surgery.POOLINGS},
            'padding="replicate"': {"padding": "replicate"},
        },
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


def picture(settings: Mapping[str, Any]) -> np.ndarray:
    """Returns the picture of a run with these settings, uint8 [height, width, 3]."""
    settings = dict(settings)
    steps = STEPS.value * settings.pop("steps", 1)
    of_a_run = {name: settings.pop(name) for name in OF_A_RUN if name in settings}
    options = {"image_size": SIZE.value, "frame_interval": steps, "jit_compile": JIT.value}
    run = transfer.NeuralStyleTransfer(**options, **settings)
    run.fit_style_transfer(1, steps, verbose=0, **of_a_run)
    return run.image


def write(row: Row, path: pathlib.Path) -> None:
    """Makes the pictures of a row, and writes them side by side to one file."""
    figure = plots.plot_rows([[(k, picture({**USUAL, **row.settings, **v})) for k, v in row.pictures.items()]])
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png")
    with export.replacing(path) as temporary:
        PIL.Image.open(drawn).convert("RGB").save(temporary, "JPEG", quality=85, optimize=True)


def main(_: list[str]) -> None:
    """Makes the rows that do not exist yet."""
    folder = pathlib.Path(FOLDER.value)
    folder.mkdir(parents=True, exist_ok=True)
    for name in ONLY.value or ROWS:
        path = folder / f"{name}.jpg"
        if OVERWRITE.value or not path.exists():
            write(ROWS[name], path)
            print(path, flush=True)


if __name__ == "__main__":
    app.run(main)
