"""Makes the weights of `compact_v2`: `python -m training.low_rank --photographs=FOLDER --paintings=FOLDER`.

Nothing is trained by gradient descent. Each convolution of VGG19 is factorised in its turn, for features of crops of
the pictures. It takes three minutes. VGG19's weights come from Keras, or from the folder that
NST_KERAS_WEIGHTS_DIR names.
"""

from __future__ import annotations

import hashlib
import os
import pathlib
from collections.abc import Sequence

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
from absl import app, flags

from nst_keras import checks
from nst_keras.networks import compact_v2
from training import factors, packing, pictures, teacher

_PHOTOGRAPHS = flags.DEFINE_string("photographs", None, "Folder of photographs.", required=True)
_PAINTINGS = flags.DEFINE_string("paintings", None, "Folder of paintings.", required=True)
_HOLD_OUT = flags.DEFINE_list("hold_out", [], "Names of pictures, without endings, that are not looked at.")
_OUTPUT = flags.DEFINE_string("output", "compact_v2.weights.h5", "File to write.")
_CROPS = flags.DEFINE_integer("crops", 160, "Crops of 128 px.", 1)
_SEED = flags.DEFINE_integer("seed", 0, "Of the choice of crops and of locations.", 0)

_SIZE = 128


def main(arguments: Sequence[str]) -> None:
    """Computes and writes the weights."""
    try:
        if arguments[1:]:
            raise ValueError(f"{arguments[1]!r} is no flag. Flags are written --name=value; --help lists them.")
        _make(pathlib.Path(_OUTPUT.value).expanduser())
    except (OSError, ValueError) as error:
        raise SystemExit(f"low_rank: {error}") from error


def _make(output: pathlib.Path) -> None:
    if not output.name.endswith(".weights.h5"):
        raise ValueError(f"--output={output} must end in .weights.h5.")
    if output.is_dir():
        raise ValueError(f"--output={output} is a folder. Name a file.")
    checks.make_folder("--output", output.parent)
    sources = pictures.sources(_PHOTOGRAPHS.value, _PAINTINGS.value, hold_out=_HOLD_OUT.value)
    crops = pictures.Crops(sources, (0.4, 0.6), size=_SIZE, batch=_CROPS.value, steps=1, seed=_SEED.value, epoch=0)
    images = keras.applications.vgg19.preprocess_input(crops[0][0])
    convolutions = compact_v2.CONVOLUTIONS
    network = compact_v2.network(None, convolutions=convolutions)
    factors.fit(network, teacher.vgg19(), images, convolutions=convolutions, seed=_SEED.value)
    size = packing.write(network, str(output))
    print(f"{output}: {size / 1e6:.2f} MB, SHA-256 {hashlib.sha256(output.read_bytes()).hexdigest()}")


if __name__ == "__main__":
    app.run(main)
