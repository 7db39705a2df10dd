import dataclasses

import pytest

from nst_keras import presets, settings
from nst_keras.cli.studio import asked as asked_lib

LIMITS = settings.StudioSettings(largest_size=320, most_steps=100)
PICTURES = {"content_image": "sample:landscape", "style_image": "sample:swirls"}


def wanted(options, preset="quick", pictures=PICTURES):
    return asked_lib.Asked(preset, pictures, {"image_size": 320, **options}).wanted(LIMITS)


def test_each_option_that_decides_the_picture_is_offered_or_left_out_for_a_reason():
    offered = {field.name for _, found in asked_lib.fields() for field in found}
    decides = {
        field.name
        for kind in (settings.TransferSettings, settings.FitSettings)
        for field in settings.fields(kind)
        if settings.declared(field).has_flag and settings.declared(field).is_recorded
    }
    pictures = {"content_image", "style_image", "style_mask", "content_mask"}
    left_out = {"weights", "deterministic", "epochs"}
    assert decides - offered - set(asked_lib.AT_HAND) == pictures | left_out


def test_no_option_that_is_offered_names_a_file():
    for _, found in asked_lib.fields():
        for field in found:
            assert settings.declared(field).reads in (None, ("content", "noise", "style")), field.name
            assert "PathLike" not in str(field.type) or field.name == "init", field.name


def test_what_is_left_empty_is_the_looks_own():
    given = wanted(asked_lib.values_of({"style_weight": " ", "optimizer": "adam", "style_layers": "conv1_1,conv2_1"}))
    assert given.transfer.optimization.optimizer == "adam"
    assert given.transfer.losses.style_layers == ["conv1_1", "conv2_1"]
    assert given.fit.style_weight == presets.get("quick").values["style_weight"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"image_size": 321}, "image_size may be 320 at most in this studio, but 321"),
        ({"image_size": None}, "image_size must be given in this studio: up to 320"),
        ({"steps_per_epoch": 101}, "steps_per_epoch may be 100 at most in this studio, but 101"),
        ({"steps_per_epoch": 60, "epochs": 2}, "steps_per_epoch may be 100 at most in this studio, but 120"),
        ({"style_scale": 4.5}, "style_scale may be 4 at most in this studio, but 4.5"),
        ({"style_scale": [1.0, 9.0]}, "style_scale may be 4 at most in this studio, but 9"),
        ({"extractor": "/etc/passwd"}, "extractor='/etc/passwd' is not known"),
        ({"init": "/etc/passwd"}, "init='/etc/passwd' is not known"),
        ({"strength": 1.5}, "strength must be a number from 0 to 1"),
    ],
)
def test_more_than_the_studio_allows_is_refused_in_a_sentence(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        wanted(options)


def test_a_texture_has_its_own_limit():
    with pytest.raises(ValueError, match="texture_size may be 320 at most in this studio, but 640"):
        wanted({"texture_size": "320x640", "steps_per_epoch": 9}, "texture", {"style_image": "sample:swirls"})


def test_a_text_that_is_no_value_names_its_option():
    with pytest.raises(ValueError, match="style_weight: 'much' is not a number.* Leave it empty"):
        asked_lib.values_of({"style_weight": "much"})


def test_a_mode_leaves_out_pictures_that_it_has_no_use_for():
    asked = asked_lib.Asked("texture", PICTURES, {})
    assert asked_lib.of_mode(asked).pictures == {"style_image": "sample:swirls"}
    reconstruction = dataclasses.replace(asked, preset="quick", options={"mode": "content_reconstruction"})
    assert asked_lib.of_mode(reconstruction).pictures == {"content_image": "sample:landscape"}
    assert asked_lib.of_mode(dataclasses.replace(asked, preset="quick")).pictures == PICTURES


@pytest.mark.parametrize(("name", "label"), [("content_image", "photograph"), ("style_image", "painting")])
def test_a_picture_that_is_missing_is_asked_for(name, label):
    others = {other: path for other, path in PICTURES.items() if other != name}
    with pytest.raises(ValueError, match=f"{name} is missing. Give a {label}, or click on a sample."):
        asked_lib.of_mode(asked_lib.Asked("quick", others, {}))


def test_options_at_hand_can_be_written_too():
    written = {"strength": "0.5", "image_size": "96", "steps_per_epoch": "12", "preserve_color": "luminance"}
    values = asked_lib.values_of(written)
    assert values == {"strength": 0.5, "image_size": 96, "steps_per_epoch": 12, "preserve_color": "luminance"}
    assert set(values) == set(asked_lib.AT_HAND)
    with pytest.raises(ValueError, match="the option='weights' is not known"):
        asked_lib.values_of({"weights": "/etc/passwd"})
