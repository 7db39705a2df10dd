"""Crops of pictures, varied in scale, colour and contrast, to learn from."""

from __future__ import annotations

import pathlib
from collections.abc import Iterable, Sequence

import keras
import numpy as np
import PIL.Image

from nst_keras.images import loading, pixels

__all__ = ["Crops", "crop", "holds", "read", "sources"]

_SUFFIXES = (".jpg", ".jpeg", ".png")


def read(folder: str, sides: Iterable[int], *, hold_out: Sequence[str] = ()) -> list[np.ndarray]:
    """Returns the pictures of a folder, each reduced to several sizes.

    Args:
        folder: Of JPEG or PNG files.
        sides: Longest sides in pixels; a picture smaller than one stays as it is.
        hold_out: Names of files, without their endings, that are kept for measuring.

    Returns:
        uint8 [height, width, 3] arrays, RGB.

    Raises:
        ValueError: No such folder, no pictures in it, all of them held out, or one that cannot be read.
    """
    paths = _paths(folder)
    if not paths:
        raise ValueError(f"{folder!r} is no folder with .jpg or .png pictures. Name one.")
    found = []
    for path in paths:
        if path.stem not in hold_out:
            whole = PIL.Image.fromarray(pixels.to_uint8(loading.load(path)))
            found += [_reduced(whole, side) for side in sides]
    if not found:
        raise ValueError(f"hold_out holds out all pictures of {folder!r}. Leave some to learn from.")
    return found


class Crops(keras.utils.PyDataset):
    """One epoch of batches of square crops: always the same for the same seed and epoch.

    Args:
        groups: Lists of pictures, uint8 [height, width, 3]; an empty list is passed over.
        shares: How often each group is drawn from.
        size: Side of a crop in pixels.
        batch: Crops in a batch.
        steps: Batches in the epoch.
        seed: Of the whole training.
        epoch: Which epoch.
        runs: Pictures with their styles and contents, uint8 [count, 3, size, size, 3], see `stylising.Pool`.
        runs_per_batch: How many of these are added to each batch; all pictures first, then styles, then contents.
    """

    def __init__(
        self,
        groups: Sequence[Sequence[np.ndarray]],
        shares: Sequence[float],
        *,
        size: int,
        batch: int,
        steps: int,
        seed: int,
        epoch: int,
        runs: np.ndarray | None = None,
        runs_per_batch: int = 0,
    ) -> None:
        super().__init__(workers=1, use_multiprocessing=False)
        filled = [(list(group), share) for group, share in zip(groups, shares, strict=True) if len(group)]
        self._groups = [group for group, _ in filled]
        self._shares = np.array([share for _, share in filled]) / sum(share for _, share in filled)
        self._size, self._batch, self._steps, self._origin = size, batch, steps, (seed, epoch)
        self._runs, self._runs_per_batch = runs, runs_per_batch

    def __len__(self) -> int:
        return self._steps

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns batch `index`, float32 [batch + 3 runs, size, size, 3], RGB, 0..255, and zeros as `fit`'s targets."""
        random = np.random.default_rng([*self._origin, index])
        drawn = random.choice(len(self._groups), self._batch, p=self._shares)
        squares = np.stack([_varied(crop(self._groups[group], self._size, random), random) for group in drawn])
        if self._runs is not None and self._runs_per_batch:
            run = self._runs[random.integers(len(self._runs), size=self._runs_per_batch)]
            squares = np.concatenate([squares, *np.moveaxis(run.astype(np.float32), 1, 0)])
        return squares, np.zeros(len(squares), np.float32)


def sources(photographs: str, paintings: str, *, hold_out: Sequence[str] = ()) -> tuple[list[np.ndarray], ...]:
    """Returns the photographs and the paintings of two folders, at several sizes, without those held out.

    Raises:
        ValueError: `hold_out` names a picture that neither folder has.
    """
    folders = (photographs, paintings)
    unknown = [name for name in hold_out if not any(holds(folder, name) for folder in folders)]
    if unknown:
        raise ValueError(f"--hold_out names {', '.join(unknown)}, which neither folder has. Correct the names.")
    sides = ((481, 360, 256), (768, 512, 320, 256))
    return tuple(read(folder, side, hold_out=hold_out) for folder, side in zip(folders, sides, strict=True))


def holds(folder: str, name: str) -> bool:
    """Returns whether a folder has a picture of that name, without its ending."""
    return any(path.stem == name for path in _paths(folder))


def crop(pictures: Sequence[np.ndarray], size: int, random: np.random.Generator) -> np.ndarray:
    """Returns a square out of one of the pictures, which are repeated as tiles where they are smaller.

    Returns:
        float32 [size, size, 3], 0..255.
    """
    picture = pictures[random.integers(len(pictures))]
    if min(picture.shape[:2]) < size:
        picture = np.tile(picture, (*(-(-size // side) for side in picture.shape[:2]), 1))
    top, left = (random.integers(side - size + 1) for side in picture.shape[:2])
    return picture[top : top + size, left : left + size].astype(np.float32)


def _paths(folder: str) -> list[pathlib.Path]:
    return sorted(p for p in pathlib.Path(folder).expanduser().glob("*") if p.suffix.lower() in _SUFFIXES)


def _varied(square: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Returns the square mirrored or turned, with other contrast and colours, or with noise, each now and then."""
    if random.random() < 0.5:
        square = square[:, ::-1]
    if random.random() < 0.2:
        square = np.rot90(square, random.integers(1, 4))
    if random.random() < 0.5:
        square = square.mean() + (square - square.mean()) * random.uniform(0.5, 1.4)  # Contrast.
        grey = square.mean(-1, keepdims=True)
        square = grey + (square - grey) * random.uniform(0.3, 1.6)  # Saturation.
        square = square * random.uniform(0.7, 1.3, 3) + random.uniform(-25, 25)  # Colour of the light, and brightness.
    if random.random() < 0.2:
        square = square + random.normal(0, random.choice([2, 5, 12, 25]), square.shape)
    return np.clip(square, 0, 255).astype(np.float32)


def _reduced(picture: PIL.Image.Image, side: int) -> np.ndarray:
    scale = min(1.0, side / max(picture.size))
    size = [max(1, round(scale * length)) for length in picture.size]
    return np.asarray(picture.resize(size, PIL.Image.Resampling.LANCZOS))
