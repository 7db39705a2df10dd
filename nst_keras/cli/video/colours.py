"""The filters that turn a clip's frames into RGB levels for a screen, at the size that is asked for."""

from __future__ import annotations

import re

from nst_keras.cli.video import probing

__all__ = ["is_hdr", "to_rgb", "to_video"]

_HDR = ("smpte2084", "arib-std-b67")  # Transfers: PQ and HLG.
_SCALING = "flags=lanczos+accurate_rnd+full_chroma_int+full_chroma_inp"
_HD = 1280, 720  # Least longer and shorter side of pictures that are BT.709 where the file tells no matrix.
_INTERLACED = re.compile(r"top (coded )?first|bottom (coded )?first")
_BT709 = "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709"


def is_hdr(pictures: probing.Pictures) -> bool:
    """Returns whether pictures are high dynamic range: their transfer is PQ or HLG."""
    return any(transfer in pictures.colours for transfer in _HDR)


def to_rgb(pictures: probing.Pictures, size: tuple[int, int]) -> list[str]:
    """Returns the filters from decoded frames to RGB in sRGB's range and primaries.

    High dynamic range is mapped by Hable's curve, with 100 nits as the white of a screen.

    Args:
        pictures: The stream of pictures.
        size: (height, width) of the result.
    """
    filters = ["bwdif=mode=send_frame:deint=interlaced"] if _INTERLACED.search(pictures.colours) else []
    scale = f"scale={size[1]}:{size[0]}:{_SCALING}"
    if is_hdr(pictures):
        return [*filters, scale, *_tone_mapped(pictures.colours), "format=rgb24"]
    matrix = ":in_color_matrix=bt709" if _is_untold_hd(pictures) else ""
    return [*filters, scale + matrix, "format=rgb24"]


def to_video() -> list[str]:
    """Returns the filters from RGB frames to what every player shows: 8 bits, BT.709, halved chroma."""
    return [f"scale=out_color_matrix=bt709:out_range=tv:{_SCALING}", "format=yuv420p", _BT709]


def _is_untold_hd(pictures: probing.Pictures) -> bool:
    """Returns whether pictures are Y'CbCr of high definition whose matrix the file does not tell."""
    kind, _, told = pictures.colours.partition("(")
    names = [name for name in re.split(r"[,)]", told) if name.strip() not in ("tv", "pc", "progressive", "")]
    matrices = [name.split("/")[0].strip() for name in names if not _INTERLACED.search(name)]
    sides = sorted(pictures.size or (0, 0))
    is_large = sides[1] >= _HD[0] or sides[0] >= _HD[1]
    return bool(re.match(r"yuv|nv|p0|p2|yuyv|uyvy", kind)) and is_large and matrices in ([], ["unknown"])


def _tone_mapped(colours: str) -> list[str]:
    """Returns the filters from BT.2020 with PQ or HLG to sRGB."""
    transfer = next(transfer for transfer in _HDR if transfer in colours)
    span = "full" if "(pc" in colours else "limited"
    return [
        f"zscale=tin={transfer}:pin=bt2020:min=bt2020nc:rangein={span}:t=linear:npl=100",
        "format=gbrpf32le",
        "zscale=p=bt709",
        "tonemap=tonemap=hable:desat=0",
        "zscale=t=iec61966-2-1:r=full",
        "format=gbrp",
    ]
