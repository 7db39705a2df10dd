"""A batch as Python asks for it. Nothing here needs TensorFlow."""

from __future__ import annotations

import contextlib

from nst_keras import checks, presets, settings
from nst_keras.cli import output
from nst_keras.cli.batch import planning, running
from nst_keras.cli.batch.report import values

__all__ = ["run"]


def run(options: presets.Options, output_dir: str) -> values.Report:
    """Runs a batch, and returns what has become of each pair. See `nst_keras.batch.run`."""
    own = {field.name for field in settings.fields(settings.BatchSettings)}
    for name in options:
        checks.one_of("batch.run: the option", name, [*planning.OPTIONS, *own])
    given = {name: value for name, value in options.items() if name not in own and value is not None}
    asked = settings.BatchSettings(
        output_dir=output_dir, **{name: value for name, value in options.items() if name in own}
    )
    with contextlib.closing(running.Batch(given, asked)) as batch:
        if not asked.dry_run:
            batch.run()
            for problem in batch.write():
                output.say(problem, 0)
        return batch.report
