"""How like a small preview is the large picture, under each normalization with its usual weights.

    python benchmarks/preview.py [--pairs=CONTENT;STYLE,...] [--preview=160] [--image_size=320]

The large picture is made at one size, and in a pyramid that begins at the preview's. Printed is the root mean square
difference, in levels, between the preview and the large picture reduced to its size, beside that between the photograph
and the large picture, and the ratio of the two: 0 where the preview tells all, 1 where it tells no more than the
photograph does.
"""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf
from absl import app, flags

from nst_keras import losses, transfer
from nst_keras.images import resizing

PAIRS = flags.DEFINE_list("pairs", ["sample:landscape;sample:swirls"], "Content and style, `;` between them.")
EXTRACTOR = flags.DEFINE_string("extractor", "compact", "As the package takes it.")
PREVIEW = flags.DEFINE_integer("preview", 160, "Longest side of the preview, in pixels.")
SIZE = flags.DEFINE_integer("image_size", 320, "Of the large picture.")
STEPS = flags.DEFINE_integer("steps", 60, "Of each.")


def run(pair: str, normalization: str, size: int, pyramid: list[int] | None = None) -> transfer.NeuralStyleTransfer:
    content, style = pair.split(";")
    settings = {"extractor": EXTRACTOR.value, "content_layers": ["conv5_2"], "optimizer": "lbfgs", "seed": 0}
    settings |= {"image_size": size, "style_scale": 1.0, "frame_interval": 10**6, "jit_compile": "false"}
    settings["pyramid"] = pyramid
    made = transfer.NeuralStyleTransfer(style, content, normalization=normalization, **settings)
    made.fit_style_transfer(1, STEPS.value, verbose=0)
    return made


def difference(one: tf.Tensor, other: tf.Tensor) -> float:
    return float(tf.sqrt(tf.reduce_mean(tf.math.squared_difference(one, other))))


def main(_: list[str]) -> None:
    print(f"{EXTRACTOR.value}, {PREVIEW.value} px against {SIZE.value} px")
    print(f"{'pair':<40} {'normalization':<14} {'large by':<9} {'to preview':>10} {'to photograph':>14} {'ratio':>6}")
    for pair in PAIRS.value:
        name = " x ".join(os.path.splitext(os.path.basename(part))[0] for part in pair.split(";"))
        for normalization in losses.NORMALIZATIONS:
            preview = run(pair, normalization, PREVIEW.value)
            for way, pyramid in (("one size", None), ("pyramid", [PREVIEW.value])):
                large = run(pair, normalization, SIZE.value, pyramid)
                reduced = resizing.resize_to(large.generated_image, *preview.generated_image.shape[1:3])
                apart = difference(preview.generated_image, reduced)
                changed = difference(preview.content_image, reduced)
                ratio = f"{apart:>10.1f} {changed:>14.1f} {apart / changed:>6.2f}"
                print(f"{name:<40} {normalization:<14} {way:<9} {ratio}", flush=True)


if __name__ == "__main__":
    app.run(main)
