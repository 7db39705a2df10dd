"""Compiles functions with XLA where it works, and otherwise falls back to a TensorFlow graph with a warning."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from nst_keras import checks
from nst_keras.runtime import defaults

__all__ = ["JIT_MODES", "as_graph", "compiled", "jit_mode"]

JIT_MODES = ("auto", "true", "false")

# What XLA raises for a platform or an operation that it does not support. Running out of memory is not among them.
_UNSUPPORTED = (
    tf.errors.InvalidArgumentError,
    tf.errors.UnimplementedError,
    tf.errors.InternalError,
    tf.errors.NotFoundError,
)


def compiled(
    function: Callable[..., Any],
    *,
    jit_compile: str | bool = "auto",
    graph_signature: Sequence[tf.TensorSpec] | None = None,
) -> Callable[..., Any]:
    """Compiles a function of tensors.

    Args:
        function: A function of tensors, without Python side effects, and without Python's `if` or `for` on tensors.
        jit_compile: `"true"` or True compiles with XLA. `"false"` or False makes a plain TensorFlow graph. `"auto"`
            tries XLA, and falls back to the graph with a warning.
        graph_signature: Types and shapes of the arguments in a plain graph. Default: traced for those of each call.

    Returns:
        A function of the same arguments, with `tracing_count()`: how often it was traced. What the process has set in
        Keras, and `tf.config.run_functions_eagerly`, do not change its results.

    Raises:
        ValueError: Another `jit_compile`.
    """
    mode = jit_mode(jit_compile)
    # TensorFlow tells functions apart by their code. It would take those of a run's many stages for one function that
    # is traced again and again, and warn of it. A partial has no code.
    function = functools.partial(_with_defaults, function)
    if mode == "auto":
        return _XLAOrGraph(function, graph_signature)
    signature = graph_signature if mode == "false" else None
    return _Graph(tf.function(function, autograph=False, jit_compile=mode == "true", input_signature=signature))


def as_graph(function: Callable[..., Any], *others: tf.TensorSpec | dict[str, tf.TensorSpec]) -> Callable[..., Any]:
    """Returns a function of an image of any size as a graph, which frees features once nothing needs them any more.

    Called eagerly, a Keras model holds the features of all its layers until it returns.

    Args:
        function: A function of an image, float32 [1, height, width, 3], and of further arguments.
        others: Types and shapes of the further arguments.
    """
    # The concrete function, since TensorFlow warns of a `tf.function` that is made for each of many stages.
    image = tf.TensorSpec([1, None, None, 3], tf.float32)
    traced = tf.function(functools.partial(_with_defaults, function), autograph=False)
    with defaults.graphs():
        return traced.get_concrete_function(image, *others)


def jit_mode(jit_compile: str | bool) -> str:
    """Returns the name in `JIT_MODES` for a name or a bool; raises `ValueError` for others."""
    return checks.one_of("jit_compile", str(jit_compile).lower(), JIT_MODES)


class _Graph:
    """Calls a `tf.function` as a graph."""

    def __init__(self, function: Any) -> None:
        self._function = function

    def __call__(self, *arguments: Any) -> Any:
        with defaults.graphs():
            return self._function(*arguments)

    def tracing_count(self) -> int:
        """Returns how often the function was traced."""
        return self._function.experimental_get_tracing_count()


class _XLAOrGraph:
    """Calls the XLA build until it fails once, and the graph from then on."""

    def __init__(self, function: Callable[..., Any], graph_signature: Sequence[tf.TensorSpec] | None) -> None:
        self._xla = tf.function(function, autograph=False, jit_compile=True)
        self._graph = tf.function(function, autograph=False, jit_compile=False, input_signature=graph_signature)
        self._current = self._xla

    def __call__(self, *arguments: Any) -> Any:
        with defaults.graphs():
            return self._called(*arguments)

    def tracing_count(self) -> int:
        """Returns how often the function was traced."""
        return self._xla.experimental_get_tracing_count() + self._graph.experimental_get_tracing_count()

    def _called(self, *arguments: Any) -> Any:
        current = self._current  # Several devices may call at once, and one of them may change it.
        try:
            return current(*arguments)
        except _UNSUPPORTED as error:
            if current is self._graph:
                raise
            self._current = self._graph
            result = self._graph(*arguments)  # An error of the function itself is raised again here.
            reason = str(error).strip().splitlines()[0]
            warnings.warn(f"XLA cannot compile this step here ({reason}); going on without it.", stacklevel=3)
            return result


def _with_defaults(function: Callable[..., Any], *arguments: Any) -> Any:
    """Calls a function, which is traced, with Keras's own defaults."""
    with defaults.keras_defaults():
        return function(*arguments)
