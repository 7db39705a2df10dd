"""Where a tile's own features are: from its window they come out as from the whole picture."""

import numpy as np
import pytest
import tensorflow as tf

from nst_keras.networks import extractors
from nst_keras.objectives.tiled import tiling
from tests import small_networks


def extractor_of(kind, **options):
    return extractors.FeatureExtractor(small_networks.network(kind), lambda image: image / 64.0 - 2.0, **options)


@pytest.mark.parametrize("kind", small_networks.NETWORKS)
@pytest.mark.parametrize(("size", "pooling"), [((97, 133), "max"), ((144, 111), "l2")])
def test_features_of_tiles_are_those_of_the_picture(random, kind, size, pooling):
    """Of every layer; each of its locations is some tile's own, once."""
    extractor = extractor_of(kind, pooling=pooling)
    image = tf.constant(random.uniform(0, 255, (1, *size, 3)), tf.float32)
    whole = extractor(image)
    cut = tiling.Tiling(extractor, *size, 24)
    assert len(cut.tiles) > 1
    joined = {name: np.zeros(features.shape, np.float32) for name, features in whole.items()}
    counted = {name: np.zeros([1, *features.shape[1:3], 1]) for name, features in whole.items()}
    for tile in cut.tiles:
        of_window = extractor(image[tile.window])
        for name, place in cut.places(tile).items():
            part = tiling.cropped(of_window[name], tf.constant(place.start), place.own.shape[1:3])
            place.of(joined[name])[:] += place.own * part
            place.of(counted[name])[:] += place.own
    for name, features in whole.items():
        assert np.all(counted[name] == 1), name
        np.testing.assert_allclose(joined[name], features, rtol=1e-4, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("seed", range(8))
def test_random_networks_can_be_cut(random, seed):
    extractor = extractors.FeatureExtractor(small_networks.random_network(seed), lambda image: image / 255.0)
    size = (157, 171)
    image = tf.constant(random.uniform(0, 255, (1, *size, 3)), tf.float32)
    whole, cut = extractor(image), tiling.Tiling(extractor, *size, 48)
    for tile in cut.tiles:
        of_window = extractor(image[tile.window])
        for name, place in cut.places(tile).items():
            part = tiling.cropped(of_window[name], tf.constant(place.start), place.own.shape[1:3])
            np.testing.assert_allclose(
                place.own * part, place.own * place.of(whole[name].numpy()), rtol=1e-4, atol=1e-5, err_msg=name
            )


def test_places_are_of_one_shape(extractor):
    cut = tiling.Tiling(extractor, 67, 93, 20)
    places = [cut.places(tile) for tile in cut.tiles]
    for name in extractor.layers:
        assert len({of_tile[name].own.shape for of_tile in places}) == 1
        assert all(of_tile[name].start.dtype == np.int32 for of_tile in places)


def test_a_guide_is_the_layers_own_within_the_tile(extractor, random):
    cut = tiling.Tiling(extractor, 67, 93, 20)
    size = extractor.sizes(67, 93)["conv3"]
    guide, joined = random.uniform(size=(1, *size, 1)).astype(np.float32), np.zeros([1, *size, 1], np.float32)
    for tile in cut.tiles:
        place = cut.places(tile)["conv3"]
        place.of(joined)[:] += place.guide(guide)
        assert place.guide(None) is place.own
    np.testing.assert_array_equal(joined, guide)


def test_less_halo_makes_smaller_windows(extractor):
    lengths = [tiling.Tiling(extractor, 128, 128, 32, halo).tiles[0].rows.length for halo in (0, 2, 4, None)]
    assert lengths == sorted(lengths)
    assert lengths[0] < lengths[-1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1,), "tile_size must be a whole number, 2 or more, but 1 was given"),
        ((20.5,), "tile_size must be a whole number"),
        ((20, 3), "halo must be a multiple of 2, the stride of small, but 3 was given. Take 2 or 4"),
        ((20, -2), "halo must be a whole number, 0 or more, but -2 was given"),
    ],
)
def test_bad_arguments(extractor, arguments, message):
    with pytest.raises(ValueError, match=message):
        tiling.Tiling(extractor, 67, 93, *arguments)


@pytest.mark.parametrize("kind", [kind for kind in small_networks.UNCUTTABLE if kind != "lambda_layer"])
def test_a_network_that_cannot_be_cut_is_refused(kind):
    extractor = extractors.FeatureExtractor(
        small_networks.uncuttable(kind), lambda image: image, layers=["first", "last"]
    )
    with pytest.raises(ValueError, match="cannot be evaluated in tiles"):
        tiling.Tiling(extractor, 67, 93, 20)


def test_a_halo_too_small_for_a_layer_without_padding_is_refused():
    with pytest.raises(ValueError, match=r"^tile_size=4 with halo=0 gives windows of 5x7 px.*\.$"):
        tiling.Tiling(extractor_of("valid"), 67, 93, 4, 0)
