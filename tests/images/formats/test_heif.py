import subprocess
import sys

import numpy as np
import PIL.Image
import pytest

from nst_keras.images import folders, loading
from nst_keras.images.formats import decoding, deep, heif, heif_levels, metadata, rasters
from tests.images.formats.test_profiles import make_profile

ORIENTATION = 0x0112
needs_avif = pytest.mark.skipif(not heif._pillow_reads_avif(), reason="this Pillow does not read AVIF")


@pytest.fixture
def pillow_heif():
    return pytest.importorskip("pillow_heif", reason="needs pillow-heif to write HEIC: pip install 'nst_keras[heic]'")


@pytest.fixture
def quarters():
    """Four flat quarters, uint8 [64, 96, 3], no two alike when it is turned or mirrored."""
    array = np.zeros((64, 96, 3), np.uint8)
    array[:32, :48], array[:32, 48:], array[32:, :48] = (200, 30, 30), (30, 180, 40), (40, 60, 190)
    return array


@pytest.fixture
def heic(tmp_path, pillow_heif):
    """Writes an array [height, width, channels] as HEIC without loss of colour, and returns its path."""

    def write(array, mode="RGB", name="a.heic", **options):
        height, width = array.shape[:2]
        picture = pillow_heif.from_bytes(mode, (width, height), array.tobytes())
        picture.save(tmp_path / name, quality=-1, chroma=444, **options)
        return tmp_path / name

    return write


def from_file(path, **options):
    with decoding.opened(path, **options) as raster:
        return raster.upright(raster.rows(0, raster.size[0]))


def turned(orientation):
    exif = PIL.Image.Exif()
    exif[ORIENTATION] = orientation
    return exif.tobytes()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_heic_that_its_container_turns_is_turned_once(heic, quarters, orientation):
    expected = rasters._UPRIGHT.get(orientation, np.asarray)(quarters)
    np.testing.assert_allclose(from_file(heic(quarters, exif=turned(orientation))), expected, atol=2)


@needs_avif
@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_avif_that_its_container_turns_is_turned_once(tmp_path, quarters, orientation):
    exif = turned(orientation)
    PIL.Image.fromarray(quarters).save(tmp_path / "a.avif", quality=100, subsampling="4:4:4", exif=exif)
    expected = rasters._UPRIGHT.get(orientation, np.asarray)(quarters)
    np.testing.assert_allclose(from_file(tmp_path / "a.avif"), expected, atol=2)


def test_a_heic_is_read_by_what_it_is_and_not_by_its_name(heic, quarters):
    path = heic(quarters, name="a.jpg")
    np.testing.assert_allclose(loading.load(path)[0], quarters, atol=2)
    assert metadata.read(path) is None


def test_alpha_of_a_heic(heic, random):
    rgba = np.full((32, 32, 4), (200, 30, 30, 255), np.uint8)
    rgba[:16, :, 3] = 0
    picture = loading.read(heic(rgba, "RGBA"))
    np.testing.assert_array_equal(picture.alpha, rgba[..., 3])
    np.testing.assert_allclose(picture.image[0, 4, 4], [255, 255, 255], atol=1)


@pytest.mark.parametrize(("mode", "scale"), [("RGBa", 1), ("RGBa;16", 257)])
def test_colours_of_a_heic_that_are_multiplied_by_its_alpha(heic, mode, scale):
    levels = np.full((32, 32, 4), (100 * scale, 50 * scale, 25 * scale, 128 * scale))
    pixels = from_file(heic(levels.astype(np.uint16 if scale > 1 else np.uint8), mode))
    np.testing.assert_allclose(pixels[9, 9], [199, 100, 50, 128], atol=2.5)


@needs_avif
def test_alpha_of_an_avif(tmp_path, quarters):
    rgba = np.dstack([quarters, np.repeat([[0], [255]], 32, axis=0).repeat(96, axis=1)]).astype(np.uint8)
    PIL.Image.fromarray(rgba).save(tmp_path / "a.avif", quality=100)
    np.testing.assert_array_equal(loading.read(tmp_path / "a.avif").alpha, rgba[..., 3])


@pytest.mark.parametrize(("mode", "channels"), [("RGB;16", 3), ("RGBA;16", 4), ("L;16", 1)])
def test_ten_bits_of_a_heic_are_all_read(heic, mode, channels):
    ramp = np.linspace(0, 1023, 96).astype(np.uint16)
    levels = np.broadcast_to(ramp[np.newaxis, :, np.newaxis] << 6, (64, 96, channels))
    pixels = from_file(heic(np.ascontiguousarray(levels), mode))
    np.testing.assert_allclose(pixels[10, :, 0], ramp * (255 / 1023), atol=0.3)
    assert (pixels.min(), pixels.max()) == (0, 255)
    assert (pixels % 1 != 0).any()


@pytest.mark.parametrize("is_deep", [False, True])
def test_the_profile_of_a_heic_is_converted(tmp_path, heic, quarters, is_deep):
    options = {"icc_profile": make_profile()}
    PIL.Image.fromarray(quarters).save(tmp_path / "a.png", **options)
    expected = from_file(tmp_path / "a.png")
    assert np.abs(expected - quarters).max() > 8
    levels = (quarters.astype(np.uint16) * 257, "RGB;16") if is_deep else (quarters, "RGB")
    np.testing.assert_allclose(from_file(heic(*levels, **options)), expected, atol=4)


@needs_avif
def test_the_profile_of_an_avif_is_converted(tmp_path, quarters):
    for name in ("a.png", "a.avif"):
        PIL.Image.fromarray(quarters).save(tmp_path / name, icc_profile=make_profile(), quality=100)
    np.testing.assert_allclose(from_file(tmp_path / "a.avif")[9, 9], from_file(tmp_path / "a.png")[9, 9], atol=4)


def test_wide_colours_without_a_profile_are_told(heic, quarters):
    path = heic(quarters, color_primaries=9, transfer_characteristics=16, matrix_coefficients=9, full_range_flag=1)
    with pytest.warns(UserWarning, match="photo: it has a wide gamut or HDR, and no ICC profile; taken as sRGB"):
        from_file(path, argument="photo")


def test_a_heic_that_is_cut_short(heic, quarters):
    path = heic(quarters)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"photo: '.*a\.heic' is damaged"):
        loading.load(path, argument="photo")


def test_a_heic_of_more_pixels_than_are_safe(heic, quarters, monkeypatch):
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(ValueError, match=r"photo: '.*' has more than 0 megapixels"):
        loading.load(heic(quarters), argument="photo")


@pytest.mark.parametrize("brands", [b"heic\0\0\0\0mif1heic", b"mif1\0\0\0\0mif1heic", b"heix\0\0\0\0"])
def test_without_pillow_heif_the_error_says_what_to_install(tmp_path, monkeypatch, brands):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)  # Python then raises ImportError.
    (tmp_path / "a.heic").write_bytes((8 + len(brands)).to_bytes(4, "big") + b"ftyp" + brands)
    expected = r"content_image: '.*a\.heic' is a HEIC picture, .*: pip install \"nst_keras\[heic\]\"$"
    with pytest.raises(ImportError, match=expected):
        loading.load(tmp_path / "a.heic", argument="content_image")


def test_a_pillow_without_avif_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(heif, "_pillow_reads_avif", lambda: False)
    (tmp_path / "a.avif").write_bytes(b"\0\0\0\x1cftypmif1\0\0\0\0mif1avif")
    with pytest.raises(ImportError, match=r"photo: '.*a\.avif' is an AVIF .*: pip install \"nst_keras\[heic\]\"$"):
        loading.load(tmp_path / "a.avif", argument="photo")


@needs_avif
def test_a_deep_avif_is_known_by_its_description(tmp_path, quarters):
    path = tmp_path / "a.avif"
    PIL.Image.fromarray(quarters).save(path)
    head, box, configuration = path.read_bytes().partition(b"av1C")
    with PIL.Image.open(path) as picture:
        assert not heif_levels.has_deep_avif(picture)
        deep = bytes([*configuration[:2], configuration[2] | 0x40, *configuration[3:]])
        path.write_bytes(head + box + deep)
        assert heif_levels.has_deep_avif(picture)


@needs_avif
def test_a_deep_avif_is_read_at_eight_bits_and_told(tmp_path, quarters, monkeypatch):
    PIL.Image.fromarray(quarters).save(tmp_path / "a.avif", quality=100)
    # Pillow writes no deep file.
    monkeypatch.setitem(deep._DECODERS, "AVIF", (lambda picture: True, heif_levels.decode_avif))
    with pytest.warns(UserWarning, match="photo: read at 8 bits a channel instead of 10 or 12 .Pillow decodes AVIF at"):
        pixels = from_file(tmp_path / "a.avif", argument="photo")
    np.testing.assert_allclose(pixels[9, 9], quarters[9, 9], atol=4)


def test_a_folder_finds_them(tmp_path):
    for name in ("a.heic", "b.HEIF", "c.avif", "d.heics.txt"):
        (tmp_path / name).touch()
    assert [path.name for path in folders.pictures(tmp_path)] == ["a.heic", "b.HEIF", "c.avif"]


def test_pillow_heif_is_imported_for_such_a_file_alone(heic, quarters, tmp_path):
    PIL.Image.fromarray(quarters).save(tmp_path / "a.png")
    program = (
        "import sys; from nst_keras.images.formats import opening\n"
        "for path in sys.argv[1:]:\n"
        "    with opening.opened(path): print('pillow_heif' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "a.png", heic(quarters)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "True"]
