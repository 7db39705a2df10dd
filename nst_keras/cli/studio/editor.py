"""The photograph to paint masks on: Gradio's editor, bounded in what it takes."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import gradio as gr
import PIL.Image
from gradio.components import image_editor
from gradio.components.base import server

from nst_keras.cli.studio import painted, views

__all__ = ["LONGEST_SIDE", "editor"]

LONGEST_SIDE = 640  # Pixels of the photograph that is painted on.
_MOST_LAYERS = 8
_MOST_DRAWINGS = 32  # In transit from browsers.
_FORMATS = ["PNG", "WEBP", "JPEG"]


def editor(upload: Callable[[str], object]) -> Any:
    """Makes the control. Its value is what was painted: PIL images, transparent elsewhere.

    Args:
        upload: Returns the path of a file that was uploaded; raises `ValueError` for other files.
    """
    gr.HTML(views.brushes(painted.COLOURS))
    made: Any = gr.ImageEditor(
        label="Paint on the photograph",
        sources=(),
        transforms=(),
        layers=gr.LayerOptions(allow_additional_layers=False),  # pyright: ignore[reportPrivateImportUsage]
        brush=gr.Brush(colors=[(one, 0.7) for one in painted.COLOURS.values()], color_mode="fixed", default_size=24),
        eraser=gr.Eraser(default_size=24),
        buttons=[],
        height=420,
        elem_classes="editor",
    )
    made.accept_blobs = _bounded(made)

    def layers(payload: Any) -> list[PIL.Image.Image]:
        """Returns the layers of a drawing, which a browser sends beforehand or uploads as files."""
        if payload is None:
            return []
        if payload.id is not None:
            sent = made.blob_storage.pop(payload.id, None)
            found = [] if sent is None else [io.BytesIO(layer) for layer in sent.layers if layer]
        else:
            found = [upload(layer.path) for layer in payload.layers]
        return [_layer(layer) for layer in found[:_MOST_LAYERS]]

    made.preprocess = layers
    return made


def _layer(source: Any) -> PIL.Image.Image:
    """Returns a layer; raises `ValueError` for one that is damaged, or larger than the photograph that it lies on."""
    try:
        with PIL.Image.open(source, formats=_FORMATS) as layer:
            if max(layer.size) > LONGEST_SIDE:
                raise ValueError
            return layer.convert("RGBA")
    except (OSError, ValueError) as error:
        raise gr.Error("The drawing cannot be read. Erase it, and paint again.", print_exception=False) from error


def _bounded(made: Any) -> Any:
    """Returns what takes the layers that a browser sends, bounded in number. Gradio's own takes any number."""
    accept = made.accept_blobs

    @server
    def accepted(data: image_editor.AcceptBlobs) -> None:
        """Takes a layer; raises `ValueError` for one beyond those that the page has."""
        index = str(data.data.get("index"))
        if index not in ("None", "null", *map(str, range(_MOST_LAYERS))):
            raise ValueError("The drawing has too many layers.")
        while len(made.blob_storage) >= _MOST_DRAWINGS:
            made.blob_storage.pop(next(iter(made.blob_storage)))
        accept(data)

    return accepted
