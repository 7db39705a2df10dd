"""Seconds from the command to the first step made, and from the last step to the end, part by part.

    NST_KERAS_WEIGHTS_DIR=... python benchmarks/start_up.py [--extractors=compact,vgg19] [--image_size=256] ...

Each run is a whole command of two steps in a process of its own, all builds in turn; medians. "XLA, kept" has its
compiled steps from `xla_cache`, filled by a run that is not counted. "bf16" is a graph in mixed_bfloat16. "a step" is
the second one, for what compiling is worth; "end" writes the files and leaves. "CPU" are the seconds of all cores
together, which other load on the machine changes less. Random weights stand in where there are no others.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import pathlib
import resource
import runpy
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from typing import Any

from absl import app, flags

EXTRACTORS = flags.DEFINE_list("extractors", ["compact", "vgg19"], "Names of the registry.")
BUILDS = flags.DEFINE_list("builds", ["XLA", "kept", "graph", "bf16"], "Some of these.")
SIZE = flags.DEFINE_integer("image_size", 256, "Longest side of the picture, in pixels.")
CONTENT = flags.DEFINE_string("content_image", "sample:grace_hopper", "The photograph.")
STYLE = flags.DEFINE_string("style_image", "sample:swirls", "The painting.")
REPEATS = flags.DEFINE_integer("repeats", 3, "Processes of each kind.")

PARTS = ("TensorFlow", "pictures", "network", "targets", "first step", "in all", "a step", "end", "CPU")
# The phases of a command at whose end a part ends, and at whose beginning one does.
ENDS, BEGINS = ("loading TensorFlow", "reading the pictures", "preparing"), ("preparing",)


def measured(extractor: str, build: str, cache: str) -> list[float]:
    """Seconds of each of `PARTS` in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        marks = pathlib.Path(folder, "marks")
        command = [sys.executable, __file__, "--child", str(marks), *_command(extractor, build, cache, folder)]
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        spent, begun = _cpu(), time.time()
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
        ended, spent = time.time(), _cpu() - spent
        times = [begun, *map(float, marks.read_text().split()), ended]
    parts = [after - before for before, after in itertools.pairwise(times)]
    return [*parts[:5], sum(parts[:5]), *parts[5:], spent]


def _command(extractor: str, build: str, cache: str, folder: str) -> list[str]:
    """Returns the flags of a run of two steps."""
    from nst_keras.networks import architectures  # noqa: PLC0415  Here, so that --help needs no TensorFlow.

    is_random = (
        architectures.ARCHITECTURES[extractor].packaged is None and architectures.weights_file(extractor) is None
    )
    return [
        f"--content_image={CONTENT.value}",
        f"--style_image={STYLE.value}",
        f"--extractor={extractor}",
        f"--weights={'random' if is_random else 'imagenet'}",
        f"--precision={'mixed_bfloat16' if build == 'bf16' else 'float32'}",
        f"--jit_compile={str(build in ('XLA', 'kept')).lower()}",
        f"--image_size={SIZE.value}",
        f"--xla_cache={cache if build == 'kept' else 'none'}",
        *("--optimizer=lbfgs", "--epochs=1", "--steps_per_epoch=2", f"--output={folder}/made.png", "--quiet"),
    ]


def _cpu() -> float:
    """Seconds that all cores have spent on this process's children."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def child(path: str, *arguments: str) -> None:
    """Runs the command line as `python -m nst_keras.run`; writes the time at which each part ends to a file."""
    from nst_keras.runtime import phases  # noqa: PLC0415  The command loads what it needs, and is timed doing so.

    with open(path, "w", encoding="utf-8") as file:

        def mark() -> None:
            print(time.time(), file=file, flush=True)

        named = phases.named

        @contextlib.contextmanager
        def marked(name: str) -> Generator[None, None, None]:
            """Names a phase, and notes when it begins or ends a part."""
            if name in BEGINS:
                mark()
            with named(name):
                yield
            if name in ENDS:
                mark()
            if name == "loading TensorFlow":
                _mark_steps(mark)

        phases.named = marked
        sys.argv = ["nst_keras.run", *arguments]
        runpy.run_module("nst_keras.run", run_name="__main__", alter_sys=True)


def _mark_steps(mark: Callable[[], None]) -> None:
    """Marks the end of each step, before the callbacks see it."""
    import keras  # noqa: PLC0415  It is loaded by now.

    ended = keras.callbacks.CallbackList.on_train_batch_end

    def marked(callbacks: keras.callbacks.CallbackList, batch: int, logs: Any = None) -> None:
        """Marks the time, and calls the callbacks."""
        mark()
        ended(callbacks, batch, logs)

    keras.callbacks.CallbackList.on_train_batch_end = marked


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
