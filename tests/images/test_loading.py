import io
import os
import struct
import zlib

import numpy as np
import PIL.Image
import PIL.ImageCms
import pytest
import tensorflow as tf

from nst_keras.images import loading, pixels, resizing, starts


def save(tmp_path, array, name, **options):
    PIL.Image.fromarray(array).save(tmp_path / name, **options)
    return tmp_path / name


@pytest.fixture
def rgb(random):
    return random.integers(0, 256, (6, 9, 3), np.uint8)


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tif", "a.webp"])
def test_lossless_files_keep_their_pixels(tmp_path, rgb, name):
    path = save(tmp_path, rgb, name, **({"lossless": True} if name == "a.webp" else {}))
    image = loading.load(path)
    assert image.dtype == tf.float32
    np.testing.assert_array_equal(image[0], rgb)


def test_jpeg(tmp_path):
    flat = np.full((16, 16, 3), (200, 100, 50), np.uint8)
    np.testing.assert_allclose(loading.load(save(tmp_path, flat, "a.jpg", quality=95))[0], flat, atol=3)


def test_gif_gives_its_first_frame(tmp_path):
    first, second = (PIL.Image.new("RGB", (5, 4), c) for c in ("#ff0000", "#0000ff"))
    first.save(tmp_path / "a.gif", save_all=True, append_images=[second])
    np.testing.assert_array_equal(loading.load(tmp_path / "a.gif")[0, 0, 0], [255, 0, 0])


def test_grey_becomes_three_equal_channels(tmp_path, rgb):
    grey = rgb[..., 0]
    image = loading.load(save(tmp_path, grey, "a.png"))
    np.testing.assert_array_equal(image[0], np.repeat(grey[..., None], 3, -1))


def test_sixteen_bit_grey_spans_the_range(tmp_path):
    path = save(tmp_path, np.array([[0, 257 * 10, 65535]], np.uint16), "a.png")
    np.testing.assert_allclose(loading.load(path)[0, 0, :, 0], [0, 10, 255])


@pytest.mark.parametrize(("background", "expected"), [("white", 255), ("black", 0), ("#808080", 128)])
def test_transparent_pixels_show_the_background(tmp_path, background, expected):
    array = np.zeros((2, 2, 4), np.uint8)
    path = save(tmp_path, array, "a.png")
    np.testing.assert_array_equal(loading.load(path, background=background), np.full((1, 2, 2, 3), expected))


def test_half_transparent_pixels_are_mixed():
    array = np.array([[[200, 100, 0, 51]]], np.uint8)  # alpha 0.2
    np.testing.assert_allclose(loading.load(array)[0, 0, 0], [244, 224, 204], atol=0.01)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I;16"])
def test_every_mode_is_loaded(mode):
    picture = PIL.Image.new(mode, (9, 6), 1)
    assert loading.load(picture).shape == (1, 6, 9, 3)


def test_transparent_palette(tmp_path):
    picture = PIL.Image.new("P", (2, 1))
    picture.putpalette([10, 20, 30, 40, 50, 60])
    picture.putpixel((1, 0), 1)
    picture.save(tmp_path / "a.gif", transparency=0)
    np.testing.assert_array_equal(loading.load(tmp_path / "a.gif")[0, 0], [[255, 255, 255], [40, 50, 60]])


def test_cmyk(tmp_path):
    PIL.Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "a.tif")
    np.testing.assert_allclose(loading.load(tmp_path / "a.tif")[0, 0, 0], [255, 0, 0], atol=2)


def test_exif_orientation_is_applied(tmp_path, rgb):
    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # To be turned a quarter clockwise.
    path = save(tmp_path, rgb, "a.png", exif=exif)
    np.testing.assert_array_equal(loading.load(path)[0], np.rot90(rgb, -1))


def test_embedded_profile_is_converted_to_srgb(tmp_path, rgb):
    lab = PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("LAB"))
    srgb = PIL.ImageCms.createProfile("sRGB")
    as_lab = PIL.ImageCms.profileToProfile(PIL.Image.fromarray(rgb // 2 + 64), srgb, lab, outputMode="LAB")
    as_lab.save(tmp_path / "a.tif", icc_profile=lab.tobytes())
    np.testing.assert_allclose(loading.load(tmp_path / "a.tif")[0], rgb // 2 + 64, atol=12)


def test_broken_profile_is_told_and_taken_as_srgb(tmp_path, rgb):
    path = save(tmp_path, rgb, "a.png", icc_profile=b"not a profile")
    with pytest.warns(UserWarning, match="photo: its colour profile"):
        np.testing.assert_array_equal(loading.load(path, argument="photo")[0], rgb)


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32"])
def test_arrays_and_tensors(rgb, dtype):
    for source in (rgb.astype(dtype), tf.constant(rgb.astype(dtype)), rgb.astype(dtype)[np.newaxis]):
        np.testing.assert_array_equal(loading.load(source)[0], rgb)


def test_sixteen_bit_array():
    np.testing.assert_allclose(loading.load(np.full((1, 1, 3), 65535, np.uint16)), np.full((1, 1, 1, 3), 255))


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((2, 2, 5)), r"shape \[height, width, 3\].*\[2, 2, 5\] was given"),
        (np.zeros((2, 3, 4, 3)), "shape"),
        (np.zeros((0, 4, 3)), "shape"),
        (np.full((2, 2, 3), 0.5), "floats in 0..1 were given. Multiply by 255"),
        (np.full((2, 2, 3), 300.0), "values in 0..255"),
        (np.full((2, 2, 3), np.nan), "values in 0..255"),
        (np.zeros((2, 2, 3), bool), "bool"),
    ],
)
def test_bad_arrays(array, message):
    with pytest.raises(ValueError, match=f"photo must.*{message}"):
        loading.load(array, argument="photo")


def test_bad_type():
    with pytest.raises(TypeError, match="photo must be a path.*int was given"):
        loading.load(3, argument="photo")


def write(tmp_path, data, name="a.jpg"):
    (tmp_path / name).write_bytes(data)
    return tmp_path / name


def png_header(width, height):
    def chunk(body, length):
        return struct.pack(">I", length) + body + struct.pack(">I", zlib.crc32(body))

    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR" + size, 13) + chunk(b"IDAT", 1000)


def test_missing_file():
    with pytest.raises(FileNotFoundError, match="photo: there is no file 'nowhere.jpg'"):
        loading.load("nowhere.jpg", argument="photo")


def test_folder(tmp_path):
    with pytest.raises(IsADirectoryError, match="is a folder"):
        loading.load(tmp_path)


def test_pipes_and_devices_are_not_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/zero"):
        with pytest.raises(OSError, match=rf"photo: '{path}' is a device or a pipe. Give a file."):
            loading.load(path, argument="photo")


@pytest.mark.parametrize("name", ["a" * 5000, "a\0b.png", "caf\udce9.png", "~nobody_of_this_name/a.png"])
def test_names_that_no_file_has(name):
    with pytest.raises(FileNotFoundError, match="photo: there is no file .*Check the path") as raised:
        loading.load(name, argument="photo")
    assert len(str(raised.value).encode()) < 300


def test_empty_file(tmp_path):
    with pytest.raises(ValueError, match="is an empty file"):
        loading.load(write(tmp_path, b""))


def test_not_an_image(tmp_path):
    with pytest.raises(ValueError, match="is not an image that Pillow can read"):
        loading.load(write(tmp_path, b"hello"))


def test_truncated_jpeg(tmp_path, rgb):
    buffer = io.BytesIO()
    PIL.Image.fromarray(np.tile(rgb, (20, 20, 1))).save(buffer, "JPEG")
    with pytest.raises(ValueError, match="is damaged.*Get a whole copy"):
        loading.load(write(tmp_path, buffer.getvalue()[: len(buffer.getvalue()) // 2]))


@pytest.mark.parametrize("side", [10_000, 20_000])
def test_more_pixels_than_are_safe(tmp_path, side):
    with pytest.raises(ValueError, match="more than 89 megapixels"):
        loading.load(write(tmp_path, png_header(side, side), "a.png"))


def test_resize_keeps_the_aspect_and_does_not_enlarge():
    image = tf.zeros([1, 30, 60, 3])
    assert resizing.resize(image, 20).shape == (1, 10, 20, 3)
    assert resizing.resize(image, 80) is image
    assert resizing.resize(image, 80, enlarge=True).shape == (1, 40, 80, 3)
    assert resizing.resize(tf.zeros([1, 1, 500, 3]), 20).shape == (1, 1, 20, 3)


def test_resize_is_antialiased():
    stripes = np.zeros((1, 64, 64, 3), np.float32)
    stripes[:, :, ::2] = 255
    small = resizing.resize(tf.constant(stripes), 16)[:, 4:-4, 4:-4]
    np.testing.assert_allclose(small, np.full(small.shape, 127.5), atol=6)


def test_cover_cuts_and_never_squashes(rgb):
    image = loading.load(np.repeat(np.repeat(rgb, 4, 0), 4, 1))
    covered = resizing.cover(image, 12, 36)
    assert covered.shape == (1, 12, 36, 3)
    np.testing.assert_array_equal(covered, image[:, 6:18])


def test_resize_to_gives_exactly_this_size_within_the_range(random):
    image = tf.constant(random.choice([0.0, 255.0], (1, 20, 30, 3)), tf.float32)
    enlarged = resizing.resize_to(image, 47, 61)
    assert enlarged.shape == (1, 47, 61, 3)
    assert (float(tf.reduce_min(enlarged)), float(tf.reduce_max(enlarged))) == (0.0, 255.0)
    assert resizing.resize_to(image, 20, 30) is image
    with pytest.raises(ValueError, match="width must be a whole number, 1 or more"):
        resizing.resize_to(image, 20, 0)


def test_white_noise_repeats_with_its_seed():
    np.testing.assert_array_equal(starts.white_noise(5, 6, seed=3), starts.white_noise(5, 6, seed=3))
    assert np.any(starts.white_noise(5, 6, seed=3) != starts.white_noise(5, 6, seed=4))


def test_to_uint8_rounds_and_does_not_stretch():
    image = tf.constant([[[[-5.0, 100.4, 100.6]], [[300.0, 0.0, 50.0]]]])
    np.testing.assert_array_equal(pixels.to_uint8(image), [[[0, 100, 101]], [[255, 0, 50]]])


def test_to_uint16_keeps_the_fractions():
    image = tf.constant([[[[-5.0, 0.0, 100.5]], [[300.0, 255.0, 1 / 257]]]])
    np.testing.assert_array_equal(pixels.to_uint16(image), [[[0, 0, 25828]], [[65535, 65535, 1]]])
    assert pixels.to_uint16(image).dtype == np.uint16


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.webp"])
def test_reading_keeps_the_alpha(tmp_path, random, name):
    rgba = random.integers(0, 256, (6, 9, 4), np.uint8)
    picture = loading.read(save(tmp_path, rgba, name, **({"lossless": True} if name == "a.webp" else {})))
    np.testing.assert_array_equal(picture.alpha, rgba[..., 3])
    assert picture.alpha.dtype == np.uint8
    np.testing.assert_array_equal(picture.image, loading.load(tmp_path / name))


def test_alpha_of_sixteen_bits_is_rounded_to_eight(tmp_path):
    rgba = np.array([[[0, 0, 0, 0], [0, 0, 0, 128 * 257 + 100], [65535, 0, 0, 65535]]], np.uint16)
    np.testing.assert_array_equal(loading.read(rgba).alpha, [[0, 128, 255]])


def test_an_opaque_picture_has_no_alpha(tmp_path, rgb):
    opaque = np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)])
    for source in (rgb, rgb[..., 0], opaque, save(tmp_path, opaque, "a.png"), PIL.Image.fromarray(opaque)):
        assert loading.read(source).alpha is None
    np.testing.assert_array_equal(loading.read(opaque).image[0], rgb)


def test_a_sixteen_bit_png_is_loaded_with_its_fractions(tmp_path, random):
    levels = random.integers(0, 65536, (5, 7, 3)).astype(np.uint16)
    (tmp_path / "a.png").write_bytes(tf.io.encode_png(levels).numpy())
    np.testing.assert_array_equal(pixels.to_uint16(loading.load(tmp_path / "a.png")), levels)


def test_a_file_url_is_read_in_its_place(tmp_path, rgb, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "cache"))
    path = save(tmp_path, rgb, "my dog, 50%.png")
    for address in (path.as_uri(), path.as_uri().replace("file://", "file://localhost")):
        np.testing.assert_array_equal(loading.load(address)[0], rgb)
    assert not (tmp_path / "cache").exists()
    with pytest.raises(FileNotFoundError, match="photo: there is no file 'file:///nowhere/a.png'"):
        loading.load("file:///nowhere/a.png", argument="photo")


@pytest.mark.parametrize("address", ["file://a.png", "file://host/a.png"])
def test_a_file_url_of_another_machine(address):
    with pytest.raises(ValueError, match=f"photo: '{address}' names no file of this machine.*three slashes"):
        loading.load(address, argument="photo")


def test_a_url_that_is_no_picture_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    address = write(tmp_path, b"hello").as_uri()
    with pytest.raises(ValueError, match=f"photo: '{address}' is not an image"):
        loading.load(address, argument="photo")


def test_a_tensor_without_values(rgb):
    @tf.function
    def load(image):
        with pytest.raises(TypeError, match="photo is a tensor of a graph, which has no values yet. Call this outside"):
            loading.load(image, argument="photo")
        return image

    load(tf.constant(rgb))
    load(tf.constant(rgb[np.newaxis], tf.float32))
