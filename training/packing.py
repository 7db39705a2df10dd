"""From networks that were made here to the files that the package ships."""

from __future__ import annotations

import os
import pathlib
import tempfile

import h5py
import keras
import numpy as np

from nst_keras.networks import compact

__all__ = ["coordinates", "pack", "rounded", "write"]

# Steps of rounding in a standard deviation of a kernel's values: about 9 bits each once compressed.
_STEPS_PER_DEVIATION = 24


def pack(student: keras.Model, path: str) -> int:
    """Writes a student as weights of `compact.network`: rounded, float16, compressed, whole or not at all.

    Args:
        student: As `distillation.student` makes it.
        path: Ends in `.weights.h5`.

    Returns:
        The file's size in bytes.

    Raises:
        ValueError: A value that float16 does not hold.
        OSError: The file cannot be written.
    """
    thin = [layer for layer in student.layers if layer.name.startswith("thin") and layer.weights]
    widths: dict[str, list[int]] = {}
    for layer in thin:
        widths.setdefault(layer.name.split("_")[0], []).append(layer.filters)
    network = compact.network(None, widths=tuple(widths.values()))
    for layer in thin:
        kernel, bias = layer.get_weights()
        network.get_layer(layer.name).set_weights([rounded(kernel), bias])
    for name in student.output:
        head, bias = student.get_layer(f"{name}_head").get_weights()
        matrix = coordinates(head[0, 0], bias)
        network.get_layer(name).set_weights([matrix[None, None, :-1], matrix[-1]])
    return write(network, path)


def write(network: keras.Model, path: str) -> int:
    """Writes a network's weights as float16, compressed, whole or not at all; returns the file's size in bytes.

    Raises:
        ValueError: A value that float16 does not hold.
        OSError: The file cannot be written.
    """
    with tempfile.TemporaryDirectory(dir=pathlib.Path(path).parent) as folder:
        whole, compressed = f"{folder}/whole.weights.h5", f"{folder}/compressed.h5"
        network.save_weights(whole)
        _compress(whole, compressed)
        os.replace(compressed, path)
    return os.path.getsize(path)


def coordinates(head: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Returns R of the head's prediction f = [s, 1] H: a root of H H^T, so that [s, 1] R has the inner products of f.

    Args:
        head: [w, N].
        bias: [N].

    Returns:
        float32 [w + 1, w + 1]; the last row is for the constant.
    """
    whole = np.concatenate([head, bias[None]]).astype(np.float64)
    values, vectors = np.linalg.eigh(whole @ whole.T)
    return (vectors * np.sqrt(np.maximum(values, 0))).astype(np.float32)


def rounded(kernel: np.ndarray) -> np.ndarray:
    """Returns a kernel rounded to multiples of a power of two, which float16 holds exactly and which compress well."""
    step = 2.0 ** np.round(np.log2(max(kernel.std(), 1e-30) / _STEPS_PER_DEVIATION))
    return (np.round(kernel / step) * step).astype(np.float32)


def _compress(source: str, destination: str) -> None:
    """Copies an HDF5 file, its numbers as float16, shuffled and deflated; any HDF5 library reads it as it is."""
    with h5py.File(source) as old, h5py.File(destination, "w") as new:

        def copy(name: str, item: h5py.Group | h5py.Dataset) -> None:
            if isinstance(item, h5py.Dataset):
                with np.errstate(over="ignore"):
                    values = item[()].astype(np.float16)
                if not np.isfinite(values).all():
                    raise ValueError(
                        f"{name} has values that float16 does not hold; the largest: {abs(item[()]).max()}."
                    )
                new.create_dataset(name, data=values, compression="gzip", compression_opts=9, shuffle=True)
            else:
                new.require_group(name).attrs.update(item.attrs)

        old.visititems(copy)
        new.attrs.update(old.attrs)
