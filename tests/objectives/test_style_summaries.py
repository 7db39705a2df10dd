"""Style images in tiles: their targets are those of whole images."""

import numpy as np
import pytest
import tensorflow as tf

from nst_keras.losses import guidance, statistics
from nst_keras.networks import extractors
from nst_keras.objectives import targets
from nst_keras.objectives.tiled import style_summaries
from tests import small_networks
from tests.objectives.examples import picture


@pytest.mark.parametrize(("name", "kind"), [("gram", "vgg"), ("covariance", "valid"), ("wasserstein", "valid")])
def test_a_target_in_tiles_is_that_of_the_whole_image(name, kind):
    extractor = extractors.FeatureExtractor(small_networks.network(kind), lambda image: image / 64.0 - 2.0)
    regions = [guidance.Region([picture(91, 117, 1), picture(103, 60, 4)], [0.3, 0.7], None, 0.25)]
    statistic = statistics.STATISTICS[name]
    (tiled,), (whole,) = (
        targets.style_targets(statistic, extractor, targets.Reference(regions), summarise=summarise)
        for summarise in (style_summaries.tiled_summary(statistic, extractor, 30), None)
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
