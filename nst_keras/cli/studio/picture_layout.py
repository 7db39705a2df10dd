"""What stands on the first tab, and where: pictures, the picture that forms, the options, and what to take away."""

from __future__ import annotations

from typing import Any

import gradio as gr

from nst_keras.cli.studio import controls as controls_lib
from nst_keras.cli.studio import host as host_lib
from nst_keras.cli.studio import views

__all__ = ["PictureLayout"]


class PictureLayout:
    """The parts of the first tab. On a phone, its three columns stand below one another.

    Args:
        host: What all visitors share.

    Attributes:
        controls: The pictures and the options.
        start: The button that begins a picture. `pause`, `stop`, `gif` and `mp4` are buttons too.
        status: One sentence, and a bar of the steps made.
        live: The picture that forms.
        frames: The slider over the frames.
        layers: Whether losses are shown layer by layer.
        plot: The plot of the terms of the loss.
        layer_plot: The plot of the layers' shares.
        takeaway: All that can be taken away: `files`, `command`, `python` and `flagfile`.
    """

    def __init__(self, host: host_lib.Host) -> None:
        self.controls = controls_lib.Controls(host.samples, host.limits, host.visitors.upload)
        with gr.Row():
            with gr.Column(scale=3, min_width=280):
                self.controls.make_pictures()
            with gr.Column(scale=5, min_width=320):
                self._picture()
                self.controls.make_strength()
                self.controls.make_masks()
                self._losses()
                self._takeaway()
            with gr.Column(scale=3, min_width=280):
                self.controls.make_options()

    @property
    def of_a_run(self) -> list[Any]:
        """The parts that a run changes."""
        plots = [self.plot, self.layer_plot]
        texts = [self.command, self.python, self.flagfile]
        buttons = [self.start, self.pause, self.stop]
        return [*buttons, self.status, self.live, self.frames, *plots, self.takeaway, self.files, *texts]

    def _picture(self) -> None:
        """Makes the buttons and the picture."""
        with gr.Row():
            self.start = gr.Button("Start", variant="primary", min_width=90, elem_id="start")
            self.pause = gr.Button("Pause", interactive=False, min_width=90, elem_id="pause")
            self.stop = gr.Button("Stop", interactive=False, min_width=90, elem_id="stop")
        self.status = gr.HTML(views.status("Choose a photograph and a painting, and press Start."), elem_id="status")
        self.live = gr.HTML(views.EMPTY, elem_id="live")
        self.frames = gr.Slider(0, 1, 0, step=1, label="Frames", visible=False, elem_id="frames")

    def _losses(self) -> None:
        """Makes the plots of the losses. Each keeps its own lines, because a plot cannot exchange them."""
        axes: dict[str, Any] = {"x": "step", "y": views.LOSS, "color": "term", "height": 320, "show_label": False}
        with gr.Accordion("Losses", open=True):
            self.layers = gr.Checkbox(False, label="Layer by layer")
            self.plot = gr.LinePlot(None, label="Losses of each step", elem_id="losses", **axes)
            self.layer_plot = gr.LinePlot(None, label="Losses of each layer", visible=False, **axes)

    def _takeaway(self) -> None:
        """Makes what can be taken away."""
        with gr.Accordion("Take away", open=True, visible=False) as self.takeaway:
            self.files = gr.File(label="Files", file_count="multiple", interactive=False, elem_id="files")
            with gr.Row():
                self.gif = gr.Button("Make a GIF", min_width=90, elem_id="gif")
                self.mp4 = gr.Button("Make an MP4", min_width=90, elem_id="mp4")
            self.command = _code("The command that makes this", "shell")
            self.python = _code("The Python that makes this", "python")
            self.flagfile = _code("The flagfile that makes this", None)


def _code(label: str, language: Any) -> gr.Code:
    return gr.Code(label=label, language=language, interactive=False, max_lines=14)
