"""The pairs of a batch, each with all of its settings. Nothing here needs TensorFlow."""

from __future__ import annotations

import contextlib
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from nst_keras import presets, settings
from nst_keras.cli import flags
from nst_keras.cli.batch import naming, storage
from nst_keras.cli.batch import pairs as pairs_lib
from nst_keras.cli.batch import rows as rows_lib
from nst_keras.export import record
from nst_keras.settings import modes, paths

__all__ = ["planned"]

_SEED = 0  # Without one of the user's, so that a batch that goes on makes the pictures that it would have made.


def planned(given: presets.Options, batch: settings.BatchSettings) -> list[pairs_lib.Pair]:
    """Returns the pairs of a batch, in the order in which they are given.

    A pair with a bad option has a problem. What is wrong with all pairs is raised.

    Args:
        given: {option: value} of a run's options that are given. `content_image` and `style_image` name all pictures,
            and `output` is a template.
        batch: The options of the batch.

    Raises:
        ValueError: No pictures, a bad template or table, an unknown preset, or options that contradict each other.
        TypeError: Pictures that are no names.
        OSError: A picture, folder or table is missing.
    """
    _check_together(given, batch)
    rows = rows_lib.rows(given, batch)
    names = naming.names(rows, given)
    common = _common_texts(given)
    made = [
        _pair(number, row._replace(problem=row.problem or named.problem), named.files, given, batch)._replace(
            common_texts=common
        )
        for number, (row, named) in enumerate(zip(rows, names, strict=True), 1)
    ]
    return _checked(made, batch)


def _common_texts(given: presets.Options) -> dict[str, str]:
    """Returns {option: text} of the options that a table may give, as all pairs have them."""
    left_out = {*naming.FILES, *pairs_lib.INPUTS}
    found: dict[str, str] = {}
    for name in rows_lib.OF_ROWS:
        if name in given and name not in left_out:
            with contextlib.suppress(AttributeError, TypeError, ValueError):  # What Python gives may have no text.
                found[name] = flags.form_of(name).text(given[name])
    return found


def _check_together(given: presets.Options, batch: settings.BatchSettings) -> None:
    """Raises `ValueError` for options that have no effect with each other."""
    for name in ("workers", "worker_cpus"):
        if getattr(batch, name) is not None and batch.ray_address is None:
            raise ValueError(f"{name} has no effect without ray_address: one process makes the pictures. Give both.")
    if batch.size_buckets is not None and given.get("size_step") is not None:
        raise ValueError("size_buckets and size_step both round the pictures' sizes. Give one of them.")


def _pair(
    number: int,
    row: rows_lib.Row,
    names: Mapping[str, str],
    given: presets.Options,
    batch: settings.BatchSettings,
) -> pairs_lib.Pair:
    """Returns a pair with its settings, or with the problem that they have.

    Args:
        number: Its number.
        row: What is asked for.
        names: {kind of file: name} of the files that it writes.
        given: {option: value} of the options for all pairs.
        batch: The options of the batch.
    """
    own = {name: value for name, value in row.own.items() if name not in naming.FILES}
    asked, problem, texts = None, row.problem, dict[str, str]()
    options = {name: value for name, value in {**given, **own}.items() if name not in ("compare", *naming.FILES)}
    options |= {"content_image": row.content, "style_image": row.style, **names}
    if not problem:
        try:
            _check_pictures(options)
            options = _complete(options, batch)
            asked = _settings(options)
            texts = _texts(options)
        except (ValueError, TypeError, OSError) as error:
            problem = str(error)
    return pairs_lib.Pair(number, row.content, row.style, own, row.own_texts, {}, dict(names), asked, texts, problem)


def _complete(options: presets.Options, batch: settings.BatchSettings) -> presets.Options:
    """Returns the options of a pair with those of its preset, the rounding of its size, and absolute paths."""
    asked = {name: value for name, value in options.items() if name not in pairs_lib.INPUTS or value is not None}
    asked = {"seed": _SEED, **asked}
    whole = presets.options(asked["preset"], asked) if asked.get("preset") else asked
    if batch.size_buckets is not None:
        longest = whole.get("image_size", settings.ImageSettings().image_size)
        if not isinstance(longest, int):
            raise ValueError(f"size_buckets needs an image_size in pixels, but {longest!r} was given.")
        whole = {**whole, "size_step": max(1, longest // (2 * batch.size_buckets))}
    return {name: _absolute(name, value) for name, value in whole.items()}


def _settings(options: presets.Options) -> settings.JobSettings:
    """Returns the settings of a pair's run; raises `ValueError` for a bad option."""
    defaults = {field.name: field.default for field in settings.fields(settings.JobSettings)}
    made = settings.built(settings.JobSettings, {**defaults, **options}.__getitem__)
    modes.get(made.transfer.losses.mode, made.transfer.images, made.transfer.losses)
    modes.get(made.transfer.losses.mode, made.fit)
    return made


def _check_pictures(options: presets.Options) -> None:
    """Raises an error for a picture that is no name, is missing, or is a folder in the place of a photograph."""
    for name in pairs_lib.PICTURES:
        for one in pairs_lib.listed(options.get(name)):
            if not isinstance(one, (str, os.PathLike)):
                raise TypeError(f"{name} must be the name of a picture, but {type(one).__name__} was given.")
            if storage.is_remote(one) or one in record.INPUTS[name]:
                continue
            if paths.is_missing(os.fspath(one)):
                raise FileNotFoundError(paths.missing(name, os.fspath(one)))
            if name == "content_image" and paths.is_folder(one):
                raise IsADirectoryError(f"{name}: {one!r} is a folder. A row of a table names one photograph.")


def _absolute(name: str, value: Any) -> Any:
    """Returns a value with absolute paths in the place of files' names: workers have other current folders."""
    if name not in record.INPUTS or value is None or (isinstance(value, str) and value in record.INPUTS[name]):
        return value
    if isinstance(value, list):
        return [_absolute(name, one) for one in value]
    path = os.path.expanduser(paths.local(value))
    return os.path.abspath(path) if os.path.exists(path) else value


def _texts(options: presets.Options) -> dict[str, str]:
    """Returns {flag: text} of the options that decide the picture, by which it is found to be made already."""
    known = record.recorded_options()
    found = {name: record.resolved(name, value) for name, value in options.items() if name in known}
    return {name: flags.form_of(name).text(value) for name, value in sorted(found.items())}


def _checked(made: Sequence[pairs_lib.Pair], batch: settings.BatchSettings) -> list[pairs_lib.Pair]:
    """Returns the pairs. Those with a file that cannot have its name get a problem.

    Raises:
        ValueError: All pairs have the same problem, and it stands in no table.
    """
    folder = None if storage.is_remote(batch.output_dir) else pathlib.Path(os.path.expanduser(batch.output_dir))
    read = [path for pair in made if pair.asked is not None for path in record.input_files(_inputs(pair.asked))]
    problems = naming.problems([pair for pair in made if not pair.problem], folder, read)
    every = [pair._replace(problem=problems.get(pair.number, pair.problem)) for pair in made]
    shared = {pair.problem for pair in every}
    if batch.pairs is None and len(shared) == 1 and "" not in shared:
        raise ValueError(shared.pop())  # It is no fault of a pair.
    return every


def _inputs(asked: settings.JobSettings) -> presets.Options:
    return settings.values(asked.transfer)
