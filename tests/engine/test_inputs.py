"""The pictures of a run, at each size that it goes through."""

import numpy as np
import pytest
import tensorflow as tf

from nst_keras.images import colour, loading, resizing, starts
from tests import inputs


def mask_of(columns, height=48, width=40, level=255):
    """White in its first columns."""
    mask = np.zeros([height, width, 3], np.uint8)
    mask[:, :columns] = level
    return mask


@pytest.fixture
def read(style, content):
    return lambda *, styles=1, **options: inputs.read([style] * styles, content, **options)


def test_without_masks_all_styles_are_one_region_everywhere(read):
    (region,) = read(styles=3, style_blend=[2, 1, 1]).regions
    assert len(region.images) == 3
    assert list(region.blend) == [0.5, 0.25, 0.25]
    assert region.mask is None
    assert region.strength == 1.0


def test_a_masked_style_is_a_region_as_strong_as_its_area_and_share(read):
    pictures = read(styles=2, style_mask=[mask_of(10), mask_of(30)], style_blend=[3, 1])
    regions = pictures.regions
    assert [len(region.images) for region in regions] == [1, 1]
    # In equal shares each counts for its area.
    assert [region.strength for region in regions] == pytest.approx([2 * 0.75 * 0.25, 2 * 0.25 * 0.75])
    equal = read(styles=2, style_mask=[mask_of(10), mask_of(30)]).regions
    assert [region.strength for region in equal] == pytest.approx([0.25, 0.75])


def test_a_soft_mask_counts_for_its_mean(read):
    (region,) = read(style_mask=mask_of(20, level=102)).regions
    assert region.strength == pytest.approx(0.2, abs=1e-6)


def test_masks_of_black_and_white_are_regions_of_nothing_and_all(read):
    black, white = read(styles=2, style_mask=[mask_of(0), mask_of(40)]).regions
    assert black.strength == 0.0
    assert white.strength == pytest.approx(1.0)


def test_where_the_content_is_kept_nothing_is_painted(read):
    (region,) = read(content_mask=mask_of(10)).regions
    assert region.strength == pytest.approx(0.75)
    np.testing.assert_allclose(region.mask[0, 0, :, 0], [0.0] * 10 + [1.0] * 30, atol=1e-5)
    (masked,) = read(content_mask=mask_of(10), style_mask=mask_of(20)).regions
    assert masked.strength == pytest.approx(0.25)
    np.testing.assert_allclose(masked.mask[0, 0, :, 0], [0.0] * 10 + [1.0] * 10 + [0.0] * 20, atol=1e-5)


def seen_of(pictures, picture):
    """What the network sees of a picture during a run."""
    ((mask, image),) = pictures.reference.kept
    return mask * image + (1.0 - mask) * pictures.seen(picture)


def test_the_network_sees_the_content_where_it_is_kept(read, content):
    pictures = read(content_mask=mask_of(10))
    picture = tf.fill([1, *content.shape], 7.0)
    for shown in (seen_of(pictures, picture), pictures.finished(picture)):
        np.testing.assert_allclose(shown[0, :, :10], content[:, :10], atol=1e-3)
        np.testing.assert_array_equal(shown[0, :, 10:], np.full([48, 30, 3], 7.0))


def test_what_is_kept_is_seen_in_the_colours_of_the_run_and_shown_in_its_own(read, content):
    pictures = read(content_mask=mask_of(10), preserve_color="luminance")
    picture = tf.fill([1, *content.shape], 7.0)
    np.testing.assert_allclose(
        seen_of(pictures, picture)[0, :, :10], colour.grey(loading.load(content))[0, :, :10], atol=0.01
    )
    np.testing.assert_allclose(pictures.finished(picture)[0, :, :10], content[:, :10], atol=1e-3)


def test_no_gradient_reaches_what_is_kept(read, content):
    pictures, picture = read(content_mask=mask_of(10)), tf.Variable(tf.fill([1, *content.shape], 7.0))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(seen_of(pictures, picture)))
    gradient = tape.gradient(loss, picture)
    assert np.all(gradient[0, :, :10] == 0)
    assert np.all(gradient[0, :, 10:] != 0)


def test_a_picture_of_another_size_is_finished_at_its_own(read, content):
    pictures, small = read(content_mask=mask_of(10)), tf.fill([1, 24, 20, 3], 7.0)
    finished = pictures.finished(small)
    assert finished.shape == (1, *content.shape)
    np.testing.assert_allclose(finished[0, :, :10], content[:, :10], atol=1e-3)


def test_at_another_size_styles_and_masks_go_along(read, style, content):
    pictures = read(styles=2, style_mask=[mask_of(10), mask_of(30)], content_mask=mask_of(4))
    half = pictures.scaled(24)
    assert half.size == (24, 20)
    np.testing.assert_array_equal(half.content_image, resizing.resize_to(loading.load(content), 24, 20))
    np.testing.assert_array_equal(half.style_images[0], resizing.resize_to(loading.load(style), 18, 22))
    assert [mask.shape for mask in (*half.style_masks, half.content_mask)] == [(1, 24, 20, 1)] * 3
    strengths = [[region.strength for region in one.regions] for one in (pictures, half)]
    assert strengths[0] == pytest.approx(strengths[1], abs=1e-6)
    assert half.blend == pictures.blend
    assert half.initial_image.shape == (1, 24, 20, 3)


def test_the_start_is_the_contents_in_the_colours_of_the_run(read, content):
    np.testing.assert_array_equal(read(init="content").initial_image[0], content)
    grey = read(init="content", preserve_color="luminance").initial_image
    np.testing.assert_allclose(grey, colour.grey(loading.load(content)), atol=1e-3)
    noise = read(init="noise", seed=5).initial_image
    np.testing.assert_array_equal(noise, starts.white_noise(48, 40, seed=5))


def test_pictures_that_are_too_small_for_the_network_are_named(style, content, extractor):
    with pytest.raises(ValueError, match="style_image is 5x1 px, but small with these layers needs at least 2x2"):
        inputs.read(style[:1, :5], content).check_sizes(extractor)
    with pytest.raises(ValueError, match="content_image is 1x4 px"):
        inputs.read(style, content[:4, :1]).check_sizes(extractor)
    with pytest.raises(ValueError, match="texture_size is 9x1 px"):
        inputs.read(style, None, mode="texture", texture_size="9x1").check_sizes(extractor)
    inputs.read(style, content).check_sizes(extractor)


OTHER = np.full([48, 40, 3], 200, np.uint8)
CHANGES = {
    "content_image": {"content_image": OTHER},
    "style_image": {"style_scale": 0.5},
    "style_mask": {"style_mask": [OTHER]},
    "content_mask": {"content_mask": OTHER},
    "init": {"init": "noise"},
    "preserve_color": {"preserve_color": "match"},
}


@pytest.mark.parametrize("name", CHANGES)
def test_the_fingerprint_tells_what_changes_the_picture(style, content, name):
    before = inputs.read([style], **{"content_image": content, "init": "style"}).fingerprint()
    after = inputs.read([style], **{"content_image": content, "init": "style", **CHANGES[name]}).fingerprint()
    assert before[name] != after[name]
    assert before == inputs.read([style], content, init="style").fingerprint()


def test_the_fingerprint_tells_shares_and_the_order_of_styles(style, content):
    other = style[::-1]
    fingerprints = [
        inputs.read(styles, content, style_blend=blend).fingerprint()
        for styles, blend in (([style, other], [1, 2]), ([style, other], [2, 1]), ([other, style], [1, 2]))
    ]
    assert fingerprints[0]["style_blend"] != fingerprints[1]["style_blend"]
    assert fingerprints[0]["style_image"] != fingerprints[2]["style_image"]
