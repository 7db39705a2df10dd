"""A first student without gradient descent: linear regression onto the teacher, layer by layer.

Each thin layer takes the place of as many channels of the teacher's layer: those from which the others are best
predicted. Its kernel is the least-squares solution that makes, out of the student's own features one layer below (with
the errors they have by then), what the teacher has in these channels before ReLU, as He, Zhang and Sun do to prune
channels ("Channel Pruning for Accelerating Very Deep Neural Networks", ICCV 2017).
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping, Sequence

import keras
import numpy as np

__all__ = ["batched", "chosen_channels", "fit", "patches", "regression"]

Places = tuple[np.ndarray, np.ndarray, np.ndarray]


def fit(
    thin: keras.Model,
    teacher: keras.Model,
    images: np.ndarray,
    *,
    known: Mapping[str, Sequence[np.ndarray]] = types.MappingProxyType({}),
    samples: int = 40_000,
    seed: int = 0,
    report: Callable[[str], None] = print,
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Sets the weights of a thin network's convolutions.

    Args:
        thin: As `compact.thin_network` makes it: `thin4_conv2` stands for the teacher's `block4_conv2`.
        teacher: VGG19.
        images: Preprocessed, float32 [count, height, width, 3], sides multiples of 16.
        known: {layer of the thin network: its weights}, which are taken as they are.
        samples: Locations to regress over, at most.
        seed: Of the choice of locations.
        report: Takes a line for each layer.

    Returns:
        {the teacher's layer: (H [w, N], bias [N])}: the heads, from thin features to the teacher's.
    """
    random = np.random.default_rng(seed)
    features, heads = images, {}
    for layer in thin.layers[1:]:
        if isinstance(layer, keras.layers.Conv2D):
            name = layer.name.replace("thin", "block")
            theirs = teacher.get_layer(name)
            before, after = _outputs(teacher, theirs.input, images), _outputs(teacher, theirs.output, images)
            count = int(np.prod(after.shape[:3]))
            flat = random.choice(count, min(samples, count), replace=False)
            places = np.unravel_index(flat, after.shape[:3])
            if layer.name in known:
                layer.set_weights(known[layer.name])
            else:
                _fit_layer(layer, theirs, (before, after), features, places)
            del before
        features = batched(layer, features)
        if isinstance(layer, keras.layers.Conv2D):
            heads[name] = regression(features[places], after[places])
            predicted = features[places] @ heads[name][0] + heads[name][1]
            unexplained = np.square(after[places] - predicted).sum() / after[places].var(0).sum() / len(flat)
            report(f"{layer.name}: {100 * unexplained:.1f}% of the variance of {name} is unexplained")
    return heads


def chosen_channels(features: np.ndarray, count: int) -> np.ndarray:
    """Returns the channels from which, with a constant, the others are best predicted, chosen one by one.

    Args:
        features: [n, N].
        count: How many.

    Returns:
        Indices [count].
    """
    with_constant = np.concatenate([features, np.ones((len(features), 1), features.dtype)], axis=1)
    residual = (with_constant.T @ with_constant).astype(np.float64) / len(features)
    own = np.diag(residual).copy()
    chosen: list[int] = []
    best = len(own) - 1  # The constant comes first, and free.
    while len(chosen) < count:
        residual -= np.outer(residual[:, best], residual[best]) / residual[best, best]  # Schur complement.
        left = np.diag(residual)
        # What each channel explains of all that is left; those that are explained already drop out.
        gain = np.square(residual).sum(0) / np.where(left > 1e-7 * own, left, np.inf)
        gain[[*chosen, -1]] = -1
        best = int(gain.argmax())
        chosen.append(best)
    return np.array(chosen)


def regression(inputs: np.ndarray, targets: np.ndarray, *, ridge: float = 1e-4) -> tuple[np.ndarray, np.ndarray]:
    """Solves least squares: [n, i], [n, o] -> weights [i, o], bias [o]; `ridge` in shares of the mean variance."""
    inputs_mean, targets_mean = inputs.mean(0), targets.mean(0)
    inputs, targets = inputs - inputs_mean, targets - targets_mean
    moment = (inputs.T @ inputs).astype(np.float64)
    moment[np.diag_indices_from(moment)] += ridge * np.trace(moment) / len(moment) + 1e-12
    weights = np.linalg.solve(moment, (inputs.T @ targets).astype(np.float64)).astype(np.float32)
    return weights, targets_mean - inputs_mean @ weights


def _fit_layer(
    layer: keras.layers.Conv2D,
    theirs: keras.layers.Conv2D,
    their_features: tuple[np.ndarray, np.ndarray],
    features: np.ndarray,
    places: Places,
) -> None:
    before, after = their_features
    chosen = chosen_channels(after[places], layer.filters)
    kernel, bias = theirs.get_weights()
    targets = _in_parts(lambda part: patches(before, part) @ kernel[..., chosen].reshape(-1, len(chosen)), places)
    weights, offset = regression(patches(features, places), targets + bias[chosen])
    layer.set_weights([weights.reshape(3, 3, -1, len(chosen)), offset])


def patches(features: np.ndarray, places: Places) -> np.ndarray:
    """3x3 neighbourhoods, zero outside: [batch, height, width, c] -> [n, 9c]."""
    padded = np.pad(features, ((0, 0), (1, 1), (1, 1), (0, 0)))
    image, y, x = places
    return np.concatenate([padded[image, y + i, x + j] for i in range(3) for j in range(3)], axis=1)


def _in_parts(function: Callable[[Places], np.ndarray], places: Places, size: int = 4000) -> np.ndarray:
    starts = range(0, len(places[0]), size)
    return np.concatenate([function(tuple(axis[start : start + size] for axis in places)) for start in starts])


def _outputs(teacher: keras.Model, tensor: keras.KerasTensor, images: np.ndarray) -> np.ndarray:
    return images if tensor is teacher.inputs[0] else batched(keras.Model(teacher.inputs[0], tensor), images)


def batched(function: Callable[[np.ndarray], object], images: np.ndarray, size: int = 8) -> np.ndarray:
    """Returns the function's results for all images, `size` at a time."""
    parts = (function(images[start : start + size]) for start in range(0, len(images), size))
    return np.concatenate([keras.ops.convert_to_numpy(part) for part in parts])
