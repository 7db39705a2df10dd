"""How far the picture of each strength is on the way from the photograph to the picture of strength 1.

    python benchmarks/strength.py [--pairs=CONTENT;STYLE,...] [--judge=vgg19] [--image_size=192] [--steps=60]

The way is measured by Gram matrices at the style layers: the distance ||G - G(photograph)|| of a strength's picture,
divided by that of strength 1. Printed are the mean over the layers and, in brackets, each of them. Where the steps are
even, each share is the strength.
"""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from absl import app, flags

from nst_keras import losses, transfer
from nst_keras.losses import statistics
from nst_keras.networks import architectures, extractors

PAIRS = flags.DEFINE_list(
    "pairs",
    ["sample:landscape;sample:swirls", "sample:grace_hopper;sample:stained_glass"],
    "Content and style, `;` between them.",
)
JUDGE = flags.DEFINE_string("judge", "compact", "Network whose Gram matrices are compared.")
SIZE = flags.DEFINE_integer("image_size", 192, "Longest side of the pictures, in pixels.")
STEPS = flags.DEFINE_integer("steps", 60, "Of each picture.")
STRENGTHS = flags.DEFINE_list("strengths", ["0.25", "0.5", "0.75"], "Between 0 and 1.")
STATISTICS = flags.DEFINE_list("statistics", ["gram"], f"Of {', '.join(statistics.STATISTICS)}.")
STYLE_WEIGHT = flags.DEFINE_float("style_weight", None, "Default: the usual weight.")


def pictures(pair: str, statistic: str, strengths: list[float]) -> list[tf.Tensor]:
    """Returns the photograph, and the picture of each strength."""
    content, style = pair.split(";")
    settings = {"extractor": "compact", "content_layers": ["conv4_2"], "optimizer": "lbfgs", "seed": 0}
    settings |= {"image_size": SIZE.value, "frame_interval": 10**6, "jit_compile": "false"}
    run = transfer.NeuralStyleTransfer(style, content, normalization="relative", style_statistic=statistic, **settings)
    made = [run.content_image]
    for strength in strengths:
        run.fit_style_transfer(1, STEPS.value, style_weight=STYLE_WEIGHT.value, strength=strength, verbose=0)
        made.append(run.generated_image)
    return made


def grams(image: tf.Tensor, judge: extractors.FeatureExtractor) -> list[np.ndarray]:
    features = judge(image)
    return [losses.gram_matrix(features[name], per_location=True).numpy() for name in judge.layers]


def shares(made: list[tf.Tensor], judge: extractors.FeatureExtractor) -> np.ndarray:
    """Returns the share of the way of each picture between the first and the last: [pictures, layers]."""
    photograph, *others = ([np.float64(gram) for gram in grams(image, judge)] for image in made)
    ways = [[np.linalg.norm(g - p) for g, p in zip(one, photograph, strict=True)] for one in others]
    return np.array(ways[:-1]) / np.array(ways[-1])


def main(_: list[str]) -> None:
    judge = extractors.get(JUDGE.value, layers=architectures.ARCHITECTURES[JUDGE.value].style_layers)
    strengths = [float(strength) for strength in STRENGTHS.value]
    print(f"compact, {SIZE.value} px, {STEPS.value} steps, judged by {JUDGE.value}", flush=True)
    for pair in PAIRS.value:
        name = " x ".join(os.path.splitext(os.path.basename(part))[0] for part in pair.split(";"))
        for statistic in STATISTICS.value:
            for strength, row in zip(
                strengths, shares(pictures(pair, statistic, [*strengths, 1.0]), judge), strict=True
            ):
                layers = " ".join(f"{share:.2f}" for share in row)
                print(
                    f"{name:<40} {statistic:<18} strength {strength:<5g} share {row.mean():.2f} ({layers})", flush=True
                )


if __name__ == "__main__":
    app.run(main)
