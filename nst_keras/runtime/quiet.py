"""Imports TensorFlow without its log lines. This module imports neither Keras nor TensorFlow.

TensorFlow's C++ code writes lines about oneDNN, CUDA and XLA to standard error. Most of them obey a variable of the
environment, which is set here if the user has not set it. Those that are written while TensorFlow is loaded do not:
standard error is held back meanwhile, and then everything but these lines is written.
"""

from __future__ import annotations

import contextlib
import importlib.machinery
import os
import re
import sys
import tempfile
import types
from collections.abc import Generator, Sequence

__all__ = ["VARIABLE", "install", "without_log_lines"]

VARIABLE = "TF_CPP_MIN_LOG_LEVEL"
_SILENT = "3"  # Its value for no lines at all. A process started from a quiet one inherits it.

_LOG_LINE = re.compile(
    rb"^(?:[IWEF]\d{4} \d\d:\d\d:[\d.]+ +\d+ [^\s:]+:\d+\] "  # abseil's
    rb"|\d{4}-\d\d-\d\d \d\d:\d\d:[\d.]+: [IWEF] [^\s:]+:\d+\] "  # TensorFlow's own
    rb"|WARNING: All log messages before absl::InitializeLog"
    rb"|To enable the following instructions: "
    rb"|Skipping registering GPU devices).*\n?",
    re.MULTILINE,
)


def install() -> None:
    """Makes the first import of TensorFlow write no log line, neither then nor later in this process.

    What other code writes to standard error meanwhile is written once TensorFlow is loaded. Nothing changes if the
    environment has a log level by then, such as `TF_CPP_MIN_LOG_LEVEL=0`, which shows every line, or if TensorFlow is
    imported already.
    """
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


def without_log_lines(text: bytes) -> bytes:
    r"""Returns a text without the lines that are TensorFlow's log.

    >>> without_log_lines(b"I0000 00:00:1795819085.06   29002 port.cc:153] oneDNN is on.\nUserWarning: mine\n")
    b'UserWarning: mine\n'
    """
    return _LOG_LINE.sub(b"", text)


class _Finder:
    """Finds TensorFlow as Python does, with a loader that holds back standard error. It finds nothing else."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Returns how TensorFlow is loaded quietly; None for other modules, and where the user has set a log level."""
        if fullname != "tensorflow" or os.environ.get(VARIABLE, _SILENT) != _SILENT:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            spec.loader = _Loader(fullname, spec.loader.path)
        return spec


class _Loader(importlib.machinery.SourceFileLoader):
    """Loads a module without its log lines."""

    def exec_module(self, module: types.ModuleType) -> None:
        """Runs the module's code, with standard error held back. If it fails, the environment is as before."""
        before = os.environ.get(VARIABLE)
        os.environ[VARIABLE] = _SILENT
        try:
            with _held_back():
                super().exec_module(module)
        except BaseException:
            if before is None:  # The next import may be another's.
                del os.environ[VARIABLE]
            raise


@contextlib.contextmanager
def _held_back() -> Generator[None, None, None]:
    """Holds back what is written to standard error, and writes it afterwards without TensorFlow's log lines."""
    with contextlib.ExitStack() as opened:
        try:
            kept = os.dup(2)
            opened.callback(os.close, kept)
            file = opened.enter_context(tempfile.TemporaryFile())
        except OSError:  # Standard error is closed, or no file can be made.
            yield
            return
        _flush()
        os.dup2(file.fileno(), 2)
        try:
            yield
        finally:
            _flush()
            os.dup2(kept, 2)
            file.seek(0)
            with contextlib.suppress(OSError):  # A broken pipe.
                _write(without_log_lines(file.read()))


def _write(text: bytes) -> None:
    """Writes to standard error, whatever Python's `sys.stderr` is."""
    while text:
        text = text[os.write(2, text) :]


def _flush() -> None:
    """Writes what Python itself still holds for standard error, if it has one."""
    with contextlib.suppress(AttributeError, OSError, ValueError):  # None, no file, or a closed one.
        sys.stderr.flush()
