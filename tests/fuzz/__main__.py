"""Reads the corpus, then mutants of it: `python -m tests.fuzz --count=10000 --seed=0 --jobs=2`.

Each file is read in a process of its own. Failures are kept in the folder `--kept`, with a line each in its
`failures.tsv`; the outcomes of all are counted in `counts.json`. A run that was stopped goes on from `done` there.
Exit status: 1 if any file failed.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import pathlib
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator

# Before TensorFlow is imported.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

from nst_keras.runtime import lean

if __name__ == "__main__":  # Then the process is this program's alone.
    lean.allow()
    lean.load()

from tests.fuzz import corpus, isolated, mutations, targets

__all__ = ["main"]


def main() -> int:
    """Reads all files, and returns the exit status."""
    arguments = _arguments()
    arguments.kept.mkdir(parents=True, exist_ok=True)
    place = arguments.kept / f"{arguments.target}_{arguments.seed}.json"
    before = json.loads(place.read_text()) if place.exists() else {"done": 0, "kinds": {}}
    kinds, done = collections.Counter(before["kinds"]), before["done"]
    target, began = targets.TARGETS[arguments.target], time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        limits = isolated.Limits(arguments.memory * 2**20, arguments.seconds)
        files = _files(pathlib.Path(folder).resolve(), arguments, done)
        for outcome in isolated.outcomes(
            target.read, files, argument=target.argument, jobs=arguments.jobs, limits=limits
        ):
            kinds[outcome.kind], done = kinds[outcome.kind] + 1, done + 1
            _keep(outcome, arguments.kept)
            if done % 100 == 0:
                place.write_text(json.dumps({"done": done - arguments.jobs, "kinds": kinds}))
    place.write_text(json.dumps({"done": done, "kinds": kinds}))
    print(f"{done} files in {time.monotonic() - began:.0f} s: {dict(kinds)}. Failures are in {arguments.kept}.")
    return int(any(kind not in isolated.FINE for kind in kinds))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m tests.fuzz", description=__doc__)
    parser.add_argument("--target", choices=targets.TARGETS, default="picture", help="what reads the files")
    parser.add_argument(
        "--count", type=int, default=10_000, help="number of files in all, the corpus first; 0: it alone"
    )
    parser.add_argument("--seed", type=int, default=0, help="decides the mutants")
    parser.add_argument("--jobs", type=int, default=1, help="number of processes at once")
    parser.add_argument("--only", default="", help="take only files of the corpus whose names hold this")
    parser.add_argument("--skip", type=int, default=0, help="number of files that are passed over at the beginning")
    parser.add_argument("--every", type=int, default=1, help="read only each such file of the corpus")
    parser.add_argument("--memory", type=int, default=2048, help="MiB that a file may take")
    parser.add_argument("--seconds", type=int, default=10, help="seconds of processors that a file may take")
    parser.add_argument("--kept", type=lambda text: pathlib.Path(text).resolve(), default="fuzz_kept", help="a folder")
    return parser.parse_args()


def _files(folder: pathlib.Path, arguments: argparse.Namespace, done: int) -> Iterator[pathlib.Path]:
    """Yields files of the corpus, then mutants, each written when its turn comes."""
    whole = {name: data for name, data in corpus.pictures().items() if arguments.only in name}
    chosen = list(whole)[:: arguments.every]
    small = [name for name, data in whole.items() if len(data) <= corpus.LARGEST]
    pieces = [whole[name] for name in small]
    for number in range(max(done, arguments.skip), arguments.count or len(chosen)):
        if number < len(chosen):
            name, data = chosen[number], whole[chosen[number]]
        else:
            origin = small[hash((arguments.seed, number)) % len(small)]
            name, seed = f"mutant_{arguments.seed}_{number}_{origin}", arguments.seed * 2**32 + number
            data = mutations.mutant(whole[origin], seed, pieces)
        (folder / name).write_bytes(data)
        yield folder / name


def _keep(outcome: isolated.Outcome, kept: pathlib.Path) -> None:
    """Removes a file that was read well; keeps one that was not, with a line about it."""
    if not outcome.is_fine:
        shutil.copy(outcome.path, kept)
        with open(kept / "failures.tsv", "a", encoding="utf-8", errors="backslashreplace") as file:
            message = " ".join(outcome.message.split())[:500]
            print(
                outcome.path.name,
                outcome.kind,
                f"{outcome.seconds:.1f} s",
                f"{outcome.memory / 2**20:.0f} MiB",
                message,
                sep="\t",
                file=file,
            )
    outcome.path.unlink()


if __name__ == "__main__":
    sys.exit(main())
