"""The content image's features, tile by tile."""

import numpy as np
import pytest
import tensorflow as tf

from nst_keras import losses
from nst_keras.networks import extractors
from nst_keras.objectives.tiled import content_features, tiling
from tests import conftest, small_networks
from tests.objectives.examples import picture

SIZE = (67, 93)


def alone(extractor):
    """{content layer: the network cut to it}."""
    return {name: extractor.select([name]) for name in extractor.layers if name in ("conv1", "conv3")}


@pytest.fixture
def cut(extractor):
    return tiling.Tiling(extractor, *SIZE, 20)


@pytest.mark.parametrize("images", [0, 1, 4])
def test_features_are_the_same_kept_or_computed_again(extractor, cut, images, monkeypatch):
    monkeypatch.setattr(content_features, "KEPT_IMAGES", images)
    image = picture(*SIZE)
    content, whole = content_features.TiledContent(extractor, alone(extractor), image, cut), extractor(image)
    for tile in cut.tiles:
        places = cut.places(tile)
        found = content.of(tile, places)
        assert list(found) == ["conv1", "conv3"]
        for name, part in found.items():
            own = places[name].own
            assert part.shape[:3] == own.shape[:3]
            expected = places[name].of(whole[name].numpy())
            np.testing.assert_allclose(own * part, own * expected, rtol=1e-4, atol=1e-5)
    for name in ("conv1", "conv3"):
        energy = float(np.sum(np.square(whole[name], dtype=np.float64)))
        assert float(content.sizes.energy[name]) == pytest.approx(energy, rel=1e-5)
        assert float(content.sizes.number[name]) == np.size(whole[name])
        assert content.sizes.energy[name].dtype == content.sizes.number[name].dtype == tf.float32


@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
def test_energies_are_summed_in_float32(cut, precision):
    """Of half precision's own features, whose squares it could not add up."""
    half = extractors.FeatureExtractor(
        conftest.small_model(), lambda image: image, precision=precision, layers=["conv1", "conv3"]
    )
    image = picture(*SIZE)
    content = content_features.TiledContent(half, alone(half), image, cut)
    for name, features in half(image).items():
        expected = float(np.sum(np.square(features.numpy().astype(np.float64))))
        assert expected > 2.0**16
        assert float(content.sizes.energy[name]) == pytest.approx(expected, rel=2e-2)


def test_features_that_no_window_shows_are_finite(monkeypatch):
    """As there are without padding and with too small a halo; whatever memory held before, it is not counted."""
    monkeypatch.setattr(np, "empty", lambda shape, dtype=float: np.full(shape, np.nan, dtype))
    own = extractors.FeatureExtractor(small_networks.network("valid"), lambda image: image / 255.0)
    (last,), missed = own.layers[-1:], 0
    own = own.select([last])
    for side in range(80, 96):
        cut = tiling.Tiling(own, side, side, 36, 0)
        content = content_features.TiledContent(own, {last: own}, picture(side, side), cut)
        assert all(np.all(np.isfinite(content.of(tile, cut.places(tile))[last])) for tile in cut.tiles)
        missed += np.prod(own.sizes(side, side)[last]) - sum(np.sum(cut.places(tile)[last].own) for tile in cut.tiles)
    assert missed > 0


def test_a_content_of_no_layers_asks_for_no_image(extractor):
    content = content_features.TiledContent(extractor, {}, None, None)
    assert content.sizes == ({}, {})
    assert content.of(None, {}) == {}


def test_layers_at_full_size_are_not_kept(extractor):
    """conv1 has 8 features a pixel, of 3 colours; conv3, at a quarter of the pixels, 12."""
    assert content_features.kept_layers(extractor, ["conv1", "conv3"], *SIZE) == {
        "conv1": (1, 67, 93, 8),
        "conv3": (1, 33, 46, 12),
    }
    wide = extractors.get("vgg19", layers=["block1_conv1", "block4_conv2"], weights="random")
    assert content_features.kept_layers(wide, wide.layers, 64, 64) == {"block4_conv2": (1, 8, 8, 512)}


def test_the_normalizations_are_linear_in_the_squares():
    """On which it hangs that a tile's part of the content gradient needs no other tile."""
    for name in losses.NORMALIZATIONS:
        one, ten = (float(losses.content_score(squares, 7.0, 5.0, normalization=name)) for squares in (1.0, 10.0))
        assert ten == pytest.approx(10 * one, rel=1e-6)
        assert one > 0
