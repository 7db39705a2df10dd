"""The whole image: its loss is the naive one, and its gradient agrees with finite differences."""

import numpy as np
import pytest
import tensorflow as tf

from nst_keras import losses
from nst_keras.images import loading
from nst_keras.losses import guidance, regularizers, statistics
from nst_keras.networks import extractors
from nst_keras.objectives import objective
from tests import reference
from tests.objectives.examples import LAYERS, STYLE_ALONE, WEIGHTS, noise

STYLE, CONTENT = LAYERS["style_layers"], LAYERS["content_layers"]


@pytest.mark.parametrize("normalization", sorted(losses.NORMALIZATIONS))
def test_the_terms_are_those_of_the_naive_losses(make, extractor, content, style, normalization):
    image = noise(content)
    terms, _ = make(normalization=normalization).value_and_gradient(image)
    f, p, s = (
        {name: x[0].numpy().astype(float) for name, x in extractor(loading.load(i)).items()}
        for i in (image, content, style)
    )
    style_layers = {n: 3.0 * w * reference.style_loss(f[n], s[n], normalization) for n, w in STYLE.items()}
    content_layers = {n: 0.5 * w * reference.content_loss(f[n], p[n], normalization) for n, w in CONTENT.items()}
    variation = 0.01 * reference.total_variation(image[0].numpy().astype(float), normalization)
    for ours, expected in ((terms.style_layers, style_layers), (terms.content_layers, content_layers)):
        assert {n: pytest.approx(v, rel=1e-4) for n, v in expected.items()} == {n: float(v) for n, v in ours.items()}
    assert float(terms.style) == pytest.approx(sum(style_layers.values()), rel=1e-4)
    assert float(terms.content) == pytest.approx(sum(content_layers.values()), rel=1e-4)
    assert float(terms.total_variation) == pytest.approx(variation, rel=1e-4)
    alpha_norm = 0.02 * reference.alpha_norm(image[0].numpy().astype(float), normalization)
    assert float(terms.alpha_norm) == pytest.approx(alpha_norm, rel=1e-4)
    assert float(terms.total) == pytest.approx(float(sum(terms[1:5])), rel=1e-6)


@pytest.mark.parametrize("normalization", sorted(losses.NORMALIZATIONS))
@pytest.mark.parametrize("weights", [{}, *({other: 0.0 for other in WEIGHTS if other != term} for term in WEIGHTS)])
def test_the_gradient_agrees_with_finite_differences(make, content, normalization, weights):
    """Along a third of the gradient's pixels at a time, by steps so short that few ReLUs bend."""
    goal = make(normalization=normalization, jit_compile="false", **weights)
    image = tf.constant(content[np.newaxis], tf.float32) * 0.8 + 20
    _, gradient = goal.value_and_gradient(image)
    chosen = tf.random.stateless_uniform(image.shape, (0, 0), 0, 3, tf.int32)
    for third in range(3):
        direction = tf.where(chosen == third, gradient, 0.0)
        direction /= 10 * tf.reduce_max(tf.abs(direction))
        ahead, behind = (goal.value_and_gradient(image + e * direction)[0].total for e in (0.5, -0.5))
        expected = float(tf.reduce_sum(gradient * direction))
        assert float(ahead - behind) == pytest.approx(expected, rel=0.02)


def test_one_forward_pass_a_step(make, content, extractor, monkeypatch):
    calls, forward = [], extractors.FeatureExtractor.__call__
    goal = make(jit_compile="false", seen=lambda image: image)  # A function of its own: no other test has traced it.
    monkeypatch.setattr(
        extractors.FeatureExtractor, "__call__", lambda self, image: calls.append(1) or forward(self, image)
    )
    goal.value_and_gradient(noise(content))
    goal.value_and_gradient(noise(content))
    assert len(calls) == 1  # Of the trace, in which the forward pass stands once.


def test_xla_and_graph_agree(make, content):
    one, two = (make(jit_compile=mode).value_and_gradient(noise(content)) for mode in ("true", "false"))
    np.testing.assert_allclose(one[0].total, two[0].total, rtol=1e-5)
    np.testing.assert_allclose(one[1], two[1], rtol=1e-3, atol=1e-3 * np.abs(two[1]).max())


def test_several_styles_are_blended(make, extractor, content, style):
    flipped = style[:20, ::-1]
    goal = make(regions=guidance.everywhere([loading.load(style), loading.load(flipped)]), normalization="mean")
    grams = [losses.gram_matrix(extractor(loading.load(s))["conv1"], per_location=True) for s in (style, flipped)]
    np.testing.assert_allclose(goal.targets.style[0].layers["conv1"]["gram"], (grams[0] + grams[1]) / 2, rtol=1e-5)


@pytest.mark.parametrize("variation", regularizers.VARIATIONS)
def test_the_kind_of_variation_reaches_the_loss(make, content, variation):
    terms, _ = make(variation=variation).value_and_gradient(noise(content))
    expected = reference.total_variation(noise(content)[0].numpy().astype(float), "mean", variation)
    assert float(terms.total_variation) == pytest.approx(0.01 * expected, rel=1e-4)


def region(style, mask, strength=1.0):
    """Where a mask [height, width] is."""
    mask = tf.constant(mask[np.newaxis, ..., np.newaxis], tf.float32)
    return guidance.Region([loading.load(style)], [1.0], mask, strength)


@pytest.mark.parametrize("name", statistics.STATISTICS)
def test_a_mask_of_ones_is_none(make, content, style, name):
    options = {"normalization": "relative", "style_statistic": name, "jit_compile": "false", **STYLE_ALONE}
    masked = make(regions=[region(style, np.ones(content.shape[:2]))], **options)
    guided, plain = (goal.value_and_gradient(noise(content)) for goal in (masked, make(**options)))
    assert float(guided[0].style) == pytest.approx(float(plain[0].style), rel=1e-4)
    np.testing.assert_allclose(guided[1], plain[1], rtol=1e-3, atol=1e-3 * np.abs(plain[1]).max())


@pytest.mark.slow
@pytest.mark.parametrize("name", statistics.STATISTICS)
def test_a_region_of_nothing_contributes_nothing(make, content, style, name):
    options = {"normalization": "relative", "style_statistic": name, "jit_compile": "false", **STYLE_ALONE}
    empty = region(style, np.zeros(content.shape[:2]), strength=0.0)
    terms, gradient = make(regions=[empty], **options).value_and_gradient(noise(content))
    assert float(terms.total) == 0.0
    assert not np.any(gradient)
    beside = make(regions=[*guidance.everywhere([loading.load(style)]), empty], **options)
    plain = make(**options).value_and_gradient(noise(content))
    np.testing.assert_allclose(beside.value_and_gradient(noise(content))[1], plain[1], rtol=1e-5)


def test_the_style_loss_is_that_of_the_regions_each_in_its_strength(make, extractor, content, style):
    """Naively: guided Gram matrices at the layers' sizes."""
    masks, strengths = (
        [np.linspace(0, 1, 40) * np.ones([48, 1]), np.linspace(1, 0, 48)[:, None] * np.ones(40)],
        [0.3, 2.0],
    )
    styles = [style, style[::-1, :20]]
    regions = [region(*given) for given in zip(styles, masks, strengths, strict=True)]
    goal = make(regions=regions, normalization="relative", jit_compile="false", **STYLE_ALONE)
    picture = {name: x[0].numpy() for name, x in extractor(noise(content)).items()}
    for layer, weight in STYLE.items():
        expected = 0.0
        for image, mask, strength in zip(styles, masks, strengths, strict=True):
            target = reference.gram_matrix(extractor(loading.load(image))[layer][0].numpy())
            target /= np.prod(extractor(loading.load(image))[layer].shape[1:3])
            gram = reference.guided_gram_matrix(picture[layer], reference.area_means(mask, *picture[layer].shape[:2]))
            expected += strength * np.sum((gram - target) ** 2) / np.sum(target**2)
        found = goal.value_and_gradient(noise(content))[0].style_layers[layer]
        assert float(found) == pytest.approx(3.0 * weight * expected, rel=1e-3)


def test_a_style_reaches_no_further_than_its_mask(make, content, style):
    """But for what the network's last layer sees of the neighbourhood: 8 pixels."""
    left = np.zeros(content.shape[:2])
    left[:, :20] = 1.0
    _, gradient = make(regions=[region(style, left)], **STYLE_ALONE).value_and_gradient(noise(content))
    assert np.any(gradient[0, :, :20])
    assert not np.any(gradient[0, :, 28:])


@pytest.mark.parametrize("name", statistics.STATISTICS)
def test_a_style_without_a_share_is_not_there(make, content, style, name):
    """Of whatever size."""
    pictures = [loading.load(style), loading.load(content)]
    options = {"normalization": "relative", "style_statistic": name, "jit_compile": "false", **STYLE_ALONE}
    blended = make(regions=guidance.everywhere(pictures, [1.0, 0.0]), **options)
    assert float(blended.value_and_gradient(noise(content))[0].style) == float(
        make(**options).value_and_gradient(noise(content))[0].style
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", statistics.STATISTICS)
def test_xla_and_graph_agree_on_regions(make, content, style, name, random):
    mask = random.uniform(size=content.shape[:2])
    regions = [region(style, mask), region(style[:20], 1.0 - mask)]
    options = {"normalization": "relative", "style_statistic": name, "regions": regions, **STYLE_ALONE}
    options["seen"] = lambda image: image  # A function of its own, so that no other test has traced it.
    one, two = (make(jit_compile=mode, **options) for mode in ("true", "false"))
    (terms, gradient), (others, other) = one.value_and_gradient(noise(content)), two.value_and_gradient(noise(content))
    np.testing.assert_allclose(terms.total, others.total, rtol=1e-4)
    np.testing.assert_allclose(gradient, other, rtol=2e-3, atol=1e-3 * np.abs(other).max())
    assert one.tracing_count() == two.tracing_count() == 1


def test_the_terms_are_of_what_is_seen(make, content):
    """And no gradient reaches what is not: the total variation neither."""
    mask = np.zeros([1, *content.shape[:2], 1], np.float32)
    mask[:, :, :15] = 1.0

    def seen(image):
        return mask * loading.load(content) + (1.0 - mask) * image

    through = make(seen=seen, jit_compile="false").value_and_gradient(noise(content))
    direct = make(jit_compile="false").value_and_gradient(seen(noise(content)))
    for ours, theirs in zip(through[0][:5], direct[0][:5], strict=True):
        assert float(ours) == pytest.approx(float(theirs), rel=1e-5)
    assert not np.any(through[1][:, :, :15])
    np.testing.assert_allclose(
        through[1][:, :, 15:], direct[1][:, :, 15:], rtol=1e-3, atol=1e-6 * np.abs(direct[1]).max()
    )
    for term in objective.WEIGHTED_TERMS:
        assert not np.any(make(seen=seen, jit_compile="false").term_gradient(term, noise(content))[:, :, :15])


def test_a_graph_takes_images_of_any_size_in_one_trace(make):
    goal = make(jit_compile="false", **STYLE_ALONE)
    for size in ((20, 30), (31, 17)):
        _, gradient = goal.value_and_gradient(tf.random.stateless_uniform([1, *size, 3], (0, 1), 0, 255))
        assert gradient.shape == (1, *size, 3)
    assert goal.tracing_count() == 1
