"""Coarse to fine against one size: when each comes to the loss at which the single-size run ends, at the full size.

    NST_KERAS_WEIGHTS_DIR=... python benchmarks/coarse_to_fine.py [--pairs=CONTENT;STYLE,...] [--image_size=512]

Both are L-BFGS from the content image, one run after the other; seconds are those of the whole run, compilation
included. The loss of a stage counts once it is the full size's. `--sheet` is a contact sheet: content, style, one size,
coarse to fine.
"""

from __future__ import annotations

import os
import time
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from absl import app, flags

from nst_keras import transfer
from nst_keras.export import plots
from nst_keras.images import pixels

PAIRS = flags.DEFINE_list("pairs", ["sample:grace_hopper;sample:swirls"], "Content and style, `;` between them.")
EXTRACTOR = flags.DEFINE_string("extractor", "vgg19", "As the package takes it.")
SIZE = flags.DEFINE_integer("image_size", 512, "Longest side, in pixels.")
STEPS = flags.DEFINE_integer("steps", 100, "Steps of the single-size run.")
PYRAMID = flags.DEFINE_integer("pyramid", 4, "Stages of the other.")
PYRAMID_STEPS = flags.DEFINE_integer("pyramid_steps", 120, "Its steps, half of them the last stage's.")
JIT = flags.DEFINE_string("jit_compile", "auto", "XLA: auto, true or false.")
SHEET = flags.DEFINE_string("sheet", None, "Where a contact sheet is written.")


class Clock(keras.callbacks.Callback):
    """Seconds since the run began, and the loss at the full size (before it: infinite), of each step."""

    def on_train_begin(self, logs: Any = None) -> None:  # noqa: D102
        self.seconds, self.losses = [], []

    def on_train_batch_end(self, batch: int, logs: dict[str, float]) -> None:  # noqa: D102
        is_full_size = self.model.stage == self.model.stage_count - 1
        self.seconds.append(time.perf_counter() - self.begun)
        self.losses.append(logs["loss"] if is_full_size else np.inf)


def timed(pair: str, steps: int, **options: Any) -> tuple[transfer.NeuralStyleTransfer, Clock]:
    content, style = pair.split(";")
    settings = {"extractor": EXTRACTOR.value, "content_layers": ["conv4_2"], "normalization": "relative", "seed": 0}
    settings |= {"image_size": SIZE.value, "optimizer": "lbfgs", "frame_interval": 10**6, "jit_compile": JIT.value}
    run, clock = transfer.NeuralStyleTransfer(style, content, **settings, **options), Clock()
    clock.begun = time.perf_counter()
    run.fit_style_transfer(1, steps, callbacks=[clock], verbose=0)
    return run, clock


def main(_: list[str]) -> None:
    steps = f"{STEPS.value} steps against {PYRAMID_STEPS.value} in {PYRAMID.value} stages"
    print(f"{EXTRACTOR.value}, {SIZE.value} px, {steps}")
    print(
        f"{'pair':<40} {'one size':>10} {'its loss':>9} {'coarse to fine: reached':>24} {'ratio':>6} {'last loss':>10}"
    )
    rows = []
    for pair in PAIRS.value:
        one, single = timed(pair, STEPS.value)
        many, staged = timed(pair, PYRAMID_STEPS.value, pyramid=PYRAMID.value)
        level = single.losses[-1]
        place = next((at for at, loss in enumerate(staged.losses) if loss <= level), None)
        reached = "never" if place is None else f"{staged.seconds[place]:.0f} s"
        ratio = "" if place is None else f"{staged.seconds[place] / single.seconds[-1]:.2f}"
        name = " x ".join(os.path.splitext(os.path.basename(part))[0] for part in pair.split(";"))
        whole = f"{staged.losses[-1]:.4f} at {staged.seconds[-1]:.0f} s"
        print(f"{name:<40} {single.seconds[-1]:>8.0f} s {level:>9.4f} {reached:>24} {ratio:>6} {whole:>10}", flush=True)
        shown = {"content": one.content_image, "style": one.style_images[0]}
        shown = {name: pixels.to_uint8(image) for name, image in shown.items()}
        rows.append(list({**shown, "one size": one.image, "coarse to fine": many.image}.items()))
    if SHEET.value:
        plots.save(plots.plot_rows(rows), SHEET.value)


if __name__ == "__main__":
    app.run(main)
