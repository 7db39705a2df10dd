"""How far the style transfer of other networks comes, and how fast, beside VGG19's own; all judged by VGG19.

    NST_KERAS_WEIGHTS_DIR=... python benchmarks/compact_quality.py [--pairs='CONTENT;STYLE,...'] [--sheet=sheet.png]

They start alike and make the same number of L-BFGS evaluations under the same settings: relative losses, style 1,
content 0.02 at conv4_2 (InceptionV3: mixed0), longest sides reduced to `--image_size`. Then, in VGG19's features:

- left: the mean squared difference between the picture's Gram matrices (per location) and the style image's, as a share
  of the content image's own; the mean over the five style layers.
- content: ||F - P||^2 / ||P||^2 at conv4_2.
- grain: the energy of the picture's high frequencies, over the first's.

`--extractors=vgg19:float32,vgg19:mixed_bfloat16` compares precisions instead, and `inception_v3:float32:softmax`
smooths InceptionV3's activations. `compact+block5_conv1` has that layer's features from VGG19 itself, which tells what
the compact network's error there costs.

Seconds are medians over short runs of evaluations, of the networks in turn.
"""

from __future__ import annotations

import os
import pathlib
import statistics
import time
from collections.abc import Iterable, Sequence

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import PIL.Image
import PIL.ImageDraw
import tensorflow as tf
from absl import app, flags
from references import networks, race

from nst_keras import export, losses, transfer
from nst_keras.images import pixels
from nst_keras.networks import extractors

PAIRS = flags.DEFINE_list(
    "pairs",
    [
        "sample:grace_hopper;sample:swirls",
        "sample:grace_hopper;sample:woodblock",
        "sample:landscape;sample:swirls",
        "sample:landscape;sample:stained_glass",
    ],
    "Content and style, `;` between them.",
)
EXTRACTORS = flags.DEFINE_list(
    "extractors",
    ["vgg19:float32", "compact:float32"],
    "NAME[+LAYER][:PRECISION[:SMOOTHING]] of each network; the first is the reference.",
)
WEIGHTS = flags.DEFINE_string("compact_weights", "imagenet", "Other weights for compact: a file that training made.")
SIZE = flags.DEFINE_integer("image_size", 256, "Longest side, in pixels.")
STEPS = flags.DEFINE_integer("steps", 60, "Evaluations.")
JIT = flags.DEFINE_string("jit_compile", "auto", "XLA: auto, true or false.")
VARIATION = flags.DEFINE_float("var_weight", 0.0, "Weight of total variation.", 0)
START = flags.DEFINE_string("init", "content", "Where they start: content, noise or style.")
SHEET = flags.DEFINE_string("sheet", None, "PNG to write: content, style, and each extractor's picture.")

STYLE_LAYERS, CONTENT_LAYER = networks.STYLE_LAYERS, networks.CONTENT_LAYER


class Judge:
    """VGG19, with what it sees in one pair of pictures."""

    def __init__(self, content: tf.Tensor, style: tf.Tensor) -> None:
        self._extractor = extractors.get("vgg19", layers=[*STYLE_LAYERS, CONTENT_LAYER])
        self._style, _ = self._seen(style)
        self._start, self._content = self._seen(content)

    def left(self, image: tf.Tensor) -> list[float]:
        """The share of the content image's style difference that is left, for each layer."""
        grams, _ = self._seen(image)
        return [self._difference(grams, n) / self._difference(self._start, n) for n in STYLE_LAYERS]

    def content(self, image: tf.Tensor) -> float:
        """The relative content loss."""
        return float(losses.content_loss(self._seen(image)[1], self._content, normalization="relative"))

    def _seen(self, image: tf.Tensor) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        features = self._extractor(image)
        return {n: losses.gram_matrix(features[n], per_location=True) for n in STYLE_LAYERS}, features[CONTENT_LAYER]

    def _difference(self, grams: dict[str, tf.Tensor], layer: str) -> float:
        return float(tf.reduce_mean(tf.math.squared_difference(grams[layer], self._style[layer])))


def run(pair: str, extractor: str) -> transfer.NeuralStyleTransfer:
    content, style = pair.split(";")
    style_transfer = transfer.NeuralStyleTransfer(
        style_image=style,
        content_image=content,
        **networks.options(extractor, weights=WEIGHTS.value),
        image_size=SIZE.value,
        normalization="relative",
        optimizer="lbfgs",
        init=START.value,
        seed=0,
        frame_interval=10**6,
        jit_compile=JIT.value,
    )
    weights = {"style_weight": 1.0, "content_weight": 0.02, "var_weight": VARIATION.value}
    style_transfer.fit_style_transfer(1, STEPS.value, verbose=0, **weights)
    return style_transfer


def seconds(runs: Sequence[transfer.NeuralStyleTransfer], rounds: int = 7, evaluations: int = 4) -> list[float]:
    """Median seconds of an evaluation of each: in turn, some evaluations on end as in a run, the first untimed."""
    measured: list[list[float]] = [[] for _ in runs]
    for _ in range(rounds):
        for one, times in zip(runs, measured, strict=True):
            one.objective.value_and_gradient(one.content_image)[1].numpy()
            for _ in range(evaluations):
                start = time.perf_counter()
                one.objective.value_and_gradient(one.content_image)[1].numpy()
                times.append(time.perf_counter() - start)
    return [statistics.median(times) for times in measured]


def compare(pair: str) -> tuple[list[np.ndarray], list[float], list[float], list[float], list[float]]:
    """One pair: its pictures; each network's share left; its content loss, speed and grain, over the first's."""
    runs = [run(pair, extractor) for extractor in EXTRACTORS.value]
    judge = Judge(runs[0].content_image, runs[0].style_images[0])
    results = [tf.cast(one.image[None], tf.float32) for one in runs]
    layers = [judge.left(result) for result in results]
    contents, times = [judge.content(result) for result in results], seconds(runs)
    energies = [race.high_frequencies(one.image[None]) for one in runs]
    grains = [energy / energies[0] for energy in energies]
    for extractor, shares, content, taken, fine in zip(EXTRACTORS.value, layers, contents, times, grains, strict=True):
        print(
            f"{name(pair):<32} {extractor:<28} {np.mean(shares):>6.1%}  {' '.join(f'{s:6.1%}' for s in shares)}"
            f" {content:>8.3f} {content / contents[0]:>6.2f} {taken:>8.4f} {times[0] / taken:>6.2f} {fine:>6.2f}",
            flush=True,
        )
    shown = [pixels.to_uint8(runs[0].content_image), pixels.to_uint8(runs[0].style_images[0]), *(r.image for r in runs)]
    means = [float(np.mean(shares)) for shares in layers]
    return shown, means, [c / contents[0] for c in contents], [times[0] / t for t in times], grains


def contact_sheet(rows: Iterable[Sequence[np.ndarray]], titles: Sequence[str]) -> PIL.Image.Image:
    """Pictures in rows of equal height, with titles above the columns."""
    height, gap, heading = SIZE.value, 6, 16
    cells = [[_of_height(picture, height) for picture in row] for row in rows]
    widths = [max(cell.width for cell in column) for column in zip(*cells, strict=True)]
    lefts = np.concatenate([[0], np.cumsum(np.array(widths) + gap)])
    sheet = PIL.Image.new("RGB", (int(lefts[-1]) - gap, heading + len(cells) * (height + gap)), "white")
    pen = PIL.ImageDraw.Draw(sheet)
    for left, title in zip(lefts, titles, strict=False):
        pen.text((int(left) + 2, 2), title, fill="black")
    for number, row in enumerate(cells):
        for left, cell in zip(lefts, row, strict=False):
            sheet.paste(cell, (int(left), heading + number * (height + gap)))
    return sheet


def name(pair: str) -> str:
    return " x ".join(pathlib.PurePath(part.removeprefix("sample:")).stem for part in pair.split(";"))


def _of_height(picture: np.ndarray, height: int) -> PIL.Image.Image:
    whole = PIL.Image.fromarray(picture)
    return whole.resize((round(whole.width * height / whole.height), height), PIL.Image.Resampling.LANCZOS)


def check() -> None:
    """Refuses, before the work, what would fail after it."""
    for extractor in EXTRACTORS.value:
        try:
            networks.check(extractor)
        except ValueError as error:
            raise app.UsageError(f"--extractors: {error}") from error
    for pair in PAIRS.value:
        if pair.count(";") != 1:
            raise app.UsageError(
                f"--pairs: {pair!r} must be CONTENT;STYLE, in quotes, since a shell ends its line at `;`."
            )
    if SHEET.value:
        export.check_destination("sheet", SHEET.value, tuple(export.STILL_OPTIONS), overwrite=True)


def main(_: list[str]) -> None:
    check()
    print(f"{SIZE.value} px, {STEPS.value} L-BFGS evaluations from {START.value}; judged by VGG19")
    layers = " ".join(f"{layer.removeprefix('block').replace('_conv', '_'):>6}" for layer in STYLE_LAYERS)
    heads = f"{'content':>8} {'ratio':>6} {'seconds':>8} {'speed':>6} {'grain':>6}"
    print(f"{'pair':<32} {'':<28} {'left':>6}  {layers} {heads}")
    rows, *measured = zip(*(compare(pair) for pair in PAIRS.value), strict=True)
    for index, extractor in enumerate(EXTRACTORS.value):
        left, content, speed, fine = (statistics.median(values[index] for values in figure) for figure in measured)
        print(
            f"{extractor}: medians over {len(rows)} pairs: left {left:.1%}, content {content:.2f} of "
            f"{EXTRACTORS.value[0]}'s, {speed:.2f} times its evaluations per second, {fine:.2f} of its grain"
        )
    if SHEET.value:
        export.save_image(np.asarray(contact_sheet(rows, ["content", "style", *EXTRACTORS.value])), SHEET.value)


if __name__ == "__main__":
    app.run(main)
