"""Compares the estimated peak memory of runs with the measured one.

    NST_KERAS_WEIGHTS_DIR=... python benchmarks/memory.py [--sizes=256x256,384x512] [--extractors=vgg19,compact] ...

Each run is a process of its own and takes a few steps. Sizes are height x width. Where no weights are found, random
weights stand in; they take the same memory. The last line gives the worst ratio of estimate to measurement.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import pathlib
import re

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf
from absl import app, flags

from nst_keras import transfer
from nst_keras.engine import memory_estimate
from nst_keras.images import loading, resizing
from nst_keras.networks import architectures

SIZES = flags.DEFINE_list("sizes", ["256x256", "384x512", "512x512", "1024x1024"], "Height x width, in pixels.")
EXTRACTORS = flags.DEFINE_list("extractors", ["vgg19", "compact"], "Extractor names.")
OPTIMIZERS = flags.DEFINE_list("optimizers", ["adam", "lbfgs"], "Optimizer names.")
JIT_COMPILE = flags.DEFINE_list("jit_compile", ["true", "false"], "true for XLA, false for a graph.")
STEPS = flags.DEFINE_integer("steps", 12, "Steps of each run: enough to fill L-BFGS's history of 10.")


def peak_memory(*run: object) -> int:
    """Returns the peak memory in bytes of a run in a process of its own."""
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=_measure, args=(queue, *run))
    process.start()
    result = queue.get(timeout=1800)
    process.join()
    return result


def _measure(
    queue: multiprocessing.Queue, height: int, width: int, extractor: str, optimizer: str, jit_compile: str, steps: int
) -> None:
    content, style = (loading.load(f"sample:{name}") for name in ("grace_hopper", "swirls"))
    has_weights = architectures.ARCHITECTURES[extractor].packaged or architectures.weights_file(extractor)
    style_transfer = transfer.NeuralStyleTransfer(
        resizing.cover(style, height, width),
        resizing.cover(content, height, width),
        extractor,
        weights="imagenet" if has_weights else "random",
        image_size=None,
        optimizer=optimizer,
        jit_compile=jit_compile,
        frame_interval=steps,
    )
    style_transfer.fit_style_transfer(1, steps, style_weight=1.0, content_weight=1.0, var_weight=1.0, verbose=0)
    status = pathlib.Path("/proc/self/status").read_text()  # Linux; `getrusage` would count the parent's memory too.
    queue.put(int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024)


def main(_: list[str]) -> None:
    print(f"TensorFlow {tf.__version__}; GiB")
    print(
        f"{'size':>9}  {'extractor':<12} {'optimizer':<9} {'XLA':<5} {'estimated':>9} {'measured':>9} {'ratio':>6}",
        flush=True,
    )
    ratios = {}
    for run in itertools.product(EXTRACTORS.value, JIT_COMPILE.value, OPTIMIZERS.value, SIZES.value):
        extractor, jit_compile, optimizer, size = run
        height, width = map(int, size.split("x"))
        estimate = memory_estimate.estimate_memory(
            height, width, extractor, optimizer, jit_compile=jit_compile, frames=1, on_gpu=False
        ).total
        measured = peak_memory(height, width, extractor, optimizer, jit_compile, STEPS.value)
        ratios[run] = estimate / measured
        print(
            f"{size:>9}  {extractor:<12} {optimizer:<9} {jit_compile:<5} {estimate / 2**30:>9.2f} "
            f"{measured / 2**30:>9.2f} {ratios[run]:>6.2f}",
            flush=True,
        )
    worst = max(ratios, key=lambda run: abs(ratios[run] - 1))
    print(f"worst: {ratios[worst]:.2f}, of {', '.join(worst)}")


if __name__ == "__main__":
    app.run(main)
