"""Small objectives and pictures for the tests of this room."""

import numpy as np
import tensorflow as tf

from nst_keras.losses import guidance
from nst_keras.objectives import objective

WEIGHTS = {"style_weight": 3.0, "content_weight": 0.5, "var_weight": 0.01, "alpha_norm_weight": 0.02}
LAYERS = {"style_layers": {"conv1": 0.7, "conv2": 0.3}, "content_layers": {"conv3": 2.0}}
SIZE = (67, 93)
STYLE_ALONE = {"content_layers": {}, "content_image": None, "var_weight": 0.0, "alpha_norm_weight": 0.0}


def picture(height, width, seed=0):
    """Noise over slopes, float32 [1, height, width, 3]."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    slopes = np.stack([rows / height, columns / width, (rows + columns) / (height + width)], -1)
    return tf.constant(np.clip(170 * slopes + random.uniform(0, 85, slopes.shape), 0, 255)[np.newaxis], tf.float32)


def made(extractor, tile_size, *, size=SIZE, halo=None, **options):
    """An objective of slopes and noise, in tiles if there is a tile size."""
    settings = {
        "regions": guidance.everywhere([0.4 * picture(51, 60, 1)]),
        "content_image": picture(*size, 2),
        "normalization": "relative",
        "jit_compile": "false",
        **LAYERS,
        **WEIGHTS,
        **options,
    }
    return objective.Objective(extractor, tile_size=tile_size, halo=halo, **settings)


def error(ours, theirs):
    """The norm of the difference, relative to that of the second."""
    ours, theirs = (np.asarray(one, np.float64) for one in (ours, theirs))
    return float(np.linalg.norm(ours - theirs) / np.linalg.norm(theirs))


def noise(content):
    return tf.random.stateless_uniform([1, *content.shape], (0, 1), 0, 255)
