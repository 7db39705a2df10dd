"""Trains the compact network: `python -m training.train --photographs=FOLDER --paintings=FOLDER`.

The teacher is VGG19, from Keras or from the folder that NST_KERAS_WEIGHTS_DIR names. A training that was stopped goes
on from its last epoch when the same command is given again. `KERAS_BACKEND=jax` trains on a GPU with JAX.
"""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import matplotlib.figure
import numpy as np
from absl import app, flags

from nst_keras import architectures, compact
from training import distillation, layerwise, packing, pictures, stylising

_PHOTOGRAPHS = flags.DEFINE_string("photographs", None, "Folder of photographs.", required=True)
_PAINTINGS = flags.DEFINE_string("paintings", None, "Folder of paintings.", required=True)
_HOLD_OUT = flags.DEFINE_list("hold_out", [], "Names of pictures, without endings, that are not learned from.")
_OUTPUT = flags.DEFINE_string("output", "compact_training", "Folder for weights, state, log and learning curve.")
_EPOCHS = flags.DEFINE_integer("epochs", 80, "Epochs; the rate falls to 0 along a cosine over all of them.", 1)
_STEPS = flags.DEFINE_integer("steps_per_epoch", 100, "Batches in an epoch.", 1)
_BATCH = flags.DEFINE_integer("batch", 16, "Crops in a batch.", 1)
_SIZE = flags.DEFINE_integer("size", 128, "Side of a crop in pixels, a multiple of 16.", 32)
_RATE = flags.DEFINE_float("learning_rate", 3e-4, "Adam's, at its highest.")
_GRAM = flags.DEFINE_float("gram_weight", 1.0, "What Gram matrices count beside features.")
_POOL = flags.DEFINE_integer("pool", 320, "Stylised pictures that are kept to learn from; 0 for none.", 0)
_FIT_CROPS = flags.DEFINE_integer("fit_crops", 160, "Crops for the regression that makes the first student.", 1)
_WIDTHS = flags.DEFINE_string("widths", json.dumps(compact.WIDTHS), "Channels of each convolution, as JSON.")
_PRECISION = flags.DEFINE_string("precision", "mixed_bfloat16", "A dtype policy of Keras.")
_STOP_AFTER = flags.DEFINE_integer("stop_after", None, "Stops after so many epochs, to go on another time.", 0)
_SEED = flags.DEFINE_integer("seed", 0, "Of everything that is drawn.")

# What a training that goes on must have in common with its beginning.
_SETTINGS = ("epochs", "steps_per_epoch", "batch", "size", "learning_rate", "gram_weight", "pool", "widths", "seed")
# Shares of photographs, paintings and stylised pictures in a batch.
_SHARES = (0.3, 0.35, 0.35)


def main(_: list[str]) -> None:
    """Trains, or goes on training, and packs the result."""
    keras.utils.set_random_seed(_SEED.value)
    try:
        _train_and_pack(pathlib.Path(_OUTPUT.value).expanduser())
    except (OSError, ValueError) as error:
        raise SystemExit(f"training: {error}") from error


def _train_and_pack(output: pathlib.Path) -> None:
    photographs, paintings = _sources()
    output.mkdir(parents=True, exist_ok=True)
    _refuse_other_settings(output / "settings.json")
    start = _first_student(output / "first_student.keras", photographs, paintings)
    model = _model(start)
    pool = stylising.Pool(
        photographs, paintings, capacity=_POOL.value, batch=_BATCH.value, size=_SIZE.value, seed=_SEED.value
    )
    last = _EPOCHS.value if _STOP_AFTER.value is None else min(_EPOCHS.value, _STOP_AFTER.value)
    for epoch in range(_resume(output, model, pool), last):
        if _POOL.value:
            pool.renew(model.student, epoch)
        logs = _train(model, [photographs, paintings, pool.squares], epoch)
        _save(output, model, pool, {"epoch": epoch + 1, **logs})
    if last < _EPOCHS.value:
        print(f"stopped after epoch {last}; the same command without --stop_after goes on")
        return
    destination = output / "compact.weights.h5"
    size = packing.pack(model.student, str(destination))
    print(f"{destination}: {size / 1e6:.2f} MB")


def _sources() -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Photographs and paintings, at several sizes, without those held out."""
    folders = (_PHOTOGRAPHS.value, _PAINTINGS.value)
    unknown = [name for name in _HOLD_OUT.value if not any(pictures.holds(folder, name) for folder in folders)]
    if unknown:
        raise ValueError(f"--hold_out names {', '.join(unknown)}, which neither folder has. Correct the names.")
    sides = ((481, 360, 256), (768, 512, 320, 256))
    photographs, paintings = (
        pictures.read(f, s, hold_out=_HOLD_OUT.value) for f, s in zip(folders, sides, strict=True)
    )
    return photographs, paintings


def _refuse_other_settings(path: pathlib.Path) -> None:
    """A run goes on only under the settings that it began with."""
    settings = {name: flags.FLAGS[name].value for name in _SETTINGS}
    if not path.exists():
        _write_text(path, json.dumps(settings, indent=1))
    begun = json.loads(path.read_text())
    other = [
        f"--{name}={settings[name]} (begun with {begun[name]})" for name in _SETTINGS if begun[name] != settings[name]
    ]
    if other:
        raise ValueError(
            f"{path.parent} holds a training with other settings: {', '.join(other)}. Name another --output."
        )


def _first_student(path: pathlib.Path, photographs: list[np.ndarray], paintings: list[np.ndarray]) -> keras.Model:
    """The student by regression, from its file where an earlier start of this run has made it."""
    if path.exists():
        return keras.models.load_model(path)
    crops = pictures.Crops(
        [photographs, paintings],
        _SHARES[:2],
        size=_SIZE.value,
        batch=_FIT_CROPS.value,
        steps=1,
        seed=_SEED.value,
        epoch=_EPOCHS.value,
    )
    thin = compact.thin_network(json.loads(_WIDTHS.value))
    images = keras.applications.vgg19.preprocess_input(crops[0][0])
    student = distillation.student(thin, layerwise.fit(thin, architectures.build("vgg19", "imagenet"), images))
    partial = path.with_name(f"partial_{path.name}")
    student.save(partial)
    os.replace(partial, path)
    return student


def _model(start: keras.Model) -> distillation.Distillation:
    """Teacher and student in the precision asked for, compiled."""
    keras.config.set_dtype_policy(_PRECISION.value)
    teacher = distillation.teacher(architectures.build("vgg19", "imagenet"))
    student = distillation.student(compact.thin_network(json.loads(_WIDTHS.value)))
    student.set_weights(start.get_weights())
    model = distillation.Distillation(teacher, student, gram_weight=_GRAM.value)
    steps = _EPOCHS.value * _STEPS.value
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, steps, warmup_target=_RATE.value, warmup_steps=max(1, min(200, steps // 10))
    )
    model.compile(keras.optimizers.Adam(rate, clipnorm=1.0), jit_compile=keras.backend.backend() == "jax")
    model(np.zeros((1, _SIZE.value, _SIZE.value, 3), np.float32))
    model.optimizer.build(model.trainable_variables)
    return model


def _resume(output: pathlib.Path, model: keras.Model, pool: stylising.Pool) -> int:
    """Takes up the state of the last epoch that was saved whole; the epoch to go on with."""
    states = sorted(output.glob("epoch_*"))
    if not states:
        return 0
    model.load_weights(states[-1] / "model.weights.h5")
    pool.load(states[-1] / "pool.npy")
    return int(states[-1].name.removeprefix("epoch_"))


def _train(model: keras.Model, groups: list, epoch: int) -> dict[str, float]:
    """One epoch; its losses."""
    began = time.monotonic()
    crops = pictures.Crops(
        groups, _SHARES, size=_SIZE.value, batch=_BATCH.value, steps=_STEPS.value, seed=_SEED.value, epoch=epoch
    )
    history = model.fit(crops, verbose=0).history
    logs = {name: float(values[-1]) for name, values in history.items()}
    parts = [
        " ".join(f"{100 * logs[f'{kind}_{layer}']:.1f}" for layer in compact.CHANNELS) for kind in ("features", "gram")
    ]
    print(
        f"epoch {epoch + 1} of {_EPOCHS.value}: loss {logs['loss']:.3f}; errors in %: features {parts[0]}, "
        f"Gram {parts[1]}; {time.monotonic() - began:.0f} s",
        flush=True,
    )
    return logs


def _save(output: pathlib.Path, model: keras.Model, pool: stylising.Pool, logs: dict[str, float]) -> None:
    """Writes the state to a folder of its own, which gets its name when it is whole; log and curve beside it."""
    name = f"epoch_{logs['epoch']:05d}"
    partial = output / f"partial_{name}"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    model.save_weights(partial / "model.weights.h5")
    pool.save(partial / "pool.npy")
    log = [*_log(output), logs]
    _write_text(partial / "log.json", json.dumps(log))
    old = sorted(output.glob("epoch_*"))
    os.replace(partial, output / name)
    for folder in old:
        shutil.rmtree(folder)
    _plot(log, output / "learning_curve.png")


def _log(output: pathlib.Path) -> list[dict[str, float]]:
    states = sorted(output.glob("epoch_*"))
    return json.loads((states[-1] / "log.json").read_text()) if states else []


def _write_text(path: pathlib.Path, text: str) -> None:
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(text)
    os.replace(partial, path)


def _plot(log: list[dict[str, float]], path: pathlib.Path) -> None:
    """The learning curve, a line a layer: errors of features on the left, of Gram matrices on the right."""
    figure = matplotlib.figure.Figure(figsize=(10, 4), layout="constrained")
    for axes, kind in zip(figure.subplots(1, 2), ("features", "gram"), strict=True):
        for layer in compact.CHANNELS:
            axes.semilogy([e["epoch"] for e in log], [e[f"{kind}_{layer}"] for e in log], label=layer)
        axes.set(title=f"relative squared error: {kind}", xlabel="epoch")
        axes.legend(fontsize="small")
    figure.savefig(path.with_name(f"partial_{path.name}"))
    os.replace(path.with_name(f"partial_{path.name}"), path)


if __name__ == "__main__":
    app.run(main)
