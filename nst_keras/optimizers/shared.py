"""Compiled functions that all optimizers of a process share.

A function that holds the variables of one optimizer serves that one alone: each new optimizer would trace and compile
its own, and TensorFlow keeps a program of XLA for as long as the process lives. So optimizers compile functions that
hold nothing, and give them their variables as arguments, which the functions read and assign.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable
from typing import Any

import tensorflow as tf

from nst_keras.runtime import compilation

__all__ = ["function"]

# Graphs of about nine sizes of images, which hold some 15 MiB each. The oldest give way to others.
_KEPT = 64


def function(
    body: Callable[..., Any], like: tf.Tensor, *, jit_compile: str | bool, on_host: bool, **fixed: Hashable
) -> Callable[..., Any]:
    """Returns a function compiled for images of one shape, the same for all who ask for the same.

    Several threads may call it at once.

    Args:
        body: A function of tensors and variables that holds none itself, defined in a module.
        like: An image of the shape and type that it will be called with. Others get a function of their own, because
            TensorFlow warns of a function that is traced for many shapes.
        jit_compile: A name in `compilation.JIT_MODES`, or a bool.
        on_host: Whether it will be called in the device scope of the CPU.
        fixed: {argument of `body`: value} that is the same in all calls.

    Returns:
        A function of the other arguments, see `compilation.compiled`.
    """
    spec = tf.TensorSpec(like.shape, like.dtype)
    return _made(body, spec, compilation.jit_mode(jit_compile), on_host, tuple(fixed.items()))


@functools.lru_cache(maxsize=_KEPT)
def _made(
    body: Callable[..., Any], spec: tf.TensorSpec, mode: str, on_host: bool, fixed: tuple[tuple[str, Hashable], ...]
) -> Callable[..., Any]:
    del spec, on_host  # They tell functions apart.
    return compilation.compiled(functools.partial(body, **dict(fixed)), jit_compile=mode)
