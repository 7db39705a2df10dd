"""`NeuralStyleTransfer`: a style image and a content image in, a picture and its frames out."""

from __future__ import annotations

import os
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from nst_keras import presets, session
from nst_keras import settings as settings_lib
from nst_keras.engine import shown, steering
from nst_keras.engine import state as state_lib
from nst_keras.losses import statistics, terms
from nst_keras.networks import extractors
from nst_keras.objectives import objective
from nst_keras.optimizers import base as optimizers
from nst_keras.settings import ImageSource

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["NeuralStyleTransfer"]


@settings_lib.documents(settings_lib.TransferSettings)
class NeuralStyleTransfer(shown.Shown[session.Session]):
    """Neural style transfer by optimising an image (Gatys, Ecker and Bethge 2015 and 2016).

    A bad argument raises `ValueError`, `TypeError` or `OSError` at once. The message names the argument.

    Example:
    ```python
    style_transfer = NeuralStyleTransfer("starry_night.jpg", "golden_gate.jpg", normalization="relative")
    frames = style_transfer.fit_style_transfer(epochs=2, steps_per_epoch=100)
    ```

    Args:
        {options}

    Attributes:
        image: The picture, uint8 [height, width, 3].
        generated_image: The picture before it is rounded, float32 [1, height, width, 3], 0..255.
        history: Keras `History` with one entry per step: loss, style_loss, content_loss, var_loss.
        frames: The frames of the last run, uint8 arrays [height, width, 3], also if an error ended it.
        frame_steps: The step of each frame.
        step: Number of steps made in the last run.
        stop_reason: Why the last run ended, as a sentence.
        completed: Whether the last run made all its steps, or converged: further ones were of no use.
        terms: `LossTerms` of the last step, with the loss of each layer; None before the first step.
        content_image: The content image as resized, float32 [1, height, width, 3], 0..255; None without content.
        style_images: The style images as resized, each float32 [1, height, width, 3], 0..255.
        input_digests: {argument: SHA-256} of the pictures and weights that were read from files or given as arrays.
        is_chief: Whether this process writes files. Of several hosts, only the chief does.
        run: The handle of the present run, by which a callback or another thread changes its weights or its style.
        state: The state of the last run, also during the run.
        extractor: The network, cut to the style and content layers.
        seed: The seed in use: the one given, or the one drawn.
        settings: {argument: value} of the constructor and of the last run, as given.
        given: The settings as given, with the seed in use.
    """

    image: np.ndarray
    generated_image: tf.Tensor
    history: keras.callbacks.History
    frames: Sequence[np.ndarray]
    frame_steps: Sequence[int]
    step: int
    stop_reason: str
    completed: bool
    terms: objective.LossTerms | None
    content_image: tf.Tensor | None
    style_images: list[tf.Tensor]
    input_digests: dict[str, str]
    is_chief: bool
    run: steering.Steering
    state: state_lib.RunState
    extractor: extractors.FeatureExtractor
    seed: int
    settings: dict[str, object]
    given: settings_lib.TransferSettings

    _preset_run: presets.Options = types.MappingProxyType({})

    def __init__(
        self,
        style_image: ImageSource | list[ImageSource] | None = None,
        content_image: ImageSource | None = None,
        extractor: str | keras.Model | extractors.FeatureExtractor = "vgg19",
        n_style_layers: int = 5,
        n_content_layers: int = 1,
        *,
        style_layers: Iterable[str] | Mapping[str, float] | None = None,
        content_layers: Iterable[str] | Mapping[str, float] | None = None,
        style_layer_scheme: str | float = "equal",
        weights: str = "imagenet",
        pooling: str = "max",
        padding: str = "zeros",
        smoothing: str = "none",
        preprocess: Callable[[tf.Tensor], tf.Tensor] | None = None,
        mode: str = "transfer",
        image_size: int | None = 512,
        enlarge: bool = False,
        size_step: int | None = None,
        texture_size: str | None = None,
        pyramid: int | Sequence[int] | None = None,
        pyramid_shares: Sequence[float] | None = None,
        style_blend: Sequence[float] | None = None,
        style_scale: float | Sequence[float] | None = None,
        style_mask: ImageSource | list[ImageSource] | None = None,
        content_mask: ImageSource | None = None,
        normalization: str = "mean",
        style_statistic: str | statistics.StyleStatistic = "gram",
        variation: str = "l1",
        losses: Sequence[terms.Term] = (),
        optimizer: str | keras.optimizers.Optimizer | optimizers.Optimizer = "adam",
        averaging: float | None = None,
        lbfgs_history: int | None = None,
        preconditioning: str | float = "auto",
        tolerance: float = 0.0,
        preserve_color: str = "none",
        init: ImageSource | None = None,
        seed: int | None = None,
        frame_interval: int = 1,
        frames_dir: str | os.PathLike[str] | None = None,
        tile_size: int | str | None = "auto",
        halo: int | None = None,
        precision: str = "auto",
        strategy: str | tf.distribute.Strategy = "auto",
        jit_compile: str | bool = "auto",
        deterministic: bool = False,
    ) -> None:
        # fmt: off
        self._session = session.Session(settings_lib.TransferSettings(
            images=settings_lib.ImageSettings(
                style_image=style_image, content_image=content_image, image_size=image_size, enlarge=enlarge,
                size_step=size_step, texture_size=texture_size, style_blend=style_blend, style_scale=style_scale,
                style_mask=style_mask, content_mask=content_mask, preserve_color=preserve_color, init=init,
            ),
            network=settings_lib.NetworkSettings(
                extractor=extractor, weights=weights, pooling=pooling, padding=padding, smoothing=smoothing,
                preprocess=preprocess, precision=precision,
            ),
            losses=settings_lib.LossSettings(
                mode=mode, n_style_layers=n_style_layers, n_content_layers=n_content_layers,
                style_layers=style_layers, content_layers=content_layers, style_layer_scheme=style_layer_scheme,
                normalization=normalization, style_statistic=style_statistic, variation=variation, losses=losses,
            ),
            optimization=settings_lib.OptimizerSettings(
                optimizer=optimizer, averaging=averaging, lbfgs_history=lbfgs_history, preconditioning=preconditioning,
                tolerance=tolerance,
            ),
            schedule=settings_lib.ScheduleSettings(pyramid=pyramid, pyramid_shares=pyramid_shares),
            runtime=settings_lib.RuntimeSettings(
                seed=seed, deterministic=deterministic, tile_size=tile_size, halo=halo, strategy=strategy,
                jit_compile=jit_compile,
            ),
            frames=settings_lib.FrameSettings(frame_interval=frame_interval, frames_dir=frames_dir),
        ))
        # fmt: on

    @classmethod
    def from_settings(cls, given: settings_lib.TransferSettings) -> NeuralStyleTransfer:
        """Returns a transfer with these settings."""
        style_transfer = cls.__new__(cls)
        style_transfer._session = session.Session(given)
        return style_transfer

    @classmethod
    def from_preset(
        cls,
        preset: str,
        style_image: ImageSource | list[ImageSource] | None = None,
        content_image: ImageSource | None = None,
        **overrides: Any,
    ) -> NeuralStyleTransfer:
        """Returns a transfer with a preset's look. Runs take its steps and weights where a call gives none.

        Example:
        ```python
        style_transfer = NeuralStyleTransfer.from_preset("bold", "starry_night.jpg", "golden_gate.jpg", image_size=768)
        style_transfer.fit_style_transfer()
        ```

        Args:
            preset: Name of the preset; `nst_keras.presets.names()` has all, `nst-keras --preset=list` describes them.
            style_image: See the class.
            content_image: See the class.
            overrides: {option of the class or of `fit_style_transfer`: its value}. They win over the preset's.

        Raises:
            ValueError: An unknown preset or option, or a bad value.
        """
        given = {"style_image": style_image, "content_image": content_image, **overrides}
        style_transfer = cls.from_settings(presets.settings_of(preset, given))
        style_transfer._preset_run = types.MappingProxyType(dict(presets.run_options(preset, given)))
        return style_transfer

    @property
    def preset_run(self) -> presets.Options:
        """{option of a run: its value} that `from_preset` has chosen; {} without a preset."""
        return self._preset_run

    @presets.completing
    @settings_lib.documents(settings_lib.FitSettings)
    def fit_style_transfer(  # noqa: D417  The decorator inserts the help of the options.
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
        strength: float = 1.0,
        preview: str | os.PathLike[str] | None = None,
        tensorboard: str | os.PathLike[str] | None = None,
        checkpoint_dir: str | os.PathLike[str] | None = None,
        checkpoint_interval: int = 50,
        resume: bool = False,
        warm_start: bool = False,
        callbacks: Iterable[keras.callbacks.Callback] = (),
        alpha_norm_weight: float = 0.0,
        verbose: int | str = "auto",
    ) -> Sequence[np.ndarray]:
        """Optimises the picture. Each call starts again from `init`, unless it resumes or makes a warm start.

        A loss or gradient that is not finite, or Ctrl-C, ends the run early. It keeps the last good picture and the
        frames, and `stop_reason` says why. With Keras's optimizers, the history has the loss before each step.

        Args:
            {options}

        Returns:
            The frames, uint8 arrays [height, width, 3]. Hosts other than the chief return the last alone.

        Raises:
            ValueError: A bad argument, frames that would not fit into memory, or a checkpoint of another run.
            OSError: A folder or file cannot be written to, or another host is lost (`ConnectionError`).
            MemoryError: The run needs more memory than there is. The message names a size or setting that would fit.
            RuntimeError: A run of this object is going, or another run is using `checkpoint_dir`.
        """
        # fmt: off
        return self.fit(settings_lib.FitSettings(
            epochs=epochs, steps_per_epoch=steps_per_epoch, learning_rate=learning_rate, style_weight=style_weight,
            content_weight=content_weight, var_weight=var_weight, strength=strength, show_image=show_image,
            show_interval=show_interval, preview=preview, tensorboard=tensorboard, checkpoint_dir=checkpoint_dir,
            checkpoint_interval=checkpoint_interval, resume=resume, warm_start=warm_start, callbacks=callbacks,
            alpha_norm_weight=alpha_norm_weight, verbose=verbose,
        ))
        # fmt: on

    def fit(self, asked: settings_lib.FitSettings) -> Sequence[np.ndarray]:
        """Optimises the picture. See `fit_style_transfer`, which takes the same options one by one."""
        return self._session.fit(asked)

    def set_images(self, **images: Unpack[settings_lib.ImageChanges]) -> None:
        """Replaces pictures, or how they are used, for the runs to come. The last run's result stays until then.

        For pictures of a size seen before, nothing is traced or compiled. After an error, nothing has changed.

        Args:
            images: {option of `ImageSettings`: its new value}. The others stay.

        Raises:
            ValueError: A bad option (or `TypeError`), an unreadable picture (`OSError`), a run going (`RuntimeError`).
        """
        self._session.set_images(images)

    @settings_lib.documents(settings_lib.SaveSettings)
    def save(  # noqa: D417  The decorator inserts the help of the options.
        self,
        path: str | os.PathLike[str],
        *,
        output_size: int | str | None = None,
        bit_depth: int = 8,
        alpha: bool = False,
        metadata: bool = True,
    ) -> None:
        """Saves the picture with an sRGB profile, and with the settings that make it again.

        Args:
            path: The file, .png, .jpg, .jpeg, .webp, .tif or .tiff. An existing one is replaced whole or not at all.
            {options}

        Raises:
            ValueError: A bad argument, or a format that cannot hold this bit depth or transparency.
            OSError: The file cannot be written.
        """
        self.result.save(path, output_size=output_size, bit_depth=bit_depth, alpha=alpha, metadata=metadata)
