"""What a style image is to the picture, taken whole or in tiles."""

import numpy as np
import pytest
import tensorflow as tf

from nst_keras.losses import guidance, statistics
from nst_keras.objectives import targets
from nst_keras.objectives.tiled import style_summaries
from tests.objectives.examples import picture


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
