"""A preset together with what the user gives, which wins."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from nst_keras import checks, settings
from nst_keras.presets import looks
from nst_keras.settings import modes

__all__ = ["completing", "options", "run_options", "settings_of", "void_with"]

Method = TypeVar("Method", bound=Callable[..., Any])

# {option: options of a preset that mean nothing where another value of it is given}.
_VOID_WITH = {
    "extractor": ("style_layers", "content_layers", "padding", "pooling"),
    "normalization": ("style_weight", "content_weight", "var_weight"),
    "optimizer": ("learning_rate", "averaging", "lbfgs_history", "preconditioning"),
    "pyramid": ("pyramid_shares",),
    "variation": ("var_weight",),
}
# Networks whose layers have the same names.
_SAME_LAYER_NAMES = {"compact", "compact_v2", "vgg16", "vgg19"}


def options(name: str, given: looks.Options, *, varied: Iterable[str] = ()) -> looks.Options:
    """Returns {option: value} of a preset's options and of those given, which win.

    Options of a preset that have no meaning with what is given are left out: those of a term that the `mode` lacks,
    layers of another `extractor`, weights of another `normalization`, rates of another `optimizer`. Sizes of a preset's
    `pyramid` follow a given `image_size` in proportion.

    Args:
        name: The preset's name.
        given: {option: value}.
        varied: Options that take other values later, in a comparison.

    Raises:
        ValueError: An unknown name.
    """
    own = looks.get(name).values
    mode = modes.MODES.get({"mode": "transfer", **own, **given}["mode"], modes.MODES["transfer"])
    replaced = [option for option in _VOID_WITH if option in given and not _is_alike(given[option], own.get(option))]
    left_out = void_with([*replaced, *varied])
    left_out |= {option for option in own if (term := _term(option)) and not mode.has(term)}
    kept = {option: value for option, value in own.items() if option not in left_out}
    return {**kept, **_resized(own, given), **given}


def void_with(replaced: Iterable[str]) -> set[str]:
    """Returns the options of a preset that mean nothing where these options take other values."""
    return {void for option in replaced for void in _VOID_WITH.get(option, ())}


def _resized(own: looks.Options, given: looks.Options) -> looks.Options:
    """Returns {"pyramid": sizes of a preset's stages for a given `image_size`}; {} if they stay, or are no sizes."""
    sizes, before, size = own.get("pyramid"), own.get("image_size"), given.get("image_size")
    if not isinstance(sizes, list) or not isinstance(before, int) or not isinstance(size, int):
        return {}
    return {"pyramid": [max(1, round(side * size / before)) for side in sizes]}


def _is_alike(given: Any, own: Any) -> bool:
    """Returns whether options that belong to a preset's own value keep their meaning with a given one."""
    names = {given, own} if isinstance(given, str) and isinstance(own, str) else set[str]()
    return given is own or len(names) == 1 or (bool(names) and names <= _SAME_LAYER_NAMES)


def settings_of(name: str, given: looks.Options) -> settings.TransferSettings:
    """Returns the settings of a transfer with a preset's look.

    Args:
        name: The preset's name.
        given: {option of a transfer or of a run: its value}. They win over the preset's.

    Raises:
        ValueError: An unknown preset or option, or a bad value (or `TypeError`).
    """
    for option in given:
        checks.one_of("from_preset: the option", option, looks.FIELDS)
    chosen = {**{option: field.default for option, field in looks.FIELDS.items()}, **options(name, given)}
    return settings.built(settings.TransferSettings, chosen.__getitem__)


def run_options(name: str, given: looks.Options) -> looks.Options:
    """Returns {option of a run: its value} of a preset and of what is given.

    Raises:
        ValueError: A bad value, or an unknown preset.
    """
    of_a_run = {field.name for field in settings.fields(settings.FitSettings)}
    chosen = {option: value for option, value in options(name, given).items() if option in of_a_run}
    settings.FitSettings(**chosen)  # Raises for a bad value.
    return chosen


def completing(method: Method) -> Method:
    """Returns a method that takes options which a call leaves out from its object's preset.

    The object has them as `preset_run`, {option: value}; an object without a preset has {}.
    """
    signature = inspect.signature(method)

    @functools.wraps(method)
    def completed(self: Any, *args: Any, **kwargs: Any) -> Any:
        """Calls the method."""
        try:
            given = signature.bind(self, *args, **kwargs).arguments
        except TypeError:  # The call itself says it better.
            return method(self, *args, **kwargs)
        return method(self, *args, **kwargs, **{name: v for name, v in self.preset_run.items() if name not in given})

    return completed  # pyright: ignore[reportReturnType]


def _term(option: str) -> str | None:
    """Returns the loss term that an option belongs to; None for those of no single term."""
    return settings.declared(looks.FIELDS[option]).term
