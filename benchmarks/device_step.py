"""Our step on an accelerator, by JAX alone: time, share of the machine's peak, memory, and the gradient's error.

    pip install -e ".[bench]"
    python benchmarks/device_step.py [--sizes=256,512,1024,2048] [--variants=float32,tf32,bfloat16] [--json=FILE]

With TensorFlow, here: `--export=FOLDER` writes the compiled step of an accelerator's build as StableHLO. With JAX and
NumPy alone, on a machine with a GPU: `--run=FOLDER` measures it. Without either, it does both in turn.

- s: seconds of a step, forward and backward; the median.
- of peak: the convolutions' operations in that time, over the rate of a large matrix product in the same precision.
- GiB: what the device's allocator has held at most; where it does not say, what the compiler plans for this step.
- error: of the gradient, relative to TensorFlow's in float32 on a processor (up to 512 px).

Beside it stands a step of neural-style-pt's recipe in PyTorch, on its GPU if it has one: channels last, with TF32 and
autocast for bfloat16. It is left out where PyTorch is not installed.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib.util
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from absl import app, flags
from references import exported

EXPORT = flags.DEFINE_string("export", None, "Folder to write the steps to, and no more.")
RUN = flags.DEFINE_string("run", None, "Folder of steps to measure, and no more.")
SIZES = flags.DEFINE_list("sizes", ["256", "512", "1024", "2048"], "Sides of the square picture, in pixels.")
NAMES = flags.DEFINE_list("variants", list(exported.VARIANTS), "Precisions.")
REPEATS = flags.DEFINE_integer("repeats", 10, "Timed steps.")
PRODUCT = flags.DEFINE_integer("product", 8192, "Side of the matrices whose product's rate is the peak.")
TORCH = flags.DEFINE_boolean("torch", True, "Also measures PyTorch's step, where it is installed.")
JSON = flags.DEFINE_string("json", None, "Also writes the table's numbers there.")


# VGG19's, to the last style layer.
CONVOLUTIONS = [f"block{block}_conv{n}" for block, count in enumerate((2, 2, 4, 4, 1), 1) for n in range(1, count + 1)]


class Row(NamedTuple):
    """What was measured of a step."""

    step: str
    size: int
    seconds: float
    of_peak: float | None
    gibibytes: float | None
    error: float | None


def median(step: Callable[[], object]) -> float:
    """Median seconds of a step, after one that is not timed."""
    times = []
    for _ in range(REPEATS.value + 1):
        begun = time.perf_counter()
        step()
        times.append(time.perf_counter() - begun)
    return statistics.median(times[1:])


def peak(variant: str) -> float:
    """Floating-point operations a second of a large matrix product in a precision."""
    import jax  # noqa: PLC0415  An extra.

    side, half = PRODUCT.value, exported.VARIANTS[variant].precision == "mixed_bfloat16"
    matrix = jax.random.normal(jax.random.key(0), (side, side), "bfloat16" if half else "float32")
    precision = jax.lax.Precision.DEFAULT if exported.VARIANTS[variant].tensor_float else jax.lax.Precision.HIGHEST
    product = jax.jit(lambda a: jax.numpy.matmul(a, a, precision=precision))
    return 2 * side**3 / median(lambda: product(matrix).block_until_ready())


def compiled(step: exported.Step) -> tuple[Any, list[Any]]:
    """The step's program, compiled for JAX's device, and its arguments there.

    JAX runs what it has exported itself. So a function of the same signature is exported, and given our program.
    """
    import jax  # noqa: PLC0415
    import jax.export  # noqa: PLC0415

    arguments = [jax.device_put(one.drawn(seed).astype(one.dtype)) for seed, one in enumerate(step.arguments)]
    alike = jax.jit(lambda *given: (jax.numpy.float32(0), given[0]), keep_unused=True)
    own = jax.export.export(alike)(*(jax.ShapeDtypeStruct(one.shape, one.dtype) for one in step.arguments))
    ours = dataclasses.replace(own, mlir_module_serialized=step.program)
    return jax.jit(ours.call).lower(*arguments).compile(), arguments


def measured(step: exported.Step, rate: float) -> Row:
    """A step on JAX's device."""
    import jax  # noqa: PLC0415

    function, arguments = compiled(step)

    def gradient() -> Any:
        """The step's gradient, once it is there."""
        return function(*arguments)[1].block_until_ready()

    seconds = median(gradient)
    held = (jax.devices()[0].memory_stats() or {}).get("peak_bytes_in_use")
    if held is None:
        plan = function.memory_analysis()
        held = plan.argument_size_in_bytes + plan.output_size_in_bytes + plan.temp_size_in_bytes
    known = step.gradient
    error = None if known is None else float(np.linalg.norm(np.asarray(gradient()) - known) / np.linalg.norm(known))
    return Row(f"ours, {step.variant}", step.size, seconds, step.operations / seconds / rate, held / 2**30, error)


def of_torch(step: exported.Step) -> Row:
    """neural-style-pt's step at the same size and precision."""
    import torch  # noqa: PLC0415  An extra.
    from references import recipe, torch_recipes  # noqa: PLC0415

    device, (precision, tensor_float) = torch_device(), exported.VARIANTS[step.variant]
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tensor_float
    picture = exported.Argument((1, step.size, step.size, 3), "float32", "picture")
    kernels = [one.drawn(seed) for seed, one in enumerate(step.arguments) if one.kind in ("kernel", "bias")]
    network = dict(zip(CONVOLUTIONS, zip(kernels[::2], kernels[1::2], strict=True), strict=True))
    task = recipe.Task(*(picture.drawn(seed) for seed in (0, 1, 2)), network)
    with torch.autocast(device, torch.bfloat16, enabled=precision == "mixed_bfloat16"):
        evaluations = torch_recipes.neural_style_pt(task, device=device, channels_last=True)
        seconds = median(lambda: next(evaluations).loss)
        held = torch.cuda.max_memory_allocated() / 2**30 if device == "cuda" else None
    return Row(f"PyTorch, {step.variant}", step.size, seconds, None, held, None)


def torch_device() -> str:
    import torch  # noqa: PLC0415

    return "cuda" if torch.cuda.is_available() else "cpu"


def run(folder: str) -> list[Row]:
    """Measures all steps of a folder, and prints a row for each."""
    import jax  # noqa: PLC0415

    print(f"JAX {jax.__version__} on {jax.devices()[0].device_kind}; VGG19, medians of {REPEATS.value}")
    print(f"{'step':<20} {'px':>5} {'s':>9} {'of peak':>8} {'GiB':>7} {'error':>9}")
    rows: list[Row] = []
    rate = functools.cache(peak)
    has_torch = TORCH.value and importlib.util.find_spec("torch") is not None
    for step in exported.read(folder):
        rows.append(measured(step, rate(step.variant)))
        rows += [of_torch(step)] if has_torch else []
        for row in rows[-1 - has_torch :]:
            shown = [f"{row.seconds:>9.4f}", *map(_shown, row[3:], (8, 7, 9), (".0%", ".2f", ".1e"))]
            print(f"{row.step:<20} {row.size:>5} {' '.join(shown)}", flush=True)
    return rows


def _shown(number: float | None, width: int, form: str) -> str:
    return ("" if number is None else format(number, form)).rjust(width)


def main(_: list[str]) -> None:
    if EXPORT.value:
        exported.export(EXPORT.value, list(map(int, SIZES.value)), NAMES.value)
        return
    with tempfile.TemporaryDirectory() as made:
        if not RUN.value:  # In a process of its own: TensorFlow would hold the accelerator's memory.
            own = [f"--export={made}", f"--sizes={','.join(SIZES.value)}", f"--variants={','.join(NAMES.value)}"]
            quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
            subprocess.run([sys.executable, __file__, *own], env=quiet, check=True)
        rows = run(RUN.value or made)
    if JSON.value:
        pathlib.Path(JSON.value).write_text(json.dumps([row._asdict() for row in rows], indent=1))


if __name__ == "__main__":
    app.run(main)
