"""`NeuralStyleTransfer`: a style image and a content image in, a picture and its frames out."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from nst_keras import callbacks as callbacks_lib
from nst_keras import checks
from nst_keras.engine import checkpoints, memory_advice, modes, result, setup
from nst_keras.export import record
from nst_keras.images import loading
from nst_keras.networks import extractors
from nst_keras.runtime import hosts

__all__ = ["NeuralStyleTransfer"]


class NeuralStyleTransfer(result.Outcome):
    """Neural style transfer by optimising an image (Gatys, Ecker and Bethge 2015 and 2016).

    A bad argument raises `ValueError`, `TypeError` or `OSError` at once, with one sentence that names it.

    Example:
    ```python
    style_transfer = NeuralStyleTransfer("starry_night.jpg", "golden_gate.jpg", normalization="relative")
    frames = style_transfer.fit_style_transfer(epochs=2, steps_per_epoch=100)
    ```

    Args:
        style_image: Where the style comes from: path, URL, `sample:NAME`, array, tensor or PIL image; several, as a
            list or a folder, are blended.
        content_image: Where the content comes from, likewise; the picture made has its size.
        extractor: `vgg19`, `compact` (stands in for VGG19, several times as fast, with nothing to download), `vgg16`,
            `inception_v3`, a `keras.Model` or a `FeatureExtractor`.
        n_style_layers: So many of the network's documented style layers, each of weight 1/n.
        n_content_layers: So many of the network's documented content layers, each of weight 1/n.
        style_layers: Style layers by name, each of weight 1/n, or {name: weight} (as a flag: `name,name` or
            `name:weight,name:weight`), in place of `n_style_layers`. The papers' names (`conv1_1`) are understood.
        content_layers: Content layers by name, in the same way, in place of `n_content_layers`.
        style_layer_scheme: How the style layers' weights go on from one to the next: `equal`, `fine` (each a quarter of
            the one before), `coarse` (each twice), or a ratio.
        weights: `imagenet`, `random`, or the path of a Keras weights file.
        pooling: `max` (the network's own), `avg` (the papers'), or `avg_scaled` or `l2`, which are as smooth but keep
            the size of the features.
        padding: What the first convolution finds beyond the picture's edge: `zeros`, or with `replicate` its pixels.
        smoothing: `softmax` bounds a layer's activations, for networks other than VGG; `none`; or `auto`, which is
            `softmax` for `inception_v3` alone.
        preprocess: For a `keras.Model` of your own: RGB 0..255 -> what it was trained on, pixel by pixel.
        mode: `transfer`, `texture` (of the style alone), `style_reconstruction` or `content_reconstruction`.
        image_size: Longest side in pixels that content and style are reduced to; smaller ones stay as they are, and
            with None all do.
        enlarge: Whether `image_size` enlarges smaller pictures too.
        texture_size: Size of a texture, `WIDTHxHEIGHT` in pixels; the style image's if left out.
        pyramid: Stages in which the picture grows, coarse to fine: how many, each twice the pixels of the one before,
            or their longest sides; one stage if left out.
        pyramid_shares: How many steps each stage has, in proportion, as `8,4,2,1`; half are the last's if left out.
        style_blend: The share of each style image, as `0.7,0.3`, or with masks how strong each is; equal ones if left
            out.
        style_scale: The longest side of the style image, or of each, in shares of the picture's, which decides how
            large its forms come out; `image_size` if left out.
        style_mask: Where each style goes, a picture for each, white where it does; everywhere if left out.
        content_mask: Where the content image is kept as it is, white where it is.
        normalization: Loss convention: `mean`, `relative` or `gatys2015`, see `losses`.
        style_statistic: What of the features is style: `gram`, `covariance`, `wasserstein` or `sliced_wasserstein`, see
            `statistics`.
        variation: What `var_weight` weighs: `l1`, `l2` or `9_point`, see `losses.total_variation_loss`.
        optimizer: `adam`, `lbfgs`, or any Keras optimizer.
        lbfgs_history: Pairs of steps that L-BFGS remembers, each of the size of two pictures; 10 if left out.
        preconditioning: How much further large forms move than grain, 0 to 1; `auto`: 0.5 for content with `lbfgs`.
        preserve_color: `none` (the style's colours), or the content's: pixel by pixel, with only the luminance stylised
            (`luminance`), or as a palette to which the style image is recoloured (`match`, `histogram`).
        averaging: Decay of an average of Adam's steps, then the picture; 0.99 with a pyramid, else 0, if left out.
        init: Where the picture starts: `content`, `noise`, `style`, or an image; `content` for a transfer, and `noise`
            for other modes, if left out.
        seed: Makes noise and random weights repeat; drawn, and kept as an attribute, if left out.
        frame_interval: Every so many steps a frame is kept; the last always is.
        frames_dir: Folder to which frames are written as BMP, in place of memory.
        tile_size: Takes the picture in tiles of so many pixels, with the same gradient, in memory that hardly grows
            with it; `auto`, where it would not fit as a whole; None, never.
        halo: Pixels around each tile that are seen with it; all that its features see, if left out. Fewer: not exact.
        precision: What the network computes in: `float32`, or `mixed_bfloat16` or `mixed_float16` where these are fast.
        strategy: Devices that share out the tiles: `default` (one), `mirrored` (all GPUs here), `multi_worker` (hosts
            in `TF_CONFIG`; the first writes all files), `tpu`, or `auto`, which finds out; or a `tf.distribute` one.
        jit_compile: XLA: `auto` (where it works and is the faster), `true` or `false`.
        deterministic: Makes TensorFlow compute each step in the same order each time, for the same bits also where it
            would not do so by itself (on a GPU), at some cost; it holds for the whole process.

    Attributes:
        extractor: The network, cut to the layers named.
        seed: The seed in use.
        settings: {argument: value} of construction and of the last run.
        input_digests: {argument: SHA-256} of the pictures and weights that were read from files or given as arrays.
        content_image, frames, save, plot_history, ...: See `result.Outcome`.
        image, history, step, stop_reason, ...: Of the last run, see `loop.Loop`.
    """

    def __init__(
        self,
        style_image: loading.ImageSource | list[loading.ImageSource] | None = None,
        content_image: loading.ImageSource | None = None,
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
        smoothing: str = "auto",
        preprocess: Callable[[tf.Tensor], tf.Tensor] | None = None,
        mode: str = "transfer",
        image_size: int | None = 512,
        enlarge: bool = False,
        texture_size: str | None = None,
        pyramid: int | Sequence[int] | None = None,
        pyramid_shares: Sequence[float] | None = None,
        style_blend: Sequence[float] | None = None,
        style_scale: float | Sequence[float] | None = None,
        style_mask: loading.ImageSource | list[loading.ImageSource] | None = None,
        content_mask: loading.ImageSource | None = None,
        normalization: str = "mean",
        style_statistic: str = "gram",
        variation: str = "l1",
        optimizer: str | keras.optimizers.Optimizer = "adam",
        averaging: float | None = None,
        lbfgs_history: int | None = None,
        preconditioning: str | float = "auto",
        preserve_color: str = "none",
        init: loading.ImageSource | None = None,
        seed: int | None = None,
        frame_interval: int = 1,
        frames_dir: str | os.PathLike | None = None,
        tile_size: int | str | None = "auto",
        halo: int | None = None,
        precision: str = "float32",
        strategy: str | tf.distribute.Strategy = "auto",
        jit_compile: str | bool = "auto",
        deterministic: bool = False,
    ) -> None:
        self._setup = _given(locals())
        self._frame_interval = checks.integer("frame_interval", frame_interval)
        checks.integer("seed", 0 if seed is None else seed, minimum=0)
        self._replicas = hosts.joined(strategy, self._setup)  # Before TensorFlow runs anything.
        self.seed = hosts.number_of_chief(self._replicas, secrets.randbelow(2**31)) if seed is None else seed
        self._setup["seed"], self._seed_is_drawn = self.seed, seed is None
        if deterministic:
            keras.utils.set_random_seed(self.seed)
            tf.config.experimental.enable_op_determinism()
        self._problem = setup.problem_of(self._setup, self._replicas)
        self.extractor = self._problem.extractor
        self._setup["pyramid"] = self._problem.stage_sizes
        self.input_digests = record.digests(self._setup)
        super().__init__(self._problem.pictures)
        self._fit: dict[str, Any] = {}

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
        preview: str | os.PathLike | None = None,
        tensorboard: str | os.PathLike | None = None,
        checkpoint_dir: str | os.PathLike | None = None,
        checkpoint_interval: int = 50,
        resume: bool = False,
        callbacks: Iterable[keras.callbacks.Callback] = (),
        alpha_norm_weight: float = 0.0,
        verbose: int | str = "auto",
    ) -> Sequence[np.ndarray]:
        """Optimises the picture, from its start, whatever was run before.

        A loss or gradient that is not finite, or Ctrl-C, ends the run early: the last good image and the frames stay,
        and `stop_reason` says why.

        Args:
            epochs: Rounds of `steps_per_epoch` steps.
            steps_per_epoch: Steps a round; each evaluates the objective once.
            learning_rate: For Adam, in levels of 0..255 a step, a number or a Keras schedule; 5.1 if left out, which is
                also what a larger one is taken as.
            style_weight: Weight of the style term, beta in the paper; the normalization's usual one if left out.
            content_weight: Weight of the content term, alpha in the paper; the normalization's usual one if left out.
            var_weight: Weight of the total variation, which smooths.
            show_image: Shows the picture while it forms, in a notebook or in a window.
            show_interval: Steps between two showings, and between two images for TensorBoard.
            preview: A picture file that is written anew at each showing, for any viewer that follows it.
            tensorboard: Folder for TensorBoard: each term and layer's loss, the picture, the settings.
            checkpoint_dir: Folder for the run's last three checkpoints, from which it can go on, and for its frames,
                unless `frames_dir` is given.
            checkpoint_interval: Steps between two checkpoints; one more is written at the end.
            resume: Goes on from the last whole checkpoint, to the pixels that a run never stopped would have made;
                begins at the start where there is none yet. More `epochs` may be asked for, but with a pyramid.
                Callbacks with a memory of their own begin anew.
            callbacks: Keras callbacks, called as in `keras.Model.fit`, on each host, with this object as their `model`.
            alpha_norm_weight: Weight of the alpha-norm, which holds levels off the ends of their range.
            verbose: 1 or `auto` for a line of progress that is drawn anew, in a file lines at intervals; 2 for these
                everywhere; 0 for none.

        Returns:
            Frames, uint8 [height, width, 3], one every `frame_interval` steps, and the last; that alone on hosts other
            than the chief. With Keras's optimizers, a step's loss in the history is that of the picture before it.

        Raises:
            ValueError: A bad argument, frames that would not fit into memory, or a checkpoint of another run.
            OSError: A folder or file cannot be written to, or another host is lost (`ConnectionError`).
            MemoryError: Memory did not suffice; the sentence names the size or the setting for which it would.
        """
        epochs, steps_per_epoch = checks.integer("epochs", epochs), checks.integer("steps_per_epoch", steps_per_epoch)
        checks.integer("checkpoint_interval", checkpoint_interval)
        self._fit = _given(locals())
        steps = epochs * steps_per_epoch
        weights = {name: value for name, value in self._fit.items() if name.endswith("_weight")}
        modes.get(self._setup["mode"], weights)  # For its errors.
        store = None if checkpoint_dir is None else checkpoints.Store(checkpoint_dir)
        checkpoint = checkpoints.to_go_on_from(store, resume=resume, steps=steps)
        agreed = {"checkpoint_dir": checkpoint and checkpoint.step, "epochs": epochs, "image_size": self._inputs.size}
        hosts.check_same(self._replicas, agreed)
        if checkpoint is not None:
            if self._seed_is_drawn:
                self._draw_start(checkpoint.record["seed"])
            self._problem.take_tile_sizes(checkpoint.record["fingerprint"].get("tile_size", ()))
        recorder = self._recorder(steps, store, resume=checkpoint is not None)
        need = self._problem.need() | {"frames": recorder.held(steps)}
        header = memory_advice.check_memory(**need)  # Before the targets, which take memory too.
        with memory_advice.explained(need):
            stages = self._problem.stages(learning_rate, steps, **weights)
        fingerprint = self._problem.fingerprint(stages, learning_rate)
        fingerprint |= {"steps_per_epoch": steps_per_epoch, "frame_interval": self._frame_interval}
        hosts.check_same(self._replicas, {"pyramid": None, **fingerprint})
        if checkpoint is not None:
            checkpoint.check_same_run(fingerprint)
        given = [callbacks] if isinstance(callbacks, keras.callbacks.Callback) else list(callbacks or ())
        self._fit["callbacks"] = given or None
        history = callbacks_lib.StepHistory(checkpoint and checkpoint.record["history"])
        shown: list[keras.callbacks.Callback] = []
        if self.is_chief:
            shown = callbacks_lib.watching(
                show_image=show_image,
                show_interval=show_interval,
                preview=preview,
                tensorboard=tensorboard,
                verbose=verbose,
                shown_settings={name: value for name, value in self.settings.items() if value is not None},
                header=header,
            )
        last = self._last(store, fingerprint)
        # All is found good: what was run before gives way.
        self._begin(stages, checkpoint)
        self.frames, self.frame_steps = recorder.frames, recorder.steps
        every = [history, *given, recorder, callbacks_lib.BalanceCheck(), *shown, *last]
        try:
            with memory_advice.explained(need):
                self._run(epochs, steps_per_epoch, every, verbose)
        except MemoryError as error:
            self.stop_reason = str(error)
            raise
        return recorder.frames

    @property
    def is_chief(self) -> bool:
        """Whether this process writes files and shows progress: False on the hosts but one of a run over several."""
        return hosts.is_chief(self._replicas)

    @property
    def settings(self) -> dict[str, Any]:
        """{argument: value} of construction and of the last run."""
        return {**self._setup, **self._fit}

    def _draw_start(self, seed: int) -> None:
        """The start that another seed draws, in place of one that nobody has chosen."""
        self.seed = self._setup["seed"] = seed
        self._inputs = self._inputs._replace(seed=seed)
        self._problem.take(self._inputs)

    def _recorder(self, steps: int, store: checkpoints.Store | None, *, resume: bool) -> callbacks_lib.FrameRecorder:
        if not self.is_chief:
            return callbacks_lib.FrameRecorder(steps)
        return callbacks_lib.recorder(
            self._setup["frames_dir"],
            interval=self._frame_interval,
            steps=steps,
            size=self._inputs.size,
            checkpoints_dir=store and store.folder,
            resume=resume,
        )

    def _last(self, store: checkpoints.Store | None, fingerprint: Mapping[str, Any]) -> list[keras.callbacks.Callback]:
        """Those that stand after all others."""
        wanted: list[keras.callbacks.Callback] = []
        if store is not None and self.is_chief:
            interval = self._fit["checkpoint_interval"]
            wanted.append(callbacks_lib.Checkpointer(store, interval, self.seed, fingerprint))
        if self._replicas.has_other_hosts():
            wanted.append(callbacks_lib.Lockstep(self._replicas))
        return wanted


def _given(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """A method's own arguments, out of its `locals()`, where these are nothing else yet."""
    return {name: value for name, value in arguments.items() if name not in ("self", "__class__")}
