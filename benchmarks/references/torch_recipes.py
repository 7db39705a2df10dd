"""Recipes in PyTorch: neural-style-pt, and style-transfer-pytorch."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from references import recipe

__all__ = ["evaluation", "neural_style_pt", "style_transfer_pytorch"]

_MEAN = torch.tensor([103.939, 116.779, 123.68]).reshape(1, 3, 1, 1)  # Of blue, green and red.


def neural_style_pt(task: recipe.Task, weights: recipe.GramLoss = recipe.GRAM_LOSS) -> Iterator[recipe.Iterate]:
    """PyTorch's L-BFGS: 100 pairs, no line search, no bounds, no tolerances; each of its iterations one evaluation."""
    image, evaluate = evaluation(task, weights)
    lbfgs = torch.optim.LBFGS([image], max_iter=1, history_size=100, tolerance_change=-1, tolerance_grad=-1)
    while True:
        yield recipe.Iterate(float(lbfgs.step(evaluate).detach()), lambda: _picture(image + _MEAN))


def evaluation(
    task: recipe.Task,
    weights: recipe.GramLoss = recipe.GRAM_LOSS,
    *,
    device: str = "cpu",
    channels_last: bool = False,
) -> tuple[nn.Parameter, Callable[[], torch.Tensor]]:
    """neural-style-pt's image, at its start, and a function that gives its loss and sets its gradient."""
    layout = torch.channels_last if channels_last else torch.contiguous_format
    pictures = (_centred(picture) for picture in (task.content, task.style, task.start))
    content, style, start = (picture.to(device, memory_format=layout) for picture in pictures)
    network = _Network(task.network, "zeros").to(device, memory_format=layout)
    grams = {name: _gram(features) for name, features in network(style).items()}
    content = network(content)[recipe.CONTENT_LAYER]
    image = nn.Parameter(start)

    def evaluate() -> torch.Tensor:
        image.grad = None
        features = network(image)
        style = [functional.mse_loss(_gram(features[name]), grams[name]) for name in recipe.STYLE_LAYERS]
        distance = functional.mse_loss(features[recipe.CONTENT_LAYER], content)
        variation = torch.diff(image, dim=2).abs().sum() + torch.diff(image, dim=3).abs().sum()
        loss = weights.style_weight * sum(style) + weights.content_weight * distance + weights.var_weight * variation
        loss.backward()
        return loss

    return image, evaluate


def style_transfer_pytorch(
    task: recipe.Task,
    weights: recipe.WassersteinLoss = recipe.WASSERSTEIN_LOSS,
    *,
    first_steps: int = 1000,
    steps: int = 500,
    smallest: int = 128,
) -> Iterator[recipe.Iterate]:
    """Adam(0.02, betas 0.9 and 0.99) in 0..1, sizes that grow by sqrt(2), the average of the iterates as the picture.

    It ends where its last size does. Differs from the published code in what keeps it from being the loss that ours
    measures: see `recipe.WassersteinLoss`; and the covariances are blurred in proportion to the style's own size. Its
    roots, of 12 iterations as published, are inexact: the loss that it lowers lies up to a tenth above the exact one.
    """
    network = _Network(task.network, "replicate")
    full = task.start.shape[1:3]
    image, state = torch.tensor(task.start / 255.0).movedim(3, 1), None
    for size in _sizes(full, smallest):
        image = functional.interpolate(image, size, mode="bicubic", antialias=state is None).clamp(0, 1)
        content, style = (_resized(picture, max(size)) for picture in (task.content, task.style))
        loss_of = _wasserstein_loss(network, content, style, weights)
        image.requires_grad_()
        adam = torch.optim.Adam([image], lr=0.02, betas=(0.9, 0.99))
        if state is not None:
            adam.load_state_dict(_scaled(state, size))
        total, decay = 0.01 * image.detach(), 0.99
        for _ in range(first_steps if state is None else steps):
            adam.zero_grad()
            loss = loss_of(image)
            loss.backward()
            adam.step()
            with torch.no_grad():
                image.clamp_(0, 1)
                total, decay = 0.99 * total + 0.01 * image, 0.99 * decay
                average = total / (1 - decay)
            yield recipe.Iterate(float(loss.detach()), lambda average=average: _enlarged(average, full))
        image, state = average.detach(), adam.state_dict()


class _Network(nn.Module):
    """VGG19 with Keras's weights, of centred blue, green and red."""

    def __init__(self, network, padding: str) -> None:
        super().__init__()
        self._names, layers = [], []
        for name, (kernel, bias) in recipe.convolutions(network).items():
            layer = nn.Conv2d(*kernel.shape[2:], 3, padding=1, padding_mode="zeros" if layers else padding)
            layer.weight.data, layer.bias.data = torch.tensor(kernel.transpose(3, 2, 0, 1).copy()), torch.tensor(bias)
            layers.append(layer.requires_grad_(False))
            self._names.append(name)
            if name == recipe.STYLE_LAYERS[-1]:
                break
        self._layers = nn.ModuleList(layers)

    def forward(self, image: torch.Tensor) -> dict[str, torch.Tensor]:
        """[1, 3, height, width] -> {layer: features}."""
        features, block = {}, "block1"
        for name, layer in zip(self._names, self._layers, strict=True):
            if not name.startswith(block):
                image, block = functional.max_pool2d(image, 2), name.split("_")[0]
            image = functional.relu(layer(image))
            features[name] = image
        return features


def _centred(picture: np.ndarray) -> torch.Tensor:
    """RGB [1, height, width, 3] in 0..255 -> centred blue, green and red, channels first."""
    return torch.tensor(np.ascontiguousarray(picture[..., ::-1])).movedim(3, 1).contiguous() - _MEAN


def _picture(image: torch.Tensor) -> np.ndarray:
    """Blue, green and red, channels first -> RGB, channels last."""
    return np.ascontiguousarray(image.detach().movedim(1, 3).numpy()[..., ::-1])


def _gram(features: torch.Tensor) -> torch.Tensor:
    locations = features.flatten(2)[0]
    return locations @ locations.T / locations.numel()


def _sizes(full: tuple[int, int], smallest: int) -> list[tuple[int, int]]:
    """Heights and widths whose longer sides are the full one's, divided by powers of sqrt(2)."""
    longest, sides = max(full), []
    while (side := round(longest / 2 ** (len(sides) / 2))) >= min(smallest, longest):
        sides.append(side)
    return [tuple(round(side * extent / longest) for extent in full) for side in reversed(sides)]


def _resized(picture: np.ndarray, longest: int) -> torch.Tensor:
    """A picture in 0..1, its longest side reduced to a number of pixels, channels first."""
    image = torch.tensor(picture / 255.0).movedim(3, 1)
    ratio = min(1.0, longest / max(image.shape[2:]))
    sides = tuple(round(ratio * side) for side in image.shape[2:])
    return functional.interpolate(image, sides, mode="bicubic", antialias=True).clamp(0, 1)


def _enlarged(image: torch.Tensor, full: tuple[int, int]) -> np.ndarray:
    enlarged = functional.interpolate(image.detach(), full, mode="bicubic").clamp(0, 1)
    return 255.0 * enlarged.movedim(1, 3).numpy()


def _scaled(state: dict, size: tuple[int, int]) -> dict:
    """Adam's state with its moments at another size."""
    moments = state["state"][0]
    first = functional.interpolate(moments["exp_avg"], size, mode="bicubic")
    second = functional.interpolate(moments["exp_avg_sq"], size, mode="bilinear").relu()
    return {**state, "state": {0: {**moments, "exp_avg": first, "exp_avg_sq": second}}}


def _wasserstein_loss(
    network: _Network, content: torch.Tensor, style: torch.Tensor, weights: recipe.WassersteinLoss
) -> Callable[[torch.Tensor], torch.Tensor]:
    """The loss as a function of a picture in 0..1."""

    def features_of(image: torch.Tensor) -> dict[str, torch.Tensor]:
        return network(255.0 * image.flip(1) - _MEAN)

    layers = dict(zip(recipe.STYLE_LAYERS, weights.style_weights, strict=True))
    with torch.no_grad():
        features = features_of(style)
        distances = {name: _Distance(features[name]) for name in layers}
        target = features_of(content)[recipe.CONTENT_LAYER]

    def loss(image: torch.Tensor) -> torch.Tensor:
        features = features_of(image)
        style = sum(weight * distances[name](features[name]) for name, weight in layers.items())
        distance = functional.mse_loss(features[recipe.CONTENT_LAYER], target)
        of_network = (style + weights.content_weight * distance) / weights.feature_scale**2
        return of_network + weights.var_weight * _nine_point_variation(image)

    return loss


class _Distance:
    """The squared Wasserstein-2 distance of Gaussians, divided by their dimensions."""

    def __init__(self, features: torch.Tensor) -> None:
        self._mean, covariance, energy = _moments(features)
        self._blur = 5e-5 * energy * torch.eye(len(covariance))
        self._covariance = covariance + self._blur
        self._root = _root(self._covariance)

    def __call__(self, features: torch.Tensor) -> torch.Tensor:
        mean, covariance, _ = _moments(features)
        covariance = covariance + self._blur
        common = _root(self._root @ covariance @ self._root)
        spread = torch.trace(self._covariance + covariance - 2 * common)
        return (torch.sum((mean - self._mean) ** 2) + spread) / len(covariance)


def _moments(features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Mean, covariance, and the trace of the second moments."""
    points = features.flatten(2)[0]
    mean = points.mean(1)
    second = points @ points.T / points.shape[1]
    return mean, second - mean[:, None] * mean, torch.trace(second)


def _root(matrix: torch.Tensor, iterations: int = 12) -> torch.Tensor:
    """The square root of a positive definite matrix, by coupled Newton-Schulz iterations."""
    norm, identity = torch.linalg.norm(matrix), torch.eye(len(matrix))
    root, inverse = matrix / norm, identity
    for _ in range(iterations):
        correction = (3 * identity - inverse @ root) / 2
        root, inverse = root @ correction, correction @ inverse
    return root * norm.sqrt()


def _nine_point_variation(image: torch.Tensor) -> torch.Tensor:
    """Mean squares of differences: rows and columns a third each, diagonals a twelfth each, twice."""
    padded = functional.pad(image, (1, 1, 1, 1), mode="replicate")
    down = padded[..., 2:, 1:-1] - padded[..., 1:-1, 1:-1]
    right = padded[..., 1:-1, 2:] - padded[..., 1:-1, 1:-1]
    falling = padded[..., 1:, 1:] - padded[..., :-1, :-1]
    rising = padded[..., 1:, :-1] - padded[..., :-1, 1:]
    straight = (down**2).mean() + (right**2).mean()
    return 2 * (straight / 3 + ((falling**2).mean() + (rising**2).mean()) / 12)
