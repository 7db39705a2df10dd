"""A visitor's request, turned into the settings of a run, within the studio's limits."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from nst_keras import checks, presets, settings
from nst_keras.images import starts
from nst_keras.networks import architectures
from nst_keras.settings import modes, texts

__all__ = ["AT_HAND", "Asked", "Wanted", "fields", "of_mode", "values_of"]

# Options that stand on the page by themselves.
AT_HAND = ("strength", "image_size", "steps_per_epoch", "preserve_color")
# Options of the process or of this machine's files, which are not the visitors' to choose.
_OF_THE_HOST = frozenset({"weights", "deterministic"})
# Given by `steps_per_epoch` alone.
_ELSEWHERE = frozenset({"epochs"})
_MOST_STYLE_SCALE = 4.0


class Wanted(NamedTuple):
    """The settings of a run.

    Attributes:
        transfer: Those of the transfer.
        fit: Those of the run.
    """

    transfer: settings.TransferSettings
    fit: settings.FitSettings


@dataclasses.dataclass(frozen=True)
class Asked:
    """What a visitor asks for.

    Attributes:
        preset: Name of a preset.
        pictures: {option: path, `sample:NAME`, or a list of them} of the pictures.
        options: {option: value} of the others. They win over the preset's.
    """

    preset: str
    pictures: presets.Options
    options: presets.Options

    def wanted(self, limits: settings.StudioSettings) -> Wanted:
        """Returns the settings of the run.

        Raises:
            ValueError: A bad value, or more than the studio allows.
        """
        given = {**self.options, **self.pictures}
        made = Wanted(
            presets.settings_of(self.preset, given), settings.FitSettings(**presets.run_options(self.preset, given))
        )
        _check(made, limits)
        return made


def fields() -> Iterator[tuple[type[settings.Group], list[dataclasses.Field[Any]]]]:
    """Yields each group of options with those of its options that a visitor may set and that are not `AT_HAND`."""
    for kind in (settings.TransferSettings, settings.FitSettings):
        for group in settings.groups(kind):
            found = [field for field in settings.fields(group) if _is_offered(field)]
            if found:
                yield group, found


def values_of(written: Mapping[str, str]) -> presets.Options:
    """Returns {option: value} of options as a visitor has written them. Those left empty are left out.

    Raises:
        ValueError: A text that is no value of its option.
    """
    offered = [*AT_HAND, *(field.name for _, found in fields() for field in found)]
    known = {name: texts.form(presets.FIELDS[name]) for name in offered}
    values: dict[str, Any] = {}
    for name, text in written.items():
        if text.strip():
            checks.one_of("the option", name, known)
            try:
                values[name] = known[name].parse(text.strip())
            except ValueError as error:
                raise ValueError(f"{name}: {error}. Leave it empty for the preset's own.") from error
    return values


def _is_offered(field: dataclasses.Field[Any]) -> bool:
    """Returns whether a visitor may set an option: one that decides the picture, and names no file."""
    option = settings.declared(field)
    names_files = option.reads == ()
    left_out = {*AT_HAND, *_OF_THE_HOST, *_ELSEWHERE}
    return option.has_flag and option.is_recorded and not names_files and field.name not in left_out


def _check(wanted: Wanted, limits: settings.StudioSettings) -> None:
    """Raises `ValueError` for more than the studio allows, or for a name that would be a file's."""
    images, fit = wanted.transfer.images, wanted.fit
    checks.one_of("extractor", str(wanted.transfer.network.extractor), architectures.ARCHITECTURES)
    if images.init is not None:
        checks.one_of("init", str(images.init), starts.STARTS)
    if images.image_size is None:
        raise ValueError(f"image_size must be given in this studio: up to {limits.largest_size}.")
    scales = [0.0] if images.style_scale is None else np.ravel(images.style_scale)
    sides = [int(side) for side in (images.texture_size or "").lower().split("x") if side.isdecimal()]
    for name, value, most in (
        ("image_size", images.image_size, limits.largest_size),
        ("steps_per_epoch", fit.epochs * fit.steps_per_epoch, limits.most_steps),
        ("style_scale", max(scales), _MOST_STYLE_SCALE),
        ("texture_size", max(sides, default=0), limits.largest_size),
    ):
        if value > most:
            raise ValueError(f"{name} may be {most:g} at most in this studio, but {value:g} was given.")


def of_mode(asked: Asked) -> Asked:
    """Returns what is asked for without the pictures that its mode, such as `texture`, has no use for.

    Raises:
        ValueError: A picture is missing that the mode needs.
    """
    own = presets.get(asked.preset).values
    name = asked.options.get("mode", own.get("mode", "transfer"))
    mode = modes.MODES[checks.one_of("mode", name, modes.MODES)]
    declared = {field.name: settings.declared(field) for field in settings.fields(settings.ImageSettings)}
    terms = {name: declared[name].term for name in asked.pictures}
    for name, label in (("content_image", "photograph"), ("style_image", "painting")):
        if mode.has(declared[name].term or "") and name not in asked.pictures:
            raise ValueError(f"{name} is missing. Give a {label}, or click on a sample.")
    kept = {name: value for name, value in asked.pictures.items() if mode.has(terms[name] or "style")}
    return dataclasses.replace(asked, pictures=kept)
