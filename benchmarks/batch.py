"""Batches: what a pair costs beside its steps, and pairs an hour by one process, by workers of Ray, and one by one.

    python benchmarks/batch.py [--contents=20] [--styles=5] [--image_size=192] [--steps=20] [--extractor=compact] ...
    python benchmarks/batch.py --only=command --contents=2 --styles=2 --sizes=256,512    pairs an hour by size

The first part makes the pairs in this process: each one's seconds in all, from reading its pictures to the written
file, against those of its steps alone. The first pair of each size is left out, since it compiles. Memory is the
resident set after a garbage collection (Linux). The second part runs whole commands, start-up and report included.
"One by one" is a process for each pair, as a loop in a shell would start them: a few are timed, the rest reckoned.
Photographs are crops of the samples in two shapes.
"""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import statistics
import sys
import tempfile
import threading
from collections.abc import Sequence

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import PIL.Image
from absl import app, flags
from references import processes, steps

from nst_keras import settings
from nst_keras.cli.batch import making, ordering, planning
from nst_keras.cli.batch import pairs as pairs_lib
from nst_keras.images import samples

CONTENTS = flags.DEFINE_integer("contents", 20, "Number of content images.")
STYLES = flags.DEFINE_integer("styles", 5, "Number of style images.")
SIZES = flags.DEFINE_list("sizes", ["192"], "Longest sides of the pictures, in pixels.")
STEPS = flags.DEFINE_integer("steps", 20, "Of L-BFGS, for each pair.")
EXTRACTOR = flags.DEFINE_string("extractor", "compact", "A name of the registry.")
ALONE = flags.DEFINE_integer("alone", 3, "Pairs that are made one by one.")
WORKERS = flags.DEFINE_list("workers", [], "Numbers of workers of a local Ray, such as 1,2. Default: none.")
ONLY = flags.DEFINE_enum("only", None, ["process", "command"], "Only this part.")

_ROOT = pathlib.Path(__file__).parents[1]


def draw(count: int, seed: int, folder: pathlib.Path) -> str:
    """Writes random crops of the samples, every second one upright, and returns the folder."""
    random = np.random.default_rng(seed)
    folder.mkdir()
    whole = [np.asarray(samples.read(name)) for name in ("grace_hopper", "landscape", "swirls")]
    for index in range(count):
        source = whole[index % len(whole)]
        height, width = (256, 192) if index % 2 else (192, 256)
        scale = random.uniform(0.6, 1.0) * min(source.shape[0] / height, source.shape[1] / width)
        height, width = int(height * scale), int(width * scale)
        top, left = (
            random.integers(0, have - need + 1) for have, need in zip(source.shape, (height, width), strict=False)
        )
        crop = PIL.Image.fromarray(source[top : top + height, left : left + width, :3])
        crop.resize((768, 1024) if index % 2 else (1024, 768)).save(folder / f"{index:03}.jpg")
    return str(folder)


def options(size: str) -> dict[str, object]:
    return {
        "extractor": EXTRACTOR.value,
        "image_size": int(size),
        "epochs": 1,
        "steps_per_epoch": STEPS.value,
        "optimizer": "lbfgs",
        "normalization": "relative",
    }


def in_this_process(contents: str, styles: str, size: str, output_dir: str) -> None:
    """Prints what a pair costs beside its steps."""
    given = {"content_image": contents, "style_image": styles, **options(size)}
    pairs = ordering.ordered(planning.planned(given, settings.BatchSettings()))
    maker, timer, met = making.Maker(output_dir), steps.StepTimer(), set()
    ratios, memory, all_seconds, all_steps = [], [], 0.0, 0.0
    watch = making.Watch(lambda step, total: None, threading.Event().is_set)
    for index, pair in enumerate(pairs):
        fit = dataclasses.replace(pair.asked.fit, callbacks=(timer,))
        pair = pair._replace(asked=dataclasses.replace(pair.asked, fit=fit))  # noqa: PLW2901
        outcome = maker.make(pair, watch)
        if outcome.status is not pairs_lib.Status.MADE:
            raise SystemExit(outcome.sentence)
        if outcome.size in met:
            ratios.append(outcome.seconds / timer.seconds)
            all_seconds, all_steps = all_seconds + outcome.seconds, all_steps + timer.seconds
        met.add(outcome.size)
        if (index + 1) % 20 == 0 or index + 1 == len(pairs):
            memory.append(steps.resident())
    maker.close()
    print(
        f"{size} px, {len(pairs)} pairs of {len(met)} sizes: in all {all_seconds / all_steps:.3f} times the steps; "
        f"median of the pairs {statistics.median(ratios):.3f}"
    )
    print(f"MiB after each 20 pairs: {memory}", flush=True)


def by_commands(contents: str, styles: str, size: str, output_dir: str) -> None:
    """Prints pairs an hour of whole commands."""
    pictures = [f"--content_image={contents}", f"--style_image={styles}"]
    usual = [f"--{name}={value}" for name, value in options(size).items()]
    batch = [sys.executable, "-m", "nst_keras.batch", *pictures, *usual, "--quiet"]
    report(size, "a batch by one process", timed([*batch, f"--output_dir={output_dir}"]), output_dir)
    for workers in WORKERS.value:
        made = f"{output_dir}_{workers}"
        command = [*batch, f"--output_dir={made}", "--ray_address=local", f"--workers={workers}", "--worker_cpus=1"]
        report(size, f"a batch by {workers} of Ray's workers", timed(command), made)
    if ALONE.value:
        rows = [row for row in rows_of(output_dir) if row["status"] == "made"][: ALONE.value]
        run = [sys.executable, "-m", "nst_keras.run", *usual, "--quiet"]
        seconds = [
            timed([*run, f"--content_image={row['content']}", f"--style_image={row['style']}", f"--output={name}.png"])
            for name, row in enumerate(rows)
        ]
        each = statistics.median(seconds)
        print(f"{size} px, one by one: {each:.2f} s a pair, {3600 / each:.0f} pairs an hour", flush=True)


def timed(command: Sequence[str]) -> float:
    """Seconds of a command."""
    with tempfile.TemporaryDirectory() as folder:
        return processes.spent(command, folder=folder, environment={**os.environ, "PYTHONPATH": str(_ROOT)}).wall


def rows_of(output_dir: str) -> list[dict]:
    return json.loads((pathlib.Path(output_dir) / "report.json").read_text())["pairs"]


def report(size: str, name: str, seconds: float, output_dir: str) -> None:
    count = len(rows_of(output_dir))
    print(
        f"{size} px, {name}: {count} pairs in {seconds:.1f} s, {3600 * count / seconds:.0f} pairs an hour", flush=True
    )


def main(_: list[str]) -> None:
    print(f"{EXTRACTOR.value}, {STEPS.value} steps of L-BFGS")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        contents = draw(CONTENTS.value, 0, folder / "contents")
        styles = draw(STYLES.value, 1, folder / "styles")
        for size in SIZES.value:
            if ONLY.value != "command":
                in_this_process(contents, styles, size, str(folder / f"made_{size}"))
            if ONLY.value != "process":
                by_commands(contents, styles, size, str(folder / f"commands_{size}"))


if __name__ == "__main__":
    app.run(main)
