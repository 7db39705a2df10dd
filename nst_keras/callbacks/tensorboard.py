"""A run as TensorBoard shows it."""

from __future__ import annotations

import contextlib
import html
import importlib.util
import os
import textwrap
import warnings
from collections.abc import Callable, Generator, Mapping

import tensorflow as tf

from nst_keras import checks
from nst_keras.callbacks import run_view
from nst_keras.images import pixels
from nst_keras.objectives import objective

__all__ = ["TensorBoard"]


class TensorBoard(run_view.RunCallback):
    """Writes a run for TensorBoard, which shows it while it goes on: `tensorboard --logdir=LOG_DIR`.

    - Scalars, each step: `loss`, `style_loss`, `content_loss`, `var_loss`, and each layer's share of them, such as
      `style_loss/block1_conv1`.
    - Images: `image`, the picture, when the run begins, every `image_interval` steps and when the run ends;
      `content_image` and `style_image` once.
    - Text: the settings.

    A resumed run continues at its step in the same folder. Every other run needs a folder of its own. TensorBoard shows
    ten of the pictures at most, unless it is started with `--samples_per_plugin=images=0`.

    Args:
        log_dir: The run's folder, made if it does not exist.
        image_interval: Steps between two pictures, 1 or more.
        settings: {name: value}, shown as a table. Default: the run's `settings`.

    Raises:
        ImportError: The package `tensorboard` is not installed.
        ValueError: `image_interval` is no whole number, 1 or more.
        OSError: The folder cannot be made or written to.
    """

    def __init__(
        self, log_dir: str | os.PathLike, *, image_interval: int = 50, settings: Mapping[str, object] | None = None
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

    def on_train_begin(self, logs: run_view.Logs = None) -> None:
        """Writes the settings, the content image, the style images and the start."""
        with self._going_on():
            self._writer = tf.summary.create_file_writer(self._log_dir)
        self._record(self._write_beginning)

    def on_train_batch_end(self, batch: int, logs: run_view.Logs = None) -> None:
        """Writes the step's loss terms and, every `image_interval` steps, the picture."""
        self._record(lambda: self._write_step(logs or {}))

    def on_train_end(self, logs: run_view.Logs = None) -> None:
        """Writes the last picture, unless it is written already."""
        if self.run.generated_image is not self._written:
            self._record(self._write_picture)
        with self._going_on():
            if self._writer is not None:
                self._writer.close()

    def _record(self, write: Callable[[], None]) -> None:
        """Writes under the present step."""
        with self._going_on():
            if self._writer is not None:
                with self._writer.as_default(step=self.run.step):  # Leaving it flushes: the page is up to date.
                    write()

    @contextlib.contextmanager
    def _going_on(self) -> Generator[None, None, None]:
        """If the disk is full, warns and writes no more; the run goes on."""
        try:
            yield
        except tf.errors.OpError as error:
            self._writer = None
            reason = error.message.splitlines()[0].rpartition("}} ")[2]  # Without the operation's inner name.
            warnings.warn(f"log_dir: {reason}; the run goes on without TensorBoard.", stacklevel=4)

    def _write_beginning(self) -> None:
        settings = self.run.settings if self._settings is None else self._settings
        if settings:
            tf.summary.text("settings", _table(settings))
        if self.run.content_image is not None:
            _write_image("content_image", self.run.content_image)
        styles = self.run.style_images
        for number, style_image in enumerate(styles, 1):
            _write_image(f"style_image/{number}" if len(styles) > 1 else "style_image", style_image)
        self._write_picture()

    def _write_step(self, logs: Mapping[str, float]) -> None:
        scalars = {**logs, **_shares(self.run.terms)}
        # All in one record, which takes a twentieth of the time of a `tf.summary.scalar` for each.
        values = [tf.compat.v1.Summary.Value(tag=tag, simple_value=value) for tag, value in scalars.items()]
        tf.summary.experimental.write_raw_pb(tf.compat.v1.Summary(value=values).SerializeToString())
        if self.run.step % self._image_interval == 0:
            self._write_picture()

    def _write_picture(self) -> None:
        picture = self._written = self.run.generated_image
        _write_image("image", picture)


def _write_image(name: str, image: tf.Tensor) -> None:
    tf.summary.image(name, pixels.to_uint8(image)[None])


def _shares(terms: objective.LossTerms | None) -> dict[str, float]:
    """Returns each layer's share of its loss term: {"style_loss/LAYER": share, "content_loss/LAYER": share}."""
    layers = {"style_loss": terms.style_layers, "content_loss": terms.content_layers} if terms else {}
    return {f"{term}/{layer}": float(share) for term, shares in layers.items() for layer, share in shares.items()}


def _table(settings: Mapping[str, object]) -> str:
    """Returns the settings as a table in Markdown, each value cut to 300 characters."""
    texts = {name: html.escape(textwrap.shorten(str(value), 300)) for name, value in settings.items()}
    rows = [f"| {name} | {text.replace('|', '&#124;')} |" for name, text in texts.items()]
    return "\n".join(["| setting | value |", "|---|---|", *rows])
