"""Seconds of whole commands, from the process's start to its end: ours against two recipes, to their losses.

    pip install -e ".[bench]"
    NST_KERAS_WEIGHTS_DIR=... python benchmarks/whole_command.py [--pairs=CONTENT;STYLE,...] [--sizes=256,512]
        [--against=neural_style_pt,tutorial] [--flags="--precision=mixed_bfloat16"] [--table=docs/performance.md]

A recipe runs as its users run it: neural-style-pt's 100 iterations of L-BFGS in PyTorch, and 1000 steps of Adam in
TensorFlow's tutorial, each with its own loss. Ours is `python -m nst_keras.run` with VGG19, L-BFGS and flags that state
that loss. All read the same two pictures and write theirs. One judge measures the losses of what they wrote, in
float32: ours from a file of 16 bits, the recipe's neither rounded nor clipped, which neural-style-pt's loses much by;
`--level=written` judges its file of 8 bits. Ours makes the fewest steps that come to the recipe's loss, found off the
clock. Then the commands run in turn. Medians.

PyTorch is told to flush denormals, as TensorFlow does: without that, it takes five times as long here.

The last rows are the quickstart as it is typed, and with `precision=float32`; nothing is judged there.
"""

from __future__ import annotations

import importlib.util
import json
import os
import pathlib
import shlex
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import h5py
import numpy as np
import tensorflow as tf
from absl import app, flags
from references import ours, pairs, processes, recipe, report

from nst_keras import export
from nst_keras.images import loading
from nst_keras.networks import architectures, extractors
from nst_keras.objectives import objective

PAIRS = flags.DEFINE_list("pairs", ["sample:grace_hopper;sample:swirls"], "Content and style, `;` between them.")
SIZES = flags.DEFINE_list("sizes", ["256", "512"], "Longest sides, in pixels.")
AGAINST = flags.DEFINE_list("against", ["neural_style_pt", "tutorial"], "Recipes; empty for none.")
REPEATS = flags.DEFINE_integer("repeats", 5, "Processes of each kind.")
LEVEL = flags.DEFINE_enum("level", "own", ["own", "written"], "Recipe's picture: as it has it, or as its file has it.")
STEPS = flags.DEFINE_integer("steps", None, "Steps of ours. Default: the fewest that come to the recipe's loss.")
MOST = flags.DEFINE_integer("most", 150, "Steps after which ours is given up.")
FLAGS = flags.DEFINE_string("flags", "", "Further flags of our commands, the quickstart's among them.")
QUICKSTART = flags.DEFINE_boolean("quickstart", True, "Also runs configs/quickstart.flags.")
QUICKSTART_FLAGS = flags.DEFINE_string("quickstart_flags", "", "Further flags of the quickstart alone.")
SHORTENED = flags.DEFINE_integer("shortened", 1, "Divides the recipes' iterations.")
TABLE = flags.DEFINE_string("table", None, "A Markdown file with marks `<!-- whole_command -->` around its table.")

HERE = pathlib.Path(__file__).parent
LAYERS = [*recipe.STYLE_LAYERS, recipe.CONTENT_LAYER, recipe.TUTORIAL_CONTENT_LAYER]
HEAD = ["command", "px", "steps", "loss", "s", "processor s", "times as long"]


class Goal(NamedTuple):
    """A recipe whose loss is to be reached.

    Attributes:
        title: Its name in the table.
        iterations: That it makes.
        settings: Its loss in the package's terms.
        objective: The judge.
        needs: The package that it runs on.
    """

    title: str
    iterations: int
    settings: Callable[[], dict[str, Any]]
    objective: Callable[..., objective.Objective]
    needs: str


GOALS = {
    "neural_style_pt": Goal("neural-style-pt", 100, ours.gram_settings, ours.gram_objective, "torch"),
    "tutorial": Goal("TensorFlow's tutorial", 1000, ours.tutorial_settings, ours.tutorial_objective, "tensorflow"),
}


class Race:
    """Our command against one recipe on a pair of pictures, which lie in a folder."""

    def __init__(self, name: str, task: recipe.Task, folder: str, weights: str) -> None:
        self.goal, self._task, self._folder, self._weights = GOALS[name], task, folder, weights
        self._name, self._judge = name, self.goal.objective(task, jit_compile="false")

    @property
    def size(self) -> int:
        """The longest side of the picture, in pixels."""
        return max(self._task.content.shape)

    @property
    def iterations(self) -> int:
        """That the recipe makes."""
        return max(1, self.goal.iterations // SHORTENED.value)

    def theirs(self) -> processes.Spent:
        """Makes the recipe's picture."""
        command = [sys.executable, "-m", "references.alone", self._name, self._folder, self._weights]
        return processes.spent([*command, str(self.iterations)], folder=str(HERE), environment=os.environ)

    def their_loss(self) -> float:
        """The loss of the recipe's last picture, in the form that `--level` names; prints both."""
        own = self._loss(np.load(f"{self._folder}/{self._name}.npy"))
        written = self._loss(loading.load(f"{self._folder}/{self._name}.png"))
        print(f"  {self.goal.title}: loss {own:.5g}, of its file of 8 bits {written:.5g}", flush=True)
        return own if LEVEL.value == "own" else written

    def ours(self, steps: int, further: Iterable[str]) -> processes.Spent:
        """Makes our picture in a number of steps, with further flags."""
        loss = [f"--{name}={_as_flag(value)}" for name, value in self.goal.settings().items()]
        run = ["--epochs=1", f"--steps_per_epoch={steps}", "--optimizer=lbfgs", "--extractor=vgg19"]
        run += ["--content_image=content.png", "--style_image=style.png", f"--image_size={self.size}"]
        files = ["--output=ours.png", "--bit_depth=16", "--overwrite"]
        return _ours([*run, *loss, *files, *further], self._folder, self._weights)

    def our_loss(self) -> float:
        """The loss of our last picture."""
        return self._loss(loading.load(f"{self._folder}/ours.png"))

    def fewest_steps(self, level: float) -> int | None:
        """The fewest steps with which our command comes to a loss; None where `most` do not."""
        self.ours(MOST.value, shlex.split(FLAGS.value))
        if self.our_loss() > level:
            return None
        history = _record(f"{self._folder}/ours.json")["history"]["loss"]
        guess = next((step for step, loss in enumerate(history) if step > 0 and loss <= level), MOST.value)
        return processes.fewest(lambda steps: self._reaches(steps, level), guess=guess, most=MOST.value)

    def _reaches(self, steps: int, level: float) -> bool:
        self.ours(steps, shlex.split(FLAGS.value))
        loss = self.our_loss()
        print(f"  ours, {steps} steps: loss {loss:.5g}, to reach {level:.5g}", flush=True)
        return loss <= level

    def check_loss(self) -> None:
        """Exits where our command's loss of the start is not the judge's: it would not lower the same one."""
        stated, judged = _record(f"{self._folder}/ours.json")["history"]["loss"][0], self._loss(self._task.start)
        if "--pyramid" not in FLAGS.value and not 0.98 * judged < stated < 1.02 * judged:
            raise SystemExit(f"Our command begins at a loss of {stated:.5g}, but the judge has {judged:.5g} there.")

    def _loss(self, picture: np.ndarray | tf.Tensor) -> float:
        return float(self._judge.value_and_gradient(tf.constant(picture, tf.float32))[0].total)


def _as_flag(value: str | float | Mapping[str, float]) -> str:
    if isinstance(value, Mapping):
        return ",".join(f"{name}:{weight!r}" for name, weight in value.items())
    return str(value)


def _ours(arguments: list[str], folder: str, weights: str | None = None) -> processes.Spent:
    # The folder of the weights, as users name it.
    found = {} if weights is None else {architectures.WEIGHTS_VARIABLE: os.path.dirname(weights)}
    command = [sys.executable, "-m", "nst_keras.run", *arguments]
    return processes.spent(command, folder=folder, environment={**os.environ, **found})


def _record(path: str) -> dict[str, Any]:
    return json.loads(pathlib.Path(path).read_text())


def raced(race: Race) -> list[list[str]]:
    """Runs both commands in turn, and returns their rows; the first run of the recipe also gives the level."""
    further = shlex.split(FLAGS.value)
    runs = {race.goal.title: [race.theirs()], "ours": []}
    level = race.their_loss()
    steps = STEPS.value or race.fewest_steps(level)
    for place in range(REPEATS.value if steps else 1):
        if place:
            runs[race.goal.title].append(race.theirs())
        runs["ours"].append(race.ours(steps or MOST.value, further))
    race.check_loss()
    loss = race.our_loss()
    if loss > level:
        print(f"ours did not come to {level:.5g} in {steps or MOST.value} steps.")
    told = {race.goal.title: (race.iterations, level), "ours": (steps or MOST.value, loss)}
    first = statistics.median(one.wall for one in runs["ours"])
    return [
        _row(f"ours, to that of {race.goal.title}" if name == "ours" else name, race.size, *told[name], found, first)
        for name, found in runs.items()
    ]


def _row(name: str, size: int, steps: int, loss: float | None, runs: list[processes.Spent], first: float) -> list[str]:
    """A row of `HEAD`; `first` is what its seconds are divided by."""
    wall, processor = (statistics.median(column) for column in zip(*runs, strict=True))
    shown = "" if loss is None else f"{loss:.4g}"
    return [name, str(size), str(steps), shown, f"{wall:.1f}", f"{processor:.1f}", f"{wall / first:.2f}"]


def quickstart() -> list[list[str]]:
    """Rows of the quickstart, as it is typed and in float32, both in turn."""
    typed = [f"--flagfile={HERE.parent / 'configs' / 'quickstart.flags'}", "--overwrite"]
    typed += shlex.split(FLAGS.value) + shlex.split(QUICKSTART_FLAGS.value)
    kinds = {"quickstart": [], "quickstart, --precision=float32": ["--precision=float32"]}
    runs: dict[str, list[processes.Spent]] = {name: [] for name in kinds}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(REPEATS.value):
            for name, further in kinds.items():
                runs[name].append(_ours([*typed, *further], folder))
        record = _record(f"{folder}/stylized.json")
    first = statistics.median(one.wall for one in runs["quickstart"])
    size = record["settings"]["image_size"]
    return [_row(name, size, record["steps"], None, found, first) for name, found in runs.items()]


def races(folder: str) -> Iterable[Race]:
    """Each pair at each size against each recipe, its pictures as files in a folder of their own."""
    known = [name for name in AGAINST.value if importlib.util.find_spec(GOALS[name].needs) is not None]
    for name in sorted(set(AGAINST.value) - set(known)):
        print(f"{GOALS[name].needs} is not installed: {name} is left out. pip install nst_keras[bench] brings it.")
    weights = architectures.weights_file("vgg19") or _random_weights(f"{folder}/vgg19.h5")
    network = extractors.get("vgg19", layers=LAYERS, weights=weights).network
    for pair in PAIRS.value:
        for size in map(int, SIZES.value):
            pictures = [np.round(picture) for picture in pairs.pictures(pair, size)]
            place = tempfile.mkdtemp(dir=folder)
            for part, picture in zip(("content", "style"), pictures, strict=True):
                export.save_image(tf.constant(picture), f"{place}/{part}.png")
            for name in known:
                print(f"{pair}, {size} px, {name}", flush=True)
                yield Race(name, recipe.Task(*pictures, pictures[0], network), place, weights)


def _random_weights(path: str) -> str:
    """Writes random weights of VGG19 in the layout of `keras.applications`, so that all processes have the same."""
    network = architectures.build("vgg19", "random")
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name.encode() for layer in network.layers]
        for layer in network.layers:
            group, names = file.create_group(layer.name), ["kernel", "bias"][: len(layer.weights)]
            group.attrs["weight_names"] = np.array(names, "S")
            for name, numbers in zip(names, layer.get_weights(), strict=True):
                group.create_dataset(name, data=numbers)
    return path


def main(_: list[str]) -> None:
    print(report.machine())
    rows = [HEAD]
    with tempfile.TemporaryDirectory() as folder:
        for race in races(folder) if AGAINST.value else ():
            rows += raced(race)
    if QUICKSTART.value:
        rows += quickstart()
    report.print_table(rows)
    notes = [f"Medians of {REPEATS.value}; {'; '.join(PAIRS.value)}; flags of ours: {FLAGS.value or 'none'}."]
    notes.append(f"{report.machine()}.")
    print("\n".join(notes))
    if TABLE.value:
        report.write_table(rows, notes, TABLE.value, name="whole_command")


if __name__ == "__main__":
    app.run(main)
