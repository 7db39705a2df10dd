"""Compiles functions with XLA where it works, and otherwise falls back to a TensorFlow graph with a warning."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from nst_keras import checks
from nst_keras.runtime import defaults, phases

__all__ = ["JIT_MODES", "compiled", "jit_mode"]

JIT_MODES = ("auto", "true", "false")

# What XLA raises for a platform or an operation that it does not support. Running out of memory is not among them.
_UNSUPPORTED = (
    tf.errors.InvalidArgumentError,
    tf.errors.UnimplementedError,
    tf.errors.InternalError,
    tf.errors.NotFoundError,
    tf.errors.DataLossError,  # A damaged program in `xla_cache`.
)


def compiled(
    function: Callable[..., Any],
    *,
    jit_compile: str | bool = "auto",
    any_size: bool = False,
) -> Callable[..., Any]:
    """Compiles a function of tensors.

    Args:
        function: A function of tensors, without Python side effects, and without Python's `if` or `for` on tensors.
        jit_compile: `"true"` or True compiles with XLA. `"false"` or False makes a plain TensorFlow graph. `"auto"`
            tries XLA, and falls back to the graph with a warning.
        any_size: Whether it is called with pictures of several sizes. A plain graph then leaves the height and width of
            all arguments of shape [1, height, width, channels] open, and is traced once for all sizes. (With a size,
            layers take forms that are fast in XLA alone.) XLA needs sizes: it is traced and compiled once for each.

    Returns:
        A function of the same arguments, with `tracing_count()`: how often it was traced. What the process has set in
        Keras, and `tf.config.run_functions_eagerly`, do not change its results.

    Raises:
        ValueError: An unknown `jit_compile`.
    """
    mode = jit_mode(jit_compile)
    # TensorFlow tells functions apart by their code. It would take those of a run's many stages for one function that
    # is traced again and again, and warn of it. A partial has no code.
    function = functools.partial(_with_defaults, function)
    if mode == "auto":
        return _XLAOrGraph(function, any_size)
    return _made(function, jit_compile=mode == "true", any_size=any_size)


def jit_mode(jit_compile: str | bool) -> str:
    """Returns the name in `JIT_MODES` for a name or a bool; raises `ValueError` for others."""
    return checks.one_of("jit_compile", str(jit_compile).lower(), JIT_MODES)


class _Graph:
    """Calls a `tf.function` as a graph."""

    def __init__(self, function: Callable[..., Any], *, jit_compile: bool) -> None:
        self._function = tf.function(function, autograph=False, jit_compile=jit_compile)
        self._compiles = jit_compile
        self._called: set[int] = set()

    def __call__(self, *arguments: Any) -> Any:
        with defaults.graphs():
            return self._call(self._function, *arguments)

    def _call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Calls a function. Its first call says that XLA compiles it."""
        if not self._compiles or id(function) in self._called:
            return function(*arguments)
        with phases.named("compiling with XLA"):
            result = function(*arguments)
        self._called.add(id(function))
        return result

    def tracing_count(self) -> int:
        """Returns how often the function was traced."""
        return self._function.experimental_get_tracing_count()


class _OfAnySize(_Graph):
    """Calls the trace for the types of the arguments, and makes it where there is none."""

    def __init__(self, function: Callable[..., Any], *, jit_compile: bool) -> None:
        super().__init__(function, jit_compile=jit_compile)
        self._type_of = _exact_type if jit_compile else _open_type

    def __call__(self, *arguments: Any) -> Any:
        tensors = tf.nest.map_structure(tf.convert_to_tensor, arguments)
        # A call of the function itself would warn of its traces, which here are wanted.
        traced = self._function.get_concrete_function(*tf.nest.map_structure(self._type_of, tensors))
        return self._call(traced, *tensors)


class _XLAOrGraph:
    """Calls the XLA build until it fails once, and the graph from then on."""

    def __init__(self, function: Callable[..., Any], any_size: bool) -> None:
        self._xla = _made(function, jit_compile=True, any_size=any_size)
        self._graph = _made(function, jit_compile=False, any_size=any_size)
        self._current = self._xla

    def __call__(self, *arguments: Any) -> Any:
        current = self._current  # Several devices may call at once, and one of them may change it.
        try:
            return current(*arguments)
        except _UNSUPPORTED as error:
            if current is self._graph:
                raise
            self._current = self._graph
            result = self._graph(*arguments)  # An error of the function itself is raised again here.
            reason = str(error).strip().splitlines()[0][:200]
            warnings.warn(f"XLA cannot compile this step here ({reason}); going on without it.", stacklevel=2)
            return result

    def tracing_count(self) -> int:
        """Returns how often the function was traced."""
        return self._xla.tracing_count() + self._graph.tracing_count()


def _made(function: Callable[..., Any], *, jit_compile: bool, any_size: bool) -> _OfAnySize | _Graph:
    kind = _OfAnySize if any_size else _Graph
    return kind(function, jit_compile=jit_compile)


def _exact_type(tensor: tf.Tensor) -> tf.TensorSpec:
    return tf.TensorSpec(tensor.shape, tensor.dtype)


def _open_type(tensor: tf.Tensor) -> tf.TensorSpec:
    """Returns the type of a tensor, with height and width open if it is [1, height, width, channels]."""
    shape = tensor.shape
    return tf.TensorSpec([shape[0], None, None, shape[3]] if shape.rank == 4 else shape, tensor.dtype)


def _with_defaults(function: Callable[..., Any], *arguments: Any) -> Any:
    """Calls a function, which is traced, with Keras's own defaults."""
    with phases.named("tracing"), defaults.keras_defaults():
        return function(*arguments)
