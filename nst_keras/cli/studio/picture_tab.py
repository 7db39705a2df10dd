"""The tab on which one picture forms: the controls, the picture, its frames and losses, and what to take away."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import gradio as gr

from nst_keras.cli import provenance
from nst_keras.cli.studio import asked as asked_lib
from nst_keras.cli.studio import controls as controls_lib
from nst_keras.cli.studio import editor, forming, picture_layout, takeaway, views
from nst_keras.cli.studio import host as host_lib
from nst_keras.cli.studio import visitors as visitors_lib

__all__ = ["PictureTab"]

_PLOT_EVERY = 1.0  # Seconds. Drawing it costs the browser more than a picture does.
# Weights that may change while the picture forms.
_WEIGHTS = ("style_weight", "content_weight", "var_weight")


class PictureTab:
    """The tab on which one picture forms.

    Args:
        host: What all visitors share.

    Attributes:
        controls: The pictures and the options.
    """

    def __init__(self, host: host_lib.Host) -> None:
        self._host = host
        self._parts = picture_layout.PictureLayout(host)
        self.controls = self._parts.controls
        self._listen()

    def _listen(self) -> None:
        """Connects the controls with what they do."""
        own = self.controls
        self._parts.start.click(self._start, own.inputs, self._parts.of_a_run, **controls_lib.QUIET)
        self._parts.pause.click(self._pause, None, self._parts.pause, **controls_lib.QUIET)
        self._parts.stop.click(self._stop, None, None, **controls_lib.QUIET)
        own.at_hand["strength"].change(self._steered("strength"), own.at_hand["strength"], None, **controls_lib.QUIET)
        for name in _WEIGHTS:
            own.more[name].blur(self._steered(name), own.more[name], None, **controls_lib.QUIET)
            own.more[name].submit(self._steered(name), own.more[name], None, **controls_lib.QUIET)
        for picture in (own.style, own.second):
            picture.change(self._restyle, [own.style, own.second], None, **controls_lib.QUIET)
        own.content.change(self._to_paint, own.content, own.editor, **controls_lib.QUIET)
        self._parts.frames.change(self._frame, self._parts.frames, self._parts.live, **controls_lib.QUIET)
        plots = [self._parts.plot, self._parts.layer_plot]
        self._parts.layers.change(self._plots, self._parts.layers, plots, **controls_lib.QUIET)
        for button, suffix in ((self._parts.gif, ".gif"), (self._parts.mp4, ".mp4")):
            button.click(self._animated(suffix), None, self._parts.files, api_visibility="private")
        taken = [own.preset, *own.at_hand.values(), *own.more.values(), self._parts.status]
        own.remade.upload(self._take_over, own.remade, taken, **controls_lib.QUIET)

    def _visitor(self, request: gr.Request) -> visitors_lib.Visitor:
        return self._host.visitors.of(request.session_hash)

    def _order(self, request: gr.Request) -> visitors_lib.Order | None:
        """Returns the visitor's present order, if any."""
        visitor = self._host.visitors.known(request.session_hash)
        return None if visitor is None else visitor.order

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
        """Shows an error of the block to the visitor, as a sentence."""
        try:
            yield
        except Exception as error:
            raise gr.Error(self._host.sentence(error), print_exception=False) from None

    def _start(self, request: gr.Request, *values: Any) -> Iterator[controls_lib.Update]:
        """Makes a picture, and yields what changes on the page."""
        order, sentence = None, "Stopped before the first step."
        yield self._buttons(going=True) | {self._parts.status: views.status("Preparing ...")}
        try:
            visitor = self._visitor(request)
            masks = self._host.masks(visitor.fresh("masks"), *self.controls.drawing(values))
            asked = self.controls.asked(values, masks)
            order = visitor.ask()
            yield {self._parts.takeaway: gr.update(visible=False), self._parts.frames: gr.update(visible=False)}
            yield from self._formed(visitor, order, asked)
        except Exception as error:
            sentence = self._host.sentence(error)
        if order is not None and self._order(request) is not order:
            return  # Another one has taken its place on the page.
        end = {self._parts.status: views.status(sentence)}
        yield self._buttons(going=False) | (self._finished(order.made) if order and order.made else end)

    def _formed(
        self, visitor: visitors_lib.Visitor, order: visitors_lib.Order, asked: asked_lib.Asked
    ) -> Iterator[controls_lib.Update]:
        """Yields what changes on the page while a picture waits for its turn and forms."""
        plotted, before = 0.0, 0
        with contextlib.closing(self._host.run(order, asked)) as found:
            for view in found:
                if isinstance(view, host_lib.Waiting):
                    if view.before != before:
                        yield {self._parts.status: views.status(views.waiting(view.before))}
                    before = view.before
                    continue
                standing = views.status(_standing(view), view.step, view.total, is_spoken=view.is_paused)
                update: controls_lib.Update = {self._parts.status: standing}
                if view.image is not None:
                    alt = f"The picture after {view.step} of {view.total} steps"
                    update[self._parts.live] = views.picture(view.image, alt)
                if order.forming is not None and time.monotonic() - plotted > _PLOT_EVERY:
                    plotted = time.monotonic()
                    update |= self._plotted(order.forming.losses, layers=visitor.shows_layers)
                yield update

    def _finished(self, made: takeaway.Made) -> controls_lib.Update:
        """Returns what changes on the page once a picture is made."""
        last = len(made.frames) - 1
        return {
            self._parts.status: views.status(f"{made.sentence[:1].upper()}{made.sentence[1:].rstrip('.')}."),
            self._parts.frames: gr.update(visible=last > 0, maximum=max(1, last), value=last),
            self._parts.plot: views.losses(made.losses, layers=False),
            self._parts.layer_plot: views.losses(made.losses, layers=True),
            self._parts.takeaway: gr.update(visible=True),
            self._parts.files: [str(path) for path in made.files],
            self._parts.command: made.command,
            self._parts.python: made.python,
            self._parts.flagfile: made.flagfile,
        }

    def _buttons(self, *, going: bool) -> controls_lib.Update:
        """Returns the updates of the buttons."""
        return {
            self._parts.start: gr.update(interactive=not going),
            self._parts.pause: gr.update(interactive=going, value="Pause"),
            self._parts.stop: gr.update(interactive=going),
        }

    def _pause(self, request: gr.Request) -> Any:
        """Halts the run, or lets it go on."""
        order = self._order(request)
        if order is None or order.run is None:
            return gr.update()
        order.run.pause(paused=not order.run.is_paused)
        return gr.update(value="Go on" if order.run.is_paused else "Pause")

    def _stop(self, request: gr.Request) -> None:
        """Ends the run with the picture as it is."""
        if (order := self._order(request)) is not None:
            order.end()

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
        with self._telling():
            found = [self._known(path, request) for path in (style, second) if path]
        if found:
            self._change(request, lambda handle: handle.set_style(found if len(found) > 1 else found[0]))

    def _known(self, path: str, request: gr.Request) -> str:
        """Returns the source of an uploaded picture, which goes when the visitor goes."""
        source = self._host.samples.source(path)
        if source == path:
            self._visitor(request).uploads.add(path)
        return source

    def _change(self, request: gr.Request, change: forming.Change) -> None:
        """Changes the run that is going, if any."""
        order = self._order(request)
        if order is not None and order.run is not None:
            with self._telling():
                order.run.change(change)

    def _to_paint(self, content: str | None, request: gr.Request) -> Any:
        """Returns the photograph to paint on, for the editor."""
        if content is None:
            return None
        with self._telling():
            path = self._visitor(request).fresh("painting") / "photograph.png"
            self._host.thumbnail(self._known(content, request), editor.LONGEST_SIDE).save(path)
        return {"background": str(path), "layers": [], "composite": None}

    def _frame(self, place: float, request: gr.Request) -> Any:
        """Returns a frame."""
        order = self._order(request)
        if order is None or order.made is None:
            return gr.update()
        place = min(max(0, int(place)), len(order.made.frames) - 1)
        return views.picture(order.made.frames[place], f"The picture after {order.made.steps[place]} steps")

    def _plots(self, layers: bool, request: gr.Request) -> controls_lib.Update:
        """Shows one of the plots, term by term or layer by layer."""
        order = self._order(request)
        self._visitor(request).shows_layers = layers
        made = [] if order is None or order.forming is None else order.forming.losses
        shown = {self._parts.plot: not layers, self._parts.layer_plot: layers}
        return {
            plot: gr.update(visible=is_shown, value=views.losses(made, layers=layers) if is_shown else None)
            for plot, is_shown in shown.items()
        }

    def _plotted(self, losses: Sequence[Mapping[str, float]], *, layers: bool) -> controls_lib.Update:
        """Returns the update of the plot that is shown."""
        return {self._parts.layer_plot if layers else self._parts.plot: views.losses(losses, layers=layers)}

    def _animated(self, suffix: str) -> Callable[..., list[str]]:
        """Returns what makes an animation."""

        def animate(request: gr.Request) -> list[str]:
            """Makes it, and returns all files."""
            order = self._order(request)
            with self._telling():
                if order is None or order.made is None:
                    raise ValueError("There is no picture yet. Press Start first.")
                order.made.animation(suffix)
                return [str(path) for path in order.made.files]

        return animate

    def _take_over(self, path: str, request: gr.Request) -> controls_lib.Update:
        """Returns the settings of a picture made before, for the controls."""
        with self._telling():
            self._known(path, request)
            recorded = provenance.read(path)["settings"]
            update = self.controls.taken_over(recorded)
        given = [recorded.get(name) for name in ("content_image", "style_image", "style_mask", "content_mask")]
        names = [str(one) for value in given for one in (value if isinstance(value, list) else [value]) if one]
        sentence = f"The settings are taken over. Now give its pictures: {', '.join(names)}."
        return update | {self._parts.status: views.status(sentence)}


def _standing(view: forming.View) -> str:
    """Returns how far a picture has come, as a sentence."""
    if view.image is None:
        return "Preparing the network ..."
    return f"{'Paused after step' if view.is_paused else 'Step'} {view.step} of {view.total}"
