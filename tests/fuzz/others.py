"""Files of the other formats at the limits of their fields, and files that are none of the formats we read."""

from __future__ import annotations

import functools
import io
import json
import struct
import zlib
from collections.abc import Iterator

import numpy as np
import PIL.features
import PIL.Image

from nst_keras.images.formats import metadata
from tests.fuzz import pngs, tiffs

__all__ = ["files"]


@functools.cache
def saved(form: str, mode: str = "RGB", side: int = 24, **options: object) -> bytes:
    """Returns a smooth small picture as a file of a format that Pillow writes."""
    levels = np.add.outer(np.arange(side) * 5, np.arange(side) * 3)[..., np.newaxis] + np.arange(3) * 40
    stream = io.BytesIO()
    PIL.Image.fromarray((levels % 256).astype(np.uint8)).convert(mode).save(stream, form, **options)
    return stream.getvalue()


def files() -> Iterator[tuple[str, bytes]]:
    """Yields (name with suffix, bytes)."""
    yield from _jpegs()
    yield from _gifs()
    yield from _bmps()
    yield from _webps()
    yield from _iso_files()
    yield from _foreign()
    yield from _cut()
    yield from _with_records()


def _jpegs() -> Iterator[tuple[str, bytes]]:
    whole = saved("JPEG")
    place = whole.index(b"\xff\xc0") + 5
    for height, width in ((0, 24), (24, 0), (65535, 65535), (65500, 1), (9000, 9000)):
        yield f"jpeg_{height}x{width}.jpg", whole[:place] + struct.pack(">HH", height, width) + whole[place + 4 :]
    for components in (0, 2, 4, 255):
        yield f"jpeg_components_{components}.jpg", whole[: place + 4] + bytes([components]) + whole[place + 5 :]
    yield "jpeg_precision_12.jpg", whole[: place - 1] + b"\x0c" + whole[place:]
    yield "jpeg_cmyk.jpg", saved("JPEG", "CMYK")
    yield "jpeg_progressive.jpg", saved("JPEG", progressive=True)
    yield "jpeg_progressive_65000.jpg", _declared(saved("JPEG", progressive=True), b"\xff\xc2", 9400, 9400)
    yield "jpeg_1000_scans.jpg", _scans()
    yield "jpeg_without_end.jpg", whole[:-2]
    yield "jpeg_without_tables.jpg", whole.replace(b"\xff\xdb", b"\xff\xe5").replace(b"\xff\xc4", b"\xff\xe6")
    for name, body in (
        ("profile_part_of_none", b"ICC_PROFILE\0\1\0x"),
        ("profile_garbage", b"ICC_PROFILE\0\1\1" + b"x" * 200),
        ("exif_garbage", b"Exif\0\0" + b"\xff" * 60),
        ("exif_loop", b"Exif\0\0" + tiffs.picture(following=None)),
        ("exif_short", b"Exif\0\0II"),
        ("mpf", b"MPF\0II*\0\x08\0\0\0\xff\xff"),
        ("photoshop", b"Photoshop 3.0\08BIM"),
    ):
        number = 0xE1 if name.startswith("exif") else 0xED if name == "photoshop" else 0xE2
        yield f"jpeg_{name}.jpg", _segment(whole, number, body)
    orientation = tiffs.tiff({274: (3, [65535])})
    yield "jpeg_orientation_65535.jpg", _segment(whole, 0xE1, b"Exif\0\0" + orientation)
    yield "jpeg_orientation_text.jpg", _segment(whole, 0xE1, b"Exif\0\0" + tiffs.tiff({274: (2, b"up\0")}))
    yield "jpeg_segment_too_long.jpg", whole[:2] + b"\xff\xe1\xff\xffExif" + whole[2:]
    yield "jpeg_segment_length_0.jpg", whole[:2] + b"\xff\xe1\0\0" + whole[2:]
    yield "jpeg_garbage_after.jpg", whole + bytes(10_000)
    yield "jpeg_and_zip.jpg", whole + b"PK\3\4" + bytes(40)
    yield "jpeg_comments_of_none.jpg", _segment(whole, 0xFE, b"nst_keras 0/99999999999999999999:x")


def _segment(whole: bytes, number: int, body: bytes) -> bytes:
    """Returns a JPEG with one more segment after its mark."""
    return whole[:2] + b"\xff" + bytes([number]) + struct.pack(">H", len(body) + 2) + body + whole[2:]


def _declared(whole: bytes, mark: bytes, height: int, width: int) -> bytes:
    place = whole.index(mark) + 5
    return whole[:place] + struct.pack(">HH", height, width) + whole[place + 4 :]


def _scans() -> bytes:
    """Returns a large progressive JPEG whose last scan comes 1,000 times: each costs the decoder the whole picture."""
    whole = _declared(saved("JPEG", progressive=True), b"\xff\xc2", 4000, 4000)
    last = whole[whole.rindex(b"\xff\xda") : -2]
    return whole[:-2] + last * 1000 + b"\xff\xd9"


def _gifs() -> Iterator[tuple[str, bytes]]:
    whole = saved("GIF", "P")
    for width, height in ((0, 0), (65535, 65535), (1, 65535)):
        yield f"gif_screen_{width}x{height}.gif", whole[:6] + struct.pack("<HH", width, height) + whole[10:]
    place = whole.index(b"\x2c", 13 + 3 * 2 ** ((whole[10] & 7) + 1))
    for name, frame in (
        ("frame_far_outside", (65000, 65000, 65535, 65535)),
        ("frame_empty", (0, 0, 0, 0)),
        ("frame_larger", (0, 0, 9000, 9000)),
    ):
        yield f"gif_{name}.gif", whole[: place + 1] + struct.pack("<HHHH", *frame) + whole[place + 9 :]
    yield "gif_no_palette.gif", whole[:10] + b"\0" + whole[11:]
    yield "gif_code_size_255.gif", whole[: place + 10] + b"\xff" + whole[place + 11 :]
    yield "gif_no_frame.gif", whole[:place] + b";"
    yield "gif_comments.gif", whole[:place] + b"!\xfe\xff" * 3000 + whole[place:]
    yield "gif_1000_frames.gif", whole[:-1] + whole[place:-1] * 1000 + b";"


def _bmps() -> Iterator[tuple[str, bytes]]:
    whole = saved("BMP")
    for name, offset, form, value in (
        ("width_0", 18, "<i", 0),
        ("width_negative", 18, "<i", -24),
        ("height_negative", 22, "<i", -24),
        ("width_2_billion", 18, "<i", 2**31 - 1),
        ("height_least", 22, "<i", -(2**31)),
        ("bits_0", 28, "<H", 0),
        ("bits_16", 28, "<H", 16),
        ("bits_1", 28, "<H", 1),
        ("bits_99", 28, "<H", 99),
        ("packing_1", 30, "<I", 1),
        ("packing_3", 30, "<I", 3),
        ("packing_png", 30, "<I", 5),
        ("colours_4_billion", 46, "<I", 2**32 - 1),
        ("header_0", 14, "<I", 0),
        ("header_4_billion", 14, "<I", 2**32 - 1),
        ("data_far", 10, "<I", 2**31),
    ):
        changed = bytearray(whole)
        struct.pack_into(form, changed, offset, value)
        yield f"bmp_{name}.bmp", bytes(changed)
    size = struct.pack("<ii", 9400, 9400)
    yield (
        "bmp_rle_89_megapixels.bmp",
        whole[:18] + size + b"\1\0\x08\0\1\0\0\0" + whole[34:54] + bytes(1024) + b"\xff\0" * 500,
    )


def _webps() -> Iterator[tuple[str, bytes]]:
    lossy, lossless = saved("WEBP"), saved("WEBP", lossless=True)
    yield "webp_lossless.webp", lossless
    yield "webp_size_4_gb.webp", lossy[:4] + b"\xff\xff\xff\xff" + lossy[8:]
    yield "webp_chunk_4_gb.webp", lossy[:16] + b"\xff\xff\xff\xff" + lossy[20:]
    place = lossy.index(b"\x9d\x01\x2a") + 3
    yield "webp_16383.webp", lossy[:place] + b"\xff\x3f\xff\x3f" + lossy[place + 4 :]
    yield "webp_0.webp", lossy[:place] + bytes(4) + lossy[place + 4 :]
    extended = b"VP8X" + struct.pack("<I", 10) + b"\x3e" + bytes(3) + b"\xff" * 6
    yield "webp_canvas_16_million.webp", _riff(extended + lossy[12:])
    for name in (b"ICCP", b"EXIF", b"XMP ", b"ANIM", b"ANMF"):
        extended = b"VP8X" + struct.pack("<I", 10) + b"\x3e" + bytes(3) + b"\x17\0\0\x17\0\0"
        extra = name + struct.pack("<I", 60) + b"\xff" * 60
        yield f"webp_{name.decode().strip().lower()}_garbage.webp", _riff(extended + extra + lossy[12:] + extra)


def _riff(body: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def _iso_files() -> Iterator[tuple[str, bytes]]:
    """Yields AVIF and HEIC: boxes whose lengths and counts are changed one by one."""
    wholes = {"avif": saved("AVIF", side=64)} if PIL.features.check("avif") else {}
    try:
        import pillow_heif
    except ImportError:
        pass
    else:
        pillow_heif.register_heif_opener()
        wholes["heic"] = saved("HEIF", side=64)
    for suffix, whole in wholes.items():
        yield f"{suffix}_whole.{suffix}", whole
        for box in (
            b"ftyp",
            b"meta",
            b"hdlr",
            b"pitm",
            b"iloc",
            b"iinf",
            b"infe",
            b"iprp",
            b"ipco",
            b"ispe",
            b"ipma",
            b"mdat",
        ):
            place = whole.find(box)
            for name, length in (("0", 0), ("1", 1), ("7", 7), ("4_gb", 2**32 - 1)) if place > 3 else ():
                changed = whole[: place - 4] + struct.pack(">I", length) + whole[place:]
                yield f"{suffix}_{box.decode()}_length_{name}.{suffix}", changed
        place = whole.index(b"ispe") + 8
        for side in (0, 1, 65535, 2**31 - 1, 2**32 - 1):
            yield f"{suffix}_side_{side}.{suffix}", whole[:place] + struct.pack(">II", side, side) + whole[place + 8 :]


def _foreign() -> Iterator[tuple[str, bytes]]:
    """Yields other formats under suffixes that we read; and names that are no pictures."""
    postscript = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n"
    postscript += b"(/tmp/hostile) (w) file closefile\nshowpage\n%%EOF\n"
    yield "eps_as.jpg", postscript
    yield (
        "eps_as.png",
        b"\xc5\xd0\xd3\xc6" + struct.pack("<IIIIII", 32, len(postscript), 0, 0, 0, 0) + b"\xff\xff\0\0" + postscript,
    )
    for form in (
        "PCX",
        "TGA",
        "PPM",
        "SGI",
        "ICO",
        "ICNS",
        "MSP",
        "PDF",
        "DDS",
        "JPEG2000",
        "XBM",
        "SPIDER",
        "MPO",
    ):
        mode, side = {"MSP": ("1", 24), "XBM": ("1", 24), "SPIDER": ("F", 24)}.get(form, ("RGB", 32))
        try:
            yield f"{form.lower()}_as.jpg", saved(form, mode, side)
        except (KeyError, OSError, ValueError):  # Pillow was built without it.
            continue
    size = struct.pack(">HIIHH", 3, 24, 24, 8, 3)
    yield "psd_as.png", b"8BPS\0\1" + bytes(6) + size + bytes(14) + bytes(24 * 24 * 3)
    yield "ppm_88_megapixels.png", b"P6 9400 9400 255\n" + bytes(100)
    yield "ppm_text.png", b"P3 2 2 255\n" + b"9" * 100_000
    yield "fits_as.tif", b"SIMPLE  =                    T" + b" " * 3000
    yield (
        "wmf_as.bmp",
        b"\xd7\xcd\xc6\x9a\0\0" + struct.pack("<hhhhHI", 0, 0, 99, 99, 72, 0) + b"\0\0\1\0\x09\0" + bytes(40),
    )
    yield "svg_as.png", b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'
    yield "html_as.jpg", b"<!DOCTYPE html><title>404</title>"
    yield "empty.png", b""
    yield "nul.jpg", bytes(5000)
    yield "ones.tif", b"\xff" * 5000
    yield "zip_as.webp", b"PK\3\4" + zlib.compress(bytes(100))
    yield "pickle_as.png", b"cos\nsystem\n(S'touch hostile'\ntR."
    yield "elf_as.gif", b"\x7fELF" + bytes(200)


def _cut() -> Iterator[tuple[str, bytes]]:
    """Yields each format cut at a third and before its last byte, and with another format's data behind."""
    wholes = {
        "jpg": saved("JPEG"),
        "gif": saved("GIF", "P"),
        "bmp": saved("BMP"),
        "webp": saved("WEBP"),
        "png": pngs.png(24, 24),
        "tif": tiffs.picture(24, 24),
    }
    for suffix, whole in wholes.items():
        yield f"cut_third.{suffix}", whole[: len(whole) // 3]
        yield f"cut_last.{suffix}", whole[:-1]
        yield f"wrong_suffix_{suffix}.heic", whole
        yield f"followed.{suffix}", whole + wholes["png"] + wholes["jpg"]


def _with_records() -> Iterator[tuple[str, bytes]]:
    """Yields each format that holds a record, whose names and numbers mutants change."""
    whole = {
        "nst_keras": "0.1.0", "settings": {"content_image": "/etc/passwd", "seed": 3},
        "without_flag": {"callbacks": "[Mine]"}, "inputs": {"content_image": "0" * 64},
        "extractor": {"name": "vgg19", "sha256": "0" * 64}, "versions": {"python": "3.11.7"}, "steps": 3,
        "stop_reason": "all 3 steps made", "completed": True, "losses": {"loss": 1.5, "style_loss": 1.0},
    }  # fmt: skip
    text = json.dumps(whole)
    yield "record.png", pngs.png(before=pngs.chunk(b"iTXt", metadata.png_chunk(text)))
    jpeg = saved("JPEG")
    yield "record.jpg", jpeg[:2] + metadata.jpeg_comments(text) + jpeg[2:]
    yield "record.webp", saved("WEBP", exif=metadata.webp_exif(text))
    yield "record.tif", tiffs.picture(t270=(2, metadata.tiff_description(text)))
    yield "record_deep.png", pngs.png(before=pngs.chunk(b"iTXt", metadata.png_chunk("[" * 100_000)))
    yield "record_escapes.png", pngs.png(before=pngs.chunk(b"tEXt", b"nst_keras\0" + b"\x1b[2J"))
