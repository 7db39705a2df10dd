"""`NeuralStyleTransfer`: a style image and a content image in, a picture and its frames out."""

from __future__ import annotations

import math
import os
import secrets
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from nst_keras import callbacks as callbacks_lib
from nst_keras import checks, compilation, extractors, images, losses, optimizers
from nst_keras import objective as objective_lib

__all__ = ["INITS", "NeuralStyleTransfer"]

INITS = ("content", "noise", "style")


class NeuralStyleTransfer:
    """Neural style transfer by optimising an image (Gatys, Ecker and Bethge 2015 and 2016).

    Everything is checked here, before any work: a bad argument raises `ValueError`, `TypeError` or an `OSError`, whose
    one sentence names it.

    Example:

    ```python
    style_transfer = NeuralStyleTransfer("starry_night.jpg", "golden_gate.jpg", normalization="relative")
    frames = style_transfer.fit_style_transfer(epochs=2, steps_per_epoch=100)
    ```

    Args:
        style_image: Path, URL, array, tensor, PIL image or `sample:NAME`; a list of them blends their styles. Its aspect
            is kept.
        content_image: Likewise; the picture made has its size.
        extractor: `vgg19`, `vgg16`, `inception_v3`, a `keras.Model` or a `FeatureExtractor`.
        n_style_layers: The first so many of the network's style layers, each of weight 1/n.
        n_content_layers: The first so many of the network's content layers, each of weight 1/n.
        style_layers: Names in place of `n_style_layers`, each of weight 1/n, or {name: weight}. The papers' names
            (`conv1_1`) are understood.
        content_layers: Likewise, in place of `n_content_layers`.
        weights: `imagenet`, `random`, or the path of a Keras weights file.
        pooling: `max` (the network's own) or `avg`.
        preprocess: For a `keras.Model` of your own: RGB 0..255 -> what it was trained on.
        image_size: Longest side in pixels that content and style are reduced to; smaller ones stay. None reduces nothing.
        normalization: Loss convention: `mean`, `relative` or `gatys2015`, see `losses`.
        optimizer: `adam`, `lbfgs`, or any Keras optimizer.
        init: Where the picture starts: `content`, `noise`, `style`, or an image.
        seed: Makes noise and random weights repeat; drawn, and kept as `self.seed`, if left out.
        frame_interval: Every so many steps a frame is kept; the last always is.
        jit_compile: XLA: `auto` (where it works), `true` or `false`.

    Attributes:
        content_image: float32 [1, height, width, 3], 0..255, as resized.
        style_images: Likewise, a list.
        history: Keras `History` of the last run, an entry a step: loss, style_loss, content_loss, var_loss.
        step: Steps made in the last run, through all its epochs.
        stop_reason: Why the last run ended.
        completed: Whether it came to its end, or to where no step lowers the loss.
        seed: The seed in use.
    """

    def __init__(
        self,
        style_image: images.ImageSource | list[images.ImageSource],
        content_image: images.ImageSource,
        extractor: str | keras.Model | extractors.FeatureExtractor = "vgg19",
        n_style_layers: int = 5,
        n_content_layers: int = 1,
        *,
        style_layers: Iterable[str] | Mapping[str, float] | None = None,
        content_layers: Iterable[str] | Mapping[str, float] | None = None,
        weights: str = "imagenet",
        pooling: str = "max",
        preprocess: Callable[[tf.Tensor], tf.Tensor] | None = None,
        image_size: int | None = 512,
        normalization: str = "mean",
        optimizer: str | keras.optimizers.Optimizer = "adam",
        init: images.ImageSource = "content",
        seed: int | None = None,
        frame_interval: int = 1,
        jit_compile: str | bool = "auto",
    ) -> None:
        self._normalization = checks.one_of("normalization", normalization, losses.NORMALIZATIONS)
        self._jit_compile = checks.one_of("jit_compile", str(jit_compile).lower(), compilation.JIT_MODES)
        self._frame_interval = checks.integer("frame_interval", frame_interval)
        optimizers.get(optimizer)  # For its errors: each run begins with an optimizer of its own.
        self._optimizer_setting = optimizer
        self.seed = secrets.randbelow(2**31) if seed is None else checks.integer("seed", seed, minimum=0)
        documented = extractors.known_architecture(extractor)
        self._style_layers = _layer_weights("style", style_layers, n_style_layers, documented)
        self._content_layers = _layer_weights("content", content_layers, n_content_layers, documented)
        self.style_images = [_load("style_image", source, image_size) for source in _as_list(style_image)]
        self.content_image = _load("content_image", content_image, image_size)
        self._initial_image = _initial_image(init, self.content_image, self.style_images, self.seed)
        if weights == "random":
            keras.utils.set_random_seed(self.seed)
        self.extractor = extractors.get(
            extractor,
            layers=dict.fromkeys([*self._style_layers, *self._content_layers]),
            weights=weights,
            pooling=pooling,
            preprocess=preprocess,
        )
        self._check_sizes()
        self._objectives: dict[tuple[bool, bool], objective_lib.Objective] = {}
        self._optimizer: optimizers.Optimizer | None = None
        self.generated_image = self._initial_image
        self.history = keras.callbacks.History()
        self.step = 0
        self.stop_reason = "not begun"
        self.completed = False
        self.stop_training = False

    def fit_style_transfer(
        self,
        epochs: int = 10,
        steps_per_epoch: int = 100,
        learning_rate: float | keras.optimizers.schedules.LearningRateSchedule | None = None,
        style_weight: float | None = None,
        content_weight: float | None = None,
        var_weight: float = 0.0,
        show_image: bool = False,
        show_interval: int = 90,
        *,
        callbacks: Iterable[keras.callbacks.Callback] = (),
        verbose: int | str = "auto",
    ) -> list[np.ndarray]:
        """Optimises the picture, from its start, whatever was run before.

        A loss or gradient that is not finite, or Ctrl-C, ends the run early: the last good image and the frames stay,
        and `stop_reason` says why.

        Args:
            epochs: Rounds of `steps_per_epoch` steps.
            steps_per_epoch: Steps a round; each evaluates the objective once.
            learning_rate: For Adam, in levels of 0..255 a step, a number or a Keras schedule; 5.1 if left out.
            style_weight: Weight of the style term, beta in the paper; the normalization's usual one if left out.
            content_weight: Weight of the content term, alpha in the paper; likewise.
            var_weight: Weight of the total variation, which smooths.
            show_image: Shows the picture while it forms, in a notebook or in a window.
            show_interval: Steps between two showings.
            callbacks: Keras callbacks, called as in `keras.Model.fit`, with this object as their `model`.
            verbose: Keras's progress bar: 0 for none, 1 for a bar, 2 for a line an epoch, `auto` for 1.

        Returns:
            Frames, uint8 [height, width, 3], one every `frame_interval` steps, and the last.

        Raises:
            ValueError: A bad argument, or frames that would not fit into this machine's memory.
        """
        epochs, steps_per_epoch = checks.integer("epochs", epochs), checks.integer("steps_per_epoch", steps_per_epoch)
        checks.integer("show_interval", show_interval)
        usual = losses.NORMALIZATIONS[self._normalization]
        optimizer = optimizers.get(self._optimizer_setting, learning_rate=learning_rate, jit_compile=self._jit_compile)
        self.objective = self._objective(
            style_weight=usual.style_weight if style_weight is None else style_weight,
            content_weight=usual.content_weight if content_weight is None else content_weight,
            var_weight=var_weight,
        )
        self._check_frame_memory(epochs * steps_per_epoch)
        recorder = callbacks_lib.FrameRecorder(self._frame_interval)
        shown = [callbacks_lib.ImageDisplay(show_interval)] if show_image else []
        verbose = 1 if verbose == "auto" else verbose
        self._begin(optimizer)
        callback_list = keras.callbacks.CallbackList(
            [recorder, callbacks_lib.StepHistory(), callbacks_lib.BalanceCheck(), *shown, *callbacks],
            add_progbar=verbose != 0,
            model=self,
            verbose=verbose,
            epochs=epochs,
            steps=steps_per_epoch,
        )
        self._run(epochs, steps_per_epoch, callback_list)
        return recorder.frames

    @property
    def image(self) -> np.ndarray:
        """The picture as it is now, uint8 [height, width, 3]."""
        return images.to_uint8(self.generated_image)

    @property
    def optimizer(self) -> Any:
        """The optimizer at work; Keras's own where there is one, for Keras's callbacks to look at."""
        return getattr(self._optimizer, "keras_optimizer", None) or self._optimizer

    def get_weights(self) -> list[np.ndarray]:
        """The picture as the one thing that is trained, as Keras's callbacks take it."""
        return [self.generated_image.numpy()]

    def set_weights(self, weights: list[np.ndarray]) -> None:
        """Puts back a picture that `get_weights` gave."""
        self.generated_image = tf.constant(weights[0])

    def _objective(self, **weights: float) -> objective_lib.Objective:
        """The objective for these weights; a term of weight 0 is left out, and cuts the network shorter."""
        present = (weights["style_weight"] != 0, weights["content_weight"] != 0)
        if present not in self._objectives:
            self._objectives[present] = objective_lib.Objective(
                self.extractor,
                style_images=self.style_images,
                content_image=self.content_image,
                style_layers=self._style_layers if present[0] else {},
                content_layers=self._content_layers if present[1] else {},
                normalization=self._normalization,
                jit_compile=self._jit_compile,
                **weights,
            )
        self._objectives[present].set_weights(**weights)
        return self._objectives[present]

    def _begin(self, optimizer: optimizers.Optimizer) -> None:
        self._optimizer = optimizer
        optimizer.start(self._initial_image)
        self.generated_image = self._last_good = self._initial_image
        self.step, self.stop_reason, self.completed, self.stop_training = 0, "", False, False

    def _run(self, epochs: int, steps_per_epoch: int, callback_list: keras.callbacks.CallbackList) -> None:
        logs: dict[str, float] = {}
        callback_list.on_train_begin()
        try:
            for epoch in range(epochs):
                callback_list.on_epoch_begin(epoch)
                logs = self._run_epoch(steps_per_epoch, callback_list) or logs
                callback_list.on_epoch_end(epoch, logs)
                if self.stop_training:
                    break
            self.stop_reason = self.stop_reason or self._natural_end(epochs * steps_per_epoch)
        except KeyboardInterrupt:
            self.stop_reason = f"interrupted after step {self.step}; the picture of that step is kept"
        callback_list.on_train_end(logs)

    def _run_epoch(self, steps: int, callback_list: keras.callbacks.CallbackList) -> dict[str, float]:
        logs: dict[str, float] = {}
        for batch in range(steps):
            callback_list.on_train_batch_begin(batch)
            new_logs = self._make_step()
            if new_logs is None:
                break
            logs = new_logs
            callback_list.on_train_batch_end(batch, logs)
            if self.stop_training:
                break
        return logs

    def _make_step(self) -> dict[str, float] | None:
        """One step of the optimizer; its loss terms, or None where it was not finite."""
        before = tf.identity(self._optimizer.image)
        terms, gradient_norm = self._optimizer.step(self.objective)
        loss = float(terms.total)
        if math.isfinite(loss):
            self._last_good = before
        if not (math.isfinite(loss) and math.isfinite(float(gradient_norm))):
            self._stop_not_finite(loss)
            return None
        self.step += 1
        self.generated_image = tf.identity(self._optimizer.image)
        if self._optimizer.stalled():
            self.stop_training, self.completed = True, True
            self.stop_reason = f"no step lowers the loss any further, after step {self.step}"
        return {
            "loss": loss,
            "style_loss": float(terms.style),
            "content_loss": float(terms.content),
            "var_loss": float(terms.total_variation),
        }

    def _stop_not_finite(self, loss: float) -> None:
        what = "the loss's gradient was not finite" if math.isfinite(loss) else f"the loss was {loss}"
        self.generated_image = self._last_good
        self.stop_training = True
        self.stop_reason = (
            f"{what} in step {self.step + 1}; the last good picture is kept. Lower the learning rate or weights."
        )
        warnings.warn(f"The run stopped: {self.stop_reason}", RuntimeWarning, stacklevel=2)

    def _natural_end(self, steps: int) -> str:
        if self.step < steps:
            return f"a callback stopped it after step {self.step}"
        self.completed = True
        return f"all {steps} steps made"

    def _check_sizes(self) -> None:
        for argument, image in [
            ("content_image", self.content_image),
            *(("style_image", s) for s in self.style_images),
        ]:
            self.extractor.check_size(argument, *image.shape[1:3])

    def _check_frame_memory(self, steps: int) -> None:
        """Warns where the frames would need more than a quarter of the machine's memory, refuses where all of it."""
        memory = _machine_memory()
        needed = math.prod(self.content_image.shape) * (steps // self._frame_interval + 1)
        if memory is None or needed <= memory / 4:
            return
        enough = math.ceil(steps * math.prod(self.content_image.shape) / (memory / 4))
        message = (
            f"frame_interval={self._frame_interval} keeps frames of {needed / 2**30:.1f} GiB over {steps} steps, of this "
            f"machine's {memory / 2**30:.1f} GiB. frame_interval={enough} keeps them within a quarter."
        )
        if needed > memory:
            raise ValueError(message)
        warnings.warn(message, ResourceWarning, stacklevel=3)


def _as_list(source: Any) -> list[Any]:
    sources = list(source) if isinstance(source, (list, tuple)) else [source]
    if not sources:
        raise ValueError("style_image is an empty list. Give at least one image.")
    return sources


def _load(argument: str, source: images.ImageSource, image_size: int | None) -> tf.Tensor:
    image = images.load(source, argument=argument)
    return image if image_size is None else images.resize(image, checks.integer("image_size", image_size))


def _layer_weights(
    kind: str,
    layers: Iterable[str] | Mapping[str, float] | None,
    count: int,
    documented: extractors.Architecture | None,
) -> dict[str, float]:
    """{layer: weight} from the names or weights given, or from the first of the network's documented layers."""
    if isinstance(layers, Mapping):
        return {name: checks.non_negative(f"{kind}_layers[{name!r}]", weight) for name, weight in layers.items()}
    if layers is None:
        layers = _first_documented(kind, count, documented)
    names = [layers] if isinstance(layers, str) else list(layers)
    return {name: 1.0 / len(names) for name in names}


def _first_documented(kind: str, count: int, documented: extractors.Architecture | None) -> tuple[str, ...]:
    if documented is None:
        raise ValueError(f"{kind}_layers must be given for an extractor of your own: the names of its layers.")
    known = documented.style_layers if kind == "style" else documented.content_layers
    if checks.integer(f"n_{kind}_layers", count) > len(known):
        raise ValueError(
            f"n_{kind}_layers={count}, but this network has {len(known)} documented {kind} layers. Name more in {kind}_layers."
        )
    return known[:count]


def _initial_image(
    init: images.ImageSource, content_image: tf.Tensor, style_images: list[tf.Tensor], seed: int
) -> tf.Tensor:
    height, width = content_image.shape[1:3]
    if isinstance(init, str) and init in INITS:
        starts = {
            "content": lambda: content_image,
            "noise": lambda: images.white_noise(height, width, seed=seed),
            "style": lambda: images.cover(style_images[0], height, width),
        }
        return starts[init]()
    if isinstance(init, str) and not os.path.exists(init) and not any(c in init for c in "./\\:"):
        raise ValueError(f"{checks.unknown_name('init', init, INITS)[:-1]}, or give an image.")
    return images.cover(images.load(init, argument="init"), height, width)


def _machine_memory() -> int | None:
    """Bytes of this machine's memory; None where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None
