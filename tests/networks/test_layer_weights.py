import numpy as np
import pytest

from nst_keras.networks import architectures, layer_weights

NAMES = ["conv1_1", "conv2_1", "conv3_1"]


def weights_of(layers=NAMES, count=5, architecture=None, **settings):
    return layer_weights.layer_weights("style", layers, count, architecture, **settings)


@pytest.mark.parametrize(
    ("scheme", "parts"),
    [
        ("equal", [1, 1, 1]),
        ("fine", [16, 4, 1]),
        ("coarse", [1, 2, 4]),
        (0.5, [4, 2, 1]),
        ("0.5", [4, 2, 1]),
        (3, [1, 3, 9]),
    ],
)
def test_the_ratio_from_one_layer_to_the_next(scheme, parts):
    weights = weights_of(scheme=scheme)
    assert list(weights) == NAMES
    np.testing.assert_allclose(list(weights.values()), np.array(parts) / sum(parts), rtol=1e-12)


def test_equal_weights_are_one_nth_and_the_default():
    assert weights_of() == weights_of(scheme="equal") == weights_of(scheme=1) == dict.fromkeys(NAMES, 1.0 / 3)


def test_names_are_weighted_in_the_order_given():
    assert weights_of(reversed(NAMES), scheme="coarse") == pytest.approx(weights_of(scheme=0.5))


def test_documented_layers_have_the_weights_of_the_scheme():
    vgg19 = architectures.ARCHITECTURES["vgg19"]
    weights = weights_of(None, 5, vgg19, scheme="fine")
    assert tuple(weights) == vgg19.style_layers
    np.testing.assert_allclose(list(weights.values()), np.array([256, 64, 16, 4, 1]) / 341)


def test_one_layer_has_all_the_weight():
    assert weights_of("conv1_1", scheme="fine") == {"conv1_1": 1.0}


def test_weights_of_ones_own_stay_as_they_are():
    assert weights_of({"conv1_1": 0.25, "conv2_1": 4.0}) == {"conv1_1": 0.25, "conv2_1": 4.0}


BAD = [
    ({"scheme": "fines"}, "style_layer_scheme='fines' is not known. Did you mean 'fine'.*or a ratio of weights"),
    ({"scheme": 0}, "style_layer_scheme=0 is not known"),
    ({"scheme": "-2"}, "style_layer_scheme='-2' is not known"),
    ({"scheme": "1e9"}, "0.001 to 1000"),
    ({"scheme": float("nan")}, "style_layer_scheme=nan is not known"),
    ({"scheme": True}, "style_layer_scheme=True is not known"),
    ({"scheme": None}, "style_layer_scheme=None is not known"),
    ({"scheme": []}, r"style_layer_scheme=\[\] is not known"),
    ({"layers": {"conv1_1": 2.0}, "scheme": "fine"}, "style_layer_scheme='fine' has no effect on weights given"),
    ({"layers": [], "scheme": "fine"}, "style_layers={} leaves no layer"),
]


@pytest.mark.parametrize(("settings", "message"), BAD)
def test_what_cannot_be_is_refused_in_one_sentence(settings, message):
    with pytest.raises(ValueError, match=message):
        weights_of(**settings)
