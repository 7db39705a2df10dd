"""The tab on which one picture forms: the controls, the picture, its frames and losses, and what to take away."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from nst_keras.cli import provenance
from nst_keras.cli.studio import controls as controls_lib
from nst_keras.cli.studio import forming, takeaway, views
from nst_keras.cli.studio import host as host_lib
from nst_keras.cli.studio import visitors as visitors_lib

__all__ = ["PictureTab"]

_LONGEST_PAINTED = 640  # Pixels of the photograph that masks are painted on.
_PLOT_EVERY = 1.0  # Seconds. Drawing it costs the browser more than a picture does.
# Weights that may change while the picture forms.
_WEIGHTS = ("style_weight", "content_weight", "var_weight")
_QUIET: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}


class PictureTab:
    """The tab on which one picture forms.

    Args:
        host: What all visitors share.

    Attributes:
        controls: The controls.
    """

    def __init__(self, host: host_lib.Host) -> None:
        self._host = host
        with gr.Row():
            with gr.Column(scale=2, min_width=320):
                self.controls = controls_lib.Controls(host.samples, host.limits)
            with gr.Column(scale=3, min_width=320):
                with gr.Row():
                    self.start = gr.Button("Start", variant="primary", min_width=90, elem_id="start")
                    self.pause = gr.Button("Pause", interactive=False, min_width=90, elem_id="pause")
                    self.stop = gr.Button("Stop", interactive=False, min_width=90, elem_id="stop")
                self.status = gr.HTML(
                    views.status("Choose a photograph and a painting, and press Start."), elem_id="status"
                )
                self.live = gr.HTML(views.EMPTY, elem_id="live")
                self.frames = gr.Slider(0, 1, 0, step=1, label="Frames", visible=False, elem_id="frames")
                self._losses()
                self._takeaway()
        self._listen()

    def _losses(self) -> None:
        """Makes the plot of the losses."""
        with gr.Accordion("Losses", open=True):
            self.layers = gr.Checkbox(False, label="Layer by layer")
            self.plot = gr.LinePlot(
                None, x="step", y="log10 of the loss", color="term", height=320,
                label="Losses of each step", elem_id="losses",
            )  # fmt: skip

    def _takeaway(self) -> None:
        """Makes what can be taken away."""
        with gr.Accordion("Take away", open=True, visible=False) as self.takeaway:
            self.files = gr.File(label="Files", file_count="multiple", interactive=False, elem_id="files")
            with gr.Row():
                self.gif = gr.Button("Make a GIF", elem_id="gif")
                self.mp4 = gr.Button("Make an MP4", elem_id="mp4")
            self.command = gr.Code(
                label="The command that makes this", language="shell", interactive=False, max_lines=14
            )
            self.python = gr.Code(
                label="The Python that makes this", language="python", interactive=False, max_lines=18
            )
            self.flagfile = gr.Code(
                label="The flagfile that makes this", language=None, interactive=False, max_lines=14
            )

    @property
    def _shown(self) -> list[Any]:
        """What a run changes on the page."""
        buttons = [self.start, self.pause, self.stop]
        texts = [self.command, self.python, self.flagfile]
        return [*buttons, self.status, self.live, self.frames, self.plot, self.takeaway, self.files, *texts]

    def _listen(self) -> None:
        """Connects the controls with what they do."""
        own = self.controls
        # Visitors wait in the host's own line, which says whose turn it is.
        shared: dict[str, Any] = {"show_progress": "hidden", "concurrency_limit": None, "api_visibility": "private"}
        self.start.click(self._start, [*own.inputs, self.layers], self._shown, **shared)
        self.pause.click(self._pause, None, self.pause, **_QUIET)
        self.stop.click(self._stop, None, None, **_QUIET)
        own.at_hand["strength"].change(self._steered("strength"), own.at_hand["strength"], None, **_QUIET)
        for name in _WEIGHTS:
            own.more[name].blur(self._steered(name), own.more[name], None, **_QUIET)
            own.more[name].submit(self._steered(name), own.more[name], None, **_QUIET)
        for picture in (own.style, own.second):
            picture.change(self._restyle, [own.style, own.second], None, **_QUIET)
        own.content.change(self._to_paint, own.content, own.editor, **_QUIET)
        self.frames.change(self._frame, self.frames, self.live, **_QUIET)
        self.layers.change(self._plot, self.layers, self.plot, **_QUIET)
        for button, suffix in ((self.gif, ".gif"), (self.mp4, ".mp4")):
            button.click(self._animated(suffix), None, self.files, api_visibility="private")
        taken = [*own.at_hand.values(), *own.more.values(), self.status]
        own.remade.upload(self._take_over, own.remade, taken, **_QUIET)

    def _visitor(self, request: gr.Request) -> visitors_lib.Visitor:
        return self._host.visitors.of(request.session_hash)

    def _start(self, request: gr.Request, *values: Any) -> Iterator[controls_lib.Update]:
        """Makes a picture, and yields what changes on the page."""
        visitor, (*asked_for, layers) = self._visitor(request), values
        visitor.begin()
        yield self._buttons(going=True) | {
            self.status: views.status("Preparing ..."),
            self.takeaway: gr.update(visible=False),
            self.frames: gr.update(visible=False),
        }
        try:
            drawing, styles = values[4], sum(value is not None for value in values[2:4])
            masks = self._host.masks(visitor, drawing, styles)
            yield from self._formed(
                visitor, self._host.run(visitor, self.controls.asked(asked_for, masks)), layers=layers
            )
        except Exception as error:
            sentence = self._host.sentence(error)
            yield self._buttons(going=False) | {self.status: views.status(sentence)}
            raise gr.Error(sentence, print_exception=False) from None

    def _formed(
        self, visitor: visitors_lib.Visitor, found: Iterator[forming.View | host_lib.Waiting], *, layers: bool
    ) -> Iterator[controls_lib.Update]:
        """Yields what changes on the page while the picture forms, and once it is made."""
        plotted = 0.0
        view = None
        for view in found:
            if isinstance(view, host_lib.Waiting):
                yield {self.status: views.status(views.waiting(view.before))}
                continue
            update: controls_lib.Update = {self.status: views.status(_standing(view), view.step, view.total)}
            if view.image is not None:
                update[self.live] = views.picture(view.image, f"The picture after {view.step} of {view.total} steps")
            if visitor.forming and time.monotonic() - plotted > _PLOT_EVERY:
                plotted = time.monotonic()
                update[self.plot] = views.losses(visitor.forming.losses, layers=layers)
            yield update
        if isinstance(view, forming.View) and visitor.made is not None:
            yield self._buttons(going=False) | self._finished(visitor.made, layers=layers)
        else:
            yield self._buttons(going=False) | {self.status: views.status("Stopped before its turn.")}

    def _finished(self, made: takeaway.Made, *, layers: bool) -> controls_lib.Update:
        """Returns what changes on the page once a picture is made."""
        last = len(made.frames) - 1
        return {
            self.status: views.status(f"{made.sentence[:1].upper()}{made.sentence[1:].rstrip('.')}."),
            self.frames: gr.update(visible=last > 0, maximum=max(1, last), value=last),
            self.plot: views.losses(made.losses, layers=layers),
            self.takeaway: gr.update(visible=True),
            self.files: [str(path) for path in made.files],
            self.command: made.command,
            self.python: made.python,
            self.flagfile: made.flagfile,
        }

    def _buttons(self, *, going: bool) -> controls_lib.Update:
        """Returns the updates of the buttons."""
        return {
            self.start: gr.update(interactive=not going),
            self.pause: gr.update(interactive=going, value="Pause"),
            self.stop: gr.update(interactive=going),
        }

    def _pause(self, request: gr.Request) -> Any:
        """Halts the run, or lets it go on."""
        run = self._visitor(request).forming
        if run is None or not run.is_going:
            return gr.update()
        run.pause(paused=not run.is_paused)
        return gr.update(value="Go on" if run.is_paused else "Pause")

    def _stop(self, request: gr.Request) -> None:
        """Ends the run with the picture as it is."""
        self._visitor(request).end()

    def _steered(self, name: str) -> Callable[..., None]:
        """Returns what changes a weight, or the strength, of the run that is going."""

        def steer(value: Any, request: gr.Request) -> None:
            """Changes it; an empty text leaves it as it is."""
            if value == "" or value is None:
                return
            try:
                number = float(value)
            except (TypeError, ValueError):
                raise gr.Error(f"{name} must be a number, but {value!r} was given.", print_exception=False) from None
            if name == "strength":
                self._change(request, lambda handle: handle.set_strength(number))
            else:
                self._change(request, lambda handle: handle.set_weights(**{name: number}))

        return steer

    def _restyle(self, style: str | None, second: str | None, request: gr.Request) -> None:
        """Changes the style of the run that is going."""
        found = [self._host.samples.source(path) for path in (style, second) if path]
        self._visitor(request).uploads.update(path for path in found if not path.startswith("sample:"))
        if found:
            self._change(request, lambda handle: handle.set_style(found if len(found) > 1 else found[0]))

    def _change(self, request: gr.Request, change: forming.Change) -> None:
        """Changes the run that is going, if any."""
        run = self._visitor(request).forming
        if run is None or not run.is_going:
            return
        try:
            run.change(change)
        except Exception as error:
            raise gr.Error(self._host.sentence(error), print_exception=False) from None

    def _to_paint(self, content: str | None, request: gr.Request) -> Any:
        """Returns the photograph to paint on, for the editor."""
        if content is None:
            return None
        source, visitor = self._host.samples.source(content), self._visitor(request)
        if source == content:
            visitor.uploads.add(content)
        path = visitor.begin_to_paint() / "photograph.png"
        try:
            self._host.thumbnail(source, _LONGEST_PAINTED).save(path)
        except Exception as error:
            raise gr.Error(self._host.sentence(error), print_exception=False) from None
        return {"background": str(path), "layers": [], "composite": None}

    def _frame(self, place: float, request: gr.Request) -> Any:
        """Returns a frame."""
        visitor = self._visitor(request)
        if visitor.made is None or (visitor.forming is not None and visitor.forming.is_going):
            return gr.update()
        place = min(max(0, int(place)), len(visitor.made.frames) - 1)
        return views.picture(visitor.made.frames[place], f"The picture after {visitor.made.steps[place]} steps")

    def _plot(self, layers: bool, request: gr.Request) -> Any:
        """Returns the table of the losses, term by term or layer by layer."""
        run = self._visitor(request).forming
        return gr.update() if run is None else views.losses(run.losses, layers=layers)

    def _animated(self, suffix: str) -> Callable[..., list[str]]:
        """Returns what makes an animation."""

        def animate(request: gr.Request) -> list[str]:
            """Makes it, and returns all files."""
            made = self._visitor(request).made
            if made is None:
                raise gr.Error("There is no picture yet. Press Start first.", print_exception=False)
            try:
                made.animation(suffix)
            except Exception as error:
                raise gr.Error(self._host.sentence(error), print_exception=False) from None
            return [str(path) for path in made.files]

        return animate

    def _take_over(self, path: str) -> controls_lib.Update:
        """Returns the settings of a picture made before, for the controls."""
        try:
            made = provenance.read(path)
            update = self.controls.taken_over(made["settings"])
        except Exception as error:
            raise gr.Error(self._host.sentence(error), print_exception=False) from None
        names = [
            str(made["settings"].get(name)) for name in ("content_image", "style_image") if made["settings"].get(name)
        ]
        return update | {
            self.status: views.status(f"The settings are taken over. The pictures were {' and '.join(names)}.")
        }


def _standing(view: forming.View) -> str:
    """Returns how far a picture has come, as a sentence."""
    if view.image is None:
        return "Preparing the network ..."
    return f"{'Paused after' if view.is_paused else 'Step'} {view.step} of {view.total}"
