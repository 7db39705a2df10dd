"""Seconds a step, ours beside plain readings of TensorFlow's tutorial and of neural-style-pt, and beside a floor.

    python benchmarks/step_time.py [--sizes=256,512] [--repeats=9] [--nomemory]

All are measured in one run, in turn, VGG19 to block5_conv2 at each size (neural-style-pt's, in PyTorch, to
block5_conv1; left out where PyTorch is not installed); medians. The floor is the convolutions' floating-point
operations, forward and backward, over the rate of a large `tf.matmul`. Peak memory is that of a process of its own
for each build. Weights are random: they do not change the time. `xla`, `graph` and `bfloat16` (a graph too, its network
in `mixed_bfloat16`) are ours. Three sizes or more are fitted: time and memory as straight lines over pixels.
"""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
import pathlib
import re
import statistics
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from absl import app, flags
from references import recipe

from nst_keras import optimizers
from nst_keras.images import loading, resizing
from nst_keras.losses import guidance
from nst_keras.networks import architectures, extractors
from nst_keras.objectives import objective

SIZES = flags.DEFINE_list("sizes", ["256", "512"], "Sides of the square image, in pixels.")
REPEATS = flags.DEFINE_integer("repeats", 9, "Timed steps of each build.")
PRODUCT = flags.DEFINE_integer("product", 4096, "Side of the matrices whose product's rate is the floor.")
MEMORY = flags.DEFINE_bool("memory", True, "Measures peak memory too, each in a process of its own.")

ONLY = flags.DEFINE_list("only", None, "Builds: tutorial, xla, graph, bfloat16, torch. Default: all.")
flags.register_validator("only", lambda names: set(names or ()) <= set(BUILDS), "names a build that there is not.")

STYLE_LAYERS = architectures.ARCHITECTURES["vgg19"].style_layers
CONTENT_LAYERS = ("block5_conv2",)


def tutorial_step(size: int) -> Callable[[], None]:
    """One step as TensorFlow's tutorial "Neural style transfer" makes it: `tf.function`, no XLA, image in 0..1."""
    content, style = (image / 255.0 for image in pictures(size))
    vgg = keras.applications.VGG19(include_top=False, weights=None)
    vgg.trainable = False
    names = [*STYLE_LAYERS, *CONTENT_LAYERS]
    model = keras.Model([vgg.input], [vgg.get_layer(name).output for name in names])

    def gram_matrix(features):
        locations = tf.cast(tf.shape(features)[1] * tf.shape(features)[2], tf.float32)
        return tf.linalg.einsum("bijc,bijd->bcd", features, features) / locations

    def extract(image):
        outputs = model(keras.applications.vgg19.preprocess_input(image * 255.0))
        return [gram_matrix(output) for output in outputs[:5]], outputs[5:]

    style_targets, content_targets = extract(style)[0], extract(content)[1]
    optimizer = keras.optimizers.Adam(learning_rate=0.02, beta_1=0.99, epsilon=1e-1)
    image = tf.Variable(content)
    optimizer.build([image])

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            grams, features = extract(image)
            style_loss = tf.add_n([tf.reduce_mean((g - a) ** 2) for g, a in zip(grams, style_targets, strict=True)])
            content_loss = tf.add_n(
                [tf.reduce_mean((f - p) ** 2) for f, p in zip(features, content_targets, strict=True)]
            )
            loss = style_loss * 1e-2 / 5 + content_loss * 1e4 + 30 * tf.image.total_variation(image)
        optimizer.apply_gradients([(tape.gradient(loss, image), image)])
        image.assign(tf.clip_by_value(image, 0.0, 1.0))
        return loss

    return lambda: float(step()[0])


def our_step(size: int, jit_compile: str, precision: str = "float32") -> Callable[[], None]:
    """One step of ours: the same losses, weights and optimizer."""
    content, style = pictures(size)
    layers, for_xla = [*STYLE_LAYERS, *CONTENT_LAYERS], jit_compile == "true"
    extractor = extractors.get("vgg19", layers=layers, weights="random", for_xla=for_xla, precision=precision)
    goal = objective.Objective(
        extractor,
        regions=guidance.everywhere([style]),
        content_image=content,
        style_layers=dict.fromkeys(STYLE_LAYERS, 0.2),
        content_layers=dict.fromkeys(CONTENT_LAYERS, 1.0),
        style_weight=1e-2,
        content_weight=1e4,
        var_weight=30.0,
        jit_compile=jit_compile,
    )
    optimizer = optimizers.get("adam", jit_compile=jit_compile)
    optimizer.start(content)
    return lambda: float(optimizer.step(goal).terms.total)


def torch_step(size: int) -> Callable[[], float]:
    """One evaluation, and the step after it, as neural-style-pt makes it."""
    from references import torch_recipes  # noqa: PLC0415  An extra.

    content, style = (image.numpy() for image in pictures(size))
    network = keras.applications.VGG19(include_top=False, weights=None)
    iterates = torch_recipes.neural_style_pt(recipe.Task(content, style, content, network))
    return lambda: next(iterates).loss


BUILDS: dict[str, Callable[[int], Callable[[], object]]] = {
    "tutorial": tutorial_step,
    "xla": lambda size: our_step(size, "true"),
    "graph": lambda size: our_step(size, "false"),
    "bfloat16": lambda size: our_step(size, "false", "mixed_bfloat16"),
}
if importlib.util.find_spec("torch") is not None:
    BUILDS["torch"] = torch_step


def pictures(size: int) -> tuple[tf.Tensor, tf.Tensor]:
    content = loading.load("sample:grace_hopper")
    return resizing.cover(content, size, size), resizing.cover(loading.load("sample:swirls"), size, size)


def convolution_operations(size: int) -> float:
    """Floating-point operations of VGG19's convolutions to block5_conv2 on a square image, forward and backward.

    The backward pass, to the image alone, costs as much as the forward pass.
    """
    model = keras.applications.VGG19(include_top=False, weights=None, input_shape=(size, size, 3))
    total = 0
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            height, width, channels = layer.output.shape[1:]
            total += 2 * height * width * channels * int(np.prod(layer.kernel.shape[:3]))
        if layer.name == CONTENT_LAYERS[0]:
            break
    return 2 * total


def matmul_rate(side: int, repeats: int = 5) -> float:
    """Floating-point operations a second of a large matrix product."""
    matrix = tf.random.normal((side, side))
    product = tf.function(lambda: tf.reduce_sum(tf.matmul(matrix, matrix)))
    product()
    return 2 * side**3 / statistics.median(timed(product) for _ in range(repeats))


def timed(step: Callable[[], object]) -> float:
    begun = time.perf_counter()
    float(step())
    return time.perf_counter() - begun


def step_times(size: int, repeats: int) -> dict[str, list[float]]:
    """Seconds of each build's steps, taken in turn so that the machine's moods fall on all alike."""
    steps = {name: build(size) for name, build in BUILDS.items() if ONLY.value is None or name in ONLY.value}
    for step in steps.values():
        step()
    times = {name: [] for name in steps}
    for _ in range(repeats):
        for name, step in steps.items():
            times[name].append(timed(step))
    return times


def peak_memory(name: str, size: int) -> float:
    """GiB that a process of its own takes at most for three steps of a build."""
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=_measure_memory, args=(name, size, queue))
    process.start()
    result = queue.get(timeout=600)
    process.join()
    return result


def _measure_memory(name: str, size: int, queue: multiprocessing.Queue) -> None:
    step = BUILDS[name](size)
    for _ in range(3):
        step()
    status = pathlib.Path("/proc/self/status").read_text()  # Linux; `getrusage` would count the parent's memory too.
    queue.put(int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 2**20)


def fit(name: str, pixels: list[int], values: list[float], unit: str) -> str:
    """The straight line through values over pixels that is nearest in proportion, and how far they are from it."""
    places = np.array(pixels) / 1e6
    scale = 1 / np.array(values)
    columns = np.stack([np.ones_like(places), places], 1) * scale[:, np.newaxis]
    (fixed, slope), *_ = np.linalg.lstsq(columns, np.ones_like(places), rcond=None)
    worst = np.max(np.abs((fixed + slope * places) * scale - 1))
    return f"{name}: {fixed:.2f} + {slope:.2f} {unit} a megapixel, within {worst:.0%}"


def report(size: int, rate: float) -> dict[str, tuple[float, float]]:
    """Prints the rows of a size; {build: (seconds, GiB)}."""
    floor = convolution_operations(size) / rate
    times, found = step_times(size, REPEATS.value), {}
    for name, seconds in times.items():
        ratios = (
            statistics.median(a / b for a, b in zip(times[other], seconds, strict=True)) if other in times else np.nan
            for other in ("tutorial", "torch")
        )
        median = statistics.median(seconds)
        memory = peak_memory(name, size) if MEMORY.value else float("nan")
        shown = "".join(f"{ratio:>15.2f}" for ratio in ratios)
        print(f"{size:>5}  {name:<12} {median:>9.3f}{shown} {floor / median:>15.0%} {memory:>9.2f}", flush=True)
        found[name] = (median, memory)
    print(f"{size:>5}  {'floor':<12} {floor:>9.3f}")
    return found


def main(_: list[str]) -> None:
    rate, sizes = matmul_rate(PRODUCT.value), [int(text) for text in SIZES.value]
    print(f"tf.matmul: {rate / 1e9:.0f} GFLOP/s; TensorFlow {tf.__version__}, {os.cpu_count()} cores")
    titles = f"{'times tutorial':>15}{'times torch':>15} {'floor / step':>15} {'peak GiB':>9}"
    print(f"{'size':>5}  {'build':<12} {'s a step':>9}{titles}")
    found = [report(size, rate) for size in sizes]
    if len(sizes) > 2:
        pixels = [size * size for size in sizes]
        for name in found[0]:
            print(fit(f"{name}, time", pixels, [of_size[name][0] for of_size in found], "s"))
            if MEMORY.value:
                print(fit(f"{name}, memory", pixels, [of_size[name][1] for of_size in found], "GiB"))


if __name__ == "__main__":
    app.run(main)
