"""The studio: a page on which a picture forms while you steer it. `nst-keras studio` serves it; the extra is `studio`.

`python -m nst_keras.studio` is the same command.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nst_keras.cli import process
from nst_keras.cli.studio import serving

if TYPE_CHECKING:
    import gradio

__all__ = ["app", "main"]

main = serving.main


def app(**limits: Any) -> gradio.Blocks:
    """Returns the page, for notebooks and for hosts of Gradio's pages: `nst_keras.studio.app().launch()`.

    Args:
        limits: {option of `settings.StudioSettings`: its value}, such as `largest_size=512`.

    Raises:
        ImportError: The extra `studio` is not installed.
        ValueError: A bad option.
    """
    return serving.app(**limits)


if __name__ == "__main__":
    process.run(main)
