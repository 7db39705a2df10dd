"""nst-keras studio [--flag=value ...]

Serves a page on which a picture forms while you steer it. Ctrl-C ends it. It needs the extra `studio`.

Examples:
  nst-keras studio --open                                 the page, in your browser
  nst-keras studio --host=0.0.0.0 --port=8000             for every machine of the classroom
  nst-keras studio --largest_size=512 --run_seconds=120   with tighter limits

In a notebook: nst_keras.studio.app().launch().
"""

from __future__ import annotations

import importlib.util
import os
import socket
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from absl import flags as absl_flags

from nst_keras import settings
from nst_keras.cli import flags, output, signals
from nst_keras.runtime import backend, xla_cache
from nst_keras.settings import docstrings

if TYPE_CHECKING:
    import gradio

__all__ = ["app", "main"]

_USAGE = 2
# Seconds after which a visitor who has left is noticed.
_NOTICED = "2"


def app(**limits: Any) -> gradio.Blocks:
    """Returns the page.

    Args:
        limits: {option of `settings.StudioSettings`: its value}.

    Raises:
        ImportError: The extra `studio` is not installed.
        ValueError: A bad option.
    """
    known = [field.name for field in settings.fields(settings.StudioSettings)]
    for name in limits:
        if name not in known:
            raise ValueError(f"studio: {name!r} is not an option. Choose one of: {', '.join(known)}.")
    return _page(settings.StudioSettings(**limits))


def main(argv: Sequence[str] | None = None) -> int:
    """Serves the page until Ctrl-C, and returns the exit status.

    Args:
        argv: The arguments after the program's name. Default: those of the process.
    """
    values = absl_flags.FlagValues()
    flags.define(values, settings.StudioSettings)
    absl_flags.DEFINE_bool("help", False, "Shows this help.", flag_values=values, short_name="h")
    with output.safe_streams():
        try:
            rest = values(["studio", *(sys.argv[1:] if argv is None else argv)])[1:]
            if values["help"].value:
                output.write(
                    f"{docstrings.of(sys.modules[__name__])}\n\n{values.module_help(settings.StudioSettings.title).strip()}"
                )
                return 0
            if rest:
                raise ValueError(f"{rest[0]!r} is no flag. Flags are written --name=value; --help lists them.")
            limits = flags.settings_of(values, settings.StudioSettings)
            with backend.chosen():
                page = _page(limits)
            _serve(page, limits)
        except (absl_flags.Error, ValueError, OSError, ImportError) as error:
            return output.say(error, _USAGE)
    return 0


def _page(limits: settings.StudioSettings) -> gradio.Blocks:
    """Checks for Gradio, then builds the page."""
    if importlib.util.find_spec("gradio") is None:
        raise ImportError('The studio needs Gradio. Install it with `pip install "nst_keras[studio]"`.')
    os.environ.setdefault("GRADIO_HEARTBEAT_INTERVAL", _NOTICED)
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    os.environ.setdefault("GRADIO_RUN_HISTORY", "False")  # Else browsers keep what visitors made.
    xla_cache.use_default()
    from nst_keras.cli.studio import page  # noqa: PLC0415  It loads TensorFlow and Gradio.

    return page.build(limits)


def _serve(page: gradio.Blocks, limits: settings.StudioSettings) -> None:
    """Serves the page until Ctrl-C."""
    try:
        socket.getaddrinfo(limits.host, None)
    except OSError as error:
        raise ValueError(f"host: {limits.host!r} is no address of this machine ({error.strerror}).") from error
    with signals.StopSignals():  # SIGTERM ends it as Ctrl-C does, and its temporary files go.
        try:
            page.launch(
                server_name=limits.host,
                server_port=limits.port,
                share=limits.share,
                inbrowser=limits.open,
                quiet=True,
                prevent_thread_lock=True,
            )
        except OSError as error:
            at = "a port from 7860 on" if limits.port is None else f"port {limits.port}"
            raise OSError(f"port: {at} of {limits.host} is not free. Choose another with --port or --host.") from error
        output.write(f"nst_keras: the studio is at {page.share_url or page.local_url}. Ctrl-C ends it.")
        page.block_thread()
