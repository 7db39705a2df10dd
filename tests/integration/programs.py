"""Runs programs one after the other in one process, which imports TensorFlow once.

    python -m tests.integration.programs < runs.json

Reads {name: [path, argument, ...]}. Prints {name: [exit status or traceback, what it printed]} as its last line.
"""

from __future__ import annotations

import contextlib
import io
import json
import runpy
import sys
import traceback

from absl import app, flags

from nst_keras.runtime import lean

__all__ = ["done"]


def done(path: str, *arguments: str) -> tuple[int | str | None, str]:
    """Runs a program as `python PATH ARGUMENT...` does; takes its flags away again, for the next to define its own.

    Returns:
        Its exit status, None for success, or the traceback of an error; and what it printed, errors too.
    """
    before, printed, usual = set(flags.FLAGS), io.StringIO(), (sys.argv, sys.path)
    sys.argv, sys.path = [path, *arguments], [path.rpartition("/")[0], *sys.path]
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            runpy.run_path(path, run_name="__main__")
        status = None
    except SystemExit as end:
        status = end.code
    except Exception:
        status = traceback.format_exc()
    finally:
        sys.argv, sys.path = usual
        for name in set(flags.FLAGS) - before:
            delattr(flags.FLAGS, name)
    return status, printed.getvalue()


if __name__ == "__main__":
    lean.allow()
    lean.load()
    app.define_help_flags()
    print(json.dumps({name: done(*command) for name, command in json.load(sys.stdin).items()}))
