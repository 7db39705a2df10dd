"""What a training keeps in its folder: its settings, the state of its last epoch, and its learning curve.

The state of an epoch is a folder `epoch_00012`, written under another name and renamed when it is whole.
"""

from __future__ import annotations

import json
import os
import pathlib
import shutil
from collections.abc import Mapping
from typing import Any

import keras
import matplotlib.figure

from training import stylising

__all__ = ["begin", "log", "plot", "resume", "save"]


def begin(folder: pathlib.Path, settings: Mapping[str, Any]) -> None:
    """Begins a training in a folder, or finds that the one there was begun with the same settings.

    Raises:
        ValueError: It was begun with others.
        OSError: The folder cannot be made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path, settings = folder / "settings.json", json.loads(json.dumps(settings))
    if not path.exists():
        _write(path, json.dumps(settings, indent=1))
    begun = json.loads(path.read_text(encoding="utf-8"))
    other = [f"{n}={settings[n]} (begun with {begun.get(n)})" for n in settings if begun.get(n) != settings[n]]
    if other:
        raise ValueError(f"{folder} holds a training with other settings: {', '.join(other)}. Name another --output.")


def save(folder: pathlib.Path, model: keras.Model, pool: stylising.Pool, logs: Mapping[str, float]) -> None:
    """Keeps the state after an epoch, in the place of the one before.

    Args:
        folder: The training's.
        model: Compiled; its weights and its optimizer's.
        pool: The pictures that the next epochs go on with.
        logs: The epoch's losses, and its number as `epoch`.
    """
    name = f"epoch_{logs['epoch']:05d}"
    partial = folder / f"partial_{name}"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    model.save_weights(partial / "model.weights.h5")
    pool.save(str(partial / "pool.npy"))
    (partial / "log.json").write_text(json.dumps([*log(folder), dict(logs)]), encoding="utf-8")
    old = _states(folder)
    os.replace(partial, folder / name)
    for state in old:
        shutil.rmtree(state)


def resume(folder: pathlib.Path, model: keras.Model, pool: stylising.Pool) -> int:
    """Takes up the state of the last epoch; returns the number of epochs made, 0 where there is none."""
    states = _states(folder)
    if not states:
        return 0
    model.load_weights(states[-1] / "model.weights.h5")
    pool.load(str(states[-1] / "pool.npy"))
    return int(states[-1].name.removeprefix("epoch_"))


def log(folder: pathlib.Path) -> list[dict[str, float]]:
    """Returns the losses of each epoch so far."""
    states = _states(folder)
    return json.loads((states[-1] / "log.json").read_text(encoding="utf-8")) if states else []


def plot(folder: pathlib.Path) -> None:
    """Draws the learning curves, a line a layer: errors of features, of Gram matrices, and the style left."""
    epochs, path = log(folder), folder / "learning_curve.png"
    kinds = [kind for kind in ("features", "gram", "left") if any(name.startswith(f"{kind}_") for name in epochs[0])]
    figure = matplotlib.figure.Figure(figsize=(5 * len(kinds), 4), layout="constrained")
    for axes, kind in zip(figure.subplots(1, len(kinds)), kinds, strict=True):
        for name in (name for name in epochs[0] if name.startswith(f"{kind}_")):
            values = [100 * epoch[name] for epoch in epochs]
            axes.semilogy([epoch["epoch"] for epoch in epochs], values, label=name.removeprefix(f"{kind}_"))
        axes.set(title=f"relative squared error in %: {kind}", xlabel="epoch")
        axes.legend(fontsize="small")
    partial = path.with_name(f"partial_{path.name}")
    figure.savefig(partial)
    os.replace(partial, path)


def _states(folder: pathlib.Path) -> list[pathlib.Path]:
    return sorted(folder.glob("epoch_*"))


def _write(path: pathlib.Path, text: str) -> None:
    partial = path.with_name(f"partial_{path.name}")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)
