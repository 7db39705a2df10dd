"""What a style image is to the picture, taken whole or in tiles."""

import numpy as np
import pytest
import tensorflow as tf

from nst_keras.losses import guidance, statistics
from nst_keras.networks import extractors
from nst_keras.objectives import targets
from nst_keras.objectives.tiled import style_summaries
from nst_keras.runtime import compilation
from tests import small_networks
from tests.objectives.test_tiled import picture


@pytest.mark.parametrize(("name", "kind"), [("gram", "vgg"), ("covariance", "valid"), ("wasserstein", "valid")])
def test_a_target_in_tiles_is_that_of_the_whole_image(name, kind):
    extractor = extractors.FeatureExtractor(small_networks.network(kind), lambda image: image / 64.0 - 2.0)
    regions = [guidance.Region([picture(91, 117, 1), picture(103, 60, 4)], [0.3, 0.7], None, 0.25)]
    statistic = statistics.STATISTICS[name]
    (tiled,), (whole,) = (
        targets.style_targets(statistic, extractor, regions, summarised=summarised)
        for summarised in (style_summaries.tiled_summary(statistic, extractor, 30), None)
    )
    assert tiled.strength == whole.strength == 0.25
    assert tiled.guides == whole.guides == {}
    for layer in extractor.layers:
        assert tiled.layers[layer].keys() == whole.layers[layer].keys()
        for key, expected in whole.layers[layer].items():
            largest = float(tf.reduce_max(tf.abs(expected)))
            # A root's small eigenvalues hang on the matrix's last digits.
            tolerance = 1e-3 if key == "root" else 1e-5
            np.testing.assert_allclose(tiled.layers[layer][key], expected, atol=tolerance * largest)


def test_a_style_without_a_share_is_not_looked_at(extractor):
    unreadable = tf.fill([1, 40, 40, 3], np.nan)
    regions = guidance.everywhere([picture(30, 30), unreadable], [1.0, 0.0])
    statistic = statistics.STATISTICS["gram"]
    for summarised in (None, style_summaries.tiled_summary(statistic, extractor, 10)):
        (target,) = targets.style_targets(statistic, extractor, regions, summarised=summarised)
        assert np.all(np.isfinite(target.layers["conv1"]["gram"]))


def test_a_region_has_a_guide_for_each_layer(extractor):
    mask = tf.constant(np.random.default_rng(0).uniform(size=(1, 67, 93, 1)), tf.float32)
    (target,) = targets.style_targets(
        statistics.STATISTICS["gram"], extractor, [guidance.Region([picture(30, 30)], [1.0], mask)]
    )
    for name, size in extractor.sizes(67, 93).items():
        np.testing.assert_array_equal(target.guides[name], guidance.guide(mask, *size))


@pytest.mark.parametrize("regions", [[], [guidance.Region([], [])]])
def test_no_style_image_is_refused(extractor, regions):
    with pytest.raises(ValueError, match="regions has no style image, but style_layers are given. Give one"):
        targets.style_targets(statistics.STATISTICS["gram"], extractor, regions)


def test_a_graph_takes_images_of_any_size():
    graph = compilation.as_graph(lambda image: tf.reduce_mean(image, [1, 2]))
    for size in ((3, 4), (5, 2)):
        np.testing.assert_allclose(graph(tf.ones([1, *size, 3])), [[1, 1, 1]])
