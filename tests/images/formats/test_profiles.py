import io
import struct

import numpy as np
import PIL.Image
import PIL.ImageCms
import pytest

from nst_keras.images.formats import profiles

# Linear RGB to XYZ, relative to D50, as the profiles of these spaces have it.
ADOBE_RGB = [[0.60974, 0.20528, 0.14919], [0.31111, 0.62567, 0.06322], [0.01947, 0.06087, 0.74457]]
PROPHOTO = [[0.79767, 0.13519, 0.03134], [0.28804, 0.71188, 0.00009], [0.0, 0.0, 0.82491]]

GAMMA = struct.pack(">4s4xIHxx", b"curv", 1, round(2.2 * 256))
LINEAR = struct.pack(">4s4xI", b"curv", 0)
TABLE = struct.pack(">4s4xI33Hxx", b"curv", 33, *(round(65535 * (i / 32) ** 1.8) for i in range(33)))


def parametric(kind, *numbers):
    return struct.pack(f">4s4xHxx{len(numbers)}i", b"para", kind, *(round(65536 * number) for number in numbers))


CURVES = {
    "gamma": GAMMA,
    "linear": LINEAR,
    "table": TABLE,
    "para0": parametric(0, 1.8),
    "para1": parametric(1, 2.2, 1.05, -0.05),
    "para2": parametric(2, 2.2, 1.05, -0.05, 0.0),
    "para3": parametric(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045),
    "para4": parametric(4, 2.4, 0.94, 0.05, 0.08, 0.04, -0.001, 0.0),
}


def make_profile(matrix=ADOBE_RGB, curve=GAMMA, space=b"RGB ", extra=()):
    """A profile of one curve and a matrix, of version 2."""

    def xyz(values):
        return struct.pack(">4s4x3i", b"XYZ ", *(round(65536 * value) for value in values))

    tags = [(c + b"XYZ", xyz(column)) for c, column in zip((b"r", b"g", b"b"), np.transpose(matrix), strict=True)]
    tags += [(c + b"TRC", curve) for c in (b"r", b"g", b"b")]
    tags += [(b"wtpt", xyz((0.9642, 1.0, 0.8249))), *extra]
    table, body, place = b"", b"", 132 + 12 * len(tags)
    for name, data in tags:
        table += struct.pack(">4sII", name, place + len(body), len(data))
        body += data
    head = struct.pack(">II4s4s4s12x4s28x3i48x", 0x2100000, 0, b"mntr", space, b"XYZ ", b"acsp", 63190, 65536, 54061)
    whole = struct.pack(">I", place + len(body)) + struct.pack(">I", 0) + head[4:] + struct.pack(">I", len(tags))
    return whole + table + body


@pytest.fixture
def levels(random):
    """Colours of 8 bits, at 16."""
    return random.integers(0, 256, (40, 50, 3)).astype(np.uint16) * 257


def by_pillow(levels, profile):
    picture = PIL.Image.fromarray((levels // 257).astype(np.uint8))
    picture.info["icc_profile"] = profile
    return np.asarray(profiles.picture_to_srgb(picture), float)


@pytest.mark.parametrize("matrix", [ADOBE_RGB, PROPHOTO])
@pytest.mark.parametrize("curve", CURVES)
def test_sixteen_bits_are_converted_as_pillow_converts_eight(levels, matrix, curve):
    profile = make_profile(matrix, CURVES[curve])
    converted = profiles.sixteen_bits_to_srgb(levels, profile)
    assert converted.dtype == np.float32
    np.testing.assert_allclose(converted, by_pillow(levels, profile), atol=1)


def test_fractions_are_kept():
    ramp = np.arange(30_000, 30_100, dtype=np.uint16)[None, :, None].repeat(3, -1)
    converted = profiles.sixteen_bits_to_srgb(ramp, make_profile())
    assert np.all(np.diff(converted[0, :, 0]) > 0)


def test_srgb_and_no_profile_change_nothing(levels):
    for profile in (None, b"", profiles.srgb()):
        np.testing.assert_array_equal(profiles.sixteen_bits_to_srgb(levels, profile), levels // 257)


def test_another_srgb_profile_changes_next_to_nothing(levels):
    """Not the same bytes, but the same colours."""
    other = bytearray(profiles.srgb())
    other[24:26] = struct.pack(">H", 1999)
    np.testing.assert_allclose(profiles.sixteen_bits_to_srgb(levels, bytes(other)), levels / 257, atol=0.02)


@pytest.mark.parametrize(
    "profile",
    [
        b"not a profile",
        make_profile()[:140],
        make_profile()[:-40],
        make_profile(space=b"CMYK"),
        make_profile(extra=[(b"A2B0", bytes(8))]),
        make_profile(curve=struct.pack(">4s4xI", b"mft1", 0)),
        make_profile(curve=parametric(9, 1.0)),
        make_profile(curve=parametric(2, 2.2, 1.05, -0.05, 0.02)),  # Its black is lighter than sRGB's.
    ],
)
def test_other_profiles_are_left_to_pillow(levels, profile):
    assert profiles.sixteen_bits_to_srgb(levels, profile) is None


def test_the_srgb_profile_is_the_same_at_any_time():
    profile = PIL.ImageCms.ImageCmsProfile(io.BytesIO(profiles.srgb()))
    assert "sRGB" in PIL.ImageCms.getProfileDescription(profile)
    year, month, day = struct.unpack(">3H", profiles.srgb()[24:30])  # ICC.1:2022, table 17.
    assert (year, month, day) == (2000, 1, 1)
