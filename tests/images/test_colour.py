"""Each way to keep the content's colours, against its own definition, and in a run."""

import numpy as np
import pytest
import scipy.linalg
import tensorflow as tf

from nst_keras.images import colour, loading, pixels, resizing
from tests import inputs

# NTSC's matrix, as printed in textbooks.
YIQ = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
COLOUR = np.array([200, 40, 90], np.float32)
FLAT = np.full((12, 10, 3), COLOUR)
KEPT = ("luminance", "match", "histogram")


def yiq(image):
    return np.reshape(image, (-1, 3)).astype(np.float64) @ YIQ.T


def is_grey(image):
    return np.ptp(np.asarray(image), axis=-1).max() == 0


def in_gamut(image, source):
    """Where an image's luminance and a source's chrominance make a colour between 0 and 255."""
    made = source + yiq(image)[:, :1].reshape(*source.shape[:-1], 1) - yiq(source)[:, :1].reshape(*source.shape[:-1], 1)
    return np.all((made >= 0) & (made <= 255), axis=-1).ravel()


@pytest.fixture
def pictures(style, content):
    return loading.load(style), loading.load(content)


def noise(random, lowest=0, highest=255, shape=(1, 20, 30, 3)):
    return tf.constant(random.uniform(lowest, highest, shape), tf.float32)


def test_grey_is_y_of_yiq(pictures):
    made = colour.grey(pictures[0])
    assert is_grey(made)
    np.testing.assert_allclose(np.reshape(made, (-1, 3))[:, 0], yiq(pictures[0])[:, 0], atol=1e-3)
    np.testing.assert_allclose(colour.grey(made), made, atol=1e-4)


def test_chrominance_is_the_sources_and_luminance_the_images(random):
    image, source = noise(random), noise(random)
    made, inside = colour.with_chrominance(image, source), in_gamut(image, source.numpy())
    assert 0.2 < inside.mean() < 0.8
    np.testing.assert_allclose(yiq(made)[:, 0], yiq(image)[:, 0], atol=1e-3)
    np.testing.assert_allclose(yiq(made)[inside, 1:], yiq(source)[inside, 1:], atol=1e-3)
    rounded = pixels.to_uint8(made)
    assert np.abs(yiq(rounded) - yiq(source))[inside, 1:].max() < 1  # A level of 255.


def test_out_of_gamut_luminance_and_hue_are_kept(random):
    image, source = noise(random), noise(random)
    made, outside = colour.with_chrominance(image, source), ~in_gamut(image, source.numpy())
    assert made.numpy().min() >= 0
    assert made.numpy().max() <= 255
    found, wanted = yiq(made)[outside, 1:], yiq(source)[outside, 1:]
    np.testing.assert_allclose(yiq(made)[:, 0], yiq(image)[:, 0], atol=1e-3)
    # Of the same direction, and shorter; as long as it can be, since a channel touches 0 or 255.
    np.testing.assert_allclose(found[:, 0] * wanted[:, 1], found[:, 1] * wanted[:, 0], atol=0.5)
    assert np.all(np.sum(found * wanted, axis=1) >= -1e-6)
    assert np.all(np.linalg.norm(found, axis=1) <= np.linalg.norm(wanted, axis=1) + 1e-3)
    edge = np.minimum(np.reshape(made, (-1, 3)).min(1), 255 - np.reshape(made, (-1, 3)).max(1))[outside]
    assert edge.max() < 1e-3


def test_a_picture_with_its_own_chrominance_is_itself(pictures):
    np.testing.assert_allclose(colour.with_chrominance(pictures[0], pictures[0]), pictures[0], atol=1e-3)


def test_matched_luminance_has_the_targets_mean_and_deviation(pictures):
    style, content = pictures
    made = colour.match_luminance(style, content)
    assert is_grey(made)
    target = colour.grey(content).numpy()
    np.testing.assert_allclose([np.mean(made), np.std(made)], [target.mean(), target.std()], rtol=1e-4)
    assert np.corrcoef(np.ravel(made), np.ravel(colour.grey(style)))[0, 1] > 0.99999


def test_matched_colours_have_the_targets_mean_and_covariance(pictures):
    style, content = pictures
    made, target = (np.reshape(picture, (-1, 3)) for picture in (colour.match_moments(style, content), content))
    np.testing.assert_allclose(made.mean(0), target.mean(0), rtol=1e-4)
    np.testing.assert_allclose(np.cov(made.T, bias=True), np.cov(target.T, bias=True), rtol=1e-3, atol=0.1)


def test_the_mapping_is_the_papers(pictures):
    """A = C^1/2 S^-1/2: from whitened colours both ways, by SciPy's square roots."""
    own, target = (np.reshape(picture, (-1, 3)).astype(np.float64) for picture in pictures)
    roots = [scipy.linalg.sqrtm(np.cov(colours.T, bias=True)).real for colours in (own, target)]
    expected = (own - own.mean(0)) @ (roots[1] @ np.linalg.inv(roots[0])).T + target.mean(0)
    np.testing.assert_allclose(np.reshape(colour.match_moments(*pictures), (-1, 3)), expected, atol=1e-2)


def test_of_one_size_and_without_ties_the_histograms_are_equal(random):
    image, target = noise(random), noise(random, 30, 90)
    made = colour.match_histograms(image, target).numpy()
    for channel in range(3):
        np.testing.assert_allclose(np.sort(made[..., channel].ravel()), np.sort(target[..., channel].numpy().ravel()))
        order = np.argsort(image[..., channel].numpy().ravel())
        assert np.all(np.diff(made[..., channel].ravel()[order]) >= 0)


def test_of_other_sizes_and_with_ties_the_shares_below_a_level_are_equal(pictures):
    """As far as the largest tie allows: what is equal stays equal."""
    style, content = pictures
    made = colour.match_histograms(style, content).numpy()
    for channel in range(3):
        before, after, target = (np.ravel(p[..., channel]) for p in (style, made, content))
        tie = sum(np.unique(values, return_counts=True)[1].max() / values.size for values in (before, target))
        shares = [np.searchsorted(np.sort(v), np.arange(256.0) + 0.5) / v.size for v in (after, target)]
        assert np.abs(shares[0] - shares[1]).max() <= tie
        assert np.unique(after).size <= np.unique(before).size


def test_a_picture_matched_to_itself_is_itself(pictures):
    image = pictures[0]
    np.testing.assert_allclose(colour.match_histograms(image, image), image, atol=1e-3)
    np.testing.assert_allclose(colour.match_moments(image, image), image, atol=1e-2)
    np.testing.assert_allclose(colour.match_luminance(image, image), colour.grey(image), atol=1e-2)


@pytest.mark.parametrize("mode", KEPT)
def test_a_flat_style_takes_one_colour_of_the_content(pictures, mode):
    content = pictures[1].numpy()
    made = colour.PRESERVATIONS[mode].style(loading.load(FLAT), pictures[1]).numpy()
    middle = {"match": content.mean((0, 1, 2)), "histogram": np.median(content, (0, 1, 2))}
    middle["luminance"] = np.full(3, colour.grey(content).numpy().mean())
    np.testing.assert_allclose(made, np.broadcast_to(middle[mode], made.shape), atol=0.5)


@pytest.mark.parametrize("mode", KEPT)
def test_a_flat_content_makes_the_style_flat(pictures, mode):
    made = colour.PRESERVATIONS[mode].style(pictures[0], loading.load(FLAT))
    one = COLOUR @ YIQ[0] if mode == "luminance" else COLOUR
    np.testing.assert_allclose(made, np.broadcast_to(one, made.shape), atol=0.1)


@pytest.mark.parametrize("mode", KEPT)
def test_a_grey_style(pictures, mode):
    style, content = pictures
    preservation = colour.PRESERVATIONS[mode]
    from_grey = preservation.style(colour.grey(style), content)
    assert np.isfinite(from_grey).all()
    # Its one direction takes on one direction of the content's colours, and not more spread than they have.
    assert np.std(from_grey) < 1.2 * np.std(content)


def test_to_a_grey_content_belongs_a_grey_style(pictures):
    """Not by histograms, which do not know how the channels go together."""
    style, content = pictures[0], colour.grey(pictures[1])
    assert np.ptp(colour.match_moments(style, content), axis=-1).max() < 0.1
    assert np.ptp(colour.match_luminance(style, content), axis=-1).max() == 0
    assert np.ptp(colour.match_histograms(style, content), axis=-1).max() > 100
    assert np.ptp(colour.with_chrominance(pictures[1], content), axis=-1).max() < 1e-3


def test_the_one_left_out_changes_nothing(pictures):
    style, content = pictures
    none = colour.PRESERVATIONS["none"]
    assert none.style(style, content) is none.content(style) is none.seen(style) is none.finished(style, content)


def fit(style_transfer, steps=6, epochs=1, **options):
    options = {"style_weight": 1.0, "content_weight": 0.02, "verbose": 0, **options}
    return style_transfer.fit_style_transfer(epochs, steps, **options)


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
@pytest.mark.parametrize("init", ["content", "noise", "style"])
def test_a_run_stylises_the_luminance_alone(make_transfer, optimizer, init, content):
    style_transfer = make_transfer(preserve_color="luminance", optimizer=optimizer, init=init)
    frames = fit(style_transfer, var_weight=1e-4)
    assert is_grey(style_transfer.optimized_image)
    assert not any(is_grey(frame) for frame in frames)
    made, optimized = style_transfer.generated_image, style_transfer.optimized_image
    inside = in_gamut(optimized, style_transfer.content_image.numpy())
    assert inside.mean() > 0.3
    np.testing.assert_allclose(yiq(made)[inside, 1:], yiq(content)[inside, 1:], atol=1e-3)
    assert np.abs(yiq(frames[-1]) - yiq(content))[inside, 1:].max() < 1
    assert np.abs(yiq(made)[:, 0] - yiq(content)[:, 0]).mean() > 1
    losses = style_transfer.history.history["loss"]
    assert losses[-1] < losses[0]


def test_what_is_shown_and_saved_is_the_finished_picture(make_transfer, tmp_path):
    style_transfer = make_transfer(preserve_color="luminance", optimizer="lbfgs")
    frames = fit(style_transfer, preview=tmp_path / "preview.png")
    np.testing.assert_array_equal(style_transfer.image, pixels.to_uint8(style_transfer.generated_image))
    np.testing.assert_array_equal(style_transfer.image, frames[-1])
    style_transfer.save(tmp_path / "made.png")
    for name in ("made.png", "preview.png"):
        np.testing.assert_array_equal(loading.load(tmp_path / name)[0], style_transfer.image)
    style_transfer.save(tmp_path / "made.tiff", bit_depth=16)
    np.testing.assert_allclose(loading.load(tmp_path / "made.tiff"), style_transfer.generated_image, atol=0.01)
    assert style_transfer.record()["settings"]["preserve_color"] == "luminance"


def test_before_a_run_the_picture_is_the_content_image(make_transfer, content):
    np.testing.assert_array_equal(make_transfer(preserve_color="luminance").image, content)


@pytest.mark.parametrize("mode", ["match", "histogram"])
def test_a_run_takes_on_the_colours_of_the_content(make_transfer, style, content, mode):
    """From the style as it is recoloured, with nothing to hold the content."""
    style_transfer = make_transfer(preserve_color=mode, init="style", content_image=content)
    target = colour.PRESERVATIONS[mode].style(loading.load(style), loading.load(content))
    started = resizing.cover(tf.clip_by_value(target, 0.0, 255.0), *content.shape[:2])
    np.testing.assert_array_equal(style_transfer.image, pixels.to_uint8(started))
    frames = fit(style_transfer, content_weight=0.0)
    kept, lost = (np.abs(frames[-1].mean((0, 1)) - source.mean((0, 1))).max() for source in (content, style))
    assert kept < lost


def test_each_style_of_several_is_recoloured(style, content):
    other = 255 - style[:, ::-1]
    pictures = inputs.read([style, other], content, init="style", preserve_color="histogram")
    for source, shown, target in zip((style, other), pictures.style_images, pictures.style_targets, strict=True):
        np.testing.assert_array_equal(shown[0], source)
        np.testing.assert_array_equal(target, colour.match_histograms(loading.load(source), loading.load(content)))


@pytest.mark.slow
def test_a_run_goes_on_to_the_same_pixels_and_in_the_same_colours(make_transfer, tmp_path):
    settings = {"preserve_color": "luminance", "optimizer": "lbfgs"}
    fit(make_transfer(**settings), 4, checkpoint_dir=tmp_path)
    with pytest.raises(ValueError, match="preserve_color was 'luminance', and is 'match' now"):
        fit(make_transfer(**{**settings, "preserve_color": "match"}), 4, checkpoint_dir=tmp_path, resume=True)
    resumed, unbroken = make_transfer(**settings), make_transfer(**settings)
    fit(resumed, 4, epochs=2, checkpoint_dir=tmp_path, resume=True)
    fit(unbroken, 4, epochs=2)
    np.testing.assert_array_equal(resumed.image, unbroken.image)


@pytest.mark.parametrize(("name", "hint"), [("luminence", "Did you mean 'luminance'"), (True, "Choose one of")])
def test_an_unknown_name_is_refused(make_transfer, name, hint):
    with pytest.raises(ValueError, match=f"preserve_color={name!r} is not known. {hint}"):
        make_transfer(preserve_color=name)
