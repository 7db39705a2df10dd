"""Presets: complete looks by name.

Each is a flagfile in this folder: comments, of which the first line says what the preset makes, then options of
`NeuralStyleTransfer` and of `fit_style_transfer`. It names no pictures and no files to write.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import pathlib
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, TypeVar

from nst_keras import checks, settings
from nst_keras.settings import texts

__all__ = [
    "DEFAULT",
    "FOLDER",
    "Preset",
    "completing",
    "get",
    "listing",
    "names",
    "options",
    "run_options",
    "settings_of",
]

# The preset of the short command.
DEFAULT = "quick"
FOLDER = pathlib.Path(__file__).parent

# {option: its value}.
Options: TypeAlias = Mapping[str, Any]
Method = TypeVar("Method", bound=Callable[..., Any])

# {mode: the loss term that it lacks}.
_LACKS = {"texture": "content", "style_reconstruction": "content", "content_reconstruction": "style"}
_TRANSFER = {field.name: field for field in settings.fields(settings.TransferSettings)}
_FIT = {field.name: field for field in settings.fields(settings.FitSettings)}

# {option: options of a preset that mean nothing where another value of it is given}.
_BELONGING = {
    "extractor": ("style_layers", "content_layers"),
    "normalization": ("style_weight", "content_weight", "var_weight"),
    "optimizer": ("learning_rate", "averaging", "lbfgs_history", "preconditioning"),
    "pyramid": ("pyramid_shares",),
    "variation": ("var_weight",),
}
# Networks whose layers have the same names.
_ALIKE = {"compact", "vgg16", "vgg19"}
# {network: what it needs}. Other names: nothing but what comes with the package.
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


# The artists' presets, from the quickest on; the papers' and the other programs' follow.
_ORDER = (DEFAULT, "photo", "painting", "bold", "color", "faithful", "poster", "texture", "gatys2015", "gatys2016")


@functools.cache
def get(name: str) -> Preset:
    """Returns the preset of this name; raises `ValueError` for an unknown one."""
    lines = (FOLDER / f"{checks.one_of('preset', name, names())}.flags").read_text(encoding="utf-8").splitlines()
    summary = lines[0].removeprefix("# ")
    return Preset(name, summary, dict(_option(line) for line in lines if line.startswith("--")))


def options(name: str, given: Options) -> Options:
    """Returns {option: value} of a preset's options and of those given, which win.

    Options of a preset that have no meaning with what is given are left out: those of a term that the `mode` lacks,
    layers of another `extractor`, weights of another `normalization`, rates of another `optimizer`. Sizes of a preset's
    `pyramid` follow a given `image_size` in proportion.

    Args:
        name: The preset's name.
        given: {option: value}.

    Raises:
        ValueError: An unknown name.
    """
    own = get(name).values
    lacking = _LACKS.get(str({**own, **given}.get("mode")))
    replaced = [option for option in _BELONGING if option in given and not _is_alike(given[option], own.get(option))]
    left_out = {belonging for option in replaced for belonging in _BELONGING[option]}
    left_out |= {option for option in own if lacking and _term(option) == lacking}
    kept = {option: value for option, value in own.items() if option not in left_out}
    return {**kept, **_resized(own, given), **given}


def _resized(own: Options, given: Options) -> Options:
    """Returns {"pyramid": sizes of a preset's stages for a given `image_size`}; {} if they stay, or are no sizes."""
    sizes, before, size = own.get("pyramid"), own.get("image_size"), given.get("image_size")
    if not isinstance(sizes, list) or not isinstance(before, int) or not isinstance(size, int):
        return {}
    return {"pyramid": [max(1, round(side * size / before)) for side in sizes]}


def _is_alike(given: Any, own: Any) -> bool:
    """Returns whether options that belong to a preset's own value keep their meaning with a given one."""
    names = {given, own} if isinstance(given, str) and isinstance(own, str) else set[str]()
    return given is own or len(names) == 1 or (bool(names) and names <= _ALIKE)


def settings_of(name: str, given: Options) -> settings.TransferSettings:
    """Returns the settings of a transfer with a preset's look.

    Args:
        name: The preset's name.
        given: {option of a transfer or of a run: its value}. They win over the preset's.

    Raises:
        ValueError: An unknown preset or option, or a bad value (or `TypeError`).
    """
    for option in given:
        checks.one_of("from_preset: the option", option, [*_FIT, *_TRANSFER])
    chosen = {**{option: field.default for option, field in _TRANSFER.items()}, **options(name, given)}
    return settings.built(settings.TransferSettings, chosen.__getitem__)


def run_options(name: str, given: Options) -> Options:
    """Returns {option of a run: its value} of a preset and of what is given.

    Raises:
        ValueError: A bad value, or an unknown preset.
    """
    chosen = {option: value for option, value in options(name, given).items() if option in _FIT}
    settings.FitSettings(**chosen)  # Raises for a bad value.
    return chosen


def listing() -> str:
    """Returns a line for each preset: its name, what it makes and what it needs."""
    found = [get(name) for name in names()]
    names_width, needs_width = (max(map(len, texts)) for texts in zip(*((p.name, p.needs) for p in found), strict=True))
    return "\n".join(f"{p.name:{names_width}}  {p.needs:{needs_width}}  {p.summary}" for p in found)


def completing(method: Method) -> Method:
    """Returns a method that takes options which a call leaves out from its object's preset.

    The object has them as `preset_run`, {option: value}; an object without a preset has {}.
    """
    signature = inspect.signature(method)

    @functools.wraps(method)
    def completed(self: Any, *args: Any, **kwargs: Any) -> Any:
        given = signature.bind(self, *args, **kwargs).arguments
        return method(self, *args, **kwargs, **{name: v for name, v in self.preset_run.items() if name not in given})

    return completed  # pyright: ignore[reportReturnType]


def _option(line: str) -> tuple[str, Any]:
    """Returns (name, value) of the option that a line `--name=value` or `--name` sets."""
    name, equals, text = line.removeprefix("--").partition("=")
    return name, texts.form(_field(name)).parse(text) if equals else True


def _term(name: str) -> str | None:
    """Returns the loss term that an option belongs to; None for those of no single term."""
    return settings.declared(_field(name)).term


def _field(name: str) -> dataclasses.Field[Any]:
    """Returns the field that declares an option."""
    return {**_TRANSFER, **_FIT}[name]
