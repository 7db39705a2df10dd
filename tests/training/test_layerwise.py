import keras
import numpy as np
import pytest

from nst_keras.networks import compact
from training import layerwise


def test_regression_finds_a_linear_map():
    random = np.random.default_rng(0)
    inputs, truth = random.normal(size=(200, 5)).astype(np.float32), random.normal(size=(5, 3)).astype(np.float32)
    weights, bias = layerwise.regression(inputs, inputs @ truth + 4, ridge=0)
    np.testing.assert_allclose(weights, truth, atol=1e-4)
    np.testing.assert_allclose(bias, 4, atol=1e-4)


def test_chosen_channels_leave_out_what_others_predict():
    random = np.random.default_rng(0)
    base = random.normal(size=(500, 3)).astype(np.float32) * (3, 2, 1)
    features = np.concatenate([base, base @ random.normal(size=(3, 4)) + 7, np.full((500, 1), 9)], axis=1)
    chosen = layerwise.chosen_channels(features.astype(np.float32), 3)
    assert len(set(chosen)) == 3
    assert 7 not in chosen  # The constant one.
    weights, bias = layerwise.regression(features[:, chosen].astype(np.float32), features.astype(np.float32), ridge=0)
    np.testing.assert_allclose(features[:, chosen] @ weights + bias, features, atol=1e-2)


@pytest.fixture(scope="module")
def teacher():
    keras.utils.set_random_seed(1)
    return keras.applications.VGG19(weights=None, include_top=False)


def test_a_student_of_full_width_is_the_teacher(teacher):
    images = np.random.default_rng(0).uniform(-120, 120, (2, 32, 32, 3)).astype(np.float32)
    thin = compact.thin_network(((64, 64), (128,)))
    heads = layerwise.fit(thin, teacher, images, samples=2000, report=lambda _: None)
    features = keras.ops.convert_to_numpy(thin(images)["block2_conv1"])
    weights, bias = heads["block2_conv1"]
    theirs = keras.ops.convert_to_numpy(
        keras.Model(teacher.inputs[0], teacher.get_layer("block2_conv1").output)(images)
    )
    assert np.square(features @ weights + bias - theirs).sum() < 0.02 * np.square(theirs - theirs.mean((0, 1, 2))).sum()
