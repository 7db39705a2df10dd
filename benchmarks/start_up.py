"""Seconds from the command to the first step made: the imports, the network, the targets, the step's own compiling.

    NST_KERAS_WEIGHTS_DIR=... python benchmarks/start_up.py [--extractors=compact,vgg19] [--image_size=256] ...

Each run is a process of its own, all builds in turn; medians. The pictures are given as arrays, so that none is read or
drawn. "XLA, kept" has its compiled steps from `xla_cache`, filled by a run that is not counted. The last column is the
second step, for what compiling is worth. Random weights stand in where there are no others; they are not read.
"""

from __future__ import annotations

import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

from absl import app, flags

EXTRACTORS = flags.DEFINE_list("extractors", ["compact", "vgg19"], "Names of the registry.")
BUILDS = flags.DEFINE_list("builds", ["XLA", "kept", "graph"], "Some of these.")
SIZE = flags.DEFINE_integer("image_size", 256, "Side of the square images, in pixels.")
REPEATS = flags.DEFINE_integer("repeats", 3, "Processes of each kind.")

PARTS = ("import", "network", "targets", "first step", "in all", "a step")


def measured(extractor: str, build: str, cache: str) -> list[float]:
    """Seconds of each of `PARTS` in a process of its own."""
    settings = [extractor, str(SIZE.value), str(build != "graph"), cache if build == "kept" else "", repr(time.time())]
    command = [sys.executable, __file__, "--child", *settings]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def child(extractor: str, size: str, jit_compile: str, cache: str, begun: str) -> None:
    """A run of two steps; prints its seconds, from the moment in which its process was asked for."""
    if cache:
        from nst_keras.runtime import xla_cache  # noqa: PLC0415  Before TensorFlow.

        xla_cache.use(cache)
    import keras  # noqa: PLC0415  Timed.
    import numpy as np  # noqa: PLC0415

    from nst_keras import transfer  # noqa: PLC0415
    from nst_keras.networks import architectures  # noqa: PLC0415

    times = [float(begun), time.time()]
    note = keras.callbacks.LambdaCallback(
        on_train_begin=lambda logs: times.append(time.time()),
        on_train_batch_end=lambda batch, logs: times.append(time.time()),
    )
    has_weights = not architectures.ARCHITECTURES[extractor].downloads or architectures.weights_file(extractor)
    pictures = np.random.default_rng(0).integers(0, 256, (2, int(size), int(size), 3), np.uint8)
    style_transfer = transfer.NeuralStyleTransfer(
        *pictures, extractor, weights="imagenet" if has_weights else "random", jit_compile=jit_compile, seed=0
    )
    times.append(time.time())
    style_transfer.fit_style_transfer(1, 2, callbacks=[note], verbose=0)
    seconds = [after - before for before, after in itertools.pairwise(times)]
    print(json.dumps([*seconds[:-1], sum(seconds[:-1]), seconds[-1]]))


def main(_: list[str]) -> None:
    print(f"{SIZE.value} px, medians of {REPEATS.value}; seconds")
    print(f"{'extractor':<12} {'build':<10} {' '.join(f'{part:>10}' for part in PARTS)}", flush=True)
    for extractor in EXTRACTORS.value:
        runs: dict[str, list[list[float]]] = {build: [] for build in BUILDS.value}
        with tempfile.TemporaryDirectory() as cache:
            if "kept" in runs:
                measured(extractor, "kept", cache)
            for _ in range(REPEATS.value):
                for build, rows in runs.items():
                    rows.append(measured(extractor, build, cache))
        for build, rows in runs.items():
            medians = [statistics.median(part) for part in zip(*rows, strict=True)]
            name = "XLA, kept" if build == "kept" else build
            print(f"{extractor:<12} {name:<10} {' '.join(f'{median:>10.2f}' for median in medians)}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(*sys.argv[2:])
    else:
        app.run(main)
