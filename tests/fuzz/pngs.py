"""PNG files at the limits of their fields."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

__all__ = ["chunk", "files", "png", "rows", "zeros"]

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def chunk(name: bytes, body: bytes) -> bytes:
    """Returns a chunk with its length and checksum."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def zeros(count: int) -> bytes:
    """Returns zlib's stream of this many zero bytes: a block of 1 MiB, repeated."""
    whole, rest = divmod(count, 2**20)
    packer, last = zlib.compressobj(9, wbits=-15), zlib.compressobj(9, wbits=-15)
    block = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = struct.pack(">HH", count % 65521, 1)
    return b"\x78\xda" + block * whole + last.compress(bytes(rest)) + last.flush() + checksum


def rows(width: int, height: int, depth: int, kind: int) -> bytes:
    """Returns rows of a pattern, each after its filter's number."""
    length = (width * depth * _CHANNELS.get(kind, 1) + 7) // 8
    return b"".join(
        bytes([line % 5]) + bytes((line * 7 + place * 3) % 256 for place in range(length)) for line in range(height)
    )


def png(
    width: int = 9,
    height: int = 7,
    depth: int = 8,
    kind: int = 2,
    *,
    interlace: int = 0,
    before: bytes = b"",
    packed: bytes | None = None,
    after: bytes = b"",
    end: bytes = chunk(b"IEND", b""),
) -> bytes:
    """Returns a PNG.

    Args:
        width: Pixels, as the header declares them.
        height: Pixels.
        depth: Bits a channel.
        kind: The colour type's number.
        interlace: 1 for Adam7.
        before: Chunks before the data.
        packed: zlib's stream. Default: a pattern of the size.
        after: Chunks after the data.
        end: The last chunk.
    """
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, interlace)
    packed = zlib.compress(rows(width, height, depth, kind)) if packed is None else packed
    return SIGNATURE + chunk(b"IHDR", header) + before + chunk(b"IDAT", packed) + after + end


def files() -> Iterator[tuple[str, bytes]]:
    """Yields (name without suffix, bytes)."""
    yield from _kinds()
    yield from _sizes()
    yield from _palettes()
    yield from _texts()
    yield from _damaged()
    yield from _bombs()


def _kinds() -> Iterator[tuple[str, bytes]]:
    allowed = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
    palette = chunk(b"PLTE", bytes(range(256)) * 3)
    for kind, depths in allowed.items():
        for depth in depths:
            before = chunk(b"PLTE", palette[8 : 8 + 3 * 2**depth]) if kind == 3 else b""
            yield f"png_kind{kind}_depth{depth}", png(depth=depth, kind=kind, before=before)
    yield "png_depth_3", png(depth=3, packed=zlib.compress(rows(9, 7, 8, 2)))
    yield "png_depth_255", png(depth=255, packed=zlib.compress(rows(9, 7, 8, 2)))
    yield "png_kind_5", png(kind=5)
    yield "png_interlaced", png(interlace=1)
    yield "png_interlace_9", png(interlace=9)


def _sizes() -> Iterator[tuple[str, bytes]]:
    for width, height in (
        (0, 7),
        (9, 0),
        (0, 0),
        (2**31 - 1, 1),
        (1, 2**31 - 1),
        (2**32 - 1, 2**32 - 1),
        (46341, 46341),
    ):
        yield f"png_{width}x{height}", png(width, height, packed=zlib.compress(b"\0\0\0\0"))
    yield "png_too_few_rows", png(packed=zlib.compress(rows(9, 2, 8, 2)))
    yield "png_too_many_rows", png(packed=zlib.compress(rows(9, 70, 8, 2)))
    yield "png_deep_too_few_rows", png(depth=16, packed=zlib.compress(rows(9, 2, 16, 2)))


def _palettes() -> Iterator[tuple[str, bytes]]:
    yield "png_no_palette", png(kind=3)
    yield "png_empty_palette", png(kind=3, before=chunk(b"PLTE", b""))
    yield "png_short_palette", png(kind=3, before=chunk(b"PLTE", b"\1\2\3"))
    yield "png_long_palette", png(kind=3, before=chunk(b"PLTE", bytes(3 * 1000)))
    yield "png_palette_of_4_bytes", png(kind=3, before=chunk(b"PLTE", bytes(4)))
    yield "png_long_trns", png(kind=3, before=chunk(b"PLTE", bytes(9)) + chunk(b"tRNS", bytes(1000)))
    for kind in (0, 2, 4, 6):
        yield f"png_kind{kind}_odd_trns", png(kind=kind, before=chunk(b"tRNS", b"\1"))
        yield f"png_kind{kind}_trns_16", png(depth=16, kind=kind, before=chunk(b"tRNS", b"\1\2\3\4\5\6"))


def _texts() -> Iterator[tuple[str, bytes]]:
    yield "png_text_2_mb", png(before=b"".join(chunk(b"tEXt", b"k%d\0" % n + b"x" * 20_000) for n in range(100)))
    yield "png_text_without_end", png(before=chunk(b"tEXt", b"no separator"))
    yield "png_itxt_short", png(before=chunk(b"iTXt", b"nst_keras"))
    yield "png_itxt_not_utf8", png(before=chunk(b"iTXt", b"nst_keras\0\0\0\0\0" + b"\xff\xfe\x80"))
    yield "png_itxt_bad_zlib", png(before=chunk(b"iTXt", b"nst_keras\0\1\0\0\0" + b"no zlib"))
    yield "png_exif_garbage", png(before=chunk(b"eXIf", b"MM\0*\0\0\0\x08\xff\xff" + b"\xff" * 40))
    yield "png_iccp_garbage", png(before=chunk(b"iCCP", b"name\0\0" + zlib.compress(b"no profile" * 30)))
    yield "png_gama_zero", png(before=chunk(b"gAMA", bytes(4)) + chunk(b"cHRM", bytes(32)))
    yield "png_phys_short", png(before=chunk(b"pHYs", b"\1"))
    yield "png_10000_chunks", png(before=chunk(b"abCd", b"") * 10_000)
    yield "png_frames", png(before=chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0)))
    frame = struct.pack(">IIIIIHHBB", 0, 2**31 - 1, 2**31 - 1, 2**31 - 1, 0, 0, 0, 9, 9)
    yield "png_absurd_frame", png(before=chunk(b"acTL", struct.pack(">II", 2, 0)) + chunk(b"fcTL", frame))


def _damaged() -> Iterator[tuple[str, bytes]]:
    whole = png(30, 20)
    yield "png_signature_alone", SIGNATURE
    yield "png_header_alone", whole[:33]
    yield "png_cut_in_data", whole[:100]
    yield "png_without_end", png(end=b"")
    yield "png_two_headers", png(before=whole[8:33])
    yield "png_no_data", SIGNATURE + whole[8:33] + chunk(b"IEND", b"")
    yield "png_short_header", SIGNATURE + chunk(b"IHDR", b"\0\0\0\1")
    yield "png_chunk_of_4_gb", whole[:33] + b"\xff\xff\xff\xfftEXt" + whole[33:]
    yield "png_bad_checksum", whole[:29] + b"\0\0\0\0" + whole[33:]
    yield "png_bad_checksum_of_text", png(before=chunk(b"tEXt", b"a\0b")[:-4] + b"\0\0\0\0")
    yield "png_bad_filter", png(packed=zlib.compress(b"\x77" * 7 * 28))
    yield "png_bad_zlib", png(packed=b"\x78\x9c\xff\xff\xff\xff")
    yield "png_trailing_garbage", whole + b"\xde\xad" * 5000
    yield "png_and_zip", whole + b"PK\3\4" + bytes(26) + b"PK\5\6" + bytes(18)


def _bombs() -> Iterator[tuple[str, bytes]]:
    yield "png_wide_80000000", png(80_000_000, 1, kind=0, packed=zeros(80_000_001))
    yield "png_tall_80000000", png(1, 80_000_000, kind=0, packed=zeros(160_000_000))
    yield "png_deep_89_megapixels", png(9434, 9434, 16, 6, packed=zeros(9434 * (9434 * 8 + 1)))
    yield "png_ztxt_200_mb", png(before=chunk(b"zTXt", b"nst_keras\0\0" + zeros(200_000_000)))
    yield "png_itxt_200_mb", png(after=chunk(b"iTXt", b"nst_keras\0\1\0\0\0" + zeros(200_000_000)))
    yield "png_iccp_200_mb", png(before=chunk(b"iCCP", b"name\0\0" + zeros(200_000_000)))
