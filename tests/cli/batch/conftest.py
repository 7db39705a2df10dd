import threading
from typing import ClassVar

import numpy as np
import PIL.Image
import pytest

from nst_keras.cli.batch import command, making, running

USUAL = ["--extractor=compact", "--image_size=48", "--epochs=1", "--steps_per_epoch=2", "--normalization=relative"]


class InThisProcess:
    """Makes pairs as `parent.Workers` does, without a process of their own, which takes seconds to start."""

    made: ClassVar[list[str]] = []  # Names of the pictures that were made, of all batches of a test.

    def __init__(self, output_dir, stops, *, xla_cache):
        self._maker, self._stops = making.Maker(output_dir), stops

    def estimates(self, pairs):
        return [self._maker.estimate(pair) for pair in pairs]

    def outcomes(self, pairs):
        watch = making.Watch(lambda step, total: None, threading.Event().is_set)
        for pair in pairs:
            if self._stops():
                return
            self.made.append(pair.output)
            yield self._maker.make(pair, watch)

    def close(self):
        self._maker.close()


@pytest.fixture
def inline(monkeypatch):
    """Batches make their pairs in this process. The names of what they make."""
    made = []
    monkeypatch.setattr(InThisProcess, "made", made)
    monkeypatch.setattr(running.parent, "Workers", InThisProcess)
    return made


def picture(path, seed=0, size=(40, 30)):
    """Writes a small picture of random blocks, and returns its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    blocks = np.random.default_rng(seed).integers(0, 255, (5, 5, 3), dtype=np.uint8)
    PIL.Image.fromarray(blocks).resize(size, PIL.Image.Resampling.NEAREST).save(path)
    return path


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A current folder with three photographs, two paintings and a text."""
    monkeypatch.chdir(tmp_path)
    for seed, name in enumerate(["cat", "dog", "eel"]):
        picture(tmp_path / "photos" / f"{name}.png", seed, (40, 30) if seed else (30, 40))
    for seed, name in enumerate(["night", "wave"]):
        picture(tmp_path / "paintings" / f"{name}.png", 9 + seed)
    (tmp_path / "photos" / "notes.txt").write_text("no picture")
    return tmp_path


def batch(*arguments, usual=USUAL):
    """Runs the command in this process, and returns its exit status."""
    return command.main([*usual, *arguments])


EVERY = ("--content_image=photos", "--style_image=paintings", "--output_dir=made")
NAMES = [f"{content}_{style}.png" for content in ("cat", "dog", "eel") for style in ("night", "wave")]
