"""The pairs of a batch, each with all of its settings. Nothing here needs TensorFlow."""

from __future__ import annotations

import itertools
import os
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from nst_keras import presets, settings
from nst_keras.cli import comparing, flags
from nst_keras.cli.batch import expanding, naming, storage, table
from nst_keras.cli.batch import pairs as pairs_lib
from nst_keras.export import record
from nst_keras.settings import modes, paths
from nst_keras.sweeps import variation

__all__ = ["NOT_HERE", "OPTIONS", "planned"]

# Options of one run that mean nothing in a batch, which shows no picture and begins each pair anew.
NOT_HERE = (*variation.OF_ONE_RUN, "show_image", "show_interval", "preview", "callbacks", "verbose", "strategy")
# {option of a pair: its field}.
OPTIONS = {field.name: field for field in settings.fields(settings.JobSettings) if field.name not in NOT_HERE}
# Options of the whole batch, which no row of a table gives.
_OF_BATCH = ("preset", "quiet", "xla_cache", "debug", "compare", "overwrite")
_TEMPLATES = ("output", "animation", "contact_sheet", "loss_plot")
_SEED = 0  # Without one of the user's, so that a batch that goes on makes the pictures that it would have made.


class _Entry(NamedTuple):
    """A pair before its settings are made."""

    content: str | None
    style: str | list[str] | None
    own: presets.Options
    settings_text: str
    problem: str


def planned(given: presets.Options, batch: settings.BatchSettings) -> list[pairs_lib.Pair]:
    """Returns the pairs of a batch, in the order in which they are given.

    A pair with a bad option has a problem. What is wrong with all pairs is raised.

    Args:
        given: {option: value} of a run's options that are given. `content_image` and `style_image` name all pictures,
            and `output` is a template.
        batch: The options of the batch.

    Raises:
        ValueError: No pictures, a bad template or table, or an unknown preset.
        TypeError: Pictures that are no names.
        OSError: A picture, folder or table is missing.
    """
    entries = _entries(given, batch)
    templates = _templates(given, entries)
    called = naming.titles(entry.content for entry in entries if entry.content is not None)
    styled = naming.titles(name for entry in entries for name in _list(entry.style))
    made: list[pairs_lib.Pair] = []
    for number, entry in enumerate(entries, 1):
        parts = {
            "content": called.get(entry.content or "", ""),
            "style": "_".join(styled[name] for name in _list(entry.style)),
            "settings": entry.settings_text,
            "number": f"{number:0{len(str(len(entries)))}}",
        }
        names = {name: _name(name, entry.own.get(name, template), parts) for name, template in templates.items()}
        made.append(_pair(number, entry, given, names, batch))
    return _checked(made, batch)


def _entries(given: presets.Options, batch: settings.BatchSettings) -> list[_Entry]:
    """Returns every row of the table, or one empty row, with every picture that it does not name, and every setting."""
    rows = [table.Row({})] if batch.pairs is None else table.read(batch.pairs, [*_of_rows(), *table.ALIASES])
    grid = _grid(given.get("compare"))
    columns = {name for row in rows for name in row.values}
    whole: dict[str, list[Any]] = {}
    for name in ("content_image", "style_image"):
        if given.get(name) is not None:
            if batch.pairs is not None and name in columns:
                raise ValueError(f"{name} is given twice: as --{name} and as a column of the table. Leave one out.")
            whole[name] = expanding.pictures(name, given[name], recursive=batch.recursive)
    found: list[_Entry] = []
    for row in rows:
        contents = (
            [row.values["content_image"]] if "content_image" in row.values else whole.get("content_image", [None])
        )
        styles = [row.values["style_image"]] if "style_image" in row.values else whole.get("style_image", [None])
        own = {name: value for name, value in row.values.items() if name not in ("content_image", "style_image")}
        for content, style, one in itertools.product(contents, styles, grid):
            varied: presets.Options = {} if one is None else one.values
            text = "" if one is None else one.file_stem()
            found.append(_Entry(content, style, {**own, **varied}, text, row.problem))
    if not any(entry.content or entry.style for entry in found):
        raise ValueError(
            "neither content_image nor style_image is given. Name files or folders, or a table with pairs."
        )
    return found


def _grid(compare: Any) -> Sequence[variation.Combination | None]:
    """Returns the combinations of the options that vary; None alone if none does."""
    if not compare:
        return [None]
    is_text = isinstance(compare, str)
    return variation.combinations(
        comparing.vary_of(compare) if is_text else variation.checked(compare, argument="compare")
    )


def _of_rows() -> list[str]:
    """Returns the options that a row of a table may give."""
    return [name for name in OPTIONS if name not in _OF_BATCH]


def _templates(given: presets.Options, entries: Sequence[_Entry]) -> dict[str, str]:
    """Returns {output: template of its names} of the files that each pair writes."""
    parts = {
        "content": any(entry.content for entry in entries),
        "style": any(entry.style for entry in entries),
        "settings": any(entry.settings_text for entry in entries),
    }
    usual = "_".join(f"{{{part}}}" for part, is_there in parts.items() if is_there) + ".png"
    found = {name: given[name] for name in _TEMPLATES if given.get(name)}
    found = {"output": usual, **found}
    for name, template in found.items():
        naming.check_template(name, template)
    return found


def _name(argument: str, template: str, parts: Mapping[str, object]) -> str:
    """Returns a file's name, without what empty parts leave: `{content}_{style}.png` in a mode without content."""
    name = naming.filled(template, parts)
    path = pathlib.PurePosixPath(name)
    return path.with_name(f"{path.stem.strip('_') or argument}{path.suffix}").as_posix()


def _pair(
    number: int, entry: _Entry, given: presets.Options, names: Mapping[str, str], batch: settings.BatchSettings
) -> pairs_lib.Pair:
    """Returns a pair with its settings, or with the problem that they have."""
    own = {name: value for name, value in entry.own.items() if name not in _TEMPLATES}
    asked, problem = None, entry.problem
    options = {**given, **own, "content_image": entry.content, "style_image": entry.style, **names}
    options = {name: value for name, value in options.items() if value is not None and name != "compare"}
    if not problem:
        try:
            naming.check_template("output", names["output"])
            _check_pictures(options)
            options = {name: _absolute(name, value) for name, value in options.items()}
            if batch.size_buckets is not None:
                options["size_step"] = _size_step(options, batch.size_buckets)
            asked = _settings(options)
        except (ValueError, TypeError, OSError) as error:
            problem = str(error)
    texts = {} if asked is None else _texts(options)
    return pairs_lib.Pair(number, entry.content, entry.style, own, names["output"], asked, texts, problem)


def _settings(options: presets.Options) -> settings.JobSettings:
    """Returns the settings of a pair's run; raises `ValueError` for a bad option."""
    defaults = {field.name: field.default for field in settings.fields(settings.JobSettings)}
    values = {**defaults, "seed": _SEED, **_with_preset(options)}
    made = settings.built(settings.JobSettings, values.__getitem__)
    modes.get(made.transfer.losses.mode, made.transfer.images, made.transfer.losses)
    modes.get(made.transfer.losses.mode, made.fit)
    return made


def _with_preset(options: presets.Options) -> presets.Options:
    return presets.options(options["preset"], options) if options.get("preset") else options


def _size_step(options: presets.Options, buckets: int) -> int:
    """Returns the pixels of which sides are multiples, for this many lengths from half the longest side on."""
    longest = _with_preset(options).get("image_size") or settings.ImageSettings().image_size or 1
    return max(1, longest // (2 * buckets))


def _check_pictures(options: presets.Options) -> None:
    """Raises an error for a file of this machine that is missing, or a folder in the place of the content image."""
    for name in ("content_image", "style_image", "style_mask", "content_mask", "init"):
        for one in _list(options.get(name)):
            if storage.is_remote(one) or one in record.INPUTS[name]:
                continue
            if paths.is_missing(one):
                raise FileNotFoundError(paths.missing(name, one))
            if name == "content_image" and paths.is_folder(one):
                raise IsADirectoryError(f"{name}: {one!r} is a folder. A row of a table names one photograph.")


def _absolute(name: str, value: Any) -> Any:
    """Returns a value with absolute paths in the place of files' names: workers have other current folders."""
    if name not in record.INPUTS or value in record.INPUTS[name]:
        return value
    if isinstance(value, list):
        return [_absolute(name, one) for one in value]
    path = os.path.expanduser(paths.local(value))
    return os.path.abspath(path) if os.path.exists(path) else value


def _texts(options: presets.Options) -> dict[str, str]:
    """Returns {flag: text} of the options that decide the picture, with absolute paths."""
    known = record.recorded_options()
    found = {name: record.resolved(name, value) for name, value in options.items() if name in known}
    found |= {"preset": options["preset"]} if options.get("preset") else {}
    return {name: flags.form_of(name).text(value) for name, value in sorted(found.items())}


def _checked(made: Sequence[pairs_lib.Pair], batch: settings.BatchSettings) -> list[pairs_lib.Pair]:
    """Returns the pairs, those whose picture cannot have its name with a problem.

    Raises:
        ValueError: All pairs have the same problem, and it stands in no table.
    """
    folder = None if storage.is_remote(batch.output_dir) else pathlib.Path(batch.output_dir).expanduser()
    read = [name for pair in made for name in [pair.content, *pair.styles] if name and not storage.is_remote(name)]
    outputs = {pair.number: pair.output for pair in made if not pair.problem}
    problems = naming.problems(outputs, folder, _files(read))
    every = [pair._replace(problem=problems.get(pair.number, pair.problem)) for pair in made]
    if len(shared := {pair.problem for pair in every}) == 1 and "" not in shared and batch.pairs is None:
        raise ValueError(shared.pop())  # It is no fault of a pair.
    return every


def _files(names: Iterable[str]) -> list[str]:
    return [name for name in dict.fromkeys(names) if os.path.isfile(os.path.expanduser(paths.local(name)))]


def _list(value: Any) -> list[str]:
    return value if isinstance(value, list) else [] if value is None else [value]
