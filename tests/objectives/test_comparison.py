"""Layers and losses as one value, whose pieces every evaluator uses."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from nst_keras import losses
from nst_keras.losses import guidance, statistics
from nst_keras.objectives import base, comparison, targets
from tests.objectives.examples import LAYERS, SIZE, picture


def weights(style, content, total_variation, alpha_norm):
    """The weights of the terms, and those of the layers in `LAYERS`."""
    terms = {"style": style, "content": content, "total_variation": total_variation, "alpha_norm": alpha_norm}
    return base.Weights(
        *(
            {name: tf.constant(weight) for name, weight in of_kind.items()}
            for of_kind in (terms, LAYERS["style_layers"], LAYERS["content_layers"], {})
        )
    )


WEIGHTS = weights(3.0, 0.5, 0.01, 0.02)


@pytest.fixture
def make(extractor):
    def build(**options):
        settings = {
            **LAYERS,
            "normalization": "relative",
            "style_statistic": "gram",
            "variation": "l1",
            "seen": lambda image: image,
        }
        return comparison.make(extractor, **{**settings, **options})

    return build


def test_the_network_is_cut_to_the_layers(make):
    assert make().extractor.layers == ("conv1", "conv2", "conv3")
    assert make(content_layers={}).extractor.layers == ("conv1", "conv2")
    assert make(style_layers={}).extractor.layers == ("conv3",)


def test_a_comparison_cannot_be_changed(make):
    with pytest.raises(dataclasses.FrozenInstanceError):
        make().normalization = "mean"


@pytest.mark.parametrize("name", statistics.STATISTICS)
def test_a_statistic_is_a_name_or_an_object(make, name):
    assert make(style_statistic=name).statistic is statistics.STATISTICS[name]
    own = type(statistics.STATISTICS[name])()
    assert make(style_statistic=own).statistic is own


def test_a_style_loss_is_the_score_of_what_is_measured(make):
    """Of each region, in its strength."""
    compared = make()
    half = tf.cast(tf.range(SIZE[1]) < 40, tf.float32)[tf.newaxis, tf.newaxis, :, tf.newaxis] * tf.ones([1, *SIZE, 1])
    regions = [guidance.Region([picture(30, 40, 1)], [1.0], half, 0.5), guidance.Region([picture(40, 30, 2)], [1.0])]
    made = targets.style_targets(compared.statistic, compared.extractor.select(["conv1"]), targets.Reference(regions))
    features = compared.extractor(picture(*SIZE))["conv1"]
    measured = [compared.statistic.measured(features, one.layers["conv1"], one.guides.get("conv1")) for one in made]
    expected = sum(
        one.strength * losses.style_loss(found["gram"], one.layers["conv1"]["gram"], normalization="relative")
        for one, found in zip(made, measured, strict=True)
    )
    for value in (compared.style_score("conv1", measured, made), compared.style_loss("conv1", features, made)):
        assert float(value) == pytest.approx(float(expected), rel=1e-6)


def test_shares_are_the_losses_times_both_weights(make):
    compared = make()
    style = compared.style_shares({"conv1": tf.constant(10.0), "conv2": tf.constant(100.0)}, WEIGHTS)
    assert {name: float(share) for name, share in style.items()} == pytest.approx({"conv1": 21.0, "conv2": 90.0})
    assert float(compared.content_shares({"conv3": tf.constant(10.0)}, WEIGHTS)["conv3"]) == pytest.approx(10.0)


def test_regularizers_and_the_gradient_go_through_what_is_seen(make):
    image, gradient = picture(9, 11), picture(9, 11, 1)
    terms, found = make(seen=lambda image: 0.5 * image).regularized(image, gradient, WEIGHTS)
    own_terms, own = make().regularized(0.5 * image, gradient, WEIGHTS)
    assert {name: float(term) for name, term in terms.items()} == {n: float(term) for n, term in own_terms.items()}
    np.testing.assert_allclose(found, 0.5 * own, rtol=1e-6)
    none, alone = make().regularized(image, gradient, weights(0.0, 0.0, 0.0, 0.0))
    assert [float(term) for term in none.values()] == [0.0, 0.0]
    np.testing.assert_array_equal(alone, gradient)
