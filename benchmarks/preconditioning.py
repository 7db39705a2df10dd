"""The exponent of spectral preconditioning, chosen: L-BFGS's loss with each, over pairs of pictures, starts and losses.

    NST_KERAS_WEIGHTS_DIR=... python benchmarks/preconditioning.py [--pairs=CONTENT;STYLE,...] [--exponents=0,0.5]

For each exponent: evaluations to the loss that none (0) has after `--evaluations`, as a share of these, and the loss
after half of them and after all, as a share of none's; medians over the tasks, and in how many it is the lowest.
Grain is the energy of the high frequencies of the picture, as a share of that without.
"""

from __future__ import annotations

import collections
import os
import statistics
from collections.abc import Iterable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf
from absl import app, flags
from references import pairs, race

from nst_keras import losses, optimizers
from nst_keras.losses import guidance
from nst_keras.networks import extractors
from nst_keras.objectives import objective

PAIRS = flags.DEFINE_list(
    "pairs",
    [
        f"sample:{content};sample:{style}"
        for content in ("grace_hopper", "woodblock")
        for style in ("swirls", "stained_glass")
    ],
    "Content and style, `;` between them.",
)
EXPONENTS = flags.DEFINE_list("exponents", ["0.25", "0.4", "0.5", "0.6", "0.75", "1"], "To compare with 0.")
EXTRACTOR = flags.DEFINE_string("extractor", "vgg19", "A name of the registry.")
SIZE = flags.DEFINE_integer("image_size", 256, "Longest side, in pixels.")
INITS = flags.DEFINE_list("inits", ["content", "noise"], "Starts: content, noise or both.")
NORMALIZATIONS = flags.DEFINE_list("normalizations", ["relative", "mean"], "Loss conventions, at their usual weights.")
JIT = flags.DEFINE_string("jit_compile", "auto", "As the package takes it; short runs are sooner done without.")
EVALUATIONS = flags.DEFINE_integer("evaluations", 40, "Of each run.")

STYLE_LAYERS = [f"conv{block}_1" for block in range(1, 6)]
CONTENT_LAYERS = ["conv4_2"]


def tasks() -> Iterable[tuple[str, objective.Objective, tf.Tensor]]:
    """Each pair under each loss from each start: a name, what is lowered, and the start."""
    network = extractors.get(
        EXTRACTOR.value,
        layers=[*STYLE_LAYERS, *CONTENT_LAYERS],
        weights=pairs.weights(EXTRACTOR.value),
        for_xla=JIT.value != "false",
    )
    for pair in PAIRS.value:
        content, style = pairs.pictures(pair, SIZE.value)
        for normalization in NORMALIZATIONS.value:
            usual = losses.NORMALIZATIONS[normalization]
            goal = objective.Objective(
                network,
                regions=guidance.everywhere([style]),
                content_image=content,
                style_layers=dict.fromkeys(STYLE_LAYERS, 0.2),
                content_layers=dict.fromkeys(CONTENT_LAYERS, 1.0),
                normalization=normalization,
                style_weight=usual.style_weight,
                content_weight=usual.content_weight,
                jit_compile=JIT.value,
            )
            for init in INITS.value:
                yield f"{pair}, {normalization}, from {init}", goal, pairs.start(init, content)


def lowered(goal: objective.Objective, start: tf.Tensor, exponent: float) -> tuple[list[float], float]:
    """The loss after each evaluation, and the grain of the picture."""
    optimizer = optimizers.get("lbfgs", preconditioning=exponent, jit_compile=JIT.value)
    optimizer.start(start)
    found = [float(optimizer.step(goal).terms.total) for _ in range(EVALUATIONS.value)]
    return found, race.high_frequencies(optimizer.result().numpy())


def main(_: list[str]) -> None:
    exponents = [0.0, *(float(text) for text in EXPONENTS.value)]
    shares, grains, best = collections.defaultdict(list), collections.defaultdict(list), collections.Counter()
    for name, goal, start in tasks():
        runs = {exponent: lowered(goal, start, exponent) for exponent in exponents}
        plain, plain_grain = runs[0.0]
        half, last = EVALUATIONS.value // 2, EVALUATIONS.value
        for exponent, (found, grain) in runs.items():
            reached = next((place for place, loss in enumerate(found, 1) if loss <= plain[-1]), 2 * last)
            shares[exponent].append((reached / last, found[half - 1] / plain[half - 1], found[-1] / plain[-1]))
            grains[exponent].append(grain / plain_grain)
        best[min(runs, key=lambda exponent: runs[exponent][0][-1])] += 1
        told = ", ".join(f"{exponent:g}: {shares[exponent][-1][2]:.3f}" for exponent in exponents)
        print(f"{name}: last losses over that of 0: {told}", flush=True)
    print(f"{'exponent':>8} {'evaluations':>12} {'loss, half':>11} {'loss, all':>10} {'grain':>6} {'lowest in':>10}")
    for exponent in exponents:
        evaluations, half, last = (statistics.median(column) for column in zip(*shares[exponent], strict=True))
        grain, count = statistics.median(grains[exponent]), f"{best[exponent]} of {best.total()}"
        print(f"{exponent:>8g} {evaluations:>12.2f} {half:>11.3f} {last:>10.3f} {grain:>6.2f} {count:>10}")


if __name__ == "__main__":
    app.run(main)
