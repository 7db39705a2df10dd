"""The controls of the page: pictures, the options at hand, and all others, made from their declarations."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, TypeAlias

import gradio as gr
from gradio.components import image_editor
from gradio.components.base import server

from nst_keras import presets, settings
from nst_keras.cli.studio import asked as asked_lib
from nst_keras.cli.studio import painted, sources, views
from nst_keras.images import colour
from nst_keras.settings import texts

__all__ = ["Controls", "Update"]

# {control: its new value, or what Gradio's `update` returns}.
Update: TypeAlias = "dict[Any, Any]"

_SOURCES: Any = ["upload", "webcam", "clipboard"]
_MOST_LAYERS = 8
_MOST_PAINTINGS = 32  # That are being sent at the same time.


class Controls:
    """The controls, in the column in which they are made.

    Args:
        samples: The sample pictures.
        limits: What the studio allows.

    Attributes:
        content: The photograph.
        style: The painting.
        second: The second painting.
        editor: The photograph to paint masks on.
        preset: The look.
        at_hand: {option: its control} of the options that stand by themselves.
        more: {option: its control} of the others.
        remade: A picture made before, whose settings are taken.
    """

    def __init__(self, samples: sources.Samples, limits: settings.StudioSettings) -> None:
        self._samples, self._limits = samples, limits
        self.content = self._picture("Photograph", sources.CONTENTS)
        self.style = self._picture("Painting", sources.STYLES)
        self.preset = gr.Dropdown(
            presets.names(), value=presets.DEFAULT, label="Look", info=presets.get(presets.DEFAULT).summary
        )
        self.at_hand = self._at_hand()
        with gr.Accordion("Second style, and masks to paint", open=False):
            self.second = self._picture("Second painting", sources.STYLES)
            self.editor = _editor()
        with gr.Accordion("More", open=False):
            gr.Markdown("What is left empty is the look's own, or the default.")
            self.more = _more(presets.get(presets.DEFAULT).values)
        with gr.Accordion("Settings of a picture made before", open=False):
            self.remade = gr.File(label="A picture that this package has made", height=120, elem_id="remade")
        shown = [self.preset, *self.at_hand.values(), *self.more.values()]
        self.preset.change(self._of_preset, self.preset, shown, queue=False, api_visibility="private")

    @property
    def inputs(self) -> list[Any]:
        """The controls whose values `asked` reads."""
        pictures = [self.preset, self.content, self.style, self.second, self.editor]
        return [*pictures, *self.at_hand.values(), *self.more.values()]

    def asked(self, values: Sequence[Any], masks: presets.Options) -> asked_lib.Asked:
        """Returns what a visitor asks for.

        Args:
            values: The values of `inputs`.
            masks: {option: path or paths} of the masks that were painted.

        Raises:
            ValueError: A bad value.
        """
        preset, content, style, second, _, *rest = values
        at_hand = dict(zip(self.at_hand, rest, strict=False))
        written = dict(zip(self.more, rest[len(at_hand) :], strict=True))
        styles = [self._samples.source(one) for one in (style, second) if one]
        pictures = {
            "content_image": None if content is None else self._samples.source(content),
            "style_image": styles if len(styles) > 1 else next(iter(styles), None),
            **masks,
        }
        options = {
            **_changed(at_hand, _own(preset)),
            **asked_lib.values_of({name: text or "" for name, text in written.items()}),
        }
        return asked_lib.of_mode(asked_lib.Asked(preset, {k: v for k, v in pictures.items() if v is not None}, options))

    def taken_over(self, recorded: presets.Options) -> Update:
        """Returns {control: its new value} for the settings of a picture made before.

        Args:
            recorded: {option: value} of its record.
        """
        defaults = {field.name: field for _, found in asked_lib.fields() for field in found}
        update: Update = {
            control: texts.form(defaults[name]).text(recorded[name]) if name in recorded else ""
            for name, control in self.more.items()
        }
        steps = int(recorded.get("epochs", 1)) * int(recorded.get("steps_per_epoch", 1))
        at_hand = {**recorded, "steps_per_epoch": min(steps, self._limits.most_steps)}
        return update | {
            control: at_hand[name] for name, control in self.at_hand.items() if at_hand.get(name) is not None
        }

    def _picture(self, label: str, names: Sequence[str]) -> Any:
        """Makes the control of a picture, with thumbnails of the samples below it."""
        picture: Any = gr.Image(label=label, sources=_SOURCES, height=220, type="filepath")
        picture.preprocess = _path
        files = [str(self._samples.files[name]) for name in names]
        thumbnails = gr.Gallery(
            [(path, name.replace("_", " ")) for path, name in zip(files, names, strict=True)],
            label=f"Samples of a {label.lower()}",
            show_label=False,
            columns=len(names),
            rows=1,
            height=112,
            object_fit="cover",
            allow_preview=False,
            interactive=False,
            buttons=[],
            elem_classes="samples",
        )

        def chosen(event: gr.SelectData) -> str:
            """Returns the file of the sample that was clicked."""
            return files[int(event.index) % len(files)]  # pyright: ignore[reportArgumentType]

        thumbnails.select(chosen, None, picture, queue=False, show_progress="hidden", api_visibility="private")
        return picture

    def _at_hand(self) -> presets.Options:
        """Makes the controls of the options at hand, with the values of the first look."""
        limits, start = self._limits, self._values(presets.DEFAULT)
        size, steps = start["image_size"], start["steps_per_epoch"]
        colours = list(colour.PRESERVATIONS)
        return {
            "strength": gr.Slider(0, 1, start["strength"], step=0.01, label="Strength", info=_hint("strength")),
            "image_size": gr.Slider(64, limits.largest_size, size, step=16, label="Size", info=_hint("image_size")),
            "steps_per_epoch": gr.Slider(1, limits.most_steps, steps, step=1, label="Steps"),
            "preserve_color": gr.Radio(
                colours, value=start["preserve_color"], label="Colours of the photograph", info=_hint("preserve_color")
            ),
        }

    def _values(self, preset: str) -> presets.Options:
        """Returns {option: value} of the options at hand in a look, within what the studio allows."""
        own, limits = _own(preset), self._limits
        return {
            **own,
            "image_size": min(own["image_size"] or limits.largest_size, limits.largest_size),
            "steps_per_epoch": min(own["steps_per_epoch"], limits.most_steps),
        }

    def _of_preset(self, preset: str) -> list[Any]:
        """Returns the updates of the controls for a look."""
        values = self._values(preset)
        look = presets.get(preset)
        info = gr.update(info=f"{look.summary} Needs {look.needs}.")
        hints = [_left_empty(field, look.values) for _, found in asked_lib.fields() for field in found]
        return [info, *(values[name] for name in self.at_hand), *hints]


def _hint(name: str) -> str:
    """Returns the first sentence of an option's help."""
    kinds = (settings.TransferSettings, settings.FitSettings)
    helps = {
        option: text
        for kind in kinds
        for group in settings.groups(kind)
        for option, text in settings.helps(group).items()
    }
    return f"{helps[name].partition('. ')[0].rstrip('.')}."


def _own(preset: str) -> presets.Options:
    """Returns {option: value} of the options at hand in a look. Its steps are those of all its epochs."""
    own = presets.get(preset).values
    kinds = (settings.TransferSettings, settings.FitSettings)
    known = {field.name: field.default for kind in kinds for field in settings.fields(kind)}
    values = {name: own.get(name, known[name]) for name in asked_lib.AT_HAND}
    return values | {"steps_per_epoch": values["steps_per_epoch"] * int(own.get("epochs", 1))}


def _path(payload: Any) -> str | None:
    """Returns the path of a file that was uploaded. The package alone reads it, which knows how to refuse bad ones."""
    return None if payload is None else payload.path


def _editor() -> Any:
    """Makes the control to paint masks on."""
    gr.HTML(views.brushes(painted.COLOURS))
    editor: Any = gr.ImageEditor(
        label="Paint on the photograph",
        type="pil",
        image_mode="RGBA",
        sources=(),
        transforms=(),
        layers=gr.LayerOptions(allow_additional_layers=False),  # pyright: ignore[reportPrivateImportUsage]
        brush=gr.Brush(colors=list(painted.COLOURS.values()), color_mode="fixed", default_size=24),
        eraser=gr.Eraser(default_size=24),
        buttons=[],
        height=420,
        elem_classes="editor",
    )
    editor.accept_blobs = _bounded(editor)
    return editor


def _bounded(editor: Any) -> Any:
    """Returns what takes the layers that a browser sends, bounded in number. Gradio's own takes any number."""
    accept = editor.accept_blobs

    @server
    def accepted(data: image_editor.AcceptBlobs) -> None:
        """Takes a layer; raises `ValueError` for one beyond those that the page has."""
        index = str(data.data.get("index"))
        if index not in ("None", "null", *map(str, range(_MOST_LAYERS))):
            raise ValueError("The drawing has too many layers.")
        while len(editor.blob_storage) >= _MOST_PAINTINGS:
            editor.blob_storage.pop(next(iter(editor.blob_storage)))
        accept(data)

    return accepted


def _more(own: presets.Options) -> presets.Options:
    """Makes the controls of all further options, group by group; `own` are a look's."""
    made: dict[str, Any] = {}
    for group, fields in asked_lib.fields():
        helps = settings.helps(group)
        with gr.Accordion(group.title, open=False):
            for field in fields:
                made[field.name] = _control(field, helps[field.name], own)
    return made


def _control(field: dataclasses.Field[Any], text: str, own: presets.Options) -> Any:
    """Makes the control of an option: choices where its declaration has them, else a line to write on."""
    info = text.replace("`", "")
    if choices := _choices(field):
        choices = [("as the look has it", ""), *choices]
        return gr.Dropdown(choices, value="", label=field.name, info=info, elem_id=f"option_{field.name}")
    hint = _own_text(field, own)
    return gr.Textbox("", label=field.name, info=info, placeholder=hint, max_lines=1, elem_id=f"option_{field.name}")


def _left_empty(field: dataclasses.Field[Any], own: presets.Options) -> Any:
    """Returns the update of an option's control for a look, which shows what the option is if left empty."""
    return gr.update() if _choices(field) else gr.update(placeholder=_own_text(field, own))


def _choices(field: dataclasses.Field[Any]) -> list[str]:
    """Returns the values of an option that has only a few; an empty list for others."""
    return ["true", "false"] if isinstance(field.default, bool) else list(settings.declared(field).reads or ())


def _own_text(field: dataclasses.Field[Any], own: presets.Options) -> str:
    """Returns an option's value in a look, as text."""
    return texts.form(field).text(own.get(field.name, field.default))


def _changed(at_hand: presets.Options, own: presets.Options) -> presets.Options:
    """Returns the options at hand that differ from a look's own."""
    whole = {
        name: int(value) if name in ("image_size", "steps_per_epoch") else value for name, value in at_hand.items()
    }
    changed = {name: value for name, value in whole.items() if value != own[name]}
    return changed | ({"epochs": 1} if "steps_per_epoch" in changed else {})
