"""Many contents in many styles by one object: what a pair costs beside its steps, beside an object of its own each.

    NST_KERAS_WEIGHTS_DIR=... python benchmarks/many_pairs.py [--contents=20] [--styles=5] [--image_size=192] ...
    python benchmarks/many_pairs.py --extractor=vgg19 --image_size=256 --contents=5 --styles=2 --objects=10

Each pair is given by `set_images` and makes a run. "In all" is its time from there to the result, "steps" that of its
steps alone: the share of the rest should be small, so each pair is compared with its own steps, and medians are
printed. "A new object" is what a pair took when nothing was shared in a process: all that is shared is let go before
it. Memory is the resident set after a garbage collection (Linux), first of the pairs, then of new objects that share
what they can; it should not grow. Pictures are crops of the samples, half of them files and half arrays.
"""

from __future__ import annotations

import gc
import itertools
import os
import pathlib
import statistics
import tempfile
import time
from collections.abc import Sequence
from typing import NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import PIL.Image
from absl import app, flags
from references import steps

from nst_keras import transfer
from nst_keras.images import samples
from nst_keras.networks import architectures, extractors
from nst_keras.objectives import objective
from nst_keras.optimizers import shared

CONTENTS = flags.DEFINE_integer("contents", 20, "Number of content images.")
STYLES = flags.DEFINE_integer("styles", 5, "Number of style images.")
EXTRACTOR = flags.DEFINE_string("extractor", "compact", "A name of the registry.")
SIZE = flags.DEFINE_integer("image_size", 192, "Side of the square images, in pixels.")
STEPS = flags.DEFINE_integer("steps", 20, "Of L-BFGS, for each pair.")
JIT_COMPILE = flags.DEFINE_string("jit_compile", "true", "true for XLA, false for a graph.")
OBJECTS = flags.DEFINE_integer("objects", 50, "New objects one after the other, for their memory. They make one step.")
COLD = flags.DEFINE_integer("cold", 3, "New objects that share nothing, for their time.")

Picture = str | np.ndarray


class Times(NamedTuple):
    """Seconds of a pair in all, and of its steps."""

    in_all: float
    steps: float


def pictures(count: int, seed: int, folder: pathlib.Path) -> list[Picture]:
    """Random crops of the samples, each other one flipped; every second is the path of a file."""
    random, made = np.random.default_rng(seed), []
    whole = [np.asarray(samples.read(name)) for name in ("grace_hopper", "landscape", "swirls")]
    for index in range(count):
        source = whole[index % len(whole)]
        side = int(random.uniform(0.5, 1.0) * min(source.shape[:2]))
        top, left = (random.integers(0, length - side + 1) for length in source.shape[:2])
        crop = PIL.Image.fromarray(source[top : top + side, left : left + side, :3]).resize((SIZE.value, SIZE.value))
        picture = np.asarray(crop)[:, :: random.choice([-1, 1])]
        path = folder / f"{seed}_{index}.png"
        PIL.Image.fromarray(picture).save(path)
        made.append(picture if index % 2 else str(path))
    return made


def new(content: Picture, style: Picture) -> transfer.NeuralStyleTransfer:
    has_weights = architectures.ARCHITECTURES[EXTRACTOR.value].packaged or architectures.weights_file(EXTRACTOR.value)
    return transfer.NeuralStyleTransfer(
        style,
        content,
        EXTRACTOR.value,
        weights="imagenet" if has_weights else "random",
        image_size=None,
        optimizer="lbfgs",
        normalization="relative",
        jit_compile=JIT_COMPILE.value,
        frame_interval=10**9,
        seed=0,
    )


def swapped(pairs: Sequence[tuple[Picture, Picture]]) -> tuple[list[Times], list[int], int]:
    """Times of each pair, the memory after each 20 of them, and how often the step was traced. One object makes all."""
    timer, times, memory = steps.StepTimer(), [], []
    begun = time.perf_counter()
    style_transfer = new(*pairs[0])
    for index, (content, style) in enumerate(pairs):
        if index:
            begun = time.perf_counter()
            style_transfer.set_images(content_image=content, style_image=style)
        style_transfer.fit_style_transfer(1, STEPS.value, callbacks=[timer], verbose=0)
        times.append(Times(time.perf_counter() - begun, timer.seconds))
        if (index + 1) % 20 == 0 or index + 1 == len(pairs):
            memory.append(steps.resident())
    return times, memory, style_transfer.objective.tracing_count()


def objects(pairs: Sequence[tuple[Picture, Picture]]) -> list[int]:
    """Memory after the first new object, and after each ten more."""
    memory = []
    for index, pair in enumerate(itertools.islice(itertools.cycle(pairs), OBJECTS.value)):
        new(*pair).fit_style_transfer(1, 1, verbose=0)
        if index % 10 == 0:
            memory.append(steps.resident())
    return memory


def cold(pair: tuple[Picture, Picture]) -> float:
    """Seconds of a pair by a new object that shares nothing."""
    for cached in (objective._evaluator, extractors._shared, shared._made):
        cached.cache_clear()
    gc.collect()
    begun = time.perf_counter()
    new(*pair).fit_style_transfer(1, STEPS.value, verbose=0)
    return time.perf_counter() - begun


def report(name: str, seconds: float, more: str = "") -> None:
    print(f"{name:<44} {seconds:>8.2f} s{more}", flush=True)


def main(_: list[str]) -> None:
    print(f"{EXTRACTOR.value}, {SIZE.value} px, {STEPS.value} steps, jit_compile={JIT_COMPILE.value}")
    with tempfile.TemporaryDirectory() as name:
        contents, styles = (
            pictures(count.value, seed, pathlib.Path(name)) for seed, count in enumerate((CONTENTS, STYLES))
        )
        pairs = list(itertools.product(contents, styles))
        (first, *others), memory, traced = swapped(pairs)
        report("first pair, in all", first.in_all)
        pair = statistics.median(times.in_all for times in others)
        report(f"another pair, in all, median of {len(others)}", pair)
        share = statistics.median(times.in_all / times.steps for times in others)
        report(
            "another pair, steps", statistics.median(times.steps for times in others), f"; in all: {share:.3f} times"
        )
        print(f"the step was traced {traced} times")
        print(f"MiB after each 20 pairs: {memory}")
        print(f"MiB after new objects 1, 11, 21, ...: {objects(pairs)}", flush=True)
        seconds = [cold(pair) for pair in pairs[: COLD.value]]
    alone = statistics.median(seconds)
    report(f"a new object that shares nothing, median of {len(seconds)}", alone)
    ours = first.in_all + sum(times.in_all for times in others)
    ratio = alone * len(pairs) / ours
    print(f"{len(pairs)} pairs: {ours:.0f} s, and {alone * len(pairs):.0f} s by new objects: {ratio:.1f} times")


if __name__ == "__main__":
    app.run(main)
