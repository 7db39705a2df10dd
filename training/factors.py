"""VGG19's convolutions in factors of low rank, one after the other.

Each convolution also makes up for errors of those before it (as in Zhang, Zou, He and Sun, "Accelerating Very Deep
Convolutional Networks for Classification and Detection", arXiv 1505.06798, section 3.3). The regression for that is
ridged towards VGG19's own kernel, because a picture that an optimisation makes has features that no crop has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import keras
import numpy as np

from nst_keras.networks import compact_v2
from training import layerwise, packing

__all__ = ["factorised", "fit"]

# Weight of the pull towards VGG19's kernel, in units of the features' mean variance.
_RIDGE = 1.0
_LOCATIONS = 24_000

Kernel = tuple[np.ndarray, np.ndarray]


def fit(
    network: keras.Model,
    teacher: keras.Model,
    images: np.ndarray,
    *,
    convolutions: Mapping[str, compact_v2.Factors] = compact_v2.CONVOLUTIONS,
    seed: int = 0,
    report: Callable[[str], None] = print,
) -> None:
    """Sets the weights of a network of convolutions of low rank.

    Args:
        network: As `compact_v2.network` makes it.
        teacher: VGG19.
        images: Preprocessed, float32 [count, height, width, 3], sides multiples of 16.
        convolutions: {layer of VGG19: its factors}, the network's.
        seed: Of the choice of locations.
        report: Takes a line for each convolution.
    """
    random = np.random.default_rng(seed)
    ours, theirs = images, images
    for name, factors in convolutions.items():
        if name.endswith("conv1") and name != "block1_conv1":
            ours, theirs = _pooled(ours), _pooled(theirs)
        kernel, bias = teacher.get_layer(name).get_weights()
        wanted = layerwise.batched(lambda part, k=kernel: keras.ops.conv(part, k, padding="same"), theirs) + bias
        count = int(np.prod(wanted.shape[:3]))
        flat = random.choice(count, min(_LOCATIONS, count), replace=False)
        places = np.unravel_index(flat, wanted.shape[:3])
        after = np.maximum(wanted[places], 0)
        kept = np.arange(wanted.shape[-1])
        if factors.width < len(kept):
            kept = layerwise.chosen_channels(after, factors.width)
        exact = _on_our_channels(kernel[..., kept], ours[places], theirs[places])
        parts = factorised(exact, ours, wanted[places][:, kept], places, before=factors.before, rank=factors.rank)
        theirs = np.maximum(wanted, 0)
        ours = _set(network, name, parts, ours)
        predicted = _predicted(network, name, ours[places], after)
        unexplained = np.square(after - predicted).sum() / np.square(after - after.mean(0)).sum()
        report(f"{name}: {100 * unexplained:.1f}% of the features' variance is unexplained")


def factorised(
    exact: np.ndarray,
    features: np.ndarray,
    wanted: np.ndarray,
    places: tuple[np.ndarray, ...],
    *,
    before: int | None,
    rank: int | None,
) -> list[Kernel]:
    """Returns the kernels, each with its bias, of up to three convolutions in place of one of 3x3.

    Args:
        exact: VGG19's kernel, over the channels of `features`, [3, 3, c, N].
        features: The convolution's input, [count, height, width, c].
        wanted: VGG19's output before ReLU at the places, [n, N].
        places: Indices of images, rows and columns, each [n].
        before: Channels that the input is reduced to, if any.
        rank: Filters of the 3x3 convolution, if less than N.
    """
    channels = features.shape[-1]
    patches = layerwise.patches(features, places)
    mean, moment = _moments(patches)
    ridge = _RIDGE * np.trace(moment) / len(moment)
    metric = moment + ridge * np.eye(len(moment))
    matrix = exact.reshape(9 * channels, -1).astype(np.float64)
    matrix = matrix + np.linalg.solve(metric, _left_over(matrix, patches, wanted))
    basis = np.eye(matrix.shape[1])
    if rank:
        basis = np.linalg.eigh(matrix.T @ metric @ matrix)[1][:, : -rank - 1 : -1]
    core, parts = matrix @ basis, []
    if before:
        square = moment.reshape(9, channels, 9, channels)[4, :, 4] + ridge * np.eye(channels)
        projection = _projection(core.reshape(9, channels, -1), square, before)
        spread = np.kron(np.eye(9), projection)
        core = np.linalg.solve(spread.T @ metric @ spread, spread.T @ (metric @ core))
        mean = mean @ spread
        parts.append((projection[None, None], np.zeros(before)))
        moment = spread.T @ moment @ spread
    offset = wanted.mean(0) - (mean @ core) @ basis.T
    if rank:
        scale = _scale(core, mean, moment, wanted)
        core, basis = core / scale, basis * scale
    core = core.reshape(3, 3, before or channels, -1)
    parts += [(core, np.zeros(rank)), (basis.T[None, None], offset)] if rank else [(core, offset)]
    return [(kernel.astype(np.float32), bias.astype(np.float32)) for kernel, bias in parts]


def _scale(core: np.ndarray, mean: np.ndarray, moment: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Returns powers of two that divide the filters' values to about the size of the layer's, for float16: [b].

    Args:
        core: The 3x3 kernel, [9a, b].
        mean: Of its patches, [9a].
        moment: Their covariance, [9a, 9a].
        wanted: VGG19's output before ReLU at the places, [n, N].
    """
    values = np.sqrt(np.einsum("ib,ij,jb->b", core, moment, core) + np.square(mean @ core))
    return np.exp2(np.maximum(np.round(np.log2(values / np.sqrt(np.square(wanted).mean()))), 0))


def _moments(patches: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the mean and the covariance of patches [n, 9c], float64."""
    mean = patches.mean(0)
    centred = patches - mean
    return mean.astype(np.float64), (centred.T @ centred).astype(np.float64) / len(patches)


def _left_over(matrix: np.ndarray, patches: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Returns the covariance of the patches with what the matrix leaves of what is wanted: [9c, N]."""
    patches = patches - patches.mean(0)
    rest = wanted - wanted.mean(0) - patches @ matrix.astype(np.float32)
    return (patches.T @ rest).astype(np.float64) / len(patches)


def _on_our_channels(kernel: np.ndarray, ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Returns VGG19's kernel [3, 3, C, N] on our c channels, by which its C are predicted: [3, 3, c, N]."""
    if ours.shape[-1] == theirs.shape[-1]:
        return kernel
    return np.einsum("ij,xyjo->xyio", layerwise.regression(ours, theirs, ridge=1e-3)[0], kernel)


def _projection(core: np.ndarray, square: np.ndarray, count: int) -> np.ndarray:
    """Returns the combinations of c channels that the core [9, c, b] needs most: [c, count].

    Args:
        core: A 3x3 kernel.
        square: The channels' covariance, with the ridge, [c, c].
        count: How many.
    """
    values, vectors = np.linalg.eigh(square)
    root, inverse = (vectors * values**power @ vectors.T for power in (0.5, -0.5))
    used = root @ core.transpose(1, 0, 2).reshape(len(square), -1)
    projection = inverse @ np.linalg.svd(used, full_matrices=False)[0][:, :count]
    return projection / np.sqrt(np.square(projection).sum(0)).mean()


def _set(network: keras.Model, name: str, parts: Sequence[Kernel], features: np.ndarray) -> np.ndarray:
    """Sets the layers of a convolution; returns what they make of the features."""
    place = name.removeprefix("block")
    names = {layer.name for layer in network.layers}
    last = f"thin{place}" if f"thin{place}" in names else name
    layers = [layer for layer in (f"before{place}", f"core{place}") if layer in names] + [last]
    for layer, (kernel, bias) in zip(map(network.get_layer, layers), parts, strict=True):
        layer.set_weights([kernel, bias])
        features = layerwise.batched(layer, features)
    return features


def _predicted(network: keras.Model, name: str, ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Returns VGG19's features [n, N] as ours [n, w] predict them. A head for w < N gives the network coordinates."""
    if ours.shape[-1] == theirs.shape[-1]:
        return ours
    head, bias = layerwise.regression(ours, theirs)
    if name in {layer.name for layer in network.layers}:
        matrix = packing.coordinates(head, bias)
        network.get_layer(name).set_weights([matrix[None, None, :-1], matrix[-1]])
    return ours @ head + bias


def _pooled(features: np.ndarray) -> np.ndarray:
    count, height, width, channels = features.shape
    return features.reshape(count, height // 2, 2, width // 2, 2, channels).max((2, 4))
