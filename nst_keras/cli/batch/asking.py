"""A batch as Python asks for it. Nothing here needs TensorFlow."""

from __future__ import annotations

import contextlib

from nst_keras import checks, presets, settings
from nst_keras.cli import output, signals
from nst_keras.cli.batch import rows, running
from nst_keras.cli.batch.report import values

__all__ = ["run"]


def run(batch: settings.BatchSettings, options: presets.Options) -> values.Report:
    """Runs a batch, and returns what has become of each pair. See `nst_keras.batch.run`."""
    for name in options:
        checks.one_of("batch.run: the option", name, rows.OPTIONS)
    with contextlib.closing(running.Batch(options, batch)) as made, signals.StopSignals() as ending:
        if not batch.dry_run:
            ending.keeping = lambda: True  # Ctrl-C asks the run to stop, and does not break into it.
            try:
                made.run(lambda: ending.count)
            finally:
                problems = made.write() if made.outcomes else []
            for problem in problems:
                output.say(problem, 0)
        return made.report
