"""What a style image is to the picture, taken whole or in tiles."""

import numpy as np
import pytest
import tensorflow as tf

from nst_keras import losses
from nst_keras.losses import guidance, statistics
from nst_keras.objectives import remembered, targets
from nst_keras.objectives.tiled import style_summaries
from tests.objectives.examples import SIZE, error, picture

NAMES = list(statistics.STATISTICS)
ADDITIVE = [name for name in NAMES if isinstance(statistics.STATISTICS[name], statistics.Additive)]


def test_a_style_without_a_share_is_not_looked_at(extractor):
    unreadable = tf.fill([1, 40, 40, 3], np.nan)
    regions = guidance.everywhere([picture(30, 30), unreadable], [1.0, 0.0])
    statistic = statistics.STATISTICS["gram"]
    for summarise in (None, style_summaries.tiled_summary(statistic, extractor, 10)):
        (target,) = targets.style_targets(statistic, extractor, targets.Reference(regions), summarise=summarise)
        assert np.all(np.isfinite(target.layers["conv1"]["gram"]))


def test_a_region_has_a_guide_for_each_layer(extractor):
    mask = tf.constant(np.random.default_rng(0).uniform(size=(1, 67, 93, 1)), tf.float32)
    (target,) = targets.style_targets(
        statistics.STATISTICS["gram"],
        extractor,
        targets.Reference([guidance.Region([picture(30, 30)], [1.0], mask)]),
    )
    for name, size in extractor.sizes(67, 93).items():
        np.testing.assert_array_equal(target.guides[name], guidance.guide(mask, *size))


@pytest.mark.parametrize("regions", [[], [guidance.Region([], [])]])
def test_no_style_image_is_refused(extractor, regions):
    with pytest.raises(ValueError, match="regions has no style image, but style_layers are given. Give one"):
        targets.style_targets(statistics.STATISTICS["gram"], extractor, targets.Reference(regions))


def soft_mask(seed, size=SIZE):
    """A mask of any values in 0..1, float32 [1, height, width, 1], with a corner of 0."""
    mask = np.random.default_rng(seed).uniform(size=(1, *size, 1))
    mask[:, :20, :30] = 0.0
    return tf.constant(mask, tf.float32)


def blended(extractor, name, strength, mask=None, summarise=None):
    """The target of one region at a strength, and the content image."""
    content = picture(*SIZE, 2)
    region = guidance.Region([0.4 * picture(51, 60, 1), picture(40, 71, 3)], [0.3, 0.7], mask)
    reference = targets.Reference([region], content)
    if summarise is not None:
        summarise = summarise(statistics.STATISTICS[name], extractor, 30)
    (target,) = targets.style_targets(
        statistics.STATISTICS[name], extractor, reference, strength=strength, summarise=summarise
    )
    return target, content


@pytest.mark.parametrize("mask", [None, soft_mask(0)], ids=["everywhere", "masked"])
def test_a_strength_blends_the_gram_matrices_of_style_and_content(extractor, mask):
    """Those of the content are its own in the region: (1 - s) G(content) + s A."""
    target, content = blended(extractor, "gram", 0.3, mask)
    style, _ = blended(extractor, "gram", 1.0, mask)
    features = extractor(content)
    for layer in extractor.layers:
        own = losses.gram_matrix(features[layer], per_location=True, guide=target.guides.get(layer))
        expected = 0.7 * own + 0.3 * style.layers[layer]["gram"]
        np.testing.assert_allclose(target.layers[layer]["gram"], expected, rtol=1e-5)


@pytest.mark.parametrize("mask", [None, soft_mask(0)], ids=["everywhere", "masked"])
@pytest.mark.parametrize("name", NAMES)
def test_at_strength_0_the_content_image_has_no_style_loss(extractor, name, mask):
    """And has some at strength 0.1, so that the test could fail."""
    statistic = statistics.STATISTICS[name]

    def loss(strength):
        target, content = blended(extractor, name, strength, mask)
        features = extractor(content)
        return sum(
            float(
                statistic.loss(
                    features[layer],
                    target.layers[layer],
                    normalization="relative",
                    channels=extractor.channels[layer],
                    guide=target.guides.get(layer),
                )
            )
            for layer in extractor.layers
        )

    assert abs(loss(0.0)) < 1e-5 < 0.1 * loss(0.1)


@pytest.mark.parametrize("mask", [None, soft_mask(0)], ids=["everywhere", "masked"])
@pytest.mark.parametrize("name", ADDITIVE)
def test_a_blend_in_tiles_is_that_of_whole_images(extractor, name, mask):
    (tiled, _), (whole, _) = (
        blended(extractor, name, 0.4, mask, summarise) for summarise in (style_summaries.tiled_summary, None)
    )
    for layer in extractor.layers:
        for key, expected in whole.layers[layer].items():
            # A root's small eigenvalues hang on the matrix's last digits.
            tolerance = 1e-3 if key == "root" else 1e-5
            assert error(tiled.layers[layer][key], expected) < tolerance, (layer, key)


def test_other_strengths_summarise_no_picture_again(extractor):
    """Strength 1 does not look at the content image, nor strength 0 at the style."""
    statistic = statistics.STATISTICS["gram"]
    style, content = picture(51, 60, 1), picture(*SIZE, 2)
    reference = targets.Reference(guidance.everywhere([style]), content)
    summarise, seen, memory = targets.whole_summary(statistic, extractor), [], remembered.Remembered()

    def counted(image, guides):
        seen.append(image.shape[1:3])
        return summarise(image, guides)

    def made(strength):
        targets.style_targets(statistic, extractor, reference, strength=strength, summarise=counted, memory=memory)
        return [tuple(size) for size in seen]

    assert made(1.0) == [(51, 60)]
    for strength in (0.5, 0.25, 1.0, 0.0):
        assert made(strength) == [(51, 60), SIZE]
    seen.clear()
    memory = remembered.Remembered()
    assert made(0.0) == [SIZE]


def test_the_content_image_is_remembered_for_each_mask(extractor):
    """Its style in one region is not its style in another."""
    statistic, memory = statistics.STATISTICS["gram"], remembered.Remembered()
    regions = [guidance.Region([picture(51, 60, 1)], [1.0], mask) for mask in (None, soft_mask(0), soft_mask(1))]
    reference = targets.Reference(regions, picture(*SIZE, 2))
    for _ in range(2):
        made = targets.style_targets(statistic, extractor, reference, strength=0.0, memory=memory)
        grams = [one.layers["conv1"]["gram"].numpy() for one in made]
        assert min(error(grams[i], grams[j]) for i, j in ((0, 1), (0, 2), (1, 2))) > 1e-4


@pytest.mark.parametrize("strength", [0.0, 0.99])
def test_a_strength_without_a_content_image_is_refused(extractor, strength):
    reference = targets.Reference(guidance.everywhere([picture(30, 30)]))
    with pytest.raises(ValueError, match=f"strength={strength} needs a content image"):
        targets.style_targets(statistics.STATISTICS["gram"], extractor, reference, strength=strength)
