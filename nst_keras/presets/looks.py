"""Presets by name, read from the flagfiles in this folder."""

from __future__ import annotations

import dataclasses
import functools
import pathlib
from collections.abc import Mapping
from typing import Any, TypeAlias

from nst_keras import checks, settings
from nst_keras.settings import texts

__all__ = ["DEFAULT", "FIELDS", "FOLDER", "Options", "Preset", "get", "listing", "names"]

# The preset of the short command.
DEFAULT = "quick"
FOLDER = pathlib.Path(__file__).parent

# {option: its value}.
Options: TypeAlias = Mapping[str, Any]

# {option that a preset may set: the field that declares it}.
FIELDS = {
    field.name: field for kind in (settings.TransferSettings, settings.FitSettings) for field in settings.fields(kind)
}

# The artists' presets, from the quickest on. The papers' and other programs' follow.
_ORDER = (DEFAULT, "photo", "painting", "bold", "color", "faithful", "poster", "texture", "gatys2015", "gatys2016")
# {network: what it needs}. Other networks need nothing but what comes with the package.
_NEEDS = {
    "vgg19": "VGG19's weights (80 MB)",
    "vgg16": "VGG16's weights (59 MB)",
    "inception_v3": "InceptionV3's weights (88 MB)",
}


@dataclasses.dataclass(frozen=True)
class Preset:
    """A preset.

    Attributes:
        name: Its name.
        summary: What it makes, in one sentence.
        values: {option: value} of the options that it sets.
    """

    name: str
    summary: str
    values: Options

    @property
    def needs(self) -> str:
        """What must be there, or is downloaded at the first use."""
        return _NEEDS.get(str(self.values.get("extractor", "vgg19")), "no download")


def names() -> list[str]:
    """Returns the names of all presets, the one of the short command first."""
    found = {path.stem for path in FOLDER.glob("*.flags")}
    return [name for name in _ORDER if name in found] + sorted(found.difference(_ORDER))


def get(name: str) -> Preset:
    """Returns the preset of this name; raises `ValueError` for an unknown one."""
    return _read(checks.one_of("preset", name, names()))


@functools.cache
def _read(name: str) -> Preset:
    """Returns a preset from its flagfile."""
    lines = (FOLDER / f"{name}.flags").read_text(encoding="utf-8").splitlines()
    summary = lines[0].removeprefix("# ")
    return Preset(name, summary, dict(_option(line) for line in lines if line.startswith("--")))


def listing() -> str:
    """Returns a line for each preset: its name, what it makes and what it needs."""
    found = [get(name) for name in names()]
    broad, needing = (max(len(getattr(one, column)) for one in found) for column in ("name", "needs"))
    return "\n".join(f"{one.name:{broad}}  {one.needs:{needing}}  {one.summary}" for one in found)


def _option(line: str) -> tuple[str, Any]:
    """Returns (name, value) of the option that a line `--name=value` or `--name` sets."""
    name, equals, text = line.removeprefix("--").partition("=")
    return name, texts.form(FIELDS[name]).parse(text) if equals else True
