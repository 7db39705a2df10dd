"""A step of ours as HLO, for a machine without TensorFlow: what is written, and what it is given there.

The program is that of an accelerator's build: the network's layers in their plain forms. Weights, pictures and targets
are its arguments, drawn by a seed on both sides, so that a folder of programs is small.
"""

from __future__ import annotations

import functools
import json
import pathlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

__all__ = ["VARIANTS", "Argument", "Step", "export", "read"]


class Variant(NamedTuple):
    """A precision in which the step is compiled.

    Attributes:
        precision: Of the network, as the package names it.
        tensor_float: Whether products of float32 may be made with TF32's 10 bits, on GPUs that have it.
    """

    precision: str
    tensor_float: bool


VARIANTS = {
    "float32": Variant("float32", False),
    "tf32": Variant("float32", True),
    "bfloat16": Variant("mixed_bfloat16", True),
}
_GRADIENT_TO = 512  # Pixels: larger gradients would make the folder large.


class Argument(NamedTuple):
    """An argument of the step: its shape and type, and how its numbers are drawn.

    Attributes:
        shape: Its dimensions.
        dtype: Its type's name.
        kind: `picture` (0..255), `target` (0..1), `kernel` (normal, scaled as He et al. 2015), `bias` (0) or a number.
    """

    shape: tuple[int, ...]
    dtype: str
    kind: str | float

    def drawn(self, seed: int) -> np.ndarray:
        """The numbers, float32; the same for the same seed."""
        numbers = np.random.default_rng(seed)
        if not isinstance(self.kind, str) or self.kind == "bias":
            return np.full(self.shape, 0.0 if self.kind == "bias" else self.kind, np.float32)
        if self.kind == "kernel":
            spread = np.float32(np.sqrt(2 / np.prod(self.shape[:-1])))
            return spread * numbers.standard_normal(self.shape, np.float32)
        return np.float32(255.0 if self.kind == "picture" else 1.0) * numbers.random(self.shape, np.float32)


class Step(NamedTuple):
    """A step that was exported.

    Attributes:
        size: Side of the square picture, in pixels.
        variant: A name in `VARIANTS`.
        arguments: In the program's order; the picture is the first.
        operations: Floating-point operations of the convolutions, forward and backward.
        program: HLO, as a protocol buffer, which other versions read too; TensorFlow's StableHLO holds for one version.
        gradient: TensorFlow's on its processor in float32, [1, size, size, 3]; None for a large picture.
    """

    size: int
    variant: str
    arguments: list[Argument]
    operations: float
    program: bytes
    gradient: np.ndarray | None = None


def read(folder: str) -> list[Step]:
    """The steps in a folder: small pictures first, and of each size the precision that takes the least memory."""
    root, found = pathlib.Path(folder), []
    for one in json.loads((root / "steps.json").read_text()):
        arguments = [Argument(tuple(shape), dtype, kind) for shape, dtype, kind in one["arguments"]]
        size, variant, operations = one["size"], one["variant"], one["operations"]
        program = (root / f"{size}_{variant}.hlo").read_bytes()
        gradient = root / f"{size}.npy"
        known = np.load(gradient) if gradient.exists() else None
        found.append(Step(size, variant, arguments, operations, program, known))
    return sorted(found, key=lambda step: (step.size, -list(VARIANTS).index(step.variant)))


def export(folder: str, sizes: Sequence[int], variants: Sequence[str]) -> None:
    """Writes the steps of VGG19 at these sizes and in these precisions, with neural-style-pt's layers."""
    root, listed = pathlib.Path(folder), []
    root.mkdir(parents=True, exist_ok=True)
    for size in sizes:
        for variant in variants:
            step = _Traced(size, variant).step()
            (root / f"{size}_{variant}.hlo").write_bytes(step.program)
            listed.append({name: getattr(step, name) for name in ("size", "variant", "arguments", "operations")})
        if size <= _GRADIENT_TO:
            np.save(root / f"{size}.npy", _Traced(size, "float32").gradient())
    (root / "steps.json").write_text(json.dumps(listed, indent=1))


class _Traced:
    """A step, traced by TensorFlow."""

    def __init__(self, size: int, variant: str) -> None:
        import tensorflow as tf  # noqa: PLC0415  The machine that runs the steps does not have it.

        self.size, self.variant = size, variant
        # The program says which products it may make with fewer bits.
        tf.config.experimental.enable_tensor_float_32_execution(VARIANTS[variant].tensor_float)
        self._goal, picture = _objective(size, VARIANTS[variant].precision)
        self._given = (picture, self._goal._weights_of(*self._goal.weights), self._goal.targets)
        # A partial has no code by which TensorFlow would take all steps for one, and warn that it is traced often.
        self._function = functools.partial(_value_and_gradient, self._goal.evaluator)
        traced = tf.function(self._function, autograph=False).get_concrete_function(*self._given)
        self._variables = [next(v for v in traced.variables if v.handle is one) for one in traced.captured_inputs]
        self._flat = tf.nest.flatten(self._given)
        values = [*self._flat, *(variable.value() for variable in self._variables)]
        self._arguments = [_argument(place, value) for place, value in enumerate(values)]

    def step(self) -> Step:
        """The step as a program."""
        import tensorflow as tf  # noqa: PLC0415

        function = tf.function(self._function, autograph=False, jit_compile=True)
        program = function.experimental_get_compiler_ir(*self._given)(stage="hlo_serialized")
        return Step(self.size, self.variant, self._arguments, _operations(self._goal.evaluator, self.size), program)

    def gradient(self) -> np.ndarray:
        """The gradient for the numbers that are drawn."""
        import tensorflow as tf  # noqa: PLC0415

        drawn = [one.drawn(seed) for seed, one in enumerate(self._arguments)]
        for variable, value in zip(self._variables, drawn[len(self._flat) :], strict=True):
            variable.assign(value)
        given = tf.nest.pack_sequence_as(self._given, list(map(tf.constant, drawn[: len(self._flat)])))
        return tf.function(self._function, autograph=False)(*given)[1].numpy()


def _value_and_gradient(evaluator: Any, *arguments: Any) -> tuple[Any, Any]:
    """Loss and gradient, as the package's own compiled function computes them."""
    terms, gradient = evaluator._value_and_gradient(*arguments)
    return terms.total, gradient


def _objective(size: int, precision: str) -> Any:
    """An objective of that size, and a picture."""
    import tensorflow as tf  # noqa: PLC0415

    from nst_keras.losses import guidance  # noqa: PLC0415
    from nst_keras.networks import extractors  # noqa: PLC0415
    from nst_keras.objectives import objective  # noqa: PLC0415
    from references import recipe  # noqa: PLC0415

    picture = tf.zeros([1, size, size, 3])
    layers = [*recipe.STYLE_LAYERS, recipe.CONTENT_LAYER]
    made = objective.Objective(
        extractors.get("vgg19", layers=layers, weights="random", precision=precision),
        regions=guidance.everywhere([picture]),
        content_image=picture,
        style_layers=dict.fromkeys(recipe.STYLE_LAYERS, 0.2),
        content_layers={recipe.CONTENT_LAYER: 1.0},
        normalization="mean",
        jit_compile="false",
        # For the numbers that are drawn, the gradients of the three are of one size: an error in any of them shows.
        style_weight=0.4,
        content_weight=1e4,
        var_weight=2e4,
    )
    return made, picture


def _argument(place: int, value: Any) -> Argument:
    """What an argument is drawn as, by its shape: scalars are weights of terms and stay."""
    shape, dtype = tuple(value.shape), value.dtype.name
    kinds: dict[int, str] = {1: "bias", 3: "target", 4: "kernel" if shape[:1] == (3,) else "target"}
    kind = "picture" if place == 0 else kinds.get(len(shape)) or float(value)
    return Argument(shape, dtype, kind)


def _operations(evaluator: Any, size: int) -> float:
    """Floating-point operations of the convolutions; the way back, to the picture alone, costs as much as forward."""
    total, side = 0, size
    for layer in evaluator.comparison.extractor.network.layers:
        if "pool" in layer.name:
            side //= 2
        elif hasattr(layer, "kernel"):
            total += 2 * side * side * int(np.prod(layer.kernel.shape))
    return 2.0 * total
