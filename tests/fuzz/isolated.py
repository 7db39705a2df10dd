"""Reads each file in a process of its own, with limits on memory and time, and proves that it did nothing else.

A parent that has imported everything, and has run nothing of TensorFlow, forks once a file: some 0.06 s each. The
child's memory is limited by RLIMIT_DATA, since TensorFlow reserves far more addresses than it uses; its processor time
by RLIMIT_CPU; and RLIMIT_FSIZE is 0, so that nothing can be written. An audit hook reports what else Python starts,
opens, loads or connects to.
"""

from __future__ import annotations

import os
import pathlib
import resource
import signal
import sys
import time
import unicodedata
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

__all__ = ["FINE", "Limits", "Outcome", "outcomes"]

FINE = ("picture", "refused")
_ROOT = str(pathlib.Path(__file__).parents[2])
# Python's own files and libraries, and what the system says of its processors and memory.
_READABLE = (sys.prefix, sys.base_prefix, _ROOT, "/usr/lib", "/lib", "/proc/", "/sys/", os.devnull, "/etc/localtime")
_FORBIDDEN = (
    "subprocess.",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "os.system",
    "os.startfile",
    "os.fork",
    "pty.spawn",
    "socket.connect",
    "socket.bind",
    "socket.getaddrinfo",
    "socket.sendto",
    "urllib.",
    "ftplib.",
    "http.",
    "smtplib.",
    "pickle.find_class",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.mkdir",
    "os.link",
    "os.symlink",
    "os.chmod",
    "os.chown",
    "os.truncate",
    "os.utime",
    "os.putenv",
    "os.kill",
    "shutil.",
    "tempfile.",
    "webbrowser.",
    "code.__new__",
)


class Limits(NamedTuple):
    """What reading one file may take.

    Attributes:
        memory: Bytes, Python's and TensorFlow's own 0.3 GiB among them.
        processor: Seconds of all processor cores together.
        wall: Seconds on the clock, which stop a process that waits.
    """

    memory: int = 2 * 2**30
    processor: int = 10
    wall: float = 60.0


class Outcome(NamedTuple):
    """What became of a file.

    Attributes:
        path: The file.
        kind: `picture` and `refused` are fine. Others are failures: `exception`, `unclear` (a refusal that does not
            name the argument in one printable line), `violation`, `memory`, `time`, or `signal` with its number.
        message: The exception's type and text, or what else was done.
        seconds: Processor time.
        memory: Bytes at the peak.
    """

    path: pathlib.Path
    kind: str
    message: str
    seconds: float
    memory: int

    @property
    def is_fine(self) -> bool:
        """Whether the file gave what was asked for, or one clear refusal."""
        return self.kind in FINE


class _Child(NamedTuple):
    """A process that reads a file."""

    path: pathlib.Path
    answer: int
    deadline: float


def outcomes(
    read: Callable[[pathlib.Path], object],
    paths: Iterable[pathlib.Path],
    *,
    argument: str,
    jobs: int = 1,
    limits: Limits = Limits(),  # noqa: B008  It is a constant.
) -> Iterator[Outcome]:
    """Yields what became of each file, as its process ends.

    Args:
        read: Reads one file. It may raise `ValueError` or `OSError`.
        paths: The files. The next is taken from this iterable when a process is free.
        argument: The argument that each refusal must name first.
        jobs: Number of processes at once.
        limits: What each may take.
    """
    waiting, running = iter(paths), dict[int, _Child]()
    while True:
        while len(running) < jobs and (path := next(waiting, None)) is not None:
            pid, answer = _start(read, path, argument, limits)
            running[pid] = _Child(path, answer, time.monotonic() + limits.wall)
        if not running:
            return
        yield from _ended(running, limits)


def _ended(running: dict[int, _Child], limits: Limits) -> Iterator[Outcome]:
    """Yields the outcomes of the processes that have ended, and ends those that take too long."""
    time.sleep(0.002)
    for pid, child in list(running.items()):
        if time.monotonic() > child.deadline:
            os.kill(pid, signal.SIGKILL)
        ended, status, used = os.wait4(pid, os.WNOHANG)
        if ended:
            del running[pid]
            yield _outcome(child, os.waitstatus_to_exitcode(status), used, limits)


def _outcome(child: _Child, code: int, used: resource.struct_rusage, limits: Limits) -> Outcome:
    with open(child.answer, "rb") as file:
        kind, _, message = file.read().decode("utf-8", "backslashreplace").partition("\n")
    seconds, memory = used.ru_utime + used.ru_stime, used.ru_maxrss * 1024
    if time.monotonic() > child.deadline or seconds > limits.processor or -code in (signal.SIGXCPU, signal.SIGKILL):
        kind, message = "time", f"{seconds:.1f} s of processors"
    elif code < 0:
        kind = f"signal {-code}"
    elif memory > limits.memory or message.startswith("MemoryError"):
        kind, message = "memory", f"{memory / 2**20:.0f} MiB: {message}"
    return Outcome(child.path, kind or "signal", message or f"exit status {code}", seconds, memory)


def _start(read: Callable[..., object], path: pathlib.Path, argument: str, limits: Limits) -> tuple[int, int]:
    """Starts a process that reads a file, and returns its number and the pipe with its answer."""
    answer, back = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Of forks with threads: none has run anything.
        pid = os.fork()
    if pid == 0:
        os.close(answer)
        _be_the_child(read, path, argument, limits, back)
    os.close(back)
    return pid, answer


def _be_the_child(read: Callable[..., object], path: pathlib.Path, argument: str, limits: Limits, back: int) -> None:
    """Reads the file, answers, and ends the process."""
    done: list[str] = []
    try:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nowhere, stream)
        _limit(limits)
        sys.addaudithook(_watcher(path, done))
        kind, message = _tried(read, path, argument)
        kind, message = ("violation", "; ".join(done)) if done else (kind, message)
        os.write(back, f"{kind}\n{message[:2000]}".encode("utf-8", "backslashreplace"))
    finally:
        os._exit(0)


def _tried(read: Callable[..., object], path: pathlib.Path, argument: str) -> tuple[str, str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read(path)
    except (ValueError, OSError) as error:
        message = f"{type(error).__name__}: {error}"
        return ("refused" if _is_clear(str(error), argument) else "unclear"), message
    except BaseException as error:
        return "exception", f"{type(error).__name__}: {error}"
    return "picture", "read"


def _is_clear(text: str, argument: str) -> bool:
    """Returns whether a refusal names the argument and is one line of printable text that a person would read."""
    is_printable = not any(unicodedata.category(letter) in ("Cc", "Cf", "Cs") for letter in text)
    return text.startswith(argument) and is_printable and len(text) < 1000


def _limit(limits: Limits) -> None:
    stacks = 2**27  # Of TensorFlow's threads, which are reserved and hardly used.
    resource.setrlimit(resource.RLIMIT_DATA, (limits.memory + stacks,) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (limits.processor, limits.processor + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _watcher(path: pathlib.Path, done: list[str]) -> Callable[[str, tuple[Any, ...]], None]:
    """Returns an audit hook that notes and forbids what is not reading this file."""

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        """Notes and forbids an event of Python."""
        if event == "open" and not _may_open(path, *arguments[:3]):
            done.append(f"open {arguments[0]!r}")
        elif event.startswith(_FORBIDDEN):
            done.append(f"{event} {repr(arguments)[:200]}")
        else:
            return
        raise PermissionError(f"{event} is forbidden here")

    return watch


def _may_open(path: pathlib.Path, name: Any, mode: str | None, flags: int) -> bool:
    if isinstance(name, int):  # Open already.
        return True
    name = os.path.abspath(os.fsdecode(name))
    if (flags or 0) & (os.O_WRONLY | os.O_RDWR) or (mode and set(mode) & set("wax+")):
        return name == os.devnull
    return name == str(path) or name.startswith((*_READABLE, *filter(None, map(os.path.abspath, sys.path))))
