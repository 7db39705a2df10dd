"""Finds out in which precisions this machine is fast, from what its processor and accelerators say of themselves."""

from __future__ import annotations

import functools
import os
import pathlib
import re

import tensorflow as tf

__all__ = ["count", "has_accelerator", "has_instructions_for", "is_fast_in_bfloat16"]

# {type: flags of x86 processors that multiply matrices of this type, in Linux's names}.
_FLAGS = {
    "bfloat16": frozenset({"avx512_bf16", "amx_bf16"}),
    "float16": frozenset({"avx512_fp16", "amx_fp16"}),
}
# {type: the environment's limits for oneDNN, TensorFlow's library of convolutions, under which it uses these}.
_LIMITS = {
    "bfloat16": re.compile(r"(?i)$|all|default|avx512_core_(bf16|fp16|amx)|avx10"),
    "float16": re.compile(r"(?i)$|all|default|avx512_core_(fp16|amx)|avx10"),
}
_AMPERE = (8, 0)  # The first compute capability of NVIDIA's GPUs whose tensor cores multiply bfloat16.


def has_accelerator() -> bool:
    """Returns whether TensorFlow uses a GPU or a TPU."""
    return bool(tf.config.get_visible_devices("GPU") or tf.config.get_visible_devices("TPU"))


def has_instructions_for(dtype: str) -> bool:
    """Returns whether the processor does the work and has instructions for a half precision.

    TensorFlow's own convolutions use these instructions, XLA's do not. The flags decide, and no timing, so that a busy
    machine gives the same answer. Only Linux tells them: elsewhere the answer is False.

    Args:
        dtype: A type's name. The answer is False for all but `bfloat16` and `float16`.
    """
    return dtype in _FLAGS and not has_accelerator() and _is_allowed(dtype) and bool(_FLAGS[dtype] & _flags())


def is_fast_in_bfloat16() -> bool:
    """Returns whether what does the work here, a processor or accelerators, multiplies bfloat16 faster than float32."""
    gpus = tf.config.get_visible_devices("GPU")
    if gpus:
        return all(_compute_capability(gpu) >= _AMPERE for gpu in gpus)
    return bool(tf.config.get_visible_devices("TPU")) or has_instructions_for("bfloat16")


def count() -> int:
    """Returns the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@functools.cache
def _flags() -> frozenset[str]:
    """Returns the names of the processor's features; empty where the system does not tell them as Linux does."""
    try:
        text = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return frozenset()
    found = re.search(r"^flags\s*:(.*)", text, re.MULTILINE)
    return frozenset(found[1].split()) if found else frozenset()


def _is_allowed(dtype: str) -> bool:
    """Returns whether the environment lets TensorFlow use the instructions for a half precision."""
    is_on = os.environ.get("TF_ENABLE_ONEDNN_OPTS", "").lower() not in ("0", "false")
    return is_on and bool(_LIMITS[dtype].match(os.environ.get("ONEDNN_MAX_CPU_ISA", "")))


def _compute_capability(gpu: tf.config.PhysicalDevice) -> tuple[int, ...]:
    """Returns the version of what an NVIDIA GPU can compute; (0,) for one that does not say."""
    return tf.config.experimental.get_device_details(gpu).get("compute_capability", (0,))
