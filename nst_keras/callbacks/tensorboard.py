"""A run as TensorBoard shows it."""

from __future__ import annotations

import html
import importlib.util
import os
import textwrap
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import keras
import tensorflow as tf

from nst_keras import checks
from nst_keras.images import pixels

__all__ = ["TensorBoard"]

Logs = dict[str, float] | None


class TensorBoard(keras.callbacks.Callback):
    """Writes a run for TensorBoard: `tensorboard --logdir=LOG_DIR` shows it while it goes on.

    Scalars at each step: `loss`, `style_loss`, `content_loss`, `var_loss`, and the layers' shares
    (`style_loss/block1_conv1`). Images: the picture (`image`) when the run begins, at intervals, and when it ends;
    `content_image` and `style_image` once. Text: the settings. A run that is resumed goes on at its step, in the same
    folder; give every other run a folder of its own. TensorBoard itself shows ten of the pictures at most, unless it is
    started with `--samples_per_plugin=images=0`.

    Args:
        log_dir: The run's folder, made if need be.
        image_interval: Steps between two pictures.
        settings: {name: value}, shown as a table; the run's own if left out.

    Raises:
        ImportError: The package `tensorboard` is not installed.
        ValueError: An interval that is no whole number, 1 or more.
        OSError: The folder cannot be made.
    """

    def __init__(
        self, log_dir: str | os.PathLike, *, image_interval: int = 50, settings: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__()
        if importlib.util.find_spec("tensorboard") is None:
            raise ImportError("TensorBoard needs the package tensorboard. Install it with `pip install tensorboard`.")
        self._log_dir = os.path.expanduser(os.fspath(log_dir))
        self._image_interval = checks.integer("image_interval", image_interval)
        self._settings = settings
        self._writer: tf.summary.SummaryWriter | None = None
        self._written: tf.Tensor | None = None
        checks.make_folder("tensorboard", self._log_dir)

    def on_train_begin(self, logs: Logs = None) -> None:
        """Writes what does not change: settings, content and style; and the start."""
        self._writer = tf.summary.create_file_writer(self._log_dir)
        self._record(self._write_beginning)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Writes the step's loss terms, and the picture if its turn has come."""
        self._record(self._write_step, logs or {})

    def on_train_end(self, logs: Logs = None) -> None:
        """Writes the last picture, if it is not written yet."""
        if self.model.generated_image is not self._written:
            self._record(self._write_picture)
        if self._writer is not None:
            self._writer.close()

    def _record(self, write: Callable[..., None], *arguments: Any) -> None:
        """Writes for the present step. A full disk ends the writing, which is told, but not the run."""
        if self._writer is None:
            return
        try:
            with self._writer.as_default(step=self.model.step):  # Leaving it flushes, so that the page is up to date.
                write(*arguments)
        except tf.errors.OpError as error:
            self._writer = None
            reason = error.message.splitlines()[0].rpartition("}} ")[2]  # Without the operation's inner name.
            warnings.warn(f"log_dir: {reason}; the run goes on without TensorBoard.", stacklevel=2)

    def _write_beginning(self) -> None:
        settings = getattr(self.model, "settings", {}) if self._settings is None else self._settings
        if settings:
            tf.summary.text("settings", _table(settings))
        if self.model.content_image is not None:
            _write_image("content_image", self.model.content_image)
        styles = self.model.style_images
        for number, style_image in enumerate(styles, 1):
            _write_image(f"style_image/{number}" if len(styles) > 1 else "style_image", style_image)
        self._write_picture()

    def _write_step(self, logs: Mapping[str, float]) -> None:
        scalars = {**logs, **_shares(self.model.terms)}
        # All in one, which takes a twentieth of the time of a `tf.summary.scalar` for each.
        values = [tf.compat.v1.Summary.Value(tag=tag, simple_value=value) for tag, value in scalars.items()]
        tf.summary.experimental.write_raw_pb(tf.compat.v1.Summary(value=values).SerializeToString())
        if self.model.step % self._image_interval == 0:
            self._write_picture()

    def _write_picture(self) -> None:
        self._written = self.model.generated_image
        _write_image("image", self._written)


def _write_image(name: str, image: tf.Tensor) -> None:
    tf.summary.image(name, pixels.to_uint8(image)[None])


def _shares(terms: Any) -> dict[str, float]:
    """{"style_loss/LAYER": what it adds to the loss}, and so for the content."""
    layers = {"style_loss": terms.style_layers, "content_loss": terms.content_layers} if terms else {}
    return {f"{term}/{layer}": float(share) for term, shares in layers.items() for layer, share in shares.items()}


def _table(settings: Mapping[str, Any]) -> str:
    """Settings in Markdown; arrays and the like as their beginning."""
    texts = {name: html.escape(textwrap.shorten(str(value), 300)) for name, value in settings.items()}
    rows = [f"| {name} | {text.replace('|', '&#124;')} |" for name, text in texts.items()]
    return "\n".join(["| setting | value |", "|---|---|", *rows])
