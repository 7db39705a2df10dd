"""What the command line answers without a run: --help, --helpfull, --version, --completion and --preset=list."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import Any

from absl import flags as absl_flags

import nst_keras
from nst_keras import presets, settings
from nst_keras.cli import completion
from nst_keras.settings import docstrings

__all__ = ["SECTIONS", "answer", "define", "short"]

# {section of --help: its flags}. --helpfull has the others.
SECTIONS: dict[str, tuple[str, ...]] = {
    "Look": (
        *("preset", "strength", "style_weight", "content_weight", "var_weight", "style_scale", "style_layer_scheme"),
        *("style_statistic", "preserve_color", "extractor", "mode"),
    ),
    "Pictures": ("image_size", "enlarge", "style_blend", "style_mask", "content_mask", "init"),
    "Steps": ("steps_per_epoch", "pyramid", "optimizer", "learning_rate"),
    "Files": (
        *("output", "overwrite", "output_size", "animation", "frame_interval", "contact_sheet", "loss_plot", "compare"),
        *("checkpoint_dir", "resume"),
    ),
    "Display": ("show_image", "preview", "quiet"),
    "Machine": ("precision", "tile_size", "jit_compile", "xla_cache", "seed"),
}
_TITLE = "Help"


def define(values: absl_flags.FlagValues) -> None:
    """Defines the flags that ask for an answer in place of a run."""
    for name, text in {
        "help": "Shows how the command is used, and its most used flags.",
        "helpfull": "Shows all flags.",
        "version": "Shows the versions of nst_keras and of what it runs on.",
    }.items():
        short = "h" if name == "help" else None
        absl_flags.DEFINE_bool(name, False, text, short_name=short, flag_values=values, module_name=_TITLE)
    absl_flags.DEFINE_enum(
        "completion",
        None,
        completion.SHELLS,
        "Prints the script by which a shell completes flags. Its first lines say where to put it.",
        flag_values=values,
        module_name=_TITLE,
    )


def answer(values: absl_flags.FlagValues, usage: str) -> str | None:
    """Returns what the flags ask for in place of a run; None if they ask for a run.

    Args:
        values: The parsed flags.
        usage: How the command is used.

    Raises:
        ImportError: The script for a shell needs a package that is missing.
    """
    if values["help"].value:
        more = "--helpfull shows all flags, --preset=list all looks, --version the versions."
        return f"{usage}\n\n{short(SECTIONS, settings.JobSettings)}\n{more}"
    if values["helpfull"].value:
        return f"{usage}\n\n{_full_help(values)}"
    if values["version"].value:
        return _versions()
    if values["completion"].value:
        return completion.script(values["completion"].value)
    return presets.listing() if values["preset"].value == "list" else None


def short(sections: Mapping[str, Sequence[str]], *kinds: type[Any]) -> str:
    """Returns a line for each of the most used flags: the first sentence of its help.

    Args:
        sections: {section: its flags}.
        kinds: Dataclasses of groups of options, which declare the flags. The first that has one counts.
    """
    groups = [group for kind in kinds[::-1] for group in settings.groups(kind)]
    helps = {name: text for group in groups for name, text in settings.helps(group).items()}
    lines = [
        line
        for section, names in sections.items()
        for line in (f"{section}:", *(f"  --{name:19}{_first_sentence(helps[name])}" for name in names))
    ]
    return "\n".join(lines)


def _first_sentence(text: str) -> str:
    """Returns the first sentence of a help text, without its full stop and marks."""
    return text.partition(". ")[0].rstrip(".").replace("`", "")


def _full_help(values: absl_flags.FlagValues) -> str:
    """Returns all flags with their help, group by group, and what a run writes and returns."""
    own = docstrings.of(sys.modules["nst_keras.cli.command"]).partition("\n\n")[2]
    titles = dict.fromkeys([*(group.title for group in settings.groups(settings.JobSettings)), _TITLE])
    defaults = "Defaults are those of a run without a preset."
    return "\n\n".join([own, defaults, *(values.module_help(title).strip() for title in titles)])


def _versions() -> str:
    """Returns the versions of the package and of what it runs on."""
    found: dict[str, Any] = {name: metadata.version(name) for name in ("tensorflow", "keras", "numpy")}
    on = ", ".join(f"{name} {version}" for name, version in {**found, "python": platform.python_version()}.items())
    return f"nst_keras {nst_keras.__version__} ({on})"
