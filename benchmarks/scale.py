"""Compares tiles with whole images: peak memory, seconds a step, and the difference of the gradients.

    NST_KERAS_WEIGHTS_DIR=... python benchmarks/scale.py [--whole=512,1024] [--tiled=512,1024,2048] [--tile_size=512]

Images are square; sides are in pixels. Memory is measured in runs with Adam, each in a process of its own. Times and
gradients are compared at sides that stand in both lists, in one process, whole and tiled evaluations by turns; times
are medians. Gradients are compared twice. XLA's rounding lets max pooling choose another pixel here and there, with
tiles or without; plain graphs do not. Where no weights are found, random weights stand in.
"""

from __future__ import annotations

import multiprocessing
import os
import pathlib
import re
import time
from collections.abc import Callable
from concurrent import futures

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from absl import app, flags
from references import pairs

from nst_keras import transfer
from nst_keras.images import loading, resizing
from nst_keras.losses import guidance
from nst_keras.networks import architectures, extractors
from nst_keras.objectives import objective

WHOLE = flags.DEFINE_list("whole", ["512", "1024"], "Sides of images processed whole, in pixels.")
TILED = flags.DEFINE_list("tiled", ["512", "1024", "2048", "4096"], "Sides of images processed in tiles, in pixels.")
TILE_SIZE = flags.DEFINE_list("tile_size", ["512"], "Tile sizes in pixels; several are compared.")
EXTRACTOR = flags.DEFINE_string("extractor", "vgg19", "Extractor name.")
STEPS = flags.DEFINE_integer("steps", 2, "Steps of each run whose memory is measured.")
JIT = flags.DEFINE_string("jit_compile", "auto", "XLA in runs and for times: auto, true or false.")
REPEATS = flags.DEFINE_integer("repeats", 5, "Timed evaluations, each whole and in tiles; 0 for none.")


def pictures(side: int) -> tuple[tf.Tensor, tf.Tensor]:
    return tuple(resizing.cover(loading.load(f"sample:{name}"), side, side) for name in ("grace_hopper", "swirls"))


def in_a_process(function: Callable[..., object], *arguments: object) -> object:
    with futures.ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def run(extractor: str, side: int, tile_size: int | None, steps: int, jit_compile: str) -> tuple[float, float]:
    """Returns the peak memory of a run in GiB, and the seconds of its last step; NaN if it has only one."""
    content, style = pictures(side)
    style_transfer = transfer.NeuralStyleTransfer(
        style,
        content,
        extractor,
        weights=pairs.weights(extractor),
        normalization="relative",
        image_size=None,
        tile_size=tile_size,
        frame_interval=steps,
        jit_compile=jit_compile,
    )
    del content, style
    ends = []
    style_transfer.fit_style_transfer(
        1,
        steps,
        callbacks=[keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: ends.append(time.time()))],
    )
    status = pathlib.Path("/proc/self/status").read_text()  # Linux; `getrusage` would count the parent's memory too.
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 2**20, ends[-1] - ends[-2] if steps > 1 else float("nan")


def compare(
    extractor: str, side: int, tile_size: int, repeats: int, jit_compile: str
) -> tuple[float, float, float, float]:
    """Returns the median seconds whole and in tiles, and the gradients' relative difference, as compiled and plain."""
    compiled = _objectives(extractor, side, tile_size, jit_compile)
    image = pictures(side)[0] + 20.0 * tf.random.stateless_normal([1, side, side, 3], (0, 1))
    difference = _difference(compiled, image)
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(repeats):
        for taken, goal in zip(seconds, compiled, strict=True):
            begun = time.monotonic()
            np.asarray(goal.value_and_gradient(image)[1])
            taken.append(time.monotonic() - begun)
    plain = _difference(_objectives(extractor, side, tile_size, "false"), image)
    return *map(float, map(np.median, seconds)), difference, plain


def _objectives(extractor: str, side: int, tile_size: int, jit_compile: str) -> list[object]:
    content, style = pictures(side)
    architecture = architectures.ARCHITECTURES[extractor]
    style_layers = dict.fromkeys(architecture.style_layers[:5], 0.2)
    content_layers = {architecture.content_layers[0]: 1.0}
    network = extractors.get(
        extractor,
        layers=dict.fromkeys([*style_layers, *content_layers]),
        weights=pairs.weights(extractor),
        for_xla=jit_compile != "false",
    )
    return [
        objective.Objective(
            network,
            tile_size=size,
            regions=guidance.everywhere([style]),
            content_image=content,
            style_layers=style_layers,
            content_layers=content_layers,
            content_weight=0.02,
            normalization="relative",
            jit_compile=jit_compile,
        )
        for size in (None, tile_size)
    ]


def _difference(objectives: list[object], image: tf.Tensor) -> float:
    whole, tiled = (np.asarray(goal.value_and_gradient(image)[1]) for goal in objectives)
    return float(np.linalg.norm(whole - tiled) / np.linalg.norm(whole))


def main(_: list[str]) -> None:
    print(f"{EXTRACTOR.value}, TensorFlow {tf.__version__}")
    print(f"{'side':>6} {'tiles':>6} {'peak GiB':>9} {'s a step':>9}", flush=True)
    runs = [(int(side), None) for side in WHOLE.value]
    runs += [(int(side), int(size)) for size in TILE_SIZE.value for side in TILED.value]
    for side, size in runs:
        peak, seconds = in_a_process(run, EXTRACTOR.value, side, size, STEPS.value, JIT.value)
        print(f"{side:>6} {size or 'whole':>6} {peak:>9.2f} {seconds:>9.2f}", flush=True)
    print(f"{'side':>6} {'tiles':>6} {'whole s':>9} {'tiled s':>9} {'ratio':>6} {'XLA apart':>10} {'graph apart':>12}")
    for side, size in ((side, size) for side, size in runs if size and REPEATS.value and str(side) in WHOLE.value):
        compared = in_a_process(compare, EXTRACTOR.value, side, size, REPEATS.value, JIT.value)
        whole, tiled, apart, plain = compared
        line = f"{whole:>9.2f} {tiled:>9.2f} {tiled / whole:>6.2f} {apart:>10.1e} {plain:>12.1e}"
        print(f"{side:>6} {size:>6} {line}", flush=True)
    print("done")


if __name__ == "__main__":
    app.run(main)
