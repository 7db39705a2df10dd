"""Trains the compact network: `python -m training.train --photographs=FOLDER --paintings=FOLDER`.

The teacher is VGG19, from Keras or from the folder that NST_KERAS_WEIGHTS_DIR names. A training that was stopped goes
on from its last epoch when the same command is given again. `KERAS_BACKEND=jax` trains on a GPU with JAX.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import pathlib
import time
from collections.abc import Sequence

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
from absl import app, flags

from nst_keras.networks import compact
from training import distillation, layerwise, packing, pictures, state, stylising, teacher

_PHOTOGRAPHS = flags.DEFINE_string("photographs", None, "Folder of photographs.", required=True)
_PAINTINGS = flags.DEFINE_string("paintings", None, "Folder of paintings.", required=True)
_HOLD_OUT = flags.DEFINE_list("hold_out", [], "Names of pictures, without endings, that are not learned from.")
_OUTPUT = flags.DEFINE_string("output", "compact_training", "Folder for weights, state and learning curve.")
_START_FROM = flags.DEFINE_string(
    "start_from", None, "A student.keras to begin with, or compact, the package's; regression adds the rest."
)
_EPOCHS = flags.DEFINE_integer("epochs", 75, "Epochs; the rate falls to 0 along a cosine over all of them.", 1)
_STEPS = flags.DEFINE_integer("steps_per_epoch", 100, "Batches in an epoch.", 1)
_BATCH = flags.DEFINE_integer("batch", 16, "Crops in a batch.", 1)
_SIZE = flags.DEFINE_integer("size", 128, "Side of a crop in pixels, a multiple of 16.", 32)
_RATE = flags.DEFINE_float("learning_rate", 3e-4, "Adam's, at its highest.", 0)
_GRAM = flags.DEFINE_float("gram_weight", 1.0, "What Gram matrices count beside features.", 0)
_POOL = flags.DEFINE_integer("pool", 320, "Stylised pictures that are kept to learn from; 0 for none.", 0)
_RUNS = flags.DEFINE_integer(
    "runs", 0, "Stylised pictures beside the crops of a batch, whose style left is learned.", 0
)
_LEFT = flags.DEFINE_float("left_weight", 1.0, "What the style left counts beside the features.", 0)
_FIT_CROPS = flags.DEFINE_integer("fit_crops", 160, "Crops for the regression that makes the first student.", 1)
_WIDTHS = flags.DEFINE_string("widths", json.dumps(compact.WIDTHS), "Channels of each convolution, as JSON.")
_PRECISION = flags.DEFINE_string("precision", "mixed_bfloat16", "A dtype policy of Keras.")
_STOP_AFTER = flags.DEFINE_integer("stop_after", None, "Stops after this number of epochs, to go on another time.", 0)
_SEED = flags.DEFINE_integer("seed", 0, "Of everything that is drawn.", 0)

# What a training that goes on must have in common with its beginning, beside the pictures.
_SETTINGS = ("hold_out", "start_from", "epochs", "steps_per_epoch", "batch", "size", "learning_rate", "gram_weight")
_SETTINGS += ("pool", "runs", "left_weight", "fit_crops", "widths", "precision", "seed")
# Shares of photographs, paintings and stylised pictures in a batch.
_SHARES = (0.3, 0.35, 0.35)

Pictures = list[np.ndarray]


def main(arguments: Sequence[str]) -> None:
    """Trains, or goes on training, and packs the result."""
    keras.utils.set_random_seed(_SEED.value)
    output = pathlib.Path(_OUTPUT.value).expanduser()
    try:
        if arguments[1:]:
            raise ValueError(f"{arguments[1]!r} is no flag. Flags are written --name=value; --help lists them.")
        _train(output)
    except (OSError, ValueError) as error:
        raise SystemExit(f"training: {error}") from error
    except KeyboardInterrupt:
        raise SystemExit("training: interrupted; the same command goes on from the last whole epoch.") from None


def _train(output: pathlib.Path) -> None:
    _check_flags()
    widths = _checked_widths()
    photographs, paintings = pictures.sources(_PHOTOGRAPHS.value, _PAINTINGS.value, hold_out=_HOLD_OUT.value)
    digest = hashlib.sha256(b"".join(picture.tobytes() for picture in [*photographs, *paintings])).hexdigest()
    state.begin(output, {**{name: flags.FLAGS[name].value for name in _SETTINGS}, "pictures": digest})
    model = _model(_first_student(output / "first_student.keras", photographs, paintings, widths), widths)
    pool = stylising.Pool(
        photographs, paintings, capacity=_POOL.value, batch=_BATCH.value, size=_SIZE.value, seed=_SEED.value
    )
    made = state.resume(output, model, pool)
    last = _EPOCHS.value if _STOP_AFTER.value is None else min(_EPOCHS.value, _STOP_AFTER.value)
    for epoch in range(made, last):
        if _POOL.value:
            pool.renew(model.student, epoch)
        logs = _train_epoch(model, [photographs, paintings], pool, epoch)
        state.save(output, model, pool, {"epoch": epoch + 1, **logs})
        state.plot(output)
    if max(made, last) < _EPOCHS.value:
        print(f"stopped after epoch {max(made, last)}; the same command without --stop_after goes on")
        return
    _deliver(model.student, output)


def _deliver(student: keras.Model, output: pathlib.Path) -> None:
    """Writes the student whole, to start another training from, and packed, for the package."""
    partial = output / "partial_student.keras"
    student.save(partial)
    os.replace(partial, output / "student.keras")
    path = output / "compact.weights.h5"
    size = packing.pack(student, str(path))
    print(f"{path}: {size / 1e6:.2f} MB, SHA-256 {hashlib.sha256(path.read_bytes()).hexdigest()}")


def _check_flags() -> None:
    """Raises `ValueError` for flags that do not go together, or a size that is no multiple of 16."""
    if _RUNS.value and not _POOL.value:
        raise ValueError(f"--runs={_RUNS.value} are taken from the pool, but --pool=0. Leave one of them out.")
    if _SIZE.value % 16:
        raise ValueError(f"--size={_SIZE.value} must be a multiple of 16.")


def _checked_widths() -> list[list[int]]:
    """Returns the channels of each convolution, block by block.

    Raises:
        ValueError: --widths is not such lists, or does not fit VGG19's five blocks.
    """
    try:
        widths = [[int(width) for width in block] for block in json.loads(_WIDTHS.value)]
    except (TypeError, ValueError) as error:
        raise ValueError(f"--widths={_WIDTHS.value} must be lists of whole numbers, as [[16,16],[48,48]].") from error
    most = ((64, 64), (128, 128), (256,) * 4, (512,) * 4, (512,) * 4)
    fits = len(widths) <= len(most) and all(
        len(ours) <= len(theirs) and all(0 < width <= theirs[0] for width in ours)
        for ours, theirs in zip(widths, most, strict=False)
    )
    if not fits or len(widths) < len(most) or not all(widths) or len(widths[3]) < 2:
        raise ValueError(
            f"--widths={_WIDTHS.value} must have VGG19's five blocks, each 1 to as many channels as VGG19's."
        )
    return widths


def _first_student(
    path: pathlib.Path, photographs: Pictures, paintings: Pictures, widths: list[list[int]]
) -> keras.Model:
    """Returns the student that training begins with, from its file if this training was started before."""
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
    images = keras.applications.vgg19.preprocess_input(crops[0][0])
    thin = compact.thin_network(widths)
    earlier = _that_fit(thin, _weights_by_layer(_START_FROM.value))
    heads = layerwise.fit(thin, teacher.vgg19(), images, known=earlier)
    student = distillation.student(thin, heads)
    for layer in (layer for layer in student.layers if layer.name in earlier):
        layer.set_weights(earlier[layer.name])
    partial = path.with_name(f"partial_{path.name}")
    student.save(partial)
    os.replace(partial, path)
    return student


def _that_fit(thin: keras.Model, earlier: dict[str, list[np.ndarray]]) -> dict[str, list[np.ndarray]]:
    """Returns the weights before the first layer of another width, and their heads. Later ones saw other channels."""
    found: dict[str, list[np.ndarray]] = {}
    for layer in (layer for layer in thin.layers if layer.weights):
        weights = earlier.get(layer.name)
        if weights is None or [part.shape for part in weights] != [tuple(part.shape) for part in layer.weights]:
            break
        head = f"{layer.name.replace('thin', 'block')}_head"
        found |= {name: earlier[name] for name in (layer.name, head) if name in earlier}
    return found


def _weights_by_layer(path: str | None) -> dict[str, list[np.ndarray]]:
    """Returns {layer: weights} of an earlier training's student, or of the package's network; {} for None."""
    if path is None:
        return {}
    if path == "compact":
        layers = [layer for layer in compact.network().layers if layer.name not in compact.CHANNELS]
    elif os.path.isfile(os.path.expanduser(path)):
        layers = keras.models.load_model(os.path.expanduser(path)).layers
    else:
        raise ValueError(
            f"--start_from={path}: there is no such file. Name the student.keras of an earlier training, or compact."
        )
    return {layer.name: layer.get_weights() for layer in layers if layer.weights}


def _model(start: keras.Model, widths: list[list[int]]) -> distillation.Distillation:
    """Returns teacher and student in the precision of --precision, compiled."""
    keras.config.set_dtype_policy(_PRECISION.value)
    student = distillation.student(compact.thin_network(widths))
    student.set_weights(start.get_weights())
    theirs = distillation.teacher(teacher.vgg19(), student.output)
    compare = distillation.Losses(_GRAM.value, runs=_RUNS.value, left_weight=_LEFT.value)
    model = distillation.Distillation(theirs, student, compare)
    steps = _EPOCHS.value * _STEPS.value
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, steps, warmup_target=_RATE.value, warmup_steps=max(1, min(200, steps // 10))
    )
    model.compile(keras.optimizers.Adam(rate, clipnorm=1.0), jit_compile=keras.backend.backend() == "jax")
    model(np.zeros((1, _SIZE.value, _SIZE.value, 3), np.float32))
    model.optimizer.build(model.trainable_variables)
    return model


def _train_epoch(model: keras.Model, sources: list[Pictures], pool: stylising.Pool, epoch: int) -> dict[str, float]:
    """Trains an epoch; returns its losses.

    Raises:
        ValueError: They are not finite.
    """
    began = time.monotonic()
    crops = pictures.Crops(
        [*sources, pool.squares],
        _SHARES,
        size=_SIZE.value,
        batch=_BATCH.value,
        steps=_STEPS.value,
        seed=_SEED.value,
        epoch=epoch,
        runs=pool.runs,
        runs_per_batch=_RUNS.value,
    )
    history = model.fit(crops, shuffle=False, verbose=0).history
    logs = {name: float(values[-1]) for name, values in history.items()}
    if not math.isfinite(logs["loss"]):
        raise ValueError(
            f"the loss of epoch {epoch + 1} is {logs['loss']}. Lower --learning_rate, in another --output."
        )
    errors = ", ".join(
        f"{kind} " + " ".join(f"{100 * logs[name]:.1f}" for name in model.parts if name.startswith(f"{kind}_"))
        for kind in dict.fromkeys(name.split("_")[0] for name in model.parts)
    )
    seconds = time.monotonic() - began
    print(
        f"epoch {epoch + 1} of {_EPOCHS.value}: loss {logs['loss']:.3f}; errors in %: {errors}; {seconds:.0f} s",
        flush=True,
    )
    return logs


if __name__ == "__main__":
    app.run(main)
