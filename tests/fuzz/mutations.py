"""Changes files by a seed: the same file and seed give the same change, on every machine."""

from __future__ import annotations

import random
import re
import struct
from collections.abc import Callable, Sequence

__all__ = ["MUTATORS", "mutant"]

# Numbers at the limits of the fields that formats have.
_LIMITS = (0, 1, 2, 7, 8, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 2**24, 2**31 - 1, 2**31, 2**32 - 1)
_MOST_CHANGES = 8


def mutant(data: bytes, seed: int, others: Sequence[bytes] = ()) -> bytes:
    """Returns a changed copy of a file.

    Args:
        data: The file's bytes.
        seed: Decides the changes.
        others: Further files, from which pieces are taken.
    """
    draw = random.Random(seed)
    changed = bytearray(data)
    for _ in range(draw.choice((1, 1, 1, 2, 4, _MOST_CHANGES))):
        if not changed:
            break
        draw.choice(MUTATORS)(changed, draw, others)
    return bytes(changed)


def _flip_bits(data: bytearray, draw: random.Random, others: Sequence[bytes]) -> None:
    for _ in range(draw.choice((1, 2, 16))):
        data[_place(data, draw)] ^= 1 << draw.randrange(8)


def _set_bytes(data: bytearray, draw: random.Random, others: Sequence[bytes]) -> None:
    """Sets a run of bytes to one value, or to any."""
    start, length = _place(data, draw), draw.choice((1, 2, 4, 16, 256))
    value = draw.choice((b"\0", b"\xff", b"\x7f", b"\x80", None))
    length = min(length, len(data) - start)
    data[start : start + length] = draw.randbytes(length) if value is None else value * length


def _set_number(data: bytearray, draw: random.Random, others: Sequence[bytes]) -> None:
    """Writes a number at the limit of a field: lengths, sizes, counts and offsets are such."""
    form = draw.choice(("B", ">H", "<H", ">I", "<I"))
    number = draw.choice(_LIMITS) + draw.choice((-1, 0, 0, 1))
    size = struct.calcsize(form)
    start = _place(data, draw)
    if start + size <= len(data):
        data[start : start + size] = struct.pack(form, number % 256**size)


def _shift_number(data: bytearray, draw: random.Random, others: Sequence[bytes]) -> None:
    """Changes a number by a little."""
    form = draw.choice((">H", "<H", ">I", "<I"))
    size = struct.calcsize(form)
    start = _place(data, draw)
    if start + size <= len(data):
        (number,) = struct.unpack_from(form, data, start)
        struct.pack_into(form, data, start, (number + draw.choice((-256, -2, -1, 1, 2, 256))) % 256**size)


def _cut(data: bytearray, draw: random.Random, others: Sequence[bytes]) -> None:
    del data[_place(data, draw) :]


def _delete(data: bytearray, draw: random.Random, others: Sequence[bytes]) -> None:
    start = _place(data, draw)
    del data[start : start + draw.choice((1, 2, 4, 64, 1024))]


def _repeat(data: bytearray, draw: random.Random, others: Sequence[bytes]) -> None:
    start = _place(data, draw)
    piece = data[start : start + draw.choice((1, 4, 64, 1024))]
    data[start:start] = piece * draw.choice((1, 2, 16))


def _splice(data: bytearray, draw: random.Random, others: Sequence[bytes]) -> None:
    """Puts a piece of another file in."""
    other = draw.choice(others) if others else bytes(data)
    if other:
        begin = draw.randrange(len(other))
        piece = other[begin : begin + draw.choice((4, 32, 512, len(other)))]
        start = _place(data, draw)
        data[start : start + draw.choice((0, len(piece)))] = piece


def _reorder(data: bytearray, draw: random.Random, others: Sequence[bytes]) -> None:
    """Exchanges two of the file's chunks, or repeats or drops one: those of most formats begin with a name."""
    starts = [found.start() for found in re.finditer(rb"[A-Za-z]{4}|\xff[\xc0-\xfe]", bytes(data))][:4096]
    if len(starts) < 4:
        return
    first, second, third = sorted(draw.sample(starts, 3))
    pieces = data[first:second], data[second:third]
    data[first:third] = draw.choice(
        (pieces[1] + pieces[0], pieces[0] + pieces[0] + pieces[1], pieces[1], pieces[1] + pieces[1])
    )


def _append(data: bytearray, draw: random.Random, others: Sequence[bytes]) -> None:
    data += draw.randbytes(draw.choice((1, 100, 10_000)))


def _place(data: bytearray, draw: random.Random) -> int:
    """Returns a place in the file: half of them in its head, where most formats have their fields."""
    return draw.randrange(min(len(data), draw.choice((64, 512, len(data), len(data)))) or 1)


MUTATORS: tuple[Callable[[bytearray, random.Random, Sequence[bytes]], None], ...] = (
    _flip_bits,
    _set_bytes,
    _set_number,
    _set_number,
    _shift_number,
    _cut,
    _delete,
    _repeat,
    _splice,
    _reorder,
    _append,
)
