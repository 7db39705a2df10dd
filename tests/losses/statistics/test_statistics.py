import itertools

import numpy as np
import pytest
import tensorflow as tf

from nst_keras import losses
from nst_keras.images import loading
from nst_keras.losses import guidance, statistics
from nst_keras.losses.statistics import sliced
from nst_keras.objectives import objective
from nst_keras.runtime import compilation
from tests import reference

NAMES = list(statistics.STATISTICS)
OTHERS = [name for name in NAMES if name != "gram"]
BLUR = statistics.Wasserstein.BLUR

DISTANCES = {
    "gram": lambda f, s: reference.style_loss(f, s, "relative"),
    "covariance": reference.covariance_distance,
    "wasserstein": lambda f, s: reference.wasserstein_distance(f, s, BLUR),
    "sliced_wasserstein": lambda f, s: reference.sliced_wasserstein_distance(f, s, lines(f.shape[-1])),
}


def lines(dimensions):
    """Those of the package, as the projections of the unit vectors."""
    return sliced._along_lines(tf.reshape(tf.eye(dimensions), [1, 1, dimensions, dimensions]))[0].numpy().T


def features(random, height=5, width=6, channels=4):
    """Correlated, and 0 or more, as features are."""
    mixture = random.normal(size=(channels, channels))
    return np.maximum(random.normal(size=(height, width, channels)) @ mixture * 3.0 + 1.0, 0.0)


def batch(array):
    return tf.constant(array[np.newaxis], tf.float32)


def loss(name, picture, *styles, normalization="relative", channels=None, blend=None, guide=None):
    """The loss of features [height, width, K] against those of one or more styles."""
    statistic = statistics.get(name, normalization=normalization)
    blend = blend or [1 / len(styles)] * len(styles)
    target = statistic.target([statistic.summary(batch(style)) for style in styles], blend)
    channels = channels or picture.shape[-1]
    return statistic.loss(batch(picture), target, normalization=normalization, channels=channels, guide=guide)


def value_and_gradient(name, picture, style, jit_compile="false", guide=None):
    """The loss and its gradient with respect to the picture's features; a guide is [height, width]."""
    guide = None if guide is None else tf.constant(guide[np.newaxis, ..., np.newaxis], tf.float32)
    statistic = statistics.get(name, normalization="relative")
    target = statistic.target([statistic.summary(batch(style))], [1.0])

    def graph(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = statistic.loss(x, target, normalization="relative", channels=picture.shape[-1], guide=guide)
        return value, tape.gradient(value, x)

    value, gradient = compilation.compiled(graph, jit_compile=jit_compile)(batch(picture))
    return float(value), gradient[0].numpy()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [(5, 6), (7, 3), (2, 9)])
def test_the_loss_is_the_naive_one(random, name, size):
    picture, style = features(random), features(random, *size)
    assert float(loss(name, picture, style)) == pytest.approx(DISTANCES[name](picture, style), rel=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_fewer_locations_than_channels(random, name):
    picture, style = features(random, 2, 3, 8), features(random, 2, 2, 8)
    assert float(loss(name, picture, style)) == pytest.approx(DISTANCES[name](picture, style), rel=0.01)


@pytest.mark.parametrize("name", NAMES)
def test_where_style_and_picture_agree_the_loss_is_0(random, name):
    style = features(random)
    assert float(loss(name, style, style)) == pytest.approx(0.0, abs=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_the_places_of_the_locations_do_not_count(random, name):
    picture, style = features(random), features(random)
    shuffled = random.permutation(picture.reshape(-1, 4)).reshape(6, 5, 4)
    assert float(loss(name, shuffled, style)) == pytest.approx(float(loss(name, picture, style)), rel=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_relative_losses_do_not_depend_on_the_features_unit(random, name):
    picture, style = features(random), features(random)
    scaled = float(loss(name, picture * 1e4, style * 1e4))
    assert scaled == pytest.approx(float(loss(name, picture, style)), rel=1e-3)


@pytest.mark.parametrize("name", OTHERS)
def test_mean_and_relative_differ_by_the_gram_matrix_alone(random, name):
    picture, style = features(random), features(random)
    unit = np.mean((reference.gram_matrix(style) / style[..., 0].size) ** 2)
    expected = unit * DISTANCES[name](picture, style)
    assert float(loss(name, picture, style, normalization="mean")) == pytest.approx(expected, rel=1e-3)


def test_the_gram_matrix_is_that_of_losses_under_every_normalization(random):
    picture, style = features(random), features(random, 4, 4)
    grams = [losses.gram_matrix(batch(f), per_location=True) for f in (picture, style)]
    for normalization in losses.NORMALIZATIONS:
        ours = loss("gram", picture, style, normalization=normalization)
        assert float(ours) == float(losses.style_loss(*grams, normalization=normalization))


def test_only_the_gram_matrix_takes_spread_for_mean():
    """Points that all lie at 1, and points at 1 and -1, have one Gram matrix."""
    picture, style = np.ones([2, 2, 1]), np.array([[[1.0], [-1.0]], [[-1.0], [1.0]]])
    assert float(loss("gram", picture, style)) == 0.0
    for name in ("wasserstein", "sliced_wasserstein"):
        assert float(loss(name, picture, style)) > 0.5, name
    assert float(loss("covariance", picture, style + 0.1)) > 0.5


def test_only_sliced_wasserstein_sees_a_clouds_shape(random):
    """Points at 1 and -1, and a few points far out, of one mean and one variance."""
    near = np.array([1.0, -1.0] * 8).reshape(4, 4, 1)
    far = np.array([np.sqrt(8), -np.sqrt(8), *[0.0] * 14]).reshape(4, 4, 1)
    for name in ("gram", "covariance", "wasserstein"):
        assert float(loss(name, near + 1, far + 1)) == pytest.approx(0.0, abs=1e-5), name
    assert float(loss("sliced_wasserstein", near + 1, far + 1)) > 0.1


def test_lines_are_at_right_angles_and_the_same_each_time():
    np.testing.assert_allclose(lines(9).T @ lines(9), np.eye(9), atol=1e-6)
    np.testing.assert_array_equal(lines(9), lines(9))


@pytest.mark.parametrize("name", NAMES)
def test_several_styles_are_blended(random, name):
    """The same one twice is that one; two are between them, whatever their sizes and order."""
    picture, one, two = features(random), features(random, 3, 5), features(random, 6, 4)
    assert float(loss(name, picture, one, one)) == pytest.approx(float(loss(name, picture, one)), rel=1e-4)
    assert float(loss(name, picture, one, two)) == pytest.approx(float(loss(name, picture, two, one)), rel=1e-4)
    assert 0 < float(loss(name, one, one, two)) < float(loss(name, one, two))


@pytest.mark.parametrize("name", ["gram", "covariance", "wasserstein"])
def test_several_styles_of_one_size_count_as_one_of_all_their_points(random, name):
    picture, one, two = features(random), features(random), features(random)
    together = np.concatenate([one, two])
    assert float(loss(name, picture, one, two)) == pytest.approx(float(loss(name, picture, together)), rel=1e-4)


@pytest.mark.parametrize("normalization", ["mean", "relative"])
@pytest.mark.parametrize("name", ["gram", "covariance", "wasserstein"])
def test_coordinates_have_the_loss_of_the_features_that_they_are_of(random, name, normalization):
    """As `compact` gives them: f = Q z, Q with orthonormal columns, in N = 12 channels."""
    basis = np.linalg.qr(random.normal(size=(12, 5)))[0]
    picture, style = features(random, channels=5), features(random, channels=5)
    few = loss(name, picture, style, normalization=normalization, channels=12)
    many = loss(name, picture @ basis.T, style @ basis.T, normalization=normalization)
    assert float(few) == pytest.approx(float(many), rel=1e-3)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [(5, 6), (2, 2)])
def test_the_gradient_agrees_with_finite_differences(random, name, size):
    """Of the naive loss, in double precision, along the gradient and along random directions."""
    picture, style = features(random, *size), features(random, 4, 5)
    picture += random.normal(size=picture.shape)  # No two points alike, which a step could put in either order.
    _, gradient = value_and_gradient(name, picture, style)
    for direction in (gradient, *random.normal(size=(3, *picture.shape))):
        step = 1e-5 * direction / np.linalg.norm(direction)
        slope = DISTANCES[name](picture + step, style) - DISTANCES[name](picture - step, style)
        tolerance = 0.003 * 2e-5 * float(np.linalg.norm(gradient))
        assert 2 * np.sum(gradient * step) == pytest.approx(slope, rel=0.01, abs=tolerance)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_flat_pictures_and_empty_features_stay_finite(random, name):
    cases = np.zeros([3, 4, 4]), np.full([3, 4, 4], 2.0), features(random, 3, 4)
    for picture, style in itertools.product(cases, cases):
        value, gradient = value_and_gradient(name, picture, style)
        assert np.isfinite(value)
        assert np.isfinite(gradient).all()


@pytest.mark.parametrize("name", NAMES)
def test_xla_and_graph_agree(random, name):
    picture, style = features(random), features(random, 7, 5)
    one, two = (value_and_gradient(name, picture, style, mode) for mode in ("true", "false"))
    assert one[0] == pytest.approx(two[0], rel=1e-4)
    np.testing.assert_allclose(one[1], two[1], rtol=1e-3, atol=1e-4 * np.abs(two[1]).max())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("level", [1.0, 0.3])
def test_a_guide_of_one_value_is_none(random, name, level):
    """Of 0.3 too: what a location counts is relative to the others; the region's strength tells the rest."""
    picture, style = features(random), features(random, 7, 5)
    guided = value_and_gradient(name, picture, style, guide=np.full((5, 6), level))
    plain = value_and_gradient(name, picture, style)
    assert guided[0] == pytest.approx(plain[0], rel=1e-4)
    np.testing.assert_allclose(guided[1], plain[1], rtol=1e-3, atol=1e-4 * np.abs(plain[1]).max())


@pytest.mark.parametrize("name", NAMES)
def test_a_guide_of_0_and_1_cuts_out(random, name):
    """The loss is that of the locations chosen, and no gradient reaches the others."""
    picture, style, chosen = features(random), features(random, 7, 5), random.integers(0, 2, (5, 6)).astype(bool)
    value, gradient = value_and_gradient(name, picture, style, guide=chosen.astype(float))
    alone = picture[chosen][np.newaxis]
    assert value == pytest.approx(DISTANCES[name](alone, style), rel=2e-3)
    assert np.all(gradient[~chosen] == 0)
    expected = value_and_gradient(name, alone, style)[1][0]
    np.testing.assert_allclose(gradient[chosen], expected, rtol=1e-2, atol=1e-3 * np.abs(expected).max())


@pytest.mark.parametrize("name", ["gram", "covariance", "wasserstein"])
def test_a_location_that_counts_twice_is_as_two(random, name):
    picture, style, counts = features(random), features(random, 7, 5), random.integers(1, 4, (5, 6))
    repeated = np.repeat(picture.reshape(-1, 4), counts.ravel(), axis=0)[np.newaxis]
    value, _ = value_and_gradient(name, picture, style, guide=counts.astype(float))
    assert value == pytest.approx(DISTANCES[name](repeated, style), rel=1e-3)


def test_the_guided_gram_matrix_is_the_naive_one(random):
    picture, guide = features(random), random.uniform(size=(5, 6))
    guided = losses.gram_matrix(batch(picture), per_location=True, guide=batch(guide[..., np.newaxis]))
    np.testing.assert_allclose(guided[0], reference.guided_gram_matrix(picture, guide), rtol=1e-4)


def test_guided_sliced_wasserstein_is_the_naive_one(random):
    picture, style, guide = features(random), features(random, 7, 5), random.uniform(size=(5, 6))
    picture += random.normal(size=picture.shape)  # No two points alike, which could stand in either order.
    value, _ = value_and_gradient("sliced_wasserstein", picture, style, guide=guide)
    naive = reference.guided_sliced_wasserstein_distance(picture, style, lines(4), guide)
    assert value == pytest.approx(naive, rel=1e-3)


@pytest.mark.parametrize("jit_compile", ["true", "false"])
def test_a_guide_of_one_value_is_none_at_many_locations(random, jit_compile):
    """Where a running sum in single precision would be off by much more than a location."""
    picture, style = features(random, 300, 400, 2), features(random, 300, 400, 2) + 0.05
    guided = value_and_gradient("sliced_wasserstein", picture, style, jit_compile, np.full((300, 400), 0.3))
    plain = value_and_gradient("sliced_wasserstein", picture, style, jit_compile)
    assert guided[0] == pytest.approx(plain[0], rel=1e-3)


def test_two_soft_guides_that_add_up_to_1_count_each_location_once(random):
    """The Gram matrix is that of both regions, each as strong as its area."""
    picture, guide = features(random), random.uniform(size=(5, 6))
    parts = [
        (g, losses.gram_matrix(batch(picture), per_location=True, guide=batch(g[..., np.newaxis])))
        for g in (guide, 1.0 - guide)
    ]
    whole = sum(g.mean() * gram.numpy() for g, gram in parts)
    np.testing.assert_allclose(whole, losses.gram_matrix(batch(picture), per_location=True), rtol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_a_guide_of_zeros_gives_no_gradient(random, name):
    picture, style = features(random), features(random, 7, 5)
    value, gradient = value_and_gradient(name, picture, style, guide=np.zeros((5, 6)))
    assert np.isfinite(value)
    assert np.all(gradient == 0)


@pytest.mark.parametrize("name", NAMES)
def test_xla_and_graph_agree_with_a_guide(random, name):
    picture, style, guide = features(random), features(random, 7, 5), random.uniform(size=(5, 6))
    picture += random.normal(size=picture.shape)
    one, two = (value_and_gradient(name, picture, style, mode, guide) for mode in ("true", "false"))
    assert one[0] == pytest.approx(two[0], rel=1e-4)
    np.testing.assert_allclose(one[1], two[1], rtol=1e-3, atol=1e-4 * np.abs(two[1]).max())


def test_the_gram_matrix_of_a_blend_is_the_weighted_mean(random):
    styles, shares = [features(random), features(random, 3, 7), features(random, 2, 2)], [0.5, 0.3, 0.2]
    statistic = statistics.get("gram", normalization="relative")
    target = statistic.target([statistic.summary(batch(style)) for style in styles], shares)
    grams = [reference.gram_matrix(style) / style[..., 0].size for style in styles]
    expected = sum(share * gram for share, gram in zip(shares, grams, strict=True))
    np.testing.assert_allclose(target["gram"][0], expected, rtol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_a_blend_of_one_share_is_that_style(random, name):
    """Of one size: others tell sliced Wasserstein at how many points to read, and an objective leaves them out."""
    picture, one, two = features(random), features(random, 6, 5), features(random)
    plain, blended = loss(name, picture, one), loss(name, picture, one, two, blend=[1.0, 0.0])
    assert float(blended) == pytest.approx(float(plain), rel=1e-5)


@pytest.mark.parametrize("name", ["gram", "covariance", "wasserstein"])
def test_a_blend_is_of_as_many_points_as_its_shares_say(random, name):
    """Two thirds and a third: as twice the one's points, and once the other's."""
    picture, one, two = features(random), features(random), features(random)
    together = np.concatenate([one, one, two])
    blended = loss(name, picture, one, two, blend=[2 / 3, 1 / 3])
    assert float(blended) == pytest.approx(float(loss(name, picture, together)), rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_an_objective_is_traced_once_and_its_gradient_leads_down(extractor, content, style, name):
    goal = objective.Objective(
        extractor,
        regions=guidance.everywhere([loading.load(style), loading.load(content[:20])]),
        content_image=None,
        style_layers={"conv1": 0.5, "conv2": 0.5},
        content_layers={},
        normalization="relative",
        style_statistic=name,
        seen=lambda image: image,  # A function of its own, so that no other test has traced it.
        jit_compile="true",
    )
    image = loading.load(content)
    terms, gradient = goal.value_and_gradient(image)
    downhill, _ = goal.value_and_gradient(image - 2.0 * gradient / tf.reduce_max(tf.abs(gradient)))
    assert 0 < float(downhill.style) < float(terms.style)
    assert goal.tracing_count() == 1


@pytest.mark.parametrize("name", OTHERS)
def test_a_transfer_comes_nearer_to_the_style(make_transfer, name):
    style_transfer = make_transfer(style_statistic=name, optimizer="lbfgs")
    style_transfer.fit_style_transfer(epochs=1, steps_per_epoch=8, content_weight=0.0, verbose=0)
    history = style_transfer.history.history["style_loss"]
    assert history[-1] < 0.5 * history[0]
    assert style_transfer.settings["style_statistic"] == name


@pytest.mark.parametrize("name", OTHERS)
def test_the_papers_loss_is_of_gram_matrices(name):
    with pytest.raises(ValueError, match=f"style_statistic='{name}': choose one of mean, relative, or style_statist"):
        statistics.get(name, normalization="gatys2015")


def test_a_statistic_object_stands_for_itself(extractor, content, style):
    class Named(statistics.Gram):
        normalizations = ("mean",)

    mine = Named()
    assert statistics.get(mine, normalization="mean") is mine
    with pytest.raises(ValueError, match="normalization='relative' is not defined for style_statistic='Named': choose"):
        statistics.get(mine, normalization="relative")
    with pytest.raises(TypeError, match="must be one of gram, .* or a StyleStatistic object, but <class"):
        statistics.get(Named, normalization="mean")
    image = loading.load(content)
    values = [
        objective.Objective(
            extractor,
            regions=guidance.everywhere([loading.load(style)]),
            content_image=None,
            style_layers={"conv1": 1.0},
            content_layers={},
            style_statistic=statistic,
            jit_compile="false",
        ).value_and_gradient(image)[0]
        for statistic in (mine, "gram")
    ]
    assert float(values[0].style) == float(values[1].style)


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="style_statistic='grams' is not known. Did you mean 'gram'"):
        statistics.get("grams", normalization="mean")
    with pytest.raises(ValueError, match="normalization='median' is not known"):
        statistics.get("gram", normalization="median")


ADDITIVE = [name for name in NAMES if isinstance(statistics.STATISTICS[name], statistics.Additive)]


def test_all_but_the_sorted_add_up_over_locations():
    assert ADDITIVE == ["gram", "covariance", "wasserstein"]


@pytest.mark.parametrize("name", ADDITIVE)
@pytest.mark.parametrize("guided", [False, True])
def test_a_loss_is_the_score_of_the_sums_of_parts(random, name, guided):
    """Of rows, each of which may count or not; one of the parts has nothing that counts."""
    statistic, normalization = statistics.STATISTICS[name], {"normalization": "relative", "channels": 4}
    picture, style = batch(features(random)), batch(features(random, 7, 5))
    guide = random.uniform(size=(1, 5, 6, 1)) if guided else np.ones([1, 5, 6, 1])
    guide[:, 2:3] = 0.0
    guide = tf.constant(guide, tf.float32)
    target = statistic.target([statistic.summary(style)], [1.0])
    parts = [statistic.sums(picture[:, rows], target, guide[:, rows]) for rows in map(slice, (0, 2, 3), (2, 3, 5))]
    counted = statistics.count(guide, [5, 6])
    means = {key: sum(part[key] for part in parts) / counted for key in parts[0]}
    whole = statistic.loss(picture, target, guide=guide, **normalization)
    assert float(statistic.score(means, target, **normalization)) == pytest.approx(float(whole), rel=1e-4)


@pytest.mark.parametrize("name", ADDITIVE)
def test_a_target_of_parts_is_that_of_the_whole(random, name):
    """Each with the share of what is counted of it; one that has nothing has none."""
    statistic, style = statistics.STATISTICS[name], batch(features(random, 6, 5))
    whole = statistic.target([statistic.summary(style)], [1.0])
    guides = [np.zeros([1, 6, 5, 1], np.float32) for _ in range(3)]
    guides[0][:, :2], guides[1][:, 2:] = 1.0, 1.0
    parts = [statistic.summary(style, tf.constant(guide)) for guide in guides]
    target = statistic.target(parts, [float(guide.mean()) for guide in guides])
    for key, expected in whole.items():
        np.testing.assert_allclose(target[key], expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


def test_what_locations_count():
    assert float(statistics.count(None, [5, 6])) == 30.0
    assert float(statistics.count(tf.fill([1, 5, 6, 1], 0.5), [5, 6])) == 15.0
    assert float(statistics.count(tf.zeros([1, 5, 6, 1]), [5, 6])) > 0.0
