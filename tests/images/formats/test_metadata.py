import random
import struct
import subprocess
import sys

import imageio.v3
import numpy as np
import PIL.Image
import PIL.PngImagePlugin
import pytest
import tifffile

from nst_keras import export
from nst_keras.images.formats import metadata
from tests.conftest import ROOT

SUFFIXES = [".png", ".jpg", ".webp", ".tiff"]
KINDS = [(suffix, 8) for suffix in SUFFIXES] + [(".png", 16), (".tiff", 16)]
# As long as a flagfile and a record of a long run, in characters of one to four bytes, that no compression shortens.
LONG = "".join(random.Random(0).choices("abcdefghij 0123456789\n{}äöüß€★🎨", k=100_000))
TEXTS = {
    "plain": "--style_weight=1.0",
    "letters": "Größe: 3 €\nStyle: 星月夜 🎨👩‍🎨\r\n\tnext",
    "long": LONG,
    "empty": "",
    "other signs": "nst_keras:\0\x01\x7f\ufeff<x>&amp;",
}


@pytest.fixture
def picture(random):
    return random.integers(0, 256, (20, 30, 3), np.uint8)


@pytest.mark.parametrize(("suffix", "bit_depth"), KINDS)
@pytest.mark.parametrize("name", TEXTS)
def test_a_text_comes_back(tmp_path, picture, suffix, bit_depth, name):
    path = tmp_path / f"a{suffix}"
    export.save_image(picture, path, bit_depth=bit_depth, text=TEXTS[name])
    assert metadata.read(path) == TEXTS[name]


@pytest.mark.parametrize(("suffix", "bit_depth"), KINDS)
def test_a_text_leaves_the_pixels_as_they_are(tmp_path, picture, suffix, bit_depth):
    read = tifffile.imread if suffix == ".tiff" else imageio.v3.imread  # Neither goes through this package.
    for name, text in (("with", LONG), ("without", None)):
        export.save_image(picture, tmp_path / f"{name}{suffix}", bit_depth=bit_depth, text=text)
    with_text, without = (read(tmp_path / f"{name}{suffix}") for name in ("with", "without"))
    assert with_text.shape == picture.shape
    np.testing.assert_array_equal(with_text, without)


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".bmp", ".gif"])
def test_a_picture_without_a_text(tmp_path, suffix):
    PIL.Image.new("RGB", (8, 8)).save(tmp_path / f"a{suffix}")
    assert metadata.read(tmp_path / f"a{suffix}") is None


def test_texts_of_cameras_and_other_programs_are_not_taken_for_ours(tmp_path):
    exif, chunks = PIL.Image.Exif(), PIL.PngImagePlugin.PngInfo()
    exif[34665] = {37510: b"ASCII\0\0\0OLYMPUS"}
    chunks.add_text("parameters", "steps: 20")
    options = {
        ".png": {"pnginfo": chunks},
        ".jpg": {"comment": "CREATOR: gd-jpeg", "exif": exif},
        ".webp": {"exif": exif},
        ".tiff": {"description": "OLYMPUS DIGITAL CAMERA"},
    }
    for suffix in SUFFIXES:
        PIL.Image.new("RGB", (8, 8)).save(tmp_path / f"a{suffix}", **options[suffix])
        assert metadata.read(tmp_path / f"a{suffix}") is None


def test_a_text_behind_the_pixels_of_a_png_is_found(tmp_path, picture):
    export.save_image(picture, tmp_path / "a.png", text="moved")
    data = (tmp_path / "a.png").read_bytes()
    start = data.index(b"iTXt") - 4
    end = start + 12 + struct.unpack_from(">I", data, start)[0]
    (tmp_path / "a.png").write_bytes(data[:start] + data[end:-12] + data[start:end] + data[-12:])
    assert metadata.read(tmp_path / "a.png") == "moved"


def test_half_a_text_is_none(tmp_path, picture):
    export.save_image(picture, tmp_path / "a.jpg", text=LONG)
    with PIL.Image.open(tmp_path / "a.jpg") as jpeg:
        jpeg.save(tmp_path / "b.jpg")  # Pillow keeps the last comment.
    assert b"nst_keras" in (tmp_path / "b.jpg").read_bytes()
    assert metadata.read(tmp_path / "b.jpg") is None


def test_exif_of_the_other_byte_order(tmp_path):
    comment = b"UNICODE\0" + "nst_keras:größer".encode("utf-16-le")
    directories = struct.pack("<HHHIIIHHHIII", 1, 34665, 4, 1, 26, 0, 1, 37510, 7, len(comment), 44, 0)
    exif = b"Exif\0\0" + struct.pack("<2sHI", b"II", 42, 8) + directories + comment
    PIL.Image.new("RGB", (8, 8)).save(tmp_path / "a.webp", exif=exif)
    assert metadata.read(tmp_path / "a.webp") == "größer"


def test_another_program_sees_the_text(tmp_path, picture):
    for suffix in SUFFIXES:
        export.save_image(picture, tmp_path / f"a{suffix}", text="größer")
    with PIL.Image.open(tmp_path / "a.png") as png, PIL.Image.open(tmp_path / "a.jpg") as jpeg:
        assert png.text == {"nst_keras": "größer"}
        assert jpeg.info["comment"].decode() == "nst_keras 1/1:größer"
    with tifffile.TiffFile(tmp_path / "a.tiff") as tiff:
        assert tiff.pages[0].description == "nst_keras:größer"


def test_what_is_no_character_is_spelt_out(tmp_path, picture):
    export.save_image(picture, tmp_path / "a.png", text="caf\udce9.jpg")
    assert metadata.read(tmp_path / "a.png") == "caf\\udce9.jpg"


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("nowhere.png", FileNotFoundError, "picture: there is no file"),
        ("folder.png", IsADirectoryError, "picture: .* is a folder"),
        ("empty.png", ValueError, "picture: .* is an empty file"),
        ("text.png", ValueError, "picture: .* is not an image that Pillow can read"),
    ],
)
def test_what_is_no_picture(tmp_path, name, kind, message):
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(kind, match=message):
        metadata.read(tmp_path / name, argument="picture")


@pytest.mark.filterwarnings("ignore")  # Pillow warns of some damages.
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_damaged_picture_gives_what_is_left_or_one_sentence(tmp_path, picture, suffix):
    path, chance, outcomes = tmp_path / f"a{suffix}", random.Random(0), set()
    export.save_image(picture, path, text=TEXTS["letters"] * 20)
    whole = path.read_bytes()
    for _ in range(200):
        damaged = bytearray(whole[: chance.randrange(len(whole))] if chance.random() < 0.5 else whole)
        for place in chance.choices(range(len(whole)), k=chance.randrange(5)):
            damaged[place : place + 1] = bytes([chance.randrange(256)])
        path.write_bytes(damaged)
        try:
            metadata.read(path)
        except (ValueError, OSError) as error:
            outcomes.add(str(error).split(":")[0])
    assert outcomes == {"path"}


def test_a_damaged_text(tmp_path, picture):
    export.save_image(picture, tmp_path / "a.tiff", text="größer")
    (tmp_path / "a.tiff").write_bytes((tmp_path / "a.tiff").read_bytes().replace("ö".encode(), b"\xff\xff"))
    with pytest.raises(ValueError, match=r"path: the text in '.*a\.tiff' is damaged"):
        metadata.read(tmp_path / "a.tiff")


def test_reading_needs_no_tensorflow(tmp_path, picture):
    export.save_image(picture, tmp_path / "a.webp", text="at once")
    code = (
        "import sys; from nst_keras.images.formats import metadata; print(metadata.read(sys.argv[1]));"
        "assert not {'tensorflow', 'keras', 'numpy'} & set(sys.modules)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "a.webp")]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout == b"at once\n"
