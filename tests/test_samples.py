import numpy as np
import pytest

from nst_keras import images, samples


def test_samples_are_pictures_by_name():
    for name in samples.SAMPLES:
        image = images.load(f"sample:{name}")
        assert min(image.shape[1:3]) >= 500
        assert float(np.std(image)) > 20


def test_swirls_repeat_with_their_seed_at_any_size():
    small = samples.swirls(96, seed=3)
    assert small.shape == (96, 96, 3)
    np.testing.assert_array_equal(samples.swirls(96, seed=3), small)
    assert np.any(samples.swirls(96, seed=4) != small)


def test_an_unknown_sample():
    with pytest.raises(ValueError, match="sample='swirl' is not known. Did you mean 'swirls'"):
        images.load("sample:swirl")
