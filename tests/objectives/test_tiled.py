"""The tiled objective is the whole one: the same terms, the same gradient, whatever the network and the settings."""

import numpy as np
import pytest
import tensorflow as tf

from nst_keras import losses, optimizers
from nst_keras.losses import guidance, regularizers
from nst_keras.networks import extractors
from nst_keras.objectives import objective, whole
from nst_keras.objectives.tiled import content_features, evaluator
from nst_keras.runtime import devices, strategies
from tests import small_networks
from tests.objectives.examples import SIZE, error, made, picture


def check(extractor, tile_size, *, size=SIZE, tolerance=1e-5, **options):
    """The tiled objective against the whole one, at a picture unlike both its targets; gives the tiled one."""
    image = picture(*size, 3)
    tiled, of_whole = (made(extractor, tiles, size=size, **options) for tiles in (tile_size, None))
    assert isinstance(tiled.evaluator, evaluator.Tiled)
    assert isinstance(of_whole.evaluator, whole.Whole)
    ours, theirs = tiled.value_and_gradient(image), of_whole.value_and_gradient(image)
    for name in objective.LossTerms._fields[:5]:
        expected = pytest.approx(float(getattr(theirs[0], name)), rel=tolerance, abs=1e-30)
        assert float(getattr(ours[0], name)) == expected, name
    for name in ("style_layers", "content_layers"):
        shares, expected = getattr(ours[0], name), getattr(theirs[0], name)
        assert {key: pytest.approx(float(value), rel=tolerance) for key, value in expected.items()} == {
            key: float(value) for key, value in shares.items()
        }
    assert error(ours[1], theirs[1]) <= tolerance
    return tiled, of_whole


@pytest.mark.slow
@pytest.mark.parametrize(
    ("normalization", "variation"), [*zip(losses.NORMALIZATIONS, regularizers.VARIATIONS, strict=True)]
)
def test_every_normalization_and_variation_and_each_term_alone(extractor, normalization, variation):
    tiled, of_whole = check(extractor, 20, normalization=normalization, variation=variation)
    image = picture(*SIZE, 3)
    for term in objective.WEIGHTED_TERMS:
        assert error(tiled.term_gradient(term, image), of_whole.term_gradient(term, image)) <= 1e-5, term


@pytest.mark.slow
@pytest.mark.parametrize(("style_statistic", "normalization"), [("covariance", "mean"), ("wasserstein", "relative")])
def test_every_statistic_that_adds_up(extractor, normalization, style_statistic):
    """A covariance is the small difference of large numbers, which lose a digit."""
    check(extractor, 20, normalization=normalization, style_statistic=style_statistic, tolerance=3e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("size", "tile_size"), [((67, 93), 9), ((64, 96), 32), ((33, 128), 30), ((11, 12), 2), ((66, 40), 50)]
)
def test_every_size(extractor, size, tile_size):
    check(extractor, tile_size, size=size)


def layers_of(extractor):
    """Each named layer but the last for style, the last two for content."""
    names = extractor.layers
    return {"style_layers": dict.fromkeys(names[1::2], 0.5), "content_layers": dict.fromkeys(names[-2:], 1.0)}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("vgg", {"pooling": "l2", "padding": "replicate"}),
        ("valid", {}),
        ("branches", {"padding": "replicate"}),
        ("dilated", {}),
        ("residual", {"pooling": "avg_scaled"}),
        ("even", {}),
    ],
)
def test_every_network(kind, options):
    extractor = extractors.FeatureExtractor(small_networks.network(kind), lambda image: image / 64.0 - 2.0, **options)
    check(extractor, 24, size=(97, 133), **layers_of(extractor))


@pytest.mark.parametrize("missing", ["style_layers", "content_layers"])
def test_style_alone_and_content_alone(extractor, missing):
    options = {missing: {}} | ({"regions": []} if missing == "style_layers" else {"content_image": None})
    check(extractor, 20, **options)


def test_several_styles_blended(extractor):
    images = [picture(51, 60, 1), picture(40, 97, 4), picture(97, 30, 5)]
    check(extractor, 20, regions=guidance.everywhere(images, [0.5, 0.2, 0.3]))


@pytest.mark.slow
@pytest.mark.parametrize("style_statistic", ["gram", "wasserstein"])
def test_regions(extractor, style_statistic):
    """A soft one; one that most tiles have nothing of; and one that is all of the picture."""
    soft, small = np.zeros([1, *SIZE, 1], np.float32), np.zeros([1, *SIZE, 1], np.float32)
    soft[:] = np.linspace(0, 1, SIZE[1], dtype=np.float32)[:, np.newaxis]
    small[:, 10:24, 50:61] = 1.0
    regions = [
        guidance.Region([picture(51, 60, 1)], [1.0], tf.constant(soft), 0.5),
        guidance.Region([picture(40, 97, 4), picture(33, 34, 6)], [0.3, 0.7], tf.constant(small), 0.2),
        guidance.Region([picture(97, 30, 5)], [1.0], None, 0.3),
    ]
    check(extractor, 20, regions=regions, style_statistic=style_statistic, tolerance=3e-5)


def test_a_region_of_nothing(extractor):
    nothing = tf.zeros([1, *SIZE, 1])
    regions = [guidance.Region([picture(51, 60, 1)], [1.0], nothing), *guidance.everywhere([picture(40, 97, 4)])]
    check(extractor, 20, regions=regions)


def kept_in_place(image):
    mask = tf.cast(tf.range(SIZE[1]) < 31, tf.float32)[tf.newaxis, tf.newaxis, :, tf.newaxis]
    return mask * picture(*SIZE, 2) + (1.0 - mask) * image


@pytest.mark.parametrize("seen", [kept_in_place, lambda image: 0.5 * image + 20.0])
def test_what_is_seen_of_the_picture(extractor, seen):
    check(extractor, 20, seen=seen)


@pytest.mark.parametrize(("images", "kept"), [(0, []), (1, ["conv3"]), (4, ["conv1", "conv3"])])
def test_content_kept_and_computed_again(extractor, images, kept, monkeypatch):
    monkeypatch.setattr(content_features, "KEPT_IMAGES", images)
    assert list(content_features.kept_layers(extractor, ("conv1", "conv3"), *SIZE)) == kept
    check(extractor, 20, content_layers={"conv1": 0.5, "conv3": 2.0})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "layers", "tile_size", "size"),
    [
        ("vgg19", ("block1_conv1", "block2_conv1", "block3_conv2"), 32, (67, 93)),
        ("vgg16", ("block1_conv2", "block3_conv1"), 32, (67, 93)),
        ("vgg19", ("block1_conv1", "block5_conv1"), 100, (160, 200)),
        ("compact", ("block1_conv1", "block3_conv1", "block5_conv1"), 260, (333, 517)),
        ("inception_v3", ("conv2d_2b_3x3", "mixed0"), 48, (139, 161)),
    ],
)
def test_known_networks(name, layers, tile_size, size):
    tf.keras.utils.set_random_seed(0)
    weights = "imagenet" if name == "compact" else "random"
    extractor = extractors.get(name, layers=layers, weights=weights)
    style, content = dict.fromkeys(layers, 0.5), {layers[-1]: 1.0}
    check(extractor, tile_size, size=size, style_layers=style, content_layers=content)


@pytest.mark.slow
def test_xla():
    """Whose sums are in another order. Winograd's tiles fall where they do in the whole, or maxima would move."""
    image = tf.keras.Input((None, None, 3))
    x = small_networks.conv(128, name="conv2")(small_networks.conv(128, name="conv1")(image))
    x = small_networks.conv(8, name="conv3")(tf.keras.layers.MaxPooling2D(2)(x))
    model = tf.keras.Model(image, x)
    extractor = extractors.FeatureExtractor(model, lambda image: image / 64.0 - 2.0, for_xla=True)
    layers = {"style_layers": {"conv3": 1.0}, "content_layers": {"conv3": 1.0}}
    check(extractor, 12, size=(33, 36), jit_compile="true", tolerance=1e-4, **layers)


@pytest.mark.slow
def test_four_traces_whatever_the_tiles_and_the_weights(extractor):
    """Of a picture in many tiles, of other weights, of each term alone: compiled once."""
    for tile_size in (9, 30):
        goal = made(extractor, tile_size)
        for seed in (3, 4):
            goal.value_and_gradient(picture(*SIZE, seed))
            goal.set_weights(style_weight=seed, content_weight=0.0, var_weight=1.0, alpha_norm_weight=2.0)
            goal.term_gradient("style", picture(*SIZE, seed))
        assert goal.tracing_count() == 4


@pytest.mark.slow
def test_the_halo_decides_how_exact_the_gradient_is(extractor):
    """conv1 to conv3 see 6 px; with less, there are more errors, and at borders of tiles alone."""
    image = picture(*SIZE, 3)
    expected = made(extractor, None).value_and_gradient(image)[1]
    found = {halo: made(extractor, 30, halo=halo).value_and_gradient(image)[1] for halo in (0, 4, 6, None)}
    errors = {halo: error(gradient, expected) for halo, gradient in found.items()}
    assert errors[0] > errors[4] > 1e-5
    assert errors[0] > 0.01
    assert errors[6] <= 1e-5
    np.testing.assert_array_equal(found[6], found[None])


def test_without_padding_a_halo_too_small_leaves_features_out():
    """Those that no window shows: the loss is off, but finite."""
    extractor = extractors.FeatureExtractor(small_networks.network("valid"), lambda image: image / 64.0 - 2.0)
    layers = {"style_layers": {extractor.layers[0]: 1.0}, "content_layers": {extractor.layers[-1]: 1.0}}
    goal = made(extractor, 48, size=(97, 133), halo=0, **layers)
    terms, gradient = goal.value_and_gradient(picture(97, 133, 3))
    assert np.isfinite(float(terms.total))
    assert np.all(np.isfinite(gradient))


def test_tiles_are_shared_out_and_added_up(extractor):
    """Of a stand-in for three replicas, of which one rests in the last round."""

    rounds = []

    class Three:
        count = 3

        def deal(self, items):
            padded = [*items, *[None] * (-len(items) % 3)]
            return [padded[start : start + 3] for start in range(0, len(padded), 3)]

        def run(self, function, arguments):
            rounds.append(sum(given is not None for given in arguments))
            return [None if given is None else function(*given) for given in arguments]

        def total(self, values):
            return values[0]

        def total_of_array(self, array):
            return array

    shared, alone = made(extractor, 30, replicas=Three()), made(extractor, 30)
    (_, ours), (_, theirs) = (goal.value_and_gradient(picture(*SIZE, 3)) for goal in (shared, alone))
    np.testing.assert_array_equal(ours, theirs)
    tiles = len(alone.evaluator._tiling(picture(*SIZE)).tiles)
    assert rounds == 2 * [*[3] * (tiles // 3), *([tiles % 3] if tiles % 3 else [])]


def test_a_picture_without_content_is_added_up_over_hosts(extractor, monkeypatch):
    """There is nothing of content to send."""
    replicas = devices.Replicas(strategies.get("default"))
    monkeypatch.setattr(replicas, "has_other_hosts", lambda: True)
    monkeypatch.setattr(replicas, "total_of_array", lambda array: array)
    options = {"content_layers": {}, "content_image": None}
    _, gradient = made(extractor, 30, replicas=replicas, **options).value_and_gradient(picture(*SIZE, 3))
    np.testing.assert_array_equal(gradient, made(extractor, 30, **options).value_and_gradient(picture(*SIZE, 3))[1])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["adam", "lbfgs"])
def test_optimizers_go_the_same_way(extractor, name):
    pictures = []
    for tile_size in (None, 20):
        optimizer = optimizers.get(name, jit_compile="false", on_host=tile_size is not None)
        optimizer.start(picture(*SIZE, 3))
        goal = made(extractor, tile_size)
        for _ in range(4):
            optimizer.step(goal)
        pictures.append(optimizer.result())
    # Adam divides by the gradient's own size, pixel by pixel: of the smallest it knows but the sign.
    np.testing.assert_allclose(*pictures, atol=0.05)
    assert error(*pictures) <= 1e-5
    assert error(pictures[0], picture(*SIZE, 3)) > 1e-3


@pytest.mark.parametrize("kind", [kind for kind in small_networks.UNCUTTABLE if kind != "lambda_layer"])
def test_networks_that_see_everything_are_refused(kind):
    extractor = extractors.FeatureExtractor(small_networks.uncuttable(kind), abs, layers=["first", "last"])
    with pytest.raises(ValueError, match=r"cannot be evaluated in tiles: .* Use tile_size=None\.$"):
        made(extractor, 20, style_layers={"first": 1.0}, content_layers={"last": 1.0})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"style_statistic": "sliced_wasserstein"},
            "style_statistic='sliced_wasserstein' is no sum over the picture's locations",
        ),
        ({"halo": 3}, "halo must be a multiple of 2, the stride of small, but 3 was given"),
        ({"tile_size": 1}, "tile_size must be a whole number, 2 or more, but 1 was given"),
        ({"regions": []}, "regions has no style image"),
    ],
)
def test_bad_arguments(extractor, options, message):
    with pytest.raises(ValueError, match=message):
        made(extractor, **{"tile_size": 20, **options})
