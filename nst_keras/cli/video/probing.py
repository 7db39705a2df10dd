"""What is in a clip's file: its streams as ffmpeg announces them, and the times of its packets, without decoding."""

from __future__ import annotations

import fractions
import re
from collections.abc import Sequence
from typing import NamedTuple

from nst_keras.cli.video import ffmpeg

__all__ = ["Pictures", "Source", "probed", "streams_of"]

_INPUT = re.compile(r"^Input #0, (\S+), from ")
_DURATION = re.compile(r"^ +Duration: (\d+):(\d+):(\d+\.\d+)")
_STREAM = re.compile(r"^ +Stream #0:(\d+)(?:\[\w+\])?(?:\(\w+\))?: (Video|Audio): (.*)")
_ROTATION = re.compile(r"rotation of (-?[\d.]+) degrees")
_NO_TIME = -(2**63)
_DISCARDED = 0x4  # Flag of packets that are decoded, and not shown.
_CORRUPT = 0x2


class Pictures(NamedTuple):
    """The stream of pictures, as it is announced.

    Attributes:
        stream: Its number in the file.
        codec: Name of its codec, such as "h264".
        described: The whole announcement: formats, colours, size, rate.
        rotation: Degrees by which it is turned when it is shown.
    """

    stream: int
    codec: str
    described: str
    rotation: float = 0.0

    @property
    def colours(self) -> str:
        """Returns the pixel format with its range, matrix, primaries and transfer, such as "yuv420p(tv, bt709)"."""
        found = re.search(r", (\w+(?:\(.*?\))?), \d+x\d+", self.described)
        return found[1] if found else ""

    @property
    def size(self) -> tuple[int, int] | None:
        """Returns (height, width) of the frames as they are shown, with square pixels; None where it is unknown."""
        found = re.search(r", (\d+)x(\d+)", self.described)
        if found is None or "0" in found.groups():
            return None
        aspect = re.search(r"\bSAR (\d+):(\d+)", self.described)
        stretch = int(aspect[1]) / int(aspect[2]) if aspect and int(aspect[1]) and int(aspect[2]) else 1.0
        height, width = int(found[2]), max(1, round(int(found[1]) * stretch))
        return (width, height) if round(self.rotation / 90) % 2 else (height, width)

    @property
    def announced_rates(self) -> list[float]:
        """Returns the frame rates that the file announces, the likeliest first."""
        found = [re.search(rf", ([\d.]+) {unit}\b", self.described) for unit in ("fps", "tbr")]
        return [float(rate[1]) for rate in found if rate and float(rate[1])]


class Source(NamedTuple):
    """A file with pictures.

    Attributes:
        kind: ffmpeg's name of the format, such as "matroska,webm".
        pictures: Its stream of pictures; None if there is none.
        sound: (number of its first stream of sound, name of the codec); None if there is none.
        announced: Seconds that the file says that it lasts; None if it says nothing.
        times: Times of the frames in seconds, as they stand in the file, in ascending order.
        has_times: Whether the file itself tells these times; else they follow from the order of the frames.
        last: Seconds for which the last frame is shown; 0 where it is unknown.
        lasts: Seconds from its first packet, of any stream, to the end of its last one.
    """

    kind: str
    pictures: Pictures | None
    sound: tuple[int, str] | None
    announced: float | None
    times: tuple[fractions.Fraction, ...] = ()
    has_times: bool = True
    last: fractions.Fraction = fractions.Fraction(0)
    lasts: float = 0.0


class _Packet(NamedTuple):
    """A packet: the number of its stream, its time, for how long it is shown, and its flags."""

    stream: int
    time: fractions.Fraction
    duration: fractions.Fraction
    is_timed: bool
    flags: int


def probed(name: str) -> tuple[Source | None, str]:
    """Returns what is in a file, and what ffmpeg said about it. None: it cannot be opened.

    All packets are read and none is decoded, which takes as long as reading the file.

    Args:
        name: The file, as `ffmpeg.file_name` returns it.

    Raises:
        ImportError: ffmpeg is not installed.
    """
    copied = ["-map", "0", "-c", "copy", "-copy_unknown", "-copytb", "1"]
    options = ["-copyts", "-i", name, *copied, "-f", "framecrc", "-"]
    done = ffmpeg.run(options)
    source = streams_of(done.errors)
    if source is None or source.pictures is None:
        return source, done.errors
    return _with_times(source, _packets(done.output)), done.errors


def streams_of(announcement: str) -> Source | None:
    """Returns a file's streams from the lines in which ffmpeg announces them; None if it could not open the file."""
    kind, announced, sound = None, None, None
    pictures: list[Pictures] = []
    seen: set[int] = set()
    for line in announcement.partition("\nOutput #0")[0].splitlines():
        if found := _INPUT.match(line):
            kind = found[1]
        elif found := _DURATION.match(line):
            announced = int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3])
        elif (found := _STREAM.match(line)) and int(found[1]) not in seen:
            index, codec = int(found[1]), found[3].replace(",", " ").split()[0]
            seen.add(index)
            if found[2] == "Video":
                pictures.append(Pictures(index, codec, found[3]))
            elif sound is None and codec != "none":
                sound = index, codec
        elif (found := _ROTATION.search(line)) and pictures:
            pictures[-1] = pictures[-1]._replace(rotation=float(found[1]))
    shown = [one for one in pictures if not re.search(r"\((attached pic|timed thumbnails)\)", one.described)]
    return None if kind is None else Source(kind, shown[0] if shown else None, sound, announced)


def _packets(listing: str) -> list[_Packet]:
    """Returns the packets that ffmpeg's format "framecrc" lists."""
    bases: dict[int, fractions.Fraction] = {}
    packets: list[_Packet] = []
    for line in listing.splitlines():
        if found := re.match(r"#tb (\d+): (\d+/\d+)", line):
            bases[int(found[1])] = fractions.Fraction(found[2])
        elif not line.startswith("#"):
            stream, dts, pts, duration, *others = [part.strip() for part in line.split(",")]
            base = bases[int(stream)]
            flags = next((int(part[2:], 16) for part in others if part.startswith("F=")), 0)
            is_timed = int(pts) != _NO_TIME
            time = (int(pts) if is_timed else int(dts)) * base
            packets.append(_Packet(int(stream), time, max(0, int(duration)) * base, is_timed, flags))
    return packets


def _with_times(source: Source, packets: Sequence[_Packet]) -> Source:
    """Returns a source with the times of its packets."""
    assert source.pictures is not None
    whole = sorted((p for p in packets if not p.flags & _CORRUPT), key=lambda packet: packet.time)
    shown = [p for p in packets if p.stream == source.pictures.stream and not p.flags & (_DISCARDED | _CORRUPT)]
    has_times = all(packet.is_timed for packet in shown)
    # In a stream whose frames stand in another order, a packet's duration may be that of another frame.
    is_last = bool(shown) and shown[-1].time == max(packet.time for packet in shown)
    return source._replace(
        times=tuple(sorted(packet.time for packet in shown)),
        has_times=has_times,
        last=shown[-1].duration if is_last else fractions.Fraction(0),
        lasts=float(max(packet.time + packet.duration for packet in whole) - whole[0].time) if whole else 0.0,
    )
