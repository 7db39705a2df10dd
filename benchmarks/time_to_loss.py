"""Seconds and evaluations to a given VGG19 loss: the package against the published recipes of the field.

    pip install -e ".[bench]"
    NST_KERAS_WEIGHTS_DIR=... python benchmarks/time_to_loss.py [--pairs=CONTENT;STYLE,...] [--sheet=FILE] [--plot=FILE]

All lower one loss, neural-style-pt's, over the same weights, pictures and start; the levels are those that its own
recipe has after a quarter, a half and all of `--evaluations`. Evaluations are made in turn, so that the machine's moods
fall on all alike; seconds are those of the recipe alone. Its first evaluations, which compile, count as much as the
others do; the rest is told apart as its start-up. `--wasserstein` adds style-transfer-pytorch's recipe from its first
size to its last, over its own loss, against ours at the full size. `references/` has the recipes, written anew from
what was published, without those in PyTorch where it is not installed. `--table=docs/performance.md` writes it there.
"""

from __future__ import annotations

import importlib.util
import os
import statistics
from collections.abc import Iterable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import matplotlib.figure
import numpy as np
import tensorflow as tf
from absl import app, flags
from references import ours, pairs, race, recipe, report, tensorflow_recipes

from nst_keras.export import plots
from nst_keras.images import pixels
from nst_keras.networks import extractors

PAIRS = flags.DEFINE_list(
    "pairs",
    ["sample:grace_hopper;sample:swirls", "sample:grace_hopper;sample:woodblock", "sample:swirls;sample:stained_glass"],
    "Content and style, `;` between them.",
)
SIZE = flags.DEFINE_integer("image_size", 256, "Longest side, in pixels.")
INITS = flags.DEFINE_list("inits", ["content", "noise"], "Starts: content, noise or both.")
EVALUATIONS = flags.DEFINE_integer("evaluations", 100, "After which neural-style-pt's recipe has the last level.")
MOST = flags.DEFINE_integer("most", 1000, "Evaluations after which a recipe is given up.")
WASSERSTEIN = flags.DEFINE_boolean("wasserstein", False, "Compares with style-transfer-pytorch's recipe too.")
SHORTENED = flags.DEFINE_integer(
    "shortened", 1, "Divides that recipe's steps, 1000 at its first size and 500 at others."
)
COMPILED = flags.DEFINE_boolean("compiled", True, "Compiles ours with XLA, but for the recipes that leave it out.")
SHEET = flags.DEFINE_string("sheet", None, "Where a contact sheet is written.")
PLOT = flags.DEFINE_string("plot", None, "Where a plot of losses against seconds and evaluations is written.")
TABLE = flags.DEFINE_string("table", None, "A Markdown file with marks `<!-- time_to_loss -->` around its table.")

OURS, PLAIN, JUDGE = "ours: L-BFGS", "ours: L-BFGS, not preconditioned", "neural-style-pt: L-BFGS"
TUTORIAL = "TensorFlow's tutorial: Adam"
# Of the contact sheet.
SHOWN = {OURS: "ours", PLAIN: "plain L-BFGS", TUTORIAL: "tutorial", JUDGE: "neural-style-pt"}
HAS_TORCH = importlib.util.find_spec("torch") is not None


def recipes() -> dict[str, recipe.Recipe]:
    found = {
        **ours.recipes(ours.gram_objective, compiled=COMPILED.value),
        TUTORIAL: tensorflow_recipes.tutorial,
        "keras.io's example: SGD": tensorflow_recipes.keras_example,
    }
    if HAS_TORCH:
        from references import torch_recipes  # noqa: PLC0415  An extra.

        found[JUDGE] = torch_recipes.neural_style_pt
    return found


def tasks() -> Iterable[tuple[str, recipe.Task]]:
    """Each pair with each start, under a name for it."""
    layers = [*recipe.STYLE_LAYERS, recipe.CONTENT_LAYER]
    network = extractors.get("vgg19", layers=layers, weights=pairs.weights("vgg19")).network
    for pair in PAIRS.value:
        content, style = pairs.pictures(pair, SIZE.value)
        name = " x ".join(os.path.splitext(part.rpartition(":")[2].rpartition("/")[2])[0] for part in pair.split(";"))
        for init in INITS.value:
            start = pairs.start(init, content)
            yield f"{name}, from {init}", recipe.Task(content.numpy(), style.numpy(), start.numpy(), network)


def check_losses(runners: dict[str, race.Runner]) -> None:
    """Exits where recipes differ on the loss of the start: they would not lower the same one."""
    first = {name: runner.losses[0] for name, runner in runners.items()}
    if max(first.values()) > 1.001 * min(first.values()):
        raise SystemExit(f"The recipes do not measure the same loss: {first}.")


def compared(task: recipe.Task) -> tuple[dict[str, race.Runner], dict[str, report.Result]]:
    """Runs all recipes on a task, to the loss of neural-style-pt's or, without PyTorch, of our own Adam."""
    runners = {name: race.Runner(iterates, task) for name, iterates in recipes().items()}
    judge = JUDGE if HAS_TORCH else "ours: Adam"
    for runner in runners.values():
        runner.advance()
    check_losses(runners)
    race.race(runners, judge=judge, evaluations=EVALUATIONS.value, most=MOST.value)
    levels = [runners[judge].losses[max(0, EVALUATIONS.value // part - 1)] for part in (4, 2, 1)]
    return runners, {name: report.result(runner, levels) for name, runner in runners.items()}


def wasserstein(task: recipe.Task) -> tuple[str, float]:
    """style-transfer-pytorch's whole recipe against ours, to the loss of its picture in our measure.

    Returns:
        What came of it, in words, and how many times as long it took as ours; 0 where ours was given up.
    """
    from references import torch_recipes  # noqa: PLC0415  An extra.

    goal = ours.wasserstein_objective(task)
    steps = {"first_steps": 1000 // SHORTENED.value, "steps": 500 // SHORTENED.value}
    theirs = race.Runner(lambda given: torch_recipes.style_transfer_pytorch(given, **steps), task)
    while theirs.advance():
        pass
    level = float(goal.value_and_gradient(tf.constant(theirs.picture(), tf.float32))[0].total)
    mine = race.Runner(ours.recipes(ours.wasserstein_objective, compiled=COMPILED.value)[OURS], task)
    while (not mine.losses or mine.losses[-1] > level) and len(mine.losses) < MOST.value:
        mine.advance()
    seconds = [runner.elapsed(len(runner.losses)) for runner in (theirs, mine)]
    faster = seconds[0] / seconds[1] if mine.losses[-1] <= level else 0.0
    told = f"its loss {level:.4g} after {len(theirs.losses)} evaluations, {seconds[0]:.0f} s; "
    told += f"ours after {len(mine.losses)}, {seconds[1]:.0f} s: {faster:.1f} times as fast"
    return (told if faster else f"{told}, since it was given up"), faster


def plot(runners: dict[str, race.Runner], path: str) -> None:
    """Losses against seconds, compiled, and against evaluations."""
    figure = matplotlib.figure.Figure(figsize=(10, 4), layout="constrained")
    for axes, label in zip(figure.subplots(1, 2, sharey=True), ("seconds, once compiled", "evaluations"), strict=True):
        for name, runner in runners.items():
            counts = range(1, len(runner.losses) + 1)
            places = counts if label == "evaluations" else [runner.elapsed(count) for count in counts]
            axes.plot(places, np.minimum.accumulate(runner.losses), label=name, linewidth=1.2)
        axes.set(xlabel=label, yscale="log", xscale="log")
    figure.axes[0].set_ylabel("lowest loss so far")
    figure.axes[1].legend(fontsize=7)
    plots.save(figure, path)


def sheet_row(task: recipe.Task, runners: dict[str, race.Runner]) -> list[tuple[str, np.ndarray]]:
    shown = [("content", task.content), ("style", task.style)]
    shown += [(SHOWN[name], runners[name].picture()) for name in SHOWN if name in runners]
    return [(name, pixels.to_uint8(np.clip(picture, 0, 255))) for name, picture in shown]


def main(_: list[str]) -> None:
    print(f"{report.machine()}; VGG19, {SIZE.value} px")
    if not HAS_TORCH:
        print("PyTorch is not installed: its recipes are left out. pip install nst_keras[bench] brings it.")
    results, rows, of_wasserstein, last = {}, [], [], {}
    for name, task in tasks():
        last, results[name] = compared(task)
        rows.append(sheet_row(task, last))
        for recipe_name, one in results[name].items():
            evaluations = " / ".join(str(count or "-") for count in one.evaluations)
            print(f"{name:<44} {recipe_name:<34} {evaluations:>16} {one.seconds[-1]:>8.1f} s", flush=True)
        if WASSERSTEIN.value and HAS_TORCH:
            told, faster = wasserstein(task)
            of_wasserstein.append(faster)
            print(f"{name:<44} style-transfer-pytorch: {told}", flush=True)
    found = report.table(results, ours=OURS, plain=PLAIN)
    report.print_table(found)
    notes = [f"Medians over {len(results)} tasks, {SIZE.value} px ({'; '.join(results)}); {report.machine()}."]
    if of_wasserstein:
        times = statistics.median(of_wasserstein)
        notes.append(f"style-transfer-pytorch's recipe, over its own loss: {times:.1f} times as long as ours.")
    print("\n".join(notes))
    if PLOT.value:
        plot(last, PLOT.value)
    if SHEET.value:
        plots.save(plots.plot_rows(rows), SHEET.value)
    if TABLE.value:
        report.write_table(found, notes, TABLE.value)


if __name__ == "__main__":
    app.run(main)
