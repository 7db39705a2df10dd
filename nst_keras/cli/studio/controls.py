"""The controls of the page: pictures, the options at hand, and all others, made from their declarations."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import gradio as gr

from nst_keras import presets, settings
from nst_keras.cli.studio import asked as asked_lib
from nst_keras.cli.studio import editor, sources
from nst_keras.images import colour
from nst_keras.settings import texts

__all__ = ["QUIET", "Controls", "Update"]

# {control: its new value, or what Gradio's `update` returns}.
Update: TypeAlias = "dict[Any, Any]"

# Where these differ from a preset's, options that belong to its own mean nothing.
_PARTS = {"extractor", "mode", "normalization", "optimizer", "pyramid", "variation"}
# Of events: those in Gradio's queue show their errors on the page. None waits in it.
QUIET: Any = {"show_progress": "hidden", "concurrency_limit": None, "api_visibility": "private"}
_SOURCES: Any = ["upload", "webcam", "clipboard"]


class Controls:
    """The controls of the page. Each `make_` method makes some of them where it is called.

    Args:
        samples: The sample pictures.
        limits: What the studio allows.
        upload: Function that returns the path of an uploaded file, and raises `ValueError` for any other.

    Attributes:
        content: The photograph.
        style: The painting.
        second: The second painting.
        editor: The photograph to paint masks on.
        preset: The preset.
        at_hand: {option: its control} of the options that stand by themselves.
        more: {option: its control} of the others.
        remade: A picture made before, whose settings are taken.
    """

    def __init__(
        self, samples: sources.Samples, limits: settings.StudioSettings, upload: Callable[[str], object]
    ) -> None:
        self._samples, self._limits, self._upload = samples, limits, upload
        self._start = self._values(presets.DEFAULT)

    def make_pictures(self) -> None:
        """Makes the controls of the photograph and the painting."""
        self.content = self._picture("Photograph", sources.CONTENTS)
        self.style = self._picture("Painting", sources.STYLES)

    def make_masks(self) -> None:
        """Makes the controls of the second painting and of the masks."""
        with gr.Accordion("Second style, and masks to paint", open=False):
            self.second = self._picture("Second painting", sources.STYLES)
            self.editor = editor.editor(self._upload)

    def make_strength(self) -> None:
        """Makes the control of the strength."""
        strength = gr.Slider(0, 1, self._start["strength"], step=0.01, label="Strength", info=_hint("strength"))
        self.at_hand: dict[str, Any] = {"strength": strength}

    def make_options(self) -> None:
        """Makes the controls of the other options. It is called last."""
        look = presets.get(presets.DEFAULT)
        self.preset = gr.Dropdown(presets.names(), value=look.name, label="Preset", info=look.summary)
        self.at_hand |= self._others_at_hand()
        with gr.Accordion("More", open=False):
            gr.Markdown("Leave a field empty to keep the value that it shows.")
            self.more = _more(look.values)
        with gr.Accordion("Settings of a picture made before", open=False):
            self.remade: Any = gr.File(label="A picture that this package has made", height=120, elem_id="remade")
        self.remade.preprocess = _path_of(self._upload)
        shown = [self.preset, *self.at_hand.values(), *self.more.values()]
        self.preset.input(self._of_preset, self.preset, shown, **QUIET)

    @property
    def inputs(self) -> list[Any]:
        """The controls whose values `asked` reads."""
        pictures = [self.preset, self.content, self.style, self.second, self.editor]
        return [*pictures, *self.at_hand.values(), *self.more.values()]

    def drawing(self, values: Sequence[Any]) -> tuple[list[Any], int]:
        """Returns what was painted, and the number of styles that are given; of the values of `inputs`."""
        _, _, style, second, layers, *_ = values
        return layers, sum(one is not None for one in (style, second))

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
        preset = _nearest_preset(recorded)
        own = presets.get(preset).values
        declared = {field.name: field for _, found in asked_lib.fields() for field in found if field.name in recorded}
        # A preset leaves out options of its own where these parts are others: then all is written.
        is_alike = all(recorded.get(name) == own.get(name, declared[name].default) for name in _PARTS & set(declared))
        written = {
            name: texts.form(field).text(recorded[name])
            for name, field in declared.items()
            if not is_alike or recorded[name] != own.get(name, field.default)
        }
        steps = int(recorded.get("epochs", 1)) * int(recorded.get("steps_per_epoch", 1))
        at_hand = {**recorded, "steps_per_epoch": min(steps, self._limits.most_steps)}
        hints = dict(zip(self.more, _hints(own), strict=True))
        return {
            self.preset: preset,
            **{control: {**hints[name], "value": written.get(name, "")} for name, control in self.more.items()},
            **{control: at_hand[name] for name, control in self.at_hand.items() if at_hand.get(name) is not None},
        }

    def _picture(self, label: str, names: Sequence[str]) -> Any:
        """Makes the control of a picture, with thumbnails of the samples below it."""
        picture: Any = gr.Image(label=label, sources=_SOURCES, height=220, type="filepath")
        picture.preprocess = _path_of(self._upload)
        files = [str(self._samples.files[name]) for name in names]
        thumbnails = gr.Gallery(
            [(path, name.replace("_", " ")) for path, name in zip(files, names, strict=True)],
            label=f"Samples of a {label.lower()}",
            show_label=False,
            columns=len(names),
            rows=1,
            height=336 // len(names) + 20,
            object_fit="cover",
            allow_preview=False,
            interactive=False,
            buttons=[],
            elem_classes="samples",
        )

        def chosen(event: gr.SelectData) -> str:
            """Returns the file of the sample that was clicked."""
            return files[int(event.index) % len(files)]  # pyright: ignore[reportArgumentType]

        thumbnails.select(chosen, None, picture, **QUIET)
        return picture

    def _others_at_hand(self) -> dict[str, gr.Slider | gr.Radio]:
        """Makes the controls of the options at hand but the strength, with the values of the first preset."""
        limits, start = self._limits, self._start
        size, steps, colours = start["image_size"], start["steps_per_epoch"], list(colour.PRESERVATIONS)
        steps_help = "More steps come closer to the style."
        return {
            "image_size": gr.Slider(64, limits.largest_size, size, step=16, label="Size", info=_hint("image_size")),
            "steps_per_epoch": gr.Slider(1, limits.most_steps, steps, step=1, label="Steps", info=steps_help),
            "preserve_color": gr.Radio(
                colours, value=start["preserve_color"], label="Colours", info=_help("preserve_color")
            ),
        }

    def _values(self, preset: str) -> presets.Options:
        """Returns {option: value} of the options at hand in a preset, within what the studio allows."""
        own, limits = _own(preset), self._limits
        return {
            **own,
            "image_size": min(own["image_size"] or limits.largest_size, limits.largest_size),
            "steps_per_epoch": min(own["steps_per_epoch"], limits.most_steps),
        }

    def _of_preset(self, preset: str) -> list[Any]:
        """Returns the updates of the controls for a preset."""
        values = self._values(preset)
        look = presets.get(preset)
        info = gr.update(info=f"{look.summary} Needs {look.needs}.")
        return [info, *(values[name] for name in self.at_hand), *_hints(look.values)]


def _help(name: str) -> str:
    """Returns the help of an option, without its marks of code."""
    kinds = (settings.TransferSettings, settings.FitSettings)
    groups = [group for kind in kinds for group in settings.groups(kind)]
    return next(settings.helps(group)[name] for group in groups if name in settings.helps(group)).replace("`", "")


def _hint(name: str) -> str:
    """Returns the first sentence of an option's help."""
    return f"{_help(name).partition('. ')[0].rstrip('.')}."


def _own(preset: str) -> presets.Options:
    """Returns {option: value} of the options at hand in a preset. Its steps are those of all its epochs."""
    own = presets.get(preset).values
    values = {name: own.get(name, presets.FIELDS[name].default) for name in asked_lib.AT_HAND}
    return values | {"steps_per_epoch": values["steps_per_epoch"] * int(own.get("epochs", 1))}


def _path_of(upload: Callable[[str], object]) -> Callable[[Any], str | None]:
    """Returns what gives the path of an uploaded file. The package alone reads it, and knows how to refuse bad ones.

    Args:
        upload: Returns the path of a file that was uploaded; raises `ValueError` for other files.
    """

    def path(payload: Any) -> str | None:
        """Returns the path; raises an error for visitors if it is no uploaded file's."""
        try:
            return None if payload is None else str(upload(payload.path))
        except ValueError as error:
            raise gr.Error(str(error), print_exception=False) from None

    return path


def _more(own: presets.Options) -> presets.Options:
    """Makes the controls of all further options, group by group; `own` are a preset's."""
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
        choices = [("as the preset has it", ""), *choices]
        return gr.Dropdown(choices, value="", label=field.name, info=info, elem_id=f"option_{field.name}")
    hint = _own_text(field, own)
    return gr.Textbox("", label=field.name, info=info, placeholder=hint, max_lines=1, elem_id=f"option_{field.name}")


def _hints(own: presets.Options) -> list[Any]:
    """Returns the updates of the options' controls for a preset, which show what an option is if left empty."""
    found = [field for _, fields in asked_lib.fields() for field in fields]
    return [gr.update() if _choices(field) else gr.update(placeholder=_own_text(field, own)) for field in found]


def _nearest_preset(recorded: presets.Options) -> str:
    """Returns the preset from which a picture's settings differ in the fewest options."""

    def differing(name: str) -> int:
        """Returns the number of options that differ."""
        return sum(recorded.get(option) != value for option, value in presets.get(name).values.items())

    return min(presets.names(), key=differing)


def _choices(field: dataclasses.Field[Any]) -> list[str]:
    """Returns the values of an option that has only a few; an empty list for others."""
    return ["true", "false"] if isinstance(field.default, bool) else list(settings.declared(field).reads or ())


def _own_text(field: dataclasses.Field[Any], own: presets.Options) -> str:
    """Returns an option's value in a preset, as text."""
    return texts.form(field).text(own.get(field.name, field.default))


def _changed(at_hand: presets.Options, own: presets.Options) -> presets.Options:
    """Returns the options at hand that differ from a preset's own."""
    whole = {
        name: int(value) if name in ("image_size", "steps_per_epoch") else value for name, value in at_hand.items()
    }
    changed = {name: value for name, value in whole.items() if value != own[name]}
    return changed | ({"epochs": 1} if "steps_per_epoch" in changed else {})
