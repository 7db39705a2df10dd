"""Evaluations that L-BFGS needs for the loss that Adam has after 100 steps, from the content image.

    NST_KERAS_WEIGHTS_DIR=... python benchmarks/evaluations.py [--pairs=CONTENT;STYLE,...] [--image_size=256]

Adam is the tutorial's: learning rate 0.02, beta_1 0.99, on an image in 0..1. SciPy's L-BFGS-B is the
reference for ours; both have VGG19's real weights.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import scipy.optimize
import tensorflow as tf
from absl import app, flags

from nst_keras import transfer
from nst_keras.objectives import objective

PAIRS = flags.DEFINE_list("pairs", ["sample:grace_hopper;sample:swirls"], "Content and style, `;` between them.")
SIZE = flags.DEFINE_integer("image_size", 256, "Longest side, in pixels.")
STEPS = flags.DEFINE_integer("steps", 100, "Steps of Adam.")
JIT = flags.DEFINE_string("jit_compile", "auto", "XLA: auto, true or false.")

# Name -> settings of the class, weights of the run; mean+tv is the tutorial's whole loss.
PROBLEMS = {
    "mean": ({}, {}),
    "mean+tv": ({}, {"var_weight": 30.0}),
    "relative": ({"normalization": "relative", "content_layers": ["conv4_2"]}, {}),
    "gatys2015": ({"normalization": "gatys2015", "content_layers": ["conv4_2"]}, {}),
}

PROBLEM_NAMES = flags.DEFINE_list("problems", list(PROBLEMS), "Which of the losses.")


def our_losses(settings: dict, weights: dict, optimizer: str, steps: int) -> tuple[transfer.NeuralStyleTransfer, list]:
    style_transfer = transfer.NeuralStyleTransfer(
        optimizer=optimizer, seed=0, frame_interval=10**6, jit_compile=JIT.value, **settings
    )
    style_transfer.fit_style_transfer(1, steps, verbose=0, **weights)
    return style_transfer, style_transfer.history.history["loss"]


def scipy_losses(goal: objective.Objective, start: tf.Tensor, evaluations: int) -> list[float]:
    seen = []

    def value_and_gradient(x: np.ndarray) -> tuple[float, np.ndarray]:
        terms, gradient = goal.value_and_gradient(tf.constant(255 * x.reshape(start.shape), tf.float32))
        seen.append(float(terms.total))
        return seen[-1], 255 * gradient.numpy().ravel().astype(float)

    pixels = start.numpy().ravel().astype(float) / 255
    bounds, options = [(0, 1)] * pixels.size, {"maxfun": evaluations, "ftol": 1e-16, "gtol": 1e-12}
    scipy.optimize.minimize(value_and_gradient, pixels, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return seen


def reached(losses: Sequence[float], level: float) -> str:
    return str(next((i + 1 for i, loss in enumerate(losses) if loss <= level), f"over {len(losses)}"))


def main(_: list[str]) -> None:
    print(f"evaluations to the loss of Adam's step {STEPS.value}, {SIZE.value} px")
    print(f"{'pair':<44} {'problem':<10} {'ours':>8} {'SciPy':>8} {'Adam loss':>10}")
    for pair in PAIRS.value:
        content, style = pair.split(";")
        for name in PROBLEM_NAMES.value:
            options, weights = PROBLEMS[name]
            settings = {"content_image": content, "style_image": style, "image_size": SIZE.value, **options}
            _, adam = our_losses(settings, weights, "adam", STEPS.value)
            ran, lbfgs = our_losses(settings, weights, "lbfgs", max(2, STEPS.value // 2))
            theirs = scipy_losses(ran.objective, ran.content_image, max(2, STEPS.value // 2))
            label = " x ".join(os.path.splitext(os.path.basename(part))[0] for part in (content, style))
            level = adam[-1]
            print(
                f"{label:<44} {name:<10} {reached(lbfgs, level):>8} {reached(theirs, level):>8} {level:>10.3g}",
                flush=True,
            )


if __name__ == "__main__":
    app.run(main)
