import pathlib

import keras
import numpy as np
import pytest

from nst_keras import settings
from nst_keras.sweeps import variation


def labels(vary):
    return [one.label() for one in variation.combinations(variation.checked(vary))]


def test_combinations_are_the_product_in_the_order_given():
    vary = {"content_weight": [0.5, 1], "style_layer_scheme": ["fine", "coarse"]}
    assert labels(vary) == [
        "content_weight=0.5, style_layer_scheme=fine",
        "content_weight=0.5, style_layer_scheme=coarse",
        "content_weight=1, style_layer_scheme=fine",
        "content_weight=1, style_layer_scheme=coarse",
    ]


@pytest.mark.parametrize(
    ("name", "values", "texts"),
    [
        ("content_weight", np.linspace(0, 1, 4), ["0", "0.333333", "0.666667", "1"]),
        ("seed", range(2), ["0", "1"]),
        ("style_layers", [["conv1_1", "conv2_1"], {"conv1_1": 0.5}], ["conv1_1,conv2_1", "conv1_1:0.5"]),
        ("enlarge", (True, False), ["True", "False"]),
        ("image_size", [None, 64], ["None", "64"]),
        ("content_image", ["a/one.jpg", pathlib.Path("b/two.jpg")], ["one.jpg", "two.jpg"]),
        ("content_image", ["a/one.jpg", "b/one.jpg"], ["a/one.jpg", "b/one.jpg"]),
        ("style_image", ["sample:swirls", ["a/one.jpg", "two.jpg"]], ["sample:swirls", "one.jpg,two.jpg"]),
        ("content_image", [np.zeros((4, 4, 3)), np.ones((4, 4, 3))], ["array (1)", "array (2)"]),
        ("optimizer", ["adam", keras.optimizers.RMSprop(2.0)], ["adam", "RMSprop"]),
    ],
)
def test_each_value_has_a_text_of_its_own(name, values, texts):
    assert labels({name: values}) == [f"{name}={text}" for text in texts]


def test_numpys_numbers_become_pythons():
    (one,) = variation.checked({"content_weight": np.array([0.5], np.float32)})["content_weight"]
    assert type(one) is float


def test_a_long_value_is_cut():
    (label,) = labels({"content_image": ["x" * 200]})
    assert label.endswith("…")
    assert len(label) < 90


BAD = [
    ({"strenght_": [1]}, ValueError, "vary: 'strenght_' is not an option"),
    ({"content_wieght": [1]}, ValueError, "Did you mean 'content_weight'?"),
    ({"seed": []}, ValueError, "'seed' has no values. Give a list"),
    ({"mode": "texture"}, TypeError, "'mode' must have a list of values, but 'texture' was given. Write \\['texture'"),
    ({"seed": 3}, TypeError, "'seed' must have a list of values, but 3 was given"),
    ({"seed": np.array(3)}, TypeError, "must have a list of values"),
    ({"style_layers": {"conv1_1": 1}}, TypeError, "must have a list of values"),
    ({"verbose": [0, 1]}, ValueError, "'verbose' does not change the picture. Leave it out"),
    ({"frame_interval": [1, 2]}, ValueError, "'frame_interval' does not change the picture"),
    ({"resume": [True]}, ValueError, "'resume' does not change the picture"),
    ({"epochs": [1, 2]}, ValueError, "epochs is given twice"),
    ({"seed": range(101)}, ValueError, "vary makes 101 combinations, but 100 is the most"),
    ({"seed": range(11), "epochs_": [0]}, ValueError, "'epochs_' is not an option"),
    ({}, ValueError, "vary names no option"),
    ([("seed", [1])], TypeError, "vary must be a mapping"),
]


@pytest.mark.parametrize(("vary", "kind", "sentence"), BAD)
def test_what_cannot_vary_is_refused_in_one_sentence(vary, kind, sentence):
    with pytest.raises(kind, match=sentence) as caught:
        variation.checked(vary, {"epochs": 1})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("checkpoint_dir", "several runs cannot share checkpoint_dir"),
        ("mode", "'mode' is an option of NeuralStyleTransfer. Give it there, or in vary"),
        ("epoch", "'epoch' is not an option. Did you mean 'epochs'?"),
    ],
)
def test_what_all_runs_cannot_have_is_refused(name, sentence):
    with pytest.raises(ValueError, match=f"compare: .*{sentence}|compare: {sentence}"):
        variation.check_held({name: "x"})


def test_values_take_the_place_of_those_given():
    given = settings.TransferSettings(losses=settings.LossSettings(mode="texture", variation="l2"))
    (one,) = variation.combinations({"mode": ["transfer"]})
    made = variation.with_values(given, {**one.values, "content_weight": 3.0})
    assert settings.values(made) == {**settings.values(given), "mode": "transfer"}
    with pytest.raises(ValueError, match="image_size must be a whole number"):
        variation.with_values(given, {"image_size": 0})


@pytest.mark.parametrize(
    ("vary", "stem"),
    [
        ({"content_weight": [0.5], "mode": ["texture"]}, "content_weight=0.5_mode=texture"),
        ({"content_image": ["a/../b c?<>|*:é.jpg"]}, "content_image=b-c-é.jpg"),
        ({"style_layers": [{"conv1_1": 1, "conv2_1": 2}]}, "style_layers=conv1_1-1,conv2_1-2"),
    ],
)
def test_file_names_are_safe(vary, stem):
    (one,) = variation.combinations(vary)
    assert one.file_stem() == stem
