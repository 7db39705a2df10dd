import numpy as np
import PIL.Image
import pytest
import tifffile

from nst_keras.images.formats import tiffs

KINDS = {
    "raw": {},
    "strips": {"rowsperstrip": 7, "compression": "zlib"},
    "tiles": {"tile": (16, 32), "compression": "zlib", "predictor": True},
    "raw tiles": {"tile": (16, 16)},
    "one strip": {"compression": "zlib", "rowsperstrip": 100},
    "big-endian": {"byteorder": ">"},
    "big-endian tiles": {"byteorder": ">", "tile": (16, 16), "compression": "zlib"},
    "bigtiff": {"bigtiff": True},
}


@pytest.fixture
def levels(random):
    return random.integers(0, 65536, (90, 50, 4)).astype(np.uint16)


def write(path, levels, **options):
    tifffile.imwrite(path, levels, metadata=None, **{"photometric": "rgb", **options})
    return path


def rows_of(path, step=13):
    with tiffs.opened(path) as rows:
        return np.concatenate([rows.read(top, min(top + step, 90)) for top in range(0, 90, step)])


@pytest.mark.parametrize("options", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_rows_are_those_of_the_whole(tmp_path, levels, options, dtype):
    pixels = levels[..., :3].astype(dtype)
    found = rows_of(write(tmp_path / "a.tif", pixels, **options))
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, pixels)


@pytest.mark.parametrize("options", [{}, {"tile": (16, 16)}, {"rowsperstrip": 7, "compression": "zlib"}])
def test_planes(tmp_path, levels, options):
    planes = np.moveaxis(levels[..., :3], -1, 0)
    path = write(tmp_path / "a.tif", planes, planarconfig="separate", **options)
    np.testing.assert_array_equal(rows_of(path), levels[..., :3])


@pytest.mark.parametrize("options", [{}, {"tile": (16, 16), "compression": "zlib"}])
def test_grey_alpha_and_what_is_none(tmp_path, levels, options):
    grey = write(tmp_path / "grey.tif", levels[..., 0], photometric="minisblack", **options)
    np.testing.assert_array_equal(rows_of(grey), levels[..., :1])
    alpha = write(tmp_path / "alpha.tif", levels, extrasamples=["unassalpha"], **options)
    np.testing.assert_array_equal(rows_of(alpha), levels)
    other = write(tmp_path / "other.tif", levels, extrasamples=["unspecified"], **options)
    np.testing.assert_array_equal(rows_of(other), levels[..., :3])


def test_a_strip_is_decoded_once(tmp_path, levels):
    path = write(tmp_path / "a.tif", levels[..., :3], rowsperstrip=100, compression="zlib")
    with tiffs.opened(path) as rows:
        for top in range(0, 90, 10):
            rows.read(top, top + 10)
        assert rows._row_of_pieces.cache_info().misses == 1


def test_what_the_file_says_of_itself(tmp_path, levels):
    tag = (274, "H", 1, 6, True)
    with tiffs.opened(write(tmp_path / "a.tif", levels[..., :3], iccprofile=b"profile", extratags=[tag])) as rows:
        assert (rows.size, rows.orientation, rows.profile) == ((90, 50), 6, b"profile")
    with tiffs.opened(write(tmp_path / "b.tif", levels[..., :3])) as rows:
        assert (rows.orientation, rows.profile) == (1, None)


@pytest.mark.parametrize("options", [{}, {"rowsperstrip": 7, "compression": "zlib"}, {"tile": (16, 16)}])
def test_a_file_that_is_cut_short(tmp_path, levels, options):
    path = write(tmp_path / "a.tif", levels[..., :3], **options)
    data = path.read_bytes()
    path.write_bytes(data[: int(0.8 * len(data))])
    with tiffs.opened(path) as rows:
        if rows is None:  # The tags were behind the pixels.
            return
    with pytest.raises(OSError, match="the file is cut short"):
        rows_of(path)


@pytest.mark.parametrize("mode", ["1", "P", "CMYK", "LAB"])
def test_other_pixels_are_left_to_pillow(tmp_path, mode):
    PIL.Image.new(mode, (9, 9)).save(tmp_path / "a.tif")
    with tiffs.opened(tmp_path / "a.tif") as rows:
        assert rows is None


def test_other_files_are_left_to_pillow(tmp_path):
    for data in (b"", b"hello", b"II*\0hello"):
        (tmp_path / "a").write_bytes(data)
        with tiffs.opened(tmp_path / "a") as rows:
            assert rows is None


def test_a_piece_that_is_too_large_is_left_to_pillow(tmp_path, levels, monkeypatch):
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 40 * 50)
    coarse = write(tmp_path / "a.tif", levels[..., :3], rowsperstrip=45, compression="zlib")
    fine = write(tmp_path / "b.tif", levels[..., :3], rowsperstrip=35, compression="zlib")
    with tiffs.opened(coarse) as none, tiffs.opened(fine) as rows:
        assert none is None
        assert rows is not None
