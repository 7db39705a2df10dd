"""The objective holds the weights, and picks the evaluator."""

import numpy as np
import pytest
import tensorflow as tf

from nst_keras.losses import guidance, statistics
from nst_keras.objectives import objective, shared, targets, whole
from nst_keras.objectives.tiled import evaluator
from nst_keras.runtime import devices, strategies
from tests.objectives.examples import noise


@pytest.mark.slow
def test_term_gradients_add_up(make, content):
    goal = make()
    _, gradient = goal.value_and_gradient(noise(content))
    parts = [goal.term_gradient(term, noise(content)) for term in objective.WEIGHTED_TERMS]
    assert all(float(tf.norm(part)) > 0 for part in parts)
    np.testing.assert_allclose(sum(parts), gradient, rtol=1e-3, atol=1e-3 * np.abs(gradient).max())
    with pytest.raises(ValueError, match="term='styl' is not known. Did you mean 'style'"):
        goal.term_gradient("styl", noise(content))


@pytest.mark.slow
def test_one_trace_whatever_the_weights(make, content):
    goal = make()
    for weight in (1.0, 2.0, 3.0):
        goal.set_weights(style_weight=weight, content_weight=1.0, var_weight=0.0)
        goal.value_and_gradient(noise(content))
        goal.value_and_gradient(tf.Variable(noise(content)))
    goal.term_gradient("style", noise(content))
    assert goal.tracing_count() == 1


@pytest.mark.slow
@pytest.mark.parametrize(("left_out", "term"), [("style_layers", "style"), ("content_layers", "content")])
def test_a_term_without_layers_is_nothing(make, content, left_out, term):
    goal = make(**{left_out: {}})
    terms, gradient = goal.value_and_gradient(noise(content))
    assert float(getattr(terms, term)) == 0.0
    assert float(tf.norm(gradient)) > 0
    assert float(tf.norm(goal.term_gradient(term, noise(content)))) == 0


@pytest.mark.slow
def test_style_alone_needs_no_content_image(make, content):
    assert float(make(content_layers={}, content_image=None).value_and_gradient(noise(content))[0].style) > 0


def test_the_constructor_picks_the_evaluator(make, monkeypatch):
    replicas = devices.Replicas(strategies.get("default"))
    for options in ({}, {"replicas": replicas}):
        assert type(make(**options).evaluator) is whole.Whole
        assert type(make(tile_size=20, halo=4, **options).evaluator) is evaluator.Tiled
    replicas = devices.Replicas(strategies.get("default"))
    monkeypatch.setattr(replicas, "has_other_hosts", lambda: True)
    assert type(make(tile_size=20, replicas=replicas).evaluator) is evaluator.Tiled
    over_hosts = make(replicas=replicas).evaluator
    assert type(over_hosts) is shared.OverHosts
    assert type(over_hosts.evaluator) is whole.Whole


@pytest.mark.slow
def test_an_evaluator_of_ones_own_is_weighted_as_well(make, content):
    """The objective knows its evaluator by the protocol alone."""

    class Recorded:
        def __init__(self, inner):
            self.inner, self.weights = inner, []

        def evaluate(self, image, weights, against):
            self.weights.append([float(weight) for weight in weights.terms.values()])
            return self.inner.evaluate(image, weights, against)

        def tracing_count(self):
            return 7

    goal = make()
    goal.evaluator = Recorded(goal.evaluator)
    goal.value_and_gradient(noise(content))
    goal.term_gradient("content", noise(content))
    np.testing.assert_allclose(goal.evaluator.weights, [[3.0, 0.5, 0.01, 0.02], [0.0, 0.5, 0.0, 0.0]])
    assert goal.tracing_count() == 7


@pytest.mark.slow
@pytest.mark.parametrize("tile_size", [None, 20])
def test_a_statistic_is_a_name_or_an_object(make, content, tile_size):
    named, given = (
        make(style_statistic=one, normalization="relative", tile_size=tile_size, jit_compile="false")
        for one in ("covariance", statistics.Covariance())
    )
    (ours, gradient), (theirs, expected) = (goal.value_and_gradient(noise(content)) for goal in (given, named))
    assert float(ours.style) == float(theirs.style)
    np.testing.assert_array_equal(gradient, expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"style_weight": -1.0}, "style_weight must be 0 or more, but -1.0 was given"),
        ({"content_weight": float("nan")}, "content_weight must be a finite number"),
        ({"normalization": "median"}, "normalization='median' is not known"),
        ({"jit_compile": "yes"}, "jit_compile='yes' is not known"),
        ({"variation": "l3"}, "variation='l3' is not known. Choose one of: l1, l2"),
        ({"alpha_norm_weight": -1.0}, "alpha_norm_weight must be 0 or more"),
        ({"style_layers": {}, "content_layers": {}}, "both empty"),
        ({"regions": []}, "regions has no style image"),
        ({"content_image": None}, "content_image is None, but content_layers are given. Give a content image"),
        ({"halo": 4}, "halo=4 has no effect with tile_size=None. Leave it out, or give a tile_size"),
        (
            {"style_statistic": statistics.Covariance(), "normalization": "gatys2015"},
            "normalization='gatys2015' is not defined for style_statistic='Covariance'",
        ),
        (
            {"style_statistic": statistics.SlicedWasserstein(), "tile_size": 20},
            "style_statistic='sliced_wasserstein' is no sum over the picture's locations, which tiles need. "
            "Choose one of: gram, covariance, wasserstein; or tile_size=None",
        ),
        ({"style_layers": {"conv9": 1.0}}, "layer='conv9' is not known. Did you mean 'conv"),
    ],
)
def test_bad_arguments(make, options, message):
    with pytest.raises(ValueError, match=message):
        make(**options)


@pytest.mark.parametrize("statistic", statistics.STATISTICS)
def test_at_strength_0_no_gradient_leads_away_from_the_content_image(make, content, statistic):
    """Not that of rounding either, by which Adam's steps would be as long; but a regularizer's, and elsewhere."""
    alone = {"var_weight": 0.0, "alpha_norm_weight": 0.0}
    goal = make(jit_compile="false", style_statistic=statistic, normalization="relative", strength=0.0, **alone)
    photograph = tf.constant(content[np.newaxis], tf.float32)

    def size(image):
        return float(tf.norm(goal.value_and_gradient(image)[1]))

    assert size(photograph) == 0.0
    assert size(photograph + tf.one_hot([[[0]]], 3)) > 0.0
    goal.set_weights(style_weight=1.0, content_weight=1.0, var_weight=1.0)
    assert size(photograph) > 0.0
    goal.set_weights(style_weight=1.0, content_weight=1.0, var_weight=0.0)
    goal.forget_pictures()
    goal.compare_with(targets.Reference(guidance.everywhere([noise(content)]), photograph), 0.01)
    assert size(photograph) > 0.0
