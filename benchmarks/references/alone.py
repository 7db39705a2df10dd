"""A recipe in a process of its own, as its users start one.

    python -m references.alone RECIPE FOLDER WEIGHTS ITERATIONS

Reads `content.png` and `style.png` from the folder, and VGG19's weights from a file in Keras's layout. Writes the last
picture there as RECIPE.png, and as RECIPE.npy: neither rounded nor clipped. Only what the recipe needs is imported.
"""

from __future__ import annotations

import collections
import itertools
import os
import sys
from collections.abc import Callable, Iterator

import numpy as np
import PIL.Image

from references import recipe

__all__ = ["RECIPES", "kernels"]


def kernels(path: str) -> recipe.Kernels:
    """{layer: kernel and bias} of a file in the layout of `keras.applications`, to the last style layer."""
    import h5py  # noqa: PLC0415  Timed.

    found = {}
    with h5py.File(path) as file:
        for name in map(bytes.decode, file.attrs["layer_names"]):
            if numbers := [file[name][part][()] for part in file[name].attrs["weight_names"]]:
                found[name] = tuple(numbers)
            if name == recipe.STYLE_LAYERS[-1]:
                return found
    raise SystemExit(f"{path} has no layer {recipe.STYLE_LAYERS[-1]}. Give a file of VGG19's weights.")


def _neural_style_pt(content: np.ndarray, style: np.ndarray, weights: str) -> Iterator[recipe.Iterate]:
    import torch  # noqa: PLC0415  An extra.

    from references import torch_recipes  # noqa: PLC0415

    # For its benefit: its users do not say this, and wait five times as long where gradients are tiny.
    torch.set_flush_denormal(True)
    return torch_recipes.neural_style_pt(recipe.Task(content, style, content, kernels(weights)))


def _tutorial(content: np.ndarray, style: np.ndarray, weights: str) -> Iterator[recipe.Iterate]:
    import keras  # noqa: PLC0415  Not for PyTorch.

    from references import tensorflow_recipes  # noqa: PLC0415

    network = keras.applications.VGG19(include_top=False, weights=weights)
    return tensorflow_recipes.tutorial(recipe.Task(content, style, content, network), tensorflow_recipes.tutorial_loss)


RECIPES: dict[str, Callable[[np.ndarray, np.ndarray, str], Iterator[recipe.Iterate]]] = {
    "neural_style_pt": _neural_style_pt,
    "tutorial": _tutorial,
}


def main(name: str, folder: str, weights: str, iterations: str) -> None:
    pictures = (PIL.Image.open(os.path.join(folder, f"{part}.png")) for part in ("content", "style"))
    content, style = (np.asarray(picture.convert("RGB"), np.float32)[None] for picture in pictures)
    iterates = itertools.islice(RECIPES[name](content, style, weights), int(iterations))
    picture = collections.deque(iterates, maxlen=1)[0].picture()
    levels = np.round(np.clip(picture[0], 0, 255)).astype(np.uint8)
    PIL.Image.fromarray(levels).save(os.path.join(folder, f"{name}.png"))
    np.save(os.path.join(folder, f"{name}.npy"), picture)


if __name__ == "__main__":
    main(*sys.argv[1:])
