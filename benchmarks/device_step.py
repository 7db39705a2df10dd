"""Our step on an accelerator, by JAX alone: time, share of the machine's peak, memory, and the gradient's error.

    pip install -e ".[bench]"
    python benchmarks/device_step.py [--sizes=256,512,1024,2048] [--variants=float32,tf32,bfloat16] [--json=FILE]

With TensorFlow, here: `--export=FOLDER` writes the compiled step of an accelerator's build as HLO. With JAX and
what it brings alone, on a machine with a GPU: `--run=FOLDER` measures it. Without either, it does both in turn.

- s: seconds of a step, forward and backward, without the optimizer's update; the median.
- of peak: the convolutions' operations in that time, over the rate of a large matrix product in the same precision.
- plan: GiB that the compiler plans for this step, arguments and result included.
- held: GiB that the device's allocator has held at most, if this step raised it; blank otherwise, and where it does not
  say.
- error, cosine: of the gradient, against TensorFlow's in float32 on a processor (up to 512 px).

Beside it stands the evaluation of neural-style-pt's recipe in PyTorch, on its GPU if it has one: channels last, with
TF32 and autocast for bfloat16. It is left out where PyTorch is not installed. A step that does not fit in memory is
told as such, and the next one follows.
"""

from __future__ import annotations

import argparse
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
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from references import exported

# VGG19's, to the last style layer.
CONVOLUTIONS = [f"block{block}_conv{n}" for block, count in enumerate((2, 2, 4, 4, 1), 1) for n in range(1, count + 1)]
_OUT_OF_MEMORY = ("RESOURCE_EXHAUSTED", "out of memory", "can't allocate memory")


def parsed(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line's options, with the standard library: a machine without TensorFlow need not have absl."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--export", metavar="FOLDER", help="Folder to write the steps to, and no more.")
    parser.add_argument("--run", metavar="FOLDER", help="Folder of steps to measure, and no more.")
    parser.add_argument("--sizes", type=_listed, default=["256", "512", "1024", "2048"], help="Sides in pixels.")
    parser.add_argument("--variants", type=_listed, default=list(exported.VARIANTS), help="Precisions.")
    parser.add_argument("--repeats", type=int, default=10, help="Timed steps.")
    parser.add_argument("--product", type=int, default=8192, help="Side of the matrices whose product is the peak.")
    parser.add_argument("--notorch", dest="torch", action="store_false", help="Leaves PyTorch's step out.")
    parser.add_argument("--json", metavar="FILE", help="Also writes the table's numbers there.")
    found = parser.parse_args(arguments)
    if unknown := set(found.variants) - exported.VARIANTS.keys():
        parser.error(f"--variants names {', '.join(sorted(unknown))}; it knows {', '.join(exported.VARIANTS)}.")
    return found


def _listed(text: str) -> list[str]:
    return text.split(",")


class Row(NamedTuple):
    """What was measured of a step; None for what there is not.

    Attributes:
        step: Whose, and in which precision.
        size: Side of the square picture, in pixels.
        seconds: Of a step; None if it did not fit in memory.
        of_peak: Share of the rate of a large matrix product.
        plan: GiB that the compiler plans.
        held: GiB that the device's allocator has held at most.
        error: The gradient's, relative to TensorFlow's.
        cosine: Between the gradient and TensorFlow's.
    """

    step: str
    size: int
    seconds: float | None = None
    of_peak: float | None = None
    plan: float | None = None
    held: float | None = None
    error: float | None = None
    cosine: float | None = None


def median(step: Callable[[], object], repeats: int) -> float:
    """Median seconds of a step, after one that is not timed."""
    times = []
    for _ in range(repeats + 1):
        begun = time.perf_counter()
        step()
        times.append(time.perf_counter() - begun)
    return statistics.median(times[1:])


def peak(variant: str, side: int, repeats: int) -> float:
    """Floating-point operations a second of a large matrix product in a precision."""
    import jax  # noqa: PLC0415  An extra.

    half = exported.VARIANTS[variant].precision == "mixed_bfloat16"
    matrix = jax.random.normal(jax.random.key(0), (side, side), "bfloat16" if half else "float32")
    precision = jax.lax.Precision.DEFAULT if exported.VARIANTS[variant].tensor_float else jax.lax.Precision.HIGHEST
    product = jax.jit(lambda a: jax.numpy.matmul(a, a, precision=precision))
    return 2 * side**3 / median(lambda: product(matrix).block_until_ready(), repeats)


def compiled(step: exported.Step) -> tuple[Any, list[Any]]:
    """The step's program, compiled for JAX's device, and its arguments there.

    JAX runs what it has exported itself. So a function of the same signature is exported, and given our program.
    """
    import jax  # noqa: PLC0415
    import jax.export  # noqa: PLC0415

    arguments = [jax.device_put(one.drawn(seed).astype(one.dtype)) for seed, one in enumerate(step.arguments)]
    alike = jax.jit(lambda *given: (jax.numpy.float32(0), given[0]), keep_unused=True)
    own = jax.export.export(alike)(*(jax.ShapeDtypeStruct(one.shape, one.dtype) for one in step.arguments))
    ours = dataclasses.replace(own, mlir_module_serialized=portable(step.program))
    return jax.jit(ours.call).lower(*arguments).compile(), arguments


def portable(program: bytes) -> bytes:
    """HLO as StableHLO, in the form in which JAX keeps what it has exported."""
    try:
        from jax.extend.mlir import hlo_to_stablehlo, serialize_portable_artifact  # noqa: PLC0415
    except ImportError:  # JAX for Python 3.10 has them here.
        from jaxlib._jax.mlir import hlo_to_stablehlo, serialize_portable_artifact  # noqa: PLC0415
    from jax.extend.mlir.dialects import stablehlo  # noqa: PLC0415

    return serialize_portable_artifact(hlo_to_stablehlo(program), stablehlo.get_current_version())


def measured(step: exported.Step, rate: float, repeats: int) -> Row:
    """A step on JAX's device."""
    before = _held()
    function, arguments = compiled(step)

    def gradient() -> Any:
        """The step's gradient, once it is there."""
        return function(*arguments)[1].block_until_ready()

    seconds, held, plan = median(gradient, repeats), _held(), function.memory_analysis()
    planned = plan.argument_size_in_bytes + plan.output_size_in_bytes + plan.temp_size_in_bytes
    agreement = (None, None) if step.gradient is None else compared(np.asarray(gradient()), step.gradient)
    return Row(
        f"ours, {step.variant}",
        step.size,
        seconds,
        step.operations / seconds / rate,
        planned / 2**30,
        held / 2**30 if held > before else None,
        *agreement,
    )


def _held() -> int:
    """Bytes that the device's allocator has held at most since the process began; 0 where it does not say."""
    import jax  # noqa: PLC0415

    return (jax.devices()[0].memory_stats() or {}).get("peak_bytes_in_use", 0)


def compared(gradient: np.ndarray, known: np.ndarray) -> tuple[float, float]:
    """The relative error of a gradient, and its cosine, against one that is known."""
    ours, theirs = (values.astype(np.float64).ravel() for values in (gradient, known))
    norm = np.linalg.norm(theirs)
    return float(np.linalg.norm(ours - theirs) / norm), float(ours @ theirs / norm / np.linalg.norm(ours))


def of_torch(step: exported.Step, rate: float, repeats: int) -> Row:
    """neural-style-pt's evaluation at the same size and precision."""
    import torch  # noqa: PLC0415  An extra.
    from references import recipe, torch_recipes  # noqa: PLC0415

    torch.set_flush_denormal(True)  # As XLA does; a processor is slow with them.
    device, (precision, tensor_float) = torch_device(), exported.VARIANTS[step.variant]
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tensor_float
    if device == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    picture = exported.Argument((1, step.size, step.size, 3), "float32", "picture")
    kernels = [one.drawn(seed) for seed, one in enumerate(step.arguments) if one.kind in ("kernel", "bias")]
    network = dict(zip(CONVOLUTIONS, zip(kernels[::2], kernels[1::2], strict=True), strict=True))
    task = recipe.Task(*(picture.drawn(seed) for seed in (0, 1, 2)), network)
    with torch.autocast(device, torch.bfloat16, enabled=precision == "mixed_bfloat16"):
        _, evaluate = torch_recipes.evaluation(task, device=device, channels_last=True)
        seconds = median(lambda: float(evaluate().detach()), repeats)
    held = torch.cuda.max_memory_allocated() / 2**30 if device == "cuda" else None
    return Row(f"PyTorch, {step.variant}", step.size, seconds, step.operations / seconds / rate, None, held)


def torch_device() -> str:
    import torch  # noqa: PLC0415

    return "cuda" if torch.cuda.is_available() else "cpu"


def run(folder: str, options: argparse.Namespace) -> dict[str, Any]:
    """Measures all steps of a folder, and prints a row for each; what was measured, and on what."""
    # All at once, JAX would leave PyTorch nothing.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    import jax  # noqa: PLC0415

    device = jax.devices()[0].device_kind
    print(f"JAX {jax.__version__} on {device}; VGG19, medians of {options.repeats}")
    print(f"{'step':<20} {'px':>5} {'s':>9} {'of peak':>8} {'plan':>7} {'held':>7} {'error':>9} {'cosine':>9}")
    rate = functools.cache(lambda variant: peak(variant, options.product, options.repeats))
    measures = {"ours": measured}
    if options.torch and importlib.util.find_spec("torch") is not None:
        measures["PyTorch"] = of_torch
    rows: list[Row] = []
    for step in exported.read(folder):
        for name, measure in measures.items():
            rows.append(_fitting(measure, step, f"{name}, {step.variant}", rate(step.variant), options.repeats))
            print(_line(rows[-1]), flush=True)
    rates = {step.variant: rate(step.variant) for step in exported.read(folder)}
    return {"jax": jax.__version__, "device": device, "peaks": rates, "rows": [row._asdict() for row in rows]}


def _fitting(measure: Callable[..., Row], step: exported.Step, name: str, rate: float, repeats: int) -> Row:
    """A step's row; one without numbers where it does not fit in memory."""
    try:
        return measure(step, rate, repeats)
    except RuntimeError as error:  # JAX's and PyTorch's are.
        if not any(sign in str(error) for sign in _OUT_OF_MEMORY):
            raise
        return Row(name, step.size)


def _line(row: Row) -> str:
    if row.seconds is None:
        return f"{row.step:<20} {row.size:>5}  out of memory"
    forms = zip(row[2:], (9, 8, 7, 7, 9, 9), (".4f", ".0%", ".2f", ".2f", ".1e", ".6f"), strict=True)
    return f"{row.step:<20} {row.size:>5} {' '.join(_shown(*form) for form in forms)}"


def _shown(number: float | None, width: int, form: str) -> str:
    return ("" if number is None else format(number, form)).rjust(width)


def main() -> None:
    options = parsed()
    if options.export:
        exported.export(options.export, list(map(int, options.sizes)), options.variants)
        return
    with tempfile.TemporaryDirectory() as made:
        if not options.run:  # In a process of its own: TensorFlow would hold the accelerator's memory.
            own = [f"--export={made}", f"--sizes={','.join(options.sizes)}", f"--variants={','.join(options.variants)}"]
            quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
            subprocess.run([sys.executable, __file__, *own], env=quiet, check=True)
        found = run(options.run or made, options)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
