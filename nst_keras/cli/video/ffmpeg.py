"""The program ffmpeg: where it is, how it is run, and what its failures say."""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from typing import IO, NamedTuple

__all__ = ["FailedError", "Finished", "Running", "check", "file_name", "program", "reason", "run", "running"]

_QUIET = ("-hide_banner", "-nostdin", "-nostats")
# Ctrl-C is for Python alone, which then ends ffmpeg itself: in a session of its own, or what Windows has for that.
_GROUP = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
_SOURCE = re.compile(r"^(\[[^\]]*\] )+")  # Which part of ffmpeg says it.
# Lines that only say that something failed, after the line that says what.
_EMPTY = re.compile(
    r"Error opening|Conversion failed|Nothing was written|Last message repeated|Terminating thread|"
    r"error reading header|Task finished with error|At least one output|"
    r"Error (sending|submitting|while|closing|writing|processing)|Could not open encoder before EOF|Exiting normally"
)


class FailedError(Exception):
    """ffmpeg has failed; the message is its reason."""


class Finished(NamedTuple):
    """What a run of ffmpeg left: its standard output and error as text, and whether it succeeded."""

    output: str
    errors: str
    succeeded: bool


class Running:
    """A run of ffmpeg that frames are read from or written to.

    Args:
        process: The process.
        log: The file that its standard error goes to.
    """

    def __init__(self, process: subprocess.Popen[bytes], log: IO[bytes]) -> None:
        self._process, self._log = process, log

    @property
    def input(self) -> IO[bytes]:
        """Returns the stream that ffmpeg reads from."""
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def output(self) -> IO[bytes]:
        """Returns the stream that ffmpeg writes to."""
        assert self._process.stdout is not None
        return self._process.stdout

    def finish(self) -> Finished:
        """Closes the streams, waits for the end of the program and returns what it said."""
        for stream in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):  # A pipe that ffmpeg has left.
                if stream is not None:
                    stream.close()
        code = self._process.wait()
        self._log.seek(0)
        return Finished("", _text(self._log.read()), code == 0)

    def stop(self) -> None:
        """Ends the program, unless it has ended."""
        if self._process.poll() is None:
            self._process.kill()
        self.finish()


def program() -> str:
    """Returns the path of ffmpeg, which the package `imageio-ffmpeg` brings.

    Raises:
        ImportError: The package is not installed.
        OSError: It brings no ffmpeg for this system.
    """
    try:
        package = importlib.import_module("imageio_ffmpeg")
    except ImportError as error:
        raise ImportError('video: clips need ffmpeg. Install it with `pip install "nst_keras[video]"`.') from error
    try:
        return package.get_ffmpeg_exe()
    except RuntimeError as error:
        raise OSError(
            "video: imageio-ffmpeg has no ffmpeg for this system. Install ffmpeg, and name it in IMAGEIO_FFMPEG_EXE."
        ) from error


def run(options: Sequence[str]) -> Finished:
    """Runs ffmpeg to its end and returns what it left.

    Args:
        options: Its options, inputs and outputs.

    Raises:
        ImportError: ffmpeg is not installed.
        OSError: It cannot be started.
    """
    done = subprocess.run(
        [program(), *_QUIET, *options], capture_output=True, check=False, creationflags=_GROUP, start_new_session=True
    )
    return Finished(_text(done.stdout), _text(done.stderr), done.returncode == 0)


@contextlib.contextmanager
def running(options: Sequence[str], *, reads: bool = False) -> Iterator[Running]:
    """Yields a run of ffmpeg, which is ended with the block.

    Args:
        options: Its options, inputs and outputs.
        reads: Whether frames are written to its standard input. Default: they are read from its standard output.

    Raises:
        ImportError: ffmpeg is not installed.
        OSError: It cannot be started.
    """
    stdin, stdout = (subprocess.PIPE, subprocess.DEVNULL) if reads else (subprocess.DEVNULL, subprocess.PIPE)
    with tempfile.TemporaryFile() as log:  # A pipe that nobody reads would fill, and ffmpeg would wait.
        command = [program(), *_QUIET, *options]
        process = subprocess.Popen[bytes](
            command, stdin=stdin, stdout=stdout, stderr=log, creationflags=_GROUP, start_new_session=True
        )
        held = Running(process, log)
        try:
            yield held
        finally:
            held.stop()


def file_name(path: str | os.PathLike[str]) -> str:
    """Returns a path as ffmpeg takes it, so that no letter in it means a protocol, a pattern or an option."""
    return f"file:{os.path.abspath(os.path.expanduser(path))}"


def reason(errors: str) -> str:
    r"""Returns the last telling line of what ffmpeg said on its standard error.

    >>> reason("[mov @ 0x5] moov atom not found\nError opening input files: Invalid data found")
    'moov atom not found'
    """
    lines = [_SOURCE.sub("", line).strip() for line in errors.splitlines()]
    telling = [line for line in lines if line and not _EMPTY.match(line)] or [line for line in lines if line]
    return re.sub("^Error opening [^:]*: ", "", telling[-1]).rstrip(".") if telling else "ffmpeg does not say why"


def check(done: Finished) -> None:
    """Raises `FailedError` with its reason if a run of ffmpeg failed."""
    if not done.succeeded:
        raise FailedError(reason(done.errors))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")
