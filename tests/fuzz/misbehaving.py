"""Reads files in ways that `isolated` must notice, and prints {way: kind of its outcome}: `python -m ... FOLDER`."""

from __future__ import annotations

import ctypes
import json
import os
import pathlib
import pickle
import socket
import subprocess
import sys
import time

import numpy as np

from tests.fuzz import isolated

__all__ = ["WAYS", "main"]


def _raise(error: Exception) -> None:
    raise error


def _connect() -> None:
    with socket.socket() as one:
        one.settimeout(0.1)
        one.connect(("127.0.0.1", 9))


def _swallowed() -> None:
    """Opens another file, and lets nobody know."""
    try:
        pathlib.Path("/etc/passwd").read_bytes()
    except OSError:
        return


# {name: (what is done with the path of a file, the kind of outcome that it must have)}.
WAYS = {
    "reads": (lambda path: path.read_bytes(), "picture"),
    "refuses": (lambda path: _raise(ValueError("image: 'a.png' is damaged. Get a whole copy of it.")), "refused"),
    "names no argument": (lambda path: _raise(ValueError("tile cannot extend outside image")), "unclear"),
    "prints escapes": (lambda path: _raise(ValueError("image: \x1b[2J")), "unclear"),
    "two lines": (lambda path: _raise(OSError("image: one\ntwo")), "unclear"),
    "raises another": (lambda path: _raise(TypeError("image")), "exception"),
    "raises MemoryError": (lambda path: np.ones(2**29), "memory"),
    "takes too much": (lambda path: np.ones(7 * 2**24).sum(), "memory"),
    "never ends": (lambda path: [None for _ in iter(int, 1)], "time"),
    "waits": (lambda path: time.sleep(60), "time"),
    "crashes": (lambda path: ctypes.string_at(0), "signal"),
    "starts a program": (lambda path: subprocess.run(["true"], check=True), "violation"),
    "starts a shell": (lambda path: os.system("true"), "violation"),
    "opens another": (lambda path: _swallowed(), "violation"),
    "writes": (lambda path: path.with_name("written").write_bytes(b"x"), "violation"),
    "overwrites": (lambda path: path.write_bytes(b"x"), "violation"),
    "connects": (lambda path: _connect(), "violation"),
    "unpickles": (lambda path: pickle.loads(b"cposix\ngetpid\n."), "violation"),
}


def main() -> None:
    """Reads one file in each way."""
    path = pathlib.Path(sys.argv[1]).resolve() / "a.png"
    path.write_bytes(b"a picture")
    # 0.75 GiB of numbers are more than this in memory, but within the stacks that are allowed besides.
    limits = isolated.Limits(memory=800 * 2**20, processor=1, wall=2.0)
    found = {}
    for name, (way, _) in WAYS.items():
        (found[name],) = isolated.outcomes(way, [path], argument="image", limits=limits)
    print(json.dumps({name: outcome.kind for name, outcome in found.items()}))


if __name__ == "__main__":
    main()
