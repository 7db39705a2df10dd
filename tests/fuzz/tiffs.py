"""TIFF files at the limits of their tags."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence

from tests.fuzz import pngs

__all__ = ["files", "tiff"]

_BYTE, _ASCII, _SHORT, _LONG, _RATIONAL, _UNDEFINED, _FLOAT, _LONG8 = 1, 2, 3, 4, 5, 7, 11, 16
_SIZES = {_BYTE: 1, _ASCII: 1, _SHORT: 2, _LONG: 4, _RATIONAL: 8, _UNDEFINED: 1, _FLOAT: 4, _LONG8: 8}
_FORMS = {_BYTE: "B", _SHORT: "H", _LONG: "I", _FLOAT: "f", _LONG8: "Q"}
# Tags.
_WIDTH, _HEIGHT, _BITS, _PACKING, _COLOURS, _STRIPS, _ORIENTATION, _SAMPLES = 256, 257, 258, 259, 262, 273, 274, 277
_ROWS_IN_STRIP, _COUNTS, _PLANES, _PREDICTOR, _PALETTE = 278, 279, 284, 317, 320
_TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_COUNTS, _SUB, _EXTRA, _FORMAT = 322, 323, 324, 325, 330, 338, 339
_TABLES, _DESCRIPTION, _PROFILE, _EXIF = 347, 270, 34675, 34665

# {tag: (type, values or bytes)}, or (type, values, the count that is declared).
Tags = Mapping[int, tuple]


def tiff(tags: Tags, data: bytes = b"", *, following: int | None = 0, order: str = "<") -> bytes:
    """Returns a TIFF with the data at offset 8, then values of tags, then one directory.

    Args:
        tags: {tag: (type, values)}.
        data: Strips or tiles.
        following: Offset of the next directory. None: of this one itself.
        order: `<` or `>`.
    """
    values, entries = b"", []
    for tag, (kind, given, *declared) in sorted(tags.items()):
        packed = given if isinstance(given, bytes) else struct.pack(f"{order}{len(given)}{_FORMS[kind]}", *given)
        count = declared[0] if declared else len(packed) // _SIZES.get(kind, 1)
        place = packed.ljust(4, b"\0")
        if len(packed) > 4:
            place = struct.pack(f"{order}I", 8 + len(data) + len(values))
            values += packed + b"\0" * (len(packed) % 2)
        entries.append(struct.pack(f"{order}HHI", tag, kind, count) + place)
    start = 8 + len(data) + len(values)
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, start)
    end = struct.pack(f"{order}I", start if following is None else following)
    return head + data + values + struct.pack(f"{order}H", len(entries)) + b"".join(entries) + end


def picture(
    width: int = 9,
    height: int = 7,
    *,
    data: bytes | None = None,
    order: str = "<",
    bits: Sequence[int] = (8, 8, 8),
    following: int | None = 0,
    **others: tuple | None,
) -> bytes:
    """Returns a TIFF of one strip; `others` are further tags, or other values: `t273=(_LONG, [8])`. None: left out."""
    length = max(1, width * height * sum(bits) // 8) if width * height < 10**6 else 64
    data = bytes((place * 5) % 256 for place in range(length)) if data is None else data
    tags = {
        _WIDTH: (_LONG, [width]),
        _HEIGHT: (_LONG, [height]),
        _BITS: (_SHORT, list(bits)),
        _PACKING: (_SHORT, [1]),
        _COLOURS: (_SHORT, [2 if len(bits) > 2 else 1]),
        _STRIPS: (_LONG, [8]),
        _SAMPLES: (_SHORT, [len(bits)]),
        _ROWS_IN_STRIP: (_LONG, [height]),
        _COUNTS: (_LONG, [len(data)]),
    }
    tags |= {int(name[1:]): value for name, value in others.items()}
    return tiff(
        {tag: value for tag, value in tags.items() if value is not None}, data, following=following, order=order
    )


def files() -> Iterator[tuple[str, bytes]]:
    """Yields (name without suffix, bytes)."""
    yield from _kinds()
    yield from _sizes()
    yield from _odd_tags()
    yield from _layouts()
    yield from _directories()
    yield from _bombs()


def _kinds() -> Iterator[tuple[str, bytes]]:
    for bits in ((1,), (2,), (4,), (8,), (12,), (16,), (32,), (64,), (8, 8), (16, 16), (16, 16, 16), (32, 32, 32)):
        yield f"tiff_bits_{'_'.join(map(str, bits))}", picture(bits=bits)
    for bits in ((8, 16, 8), (0,), (0, 0, 0), (65535,), (8,) * 40):
        yield f"tiff_odd_bits_{'_'.join(map(str, bits[:4]))}", picture(bits=bits, data=bytes(4096))
    for colours in (0, 1, 2, 3, 4, 5, 6, 8, 9, 32803, 34892, 65535):
        yield f"tiff_colours_{colours}", picture(t262=(_SHORT, [colours]))
        yield f"tiff_grey_colours_{colours}", picture(bits=(16,), t262=(_SHORT, [colours]))
    for kind in (0, 1, 2, 3, 4, 5, 6, 9):
        yield f"tiff_format_{kind}", picture(bits=(32, 32, 32), t339=(_SHORT, [kind] * 3))
        yield f"tiff_grey_format_{kind}", picture(bits=(32,), t339=(_SHORT, [kind]))
    yield "tiff_floats_of_nan", picture(bits=(32,), data=b"\0\0\xc0\x7f" * 63, t339=(_SHORT, [3]))
    for packing in (0, 2, 3, 4, 5, 6, 7, 8, 32773, 32946, 34712, 34925, 50000, 50001, 65535):
        yield f"tiff_packing_{packing}", picture(t259=(_SHORT, [packing]))
        yield f"tiff_grey16_packing_{packing}", picture(bits=(16,), t259=(_SHORT, [packing]))
    for extra in (0, 1, 2, 9):
        yield f"tiff_extra_{extra}", picture(bits=(16,) * 4, t338=(_SHORT, [extra]))
    for number in (0, 5, 9, 65535):
        yield f"tiff_orientation_{number}", picture(t274=(_SHORT, [number]))


def _sizes() -> Iterator[tuple[str, bytes]]:
    for size in (
        (0, 7),
        (9, 0),
        (2**32 - 1, 1),
        (1, 2**32 - 1),
        (2**31, 2**31),
        (2**32 - 1, 2**32 - 1),
        (65536, 65536),
    ):
        yield f"tiff_{size[0]}x{size[1]}", picture(*size)
        yield f"tiff_grey16_{size[0]}x{size[1]}", picture(*size, bits=(16,), order=">")
    yield "tiff_fewer_bytes", picture(data=bytes(10))
    yield "tiff_size_as_text", picture(t256=(_ASCII, b"nine\0"))
    yield "tiff_size_as_fraction", picture(t256=(_RATIONAL, struct.pack("<II", 9, 0)))
    yield "tiff_size_of_floats", picture(t257=(_FLOAT, [float("nan")]))
    yield "tiff_two_widths", picture(t256=(_LONG, [9, 9]))


def _odd_tags() -> Iterator[tuple[str, bytes]]:
    required = (_WIDTH, _HEIGHT, _BITS, _PACKING, _COLOURS, _STRIPS, _SAMPLES, _ROWS_IN_STRIP, _COUNTS)
    for tag in required:
        yield f"tiff_without_{tag}", picture(**{f"t{tag}": None})
        yield f"tiff_empty_{tag}", picture(**{f"t{tag}": (_LONG, [])})
        yield f"tiff_text_{tag}", picture(**{f"t{tag}": (_ASCII, b"what\0")})
        yield f"tiff_4_billion_{tag}", picture(**{f"t{tag}": (_LONG, [2**32 - 1])})
        yield f"tiff_count_4_billion_{tag}", picture(**{f"t{tag}": (_LONG, [8], 2**32 - 1)})
        yield f"tiff_kind_99_{tag}", picture(**{f"t{tag}": (99, b"\0\0\0\0", 1)})
    for name, value in (
        ("number", (_LONG, [7])),
        ("text", (_ASCII, b"no profile\0")),
        ("bytes", (_UNDEFINED, b"x" * 200)),
        ("empty", (_UNDEFINED, b"")),
        ("shorts", (_SHORT, [1, 2, 3])),
        ("far", (_UNDEFINED, b"", 2**31)),
    ):
        yield f"tiff_profile_{name}", picture(**{f"t{_PROFILE}": value})
        yield f"tiff_deep_profile_{name}", picture(bits=(16,) * 3, **{f"t{_PROFILE}": value})
        yield f"tiff_palette_{name}", picture(bits=(8,), t262=(_SHORT, [3]), **{f"t{_PALETTE}": value})
        yield f"tiff_exif_{name}", picture(**{f"t{_EXIF}": value})
        yield f"tiff_orientation_{name}", picture(**{f"t{_ORIENTATION}": value})
        yield f"tiff_description_{name}", picture(**{f"t{_DESCRIPTION}": value})
        yield f"tiff_tables_{name}", picture(t259=(_SHORT, [7]), **{f"t{_TABLES}": value})


def _layouts() -> Iterator[tuple[str, bytes]]:
    yield "tiff_rows_0", picture(t278=(_LONG, [0]))
    yield "tiff_rows_1_strip", picture(t278=(_LONG, [1]))
    yield "tiff_strip_past_end", picture(t273=(_LONG, [2**31]))
    yield "tiff_strip_count_0", picture(t279=(_LONG, [0]))
    yield "tiff_planes", picture(t284=(_SHORT, [2]))
    yield "tiff_planes_9", picture(t284=(_SHORT, [9]))
    for predictor in (2, 3, 9):
        packed = zlib.compress(bytes(9 * 7 * 6))
        yield (
            f"tiff_predictor_{predictor}",
            picture(bits=(16,) * 3, data=packed, t259=(_SHORT, [8]), t317=(_SHORT, [predictor])),
        )
    for side in (0, 1, 7, 16, 2**31, 2**32 - 1):
        tile = {"t322": (_LONG, [side]), "t323": (_LONG, [side]), "t324": (_LONG, [8]), "t325": (_LONG, [768])}
        yield f"tiff_tile_{side}", picture(16, 16, t273=None, t278=None, t279=None, **tile)


def _directories() -> Iterator[tuple[str, bytes]]:
    yield "tiff_loop", picture(following=None)
    yield "tiff_next_past_end", picture(following=2**32 - 1)
    yield "tiff_next_in_head", picture(following=4)
    whole = picture()
    yield "tiff_sub_loop", picture(**{f"t{_SUB}": (_LONG, [len(whole) - 120])})
    yield "tiff_no_tags", tiff({})
    yield "tiff_head_alone", whole[:8]
    yield "tiff_directory_cut", whole[:-40]
    yield "tiff_65535_tags", b"II*\0\x08\0\0\0\xff\xff" + bytes(12) * 100
    yield "tiff_directory_at_0", b"II*\0\0\0\0\0"
    yield "tiff_big", b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, 2**63)
    yield "tiff_big_of_offset_9", b"II+\0\x09\0\0\0" + bytes(40)
    yield "tiff_and_pdf", whole + b"%PDF-1.4\n%%EOF"


def _bombs() -> Iterator[tuple[str, bytes]]:
    """Small files that declare many pixels: all strips or tiles are one and the same block."""
    for side, rows in ((50_000, 20), (1_000_000, 100)):
        strips, packed = side // rows, pngs.zeros(side * rows)
        yield (
            f"tiff_one_block_{side}",
            picture(
                side,
                side,
                bits=(8,),
                data=packed,
                t259=(_SHORT, [8]),
                t278=(_LONG, [rows]),
                t273=(_LONG, [8] * strips),
                t279=(_LONG, [len(packed)] * strips),
            ),
        )
    packed, count = pngs.zeros(4096 * 4096), 100
    yield (
        "tiff_one_tile",
        picture(
            40_960,
            40_960,
            bits=(8,),
            data=packed,
            t259=(_SHORT, [8]),
            t273=None,
            t278=None,
            t279=None,
            t322=(_LONG, [4096]),
            t323=(_LONG, [4096]),
            t324=(_LONG, [8] * count),
            t325=(_LONG, [len(packed)] * count),
        ),
    )
    yield (
        "tiff_one_strip_8_gb",
        picture(90_000, 90_000, bits=(8,), data=pngs.zeros(10**7), t259=(_SHORT, [8])),
    )
    yield (
        "tiff_lzw_89_megapixels",
        picture(9434, 9434, data=b"\x80\0\x20\x50\x38\x24\x16\x0d\x07\x84", t259=(_SHORT, [5])),
    )
    yield (
        "tiff_a_million_strips",
        picture(
            9,
            1_000_000,
            bits=(8,),
            data=bytes(100),
            t278=(_LONG, [1]),
            t273=(_LONG, [8] * 1_000_000),
            t279=(_LONG, [9] * 1_000_000),
        ),
    )
