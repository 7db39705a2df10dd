"""From what a user names to the pictures of a run."""

import numpy as np
import PIL.Image
import pytest

from nst_keras.images import colour, loading
from tests import inputs


def flat(height, width, level=99):
    return np.full([height, width, 3], level, np.uint8)


def half(height, width):
    """A mask, white in its left half."""
    mask = flat(height, width, 0)
    mask[:, : width // 2] = 255
    return mask


def test_content_and_style_are_reduced_and_never_enlarged(content):
    pictures = inputs.read([flat(100, 60), flat(8, 10)], content, image_size=30)
    assert pictures.size == (30, 25)
    assert pictures.content_size == (48, 40)
    assert [tuple(image.shape[1:3]) for image in pictures.style_images] == [(30, 18), (8, 10)]


@pytest.mark.parametrize(("scale", "sides"), [(1, [48, 48]), (0.5, [24, 24]), ([0.25, 2.0], [12, 96])])
def test_a_style_scale_is_of_the_pictures_longest_side_and_enlarges_too(content, scale, sides):
    pictures = inputs.read([flat(100, 60), flat(8, 10)], content, style_scale=scale)
    assert [max(image.shape[1:3]) for image in pictures.style_images] == sides
    assert [tuple(image.shape[1:3]) for image in pictures.style_targets] == [
        (sides[0], round(0.6 * sides[0])),
        (round(0.8 * sides[1]), sides[1]),
    ]


def test_a_style_scale_is_of_a_textures_own_size(style):
    pictures = inputs.read(style, None, mode="texture", texture_size="90x30", style_scale=0.5)
    assert max(pictures.style_images[0].shape[1:3]) == 45
    # The whole file is read, not what `image_size` would have left of it.
    reduced = inputs.read(style, None, mode="texture", image_size=9, texture_size="90x30", style_scale=0.5)
    np.testing.assert_array_equal(reduced.style_images[0], pictures.style_images[0])


@pytest.mark.parametrize(("blend", "shares"), [(None, [0.5, 0.5]), ([1, 3], [0.25, 0.75]), ((0.4, 0), [1.0, 0.0])])
def test_shares_are_1_together(style, content, blend, shares):
    assert inputs.read([style, style], content, style_blend=blend).blend == pytest.approx(shares)


def test_one_share_for_one_style(style, content):
    assert inputs.read(style, content, style_blend=0.3).blend == [1.0]


def test_a_folder_is_its_pictures_by_name(tmp_path, content):
    for name, level in {"b.png": 20, "a.jpg": 10, "c.PNG": 30, ".hidden.png": 5}.items():
        PIL.Image.fromarray(flat(9, 9, level)).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no picture")
    for source in (tmp_path, str(tmp_path), tmp_path.as_uri()):
        pictures = inputs.read([flat(9, 9, 1), source], content)
        assert [round(float(image[0, 0, 0, 0])) for image in pictures.style_images] == [1, 10, 20, 30]
        assert pictures.blend == [0.25] * 4


@pytest.mark.parametrize(
    ("error", "source", "message"),
    [
        (
            TypeError,
            ["a.png", "b.png"],
            r"content_image is a list of 2, but a run makes one picture: nst-keras batch makes several",
        ),
        (TypeError, [flat(9, 9)], "content_image is a list of 1, but a run makes one picture"),
        (TypeError, [[1, 2], [3, 4]], "content_image must be a path"),
        (
            FileNotFoundError,
            "sample:swirls,sample:landscape",
            "content_image is 'sample:.*', several pictures, but a run",
        ),
        (IsADirectoryError, ".", "content_image is the folder '.', but a run makes one picture"),
        (FileNotFoundError, "a,b.png", "content_image: there is no file 'a,b.png'"),
    ],
)
def test_a_run_has_one_content_image(style, error, source, message):
    with pytest.raises(error, match=message):
        inputs.read(style, source)


def test_an_empty_folder_is_refused(tmp_path, content):
    with pytest.raises(ValueError, match="style_image: there is no picture .* in the folder"):
        inputs.read(tmp_path, content)


def test_masks_are_luminance_of_the_pictures_size(style, content):
    mask = half(96, 80)
    pictures = inputs.read(style, content, style_mask=mask, content_mask=flat(24, 20, 51))
    (found,) = pictures.style_masks
    assert found.shape == (1, 48, 40, 1)
    np.testing.assert_allclose(found[0, :, :19, 0], 1.0, atol=1e-5)
    np.testing.assert_allclose(found[0, :, 21:, 0], 0.0, atol=1e-5)
    np.testing.assert_allclose(pictures.content_mask, np.full([1, 48, 40, 1], 0.2), atol=1e-5)


def test_a_mask_may_differ_by_what_rounding_makes_of_its_aspect(style):
    pictures = inputs.read(style, flat(400, 300), image_size=200, style_mask=half(401, 300))
    assert pictures.style_masks[0].shape == (1, 200, 150, 1)


@pytest.mark.parametrize("argument", ["style_mask", "content_mask"])
@pytest.mark.parametrize("shape", [(40, 48), (48, 48), (48, 42)])
def test_a_mask_of_another_aspect_is_refused(style, content, argument, shape):
    message = rf"{argument}.* is {shape[1]}x{shape[0]} px, and the picture 40x48: a mask must have the picture's aspect"
    with pytest.raises(ValueError, match=message):
        inputs.read(style, content, **{argument: flat(*shape)})


@pytest.mark.parametrize(("given", "size"), [("31x23", (23, 31)), (None, (36, 44))])
def test_a_textures_size(style, given, size):
    pictures = inputs.read(style, None, mode="texture", texture_size=given)
    assert pictures.size == size
    assert pictures.initial_image.shape == (1, *size, 3)


def test_a_texture_has_the_size_of_its_reduced_style_where_none_is_given(style):
    assert inputs.read(style, None, mode="texture", image_size=22).size == (18, 22)


@pytest.mark.parametrize("given", ["400", "400x", "4.5x3", "-4x3", "axb", "0x10", "10x0", (3, 4), 400])
def test_a_texture_size_that_is_malformed(style, given):
    with pytest.raises(ValueError, match="texture_size must be WIDTHxHEIGHT in pixels, such as '640x480', but "):
        inputs.read(style, None, mode="texture", texture_size=given)


def test_a_texture_larger_than_the_memory(style):
    with pytest.raises(ValueError, match="texture_size asks for a picture of 99999999x99999999 px, more than this"):
        inputs.read(style, None, mode="texture", texture_size="99999999x99999999")


BAD = [
    ({"style_blend": [1.0]}, "style_blend has 1 entries for 2 style images. Give one for each"),
    ({"style_blend": 1.0}, "style_blend has 1 entries for 2 style images"),
    ({"style_blend": [1.0, -1.0]}, "style_blend must be 0 or more, but -1.0"),
    ({"style_blend": [0, 0]}, r"style_blend=\[0, 0\] adds up to 0.0. Give shares"),
    ({"style_blend": [1e308, 1e308]}, "adds up to inf. Give shares such as 0.7 and 0.3"),
    ({"style_blend": [1, float("nan")]}, "style_blend must be a finite number"),
    ({"style_scale": 0}, r"style_scale must be above 0, up to 1e\+09, but 0 was given"),
    ({"style_scale": 1e308}, r"style_scale must be above 0, up to 1e\+09, but 1e\+308 was given"),
    ({"style_scale": 1e9}, "style_scale asks for a picture of .* px, more than this machine can hold"),
    ({"image_size": 10**9, "enlarge": True}, "image_size asks for a picture of .* px, more than this machine can hold"),
    ({"style_scale": [1.0, -2.0]}, r"style_scale must be above 0, up to 1e\+09, but -2.0"),
    ({"style_scale": [1.0, 1.0, 1.0]}, "style_scale has 3 entries for 2 style images"),
    ({"style_scale": "big"}, "style_scale must be a finite number"),
    ({"style_mask": flat(48, 40)}, "style_mask has 1 entries for 2 style images"),
    ({"mode": "texure"}, "mode='texure' is not known. Did you mean 'texture'"),
    ({"preserve_color": "lumina"}, "preserve_color='lumina' is not known. Did you mean 'luminance'"),
    ({"image_size": 0}, "image_size must be a whole number"),
    ({"init": "nosie"}, "init='nosie' is not known. Did you mean 'noise'"),
]


@pytest.mark.parametrize(("options", "message"), BAD)
def test_bad_arguments(style, content, options, message):
    with pytest.raises(ValueError, match=message):
        inputs.read([style, style], content, **options)


@pytest.mark.parametrize("argument", ["style_mask", "content_mask"])
def test_a_mask_that_cannot_be_read_is_named(style, content, argument, tmp_path):
    with pytest.raises(OSError, match=rf"{argument}.*{tmp_path.name}"):
        inputs.read(style, content, **{argument: tmp_path / "no.png"})
    with pytest.raises(OSError, match=rf"{argument}.*{tmp_path.name}"):
        inputs.read(style, content, **{argument: tmp_path})


def test_an_empty_list_of_styles(content):
    with pytest.raises(ValueError, match="style_image is an empty list. Give at least one image"):
        inputs.read([], content)


def test_targets_lie_within_what_a_picture_can_come_to(style, content):
    pictures = inputs.read(style, content, preserve_color="match")
    matched = colour.match_moments(loading.load(style), loading.load(content))
    assert np.max(matched) > 255
    np.testing.assert_array_equal(pictures.style_targets[0], np.clip(matched, 0, 255))
    np.testing.assert_array_equal(pictures.style_images[0][0], style)


def test_a_transparent_contents_alpha_is_kept(style, content):
    alpha = np.arange(48 * 40, dtype=np.uint16).reshape(48, 40).astype(np.uint8)
    pictures = inputs.read(style, np.dstack([content, alpha]), image_size=20)
    np.testing.assert_array_equal(pictures.content_alpha, alpha)


def test_small_pictures_are_enlarged_where_that_is_asked_for(style, content):
    pictures = inputs.read(style, content, image_size=96, enlarge=True)
    assert pictures.size == (96, 80)
    assert [max(image.shape[1:3]) for image in pictures.style_images] == [96]
    assert pictures.content_size == content.shape[:2]
    assert inputs.read(style, content, image_size=96).size == content.shape[:2]
    with pytest.raises(ValueError, match="enlarge has no effect without image_size"):
        inputs.read(style, content, enlarge=True)


def test_a_style_in_its_own_colours_is_not_held_twice(style, content):
    pictures = inputs.read(style, content)
    assert pictures.style_targets[0] is pictures.style_images[0]
    assert pictures.content_target is pictures.content_image
    smaller = pictures.scaled(24)
    assert smaller.style_targets[0] is smaller.style_images[0]
    assert smaller.content_target is smaller.content_image
    assert inputs.read(style, content, preserve_color="match").style_targets[0] is not pictures.style_images[0]


def test_sides_are_rounded_to_multiples_and_the_content_keeps_its_own_size(style, content):
    pictures = inputs.read(style, content, image_size=45, size_step=16)
    assert pictures.size == (48, 32)
    assert pictures.content_image.shape == (1, 48, 32, 3)
    assert pictures.content_size == (48, 40)
    assert inputs.read(style, content, image_size=5, size_step=16).size == (16, 16)
