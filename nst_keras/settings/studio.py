"""The options of the studio: where its page is served, and what a visitor may ask of the machine."""

from __future__ import annotations

import dataclasses

from nst_keras import checks
from nst_keras.settings import options

__all__ = ["StudioSettings"]


def _port(name: str, value: int) -> int:
    return checks.integer(name, value, minimum=1, maximum=65535)


def _size(name: str, value: int) -> int:
    return checks.integer(name, value, minimum=128)


def _steps(name: str, value: int) -> int:
    return checks.integer(name, value, minimum=10)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class StudioSettings(options.Group):
    """Where the studio is served, and its limits.

    Attributes:
        port: Port of the page. Default: the first free one from 7860 on.
        host: Address to listen on. Default: this machine alone. `0.0.0.0`: every machine that reaches this one.
        share: Also gives the page a public address for 72 hours, through Gradio's servers.
        open: Opens the page in a browser.
        largest_size: Longest side in pixels that a visitor may ask for.
        most_steps: Steps that a picture may take.
        run_seconds: Seconds that a picture may take, pauses included. It is then finished as it is.
        upload_megabytes: Size of the largest file that can be uploaded.
        at_once: Pictures that form at the same time. The others wait their turn.
        waiting: Visitors that may wait. Further ones are asked to come back later.
    """

    title = "Studio"
    port: int | None = options.option(None, options.optional(_port))
    host: str = options.option("127.0.0.1")
    share: bool = options.option(False)
    open: bool = options.option(False)
    largest_size: int = options.option(1024, _size)
    most_steps: int = options.option(1000, _steps)
    run_seconds: int = options.option(900, checks.integer)
    upload_megabytes: int = options.option(32, checks.integer)
    at_once: int = options.option(1, checks.integer)
    waiting: int = options.option(32, checks.integer)
