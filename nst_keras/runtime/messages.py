"""What Keras itself prints: the progress of its downloads."""

from __future__ import annotations

import contextlib
from collections.abc import Generator

import keras

__all__ = ["of_keras"]


@contextlib.contextmanager
def of_keras(*, shown: bool) -> Generator[None, None, None]:
    """Suppresses what Keras prints in this thread for the length of a block, unless it is shown.

    Keras then gives its messages to `absl.logging`, which prints warnings and errors alone unless it is told otherwise.

    Args:
        shown: Whether the messages are printed as the user has set.
    """
    if shown or not keras.config.is_interactive_logging_enabled():
        yield
        return
    keras.config.disable_interactive_logging()
    try:
        yield
    finally:
        keras.config.enable_interactive_logging()
