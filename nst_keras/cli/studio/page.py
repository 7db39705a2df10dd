"""The whole page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr
from gradio import themes
from starlette.middleware import Middleware

from nst_keras import settings
from nst_keras.cli.studio import guard, picture_tab, strip_tabs, views
from nst_keras.cli.studio import host as host_lib

__all__ = ["build"]

_TITLE = "nst_keras studio"
_HEAD = """# Neural style transfer
The scene of a photograph in the style of a painting. Press **Start**, and steer the picture while it forms."""
# Seconds: how often files are looked through, and after how long they go.
_CLEANING = 3600, 86400


def build(limits: settings.StudioSettings) -> gr.Blocks:
    """Returns the page. Its `launch` serves it with the studio's limits.

    Args:
        limits: What the studio allows.
    """
    host = host_lib.Host(limits)
    with gr.Blocks(title=_TITLE, analytics_enabled=False, delete_cache=_CLEANING) as page:
        gr.Markdown(_HEAD)
        with gr.Tab("Picture"):
            picture = picture_tab.PictureTab(host)
        with gr.Tab("Compare"):
            strip_tabs.compare_tab(host, picture.controls)
        with gr.Tab("How it works"):
            strip_tabs.teaching_tab(host, picture.controls)

        def left(request: gr.Request) -> None:
            """Ends the run of a visitor who has left, and deletes the visitor's files."""
            host.visitors.leave(request.session_hash)

        page.unload(left)
    page.queue(api_open=False)
    page.launch = _launching(page, limits)
    return page


def _launching(page: gr.Blocks, limits: settings.StudioSettings) -> Callable[..., Any]:
    """Returns the function that serves a page, with the studio's limits where a call gives no others."""
    largest, launch = limits.upload_megabytes * 10**6, page.launch
    usual = {
        "max_file_size": largest,
        # Each who waits or has a picture forming takes a thread.
        "max_threads": limits.waiting + limits.at_once + 24,
        "footer_links": [],
        "css": views.CSS,
        "theme": themes.Soft(font="system-ui", font_mono="ui-monospace"),
        "ssr_mode": False,
        "enable_monitoring": False,
    }
    guarding = Middleware(guard.Guard, largest_upload=4 * largest)

    def launched(*args: Any, app_kwargs: Any = None, **given: Any) -> Any:
        """Serves the page behind its guard; see `gradio.Blocks.launch`."""
        further = app_kwargs or {}
        whole = {**further, "middleware": [guarding, *further.get("middleware", ())]}
        return launch(*args, app_kwargs=whole, **{**usual, **given})

    return launched
