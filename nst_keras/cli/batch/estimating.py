"""What a batch would make, and what that costs: the answer to `--dry_run`. Nothing here needs TensorFlow."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Iterator, Mapping, Sequence

from nst_keras import checks
from nst_keras.cli import line
from nst_keras.cli.batch import ordering, parent, progress
from nst_keras.cli.batch import pairs as pairs_lib
from nst_keras.images.formats import opening
from nst_keras.runtime import xla_cache
from nst_keras.settings import paths

__all__ = ["lines", "summary"]

_STARTING = 5.0  # Seconds until a process can make steps.
_MOST = 3  # Kinds of settings of which a pair is tried. The others count as their mean.


def lines(pairs: Sequence[pairs_lib.Pair], outcomes: Mapping[int, pairs_lib.Outcome]) -> Iterator[str]:
    """Yields a line for each pair: what would become of it."""
    for pair in pairs:
        outcome, size = outcomes.get(pair.number), ordering.size(pair)
        damage = "" if outcome is not None else next(filter(None, map(_damage, pair.inputs)), "")
        if damage:
            yield f"cannot be made: {progress.title(pair)}: {damage}"
        elif outcome is not None and outcome.status is pairs_lib.Status.FAILED:
            yield f"cannot be made: {progress.title(pair)}: {outcome.sentence}"
        elif outcome is not None:
            yield f"made already: {progress.title(pair)}"
        else:
            shown = "" if size is None else f", {size[1]}x{size[0]}"
            yield f"to make: {progress.title(pair)}{shown}"


def summary(left: Sequence[pairs_lib.Pair], output_dir: str) -> str:
    """Returns how many pairs are left, with the time and memory that they take, which a few steps of some tell.

    Args:
        left: The pairs to make.
        output_dir: The folder of the pictures.
    """
    if not left:
        return "0 pictures to make."
    kinds: dict[str, list[pairs_lib.Pair]] = {}
    for pair in left:
        kinds.setdefault(ordering.kind(pair), []).append(pair)
    tried = [max(some, key=ordering.pixels) for some in list(kinds.values())[:_MOST]]
    with contextlib.closing(parent.Workers(output_dir, lambda: 0, xla_cache=xla_cache.AUTO)) as workers:
        estimates = workers.estimates(tried)
    made_of = [one for one in estimates if not one.problem]
    count = f"{len(left)} {'picture' if len(left) == 1 else 'pictures'} to make"
    if not made_of:
        return f"{count}; what they cost is not known: {estimates[0].problem if estimates else 'the trial died.'}"
    steps = {pair.number: ordering.steps(pair) for pair in tried}
    work = sum(one.seconds / (one.size[0] * one.size[1] * steps[one.number]) for one in made_of) / len(made_of)
    seconds = sum(work * ordering.pixels(pair) * ordering.steps(pair) for pair in left)
    sizes = {(ordering.kind(pair), ordering.size(pair)) for pair in left}
    seconds += _STARTING + len(sizes) * sum(one.compiling for one in made_of) / len(made_of)
    memory = max(one.memory for one in made_of) / 2**30
    return (
        f"{count} of {len(sizes)} {'size' if len(sizes) == 1 else 'sizes'}: about {line.clock(seconds)} by one "
        f"process of this machine, with {memory:.1f} GiB of memory."
    )


def _damage(name: str) -> str:
    """Returns what is wrong with a picture file of this machine, as a sentence; "" for nothing."""
    path = os.path.expanduser(paths.local(name))
    return _damage_in(path, os.stat(path).st_mtime_ns) if os.path.isfile(path) else ""


@functools.lru_cache(maxsize=4096)
def _damage_in(path: str, changed: int) -> str:
    """Returns what is wrong with a picture file that was last changed then."""
    try:
        with opening.opened(path) as picture, opening.decoder_errors():
            picture.load()
    except Exception as error:
        return checks.sentence(error)
    return ""
