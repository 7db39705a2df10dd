"""Presets: looks by name, from flagfiles in the package."""

import numpy as np
import pytest

from nst_keras import presets, settings, transfer
from tests.conftest import ROOT

NEEDED = (
    *("quick", "photo", "painting", "bold", "faithful", "color", "gatys2015", "gatys2016", "tensorflow_tutorial"),
    *("texture", "poster"),
)
LOOK = {field.name for kind in (settings.TransferSettings, settings.FitSettings) for field in settings.fields(kind)}
PICTURES = {"style_image", "content_image", "style_mask", "content_mask"}


def test_the_presets():
    assert set(NEEDED) <= set(presets.names())
    assert presets.names()[0] == presets.DEFAULT == "quick"
    assert len(set(presets.names())) == len(presets.names()) == len(list(presets.FOLDER.glob("*.flags")))


@pytest.mark.parametrize("name", presets.names())
def test_a_preset_is_a_look_alone(name):
    preset = presets.get(name)
    assert preset.values.keys() <= LOOK - PICTURES
    declared = {f.name: f for kind in (settings.TransferSettings, settings.FitSettings) for f in settings.fields(kind)}
    assert all(settings.declared(declared[option]).is_recorded for option in preset.values)
    assert preset.summary.endswith(".")
    assert len(preset.summary) <= 110
    presets.settings_of(name, {})  # Raises for a value out of range.
    presets.run_options(name, {})


@pytest.mark.parametrize("name", presets.names())
def test_each_line_of_a_preset_sets_an_option(name):
    lines = (presets.FOLDER / f"{name}.flags").read_text().splitlines()
    assert len(presets.get(name).values) == len([line for line in lines if not line.startswith("#")])


def test_no_two_presets_are_alike():
    looks = [repr(sorted(presets.get(name).values.items(), key=str)) for name in presets.names()]
    assert len(set(looks)) == len(looks)


def test_configs_name_the_presets():
    """A number stands in one place: in the preset."""
    used = []
    for path in (ROOT / "configs").glob("*.flags"):
        (line,) = (line for line in path.read_text().splitlines() if line.startswith("--preset="))
        used.append(presets.get(line.partition("=")[2]).name)
    assert set(used) == set(presets.names())


def test_what_a_preset_sets():
    values = presets.get("gatys2015").values
    assert (values["pooling"], values["init"], values["normalization"]) == ("avg", "noise", "gatys2015")
    assert (values["content_weight"], values["style_weight"], values["steps_per_epoch"]) == (1.0, 1000.0, 300)
    assert values["style_layers"] == [f"conv{block}_1" for block in range(1, 6)]
    assert presets.get("poster").values["enlarge"] is True


def test_what_is_given_wins():
    assert presets.options("quick", {"image_size": 64})["image_size"] == 64
    assert presets.options("quick", {"seed": 3})["seed"] == 3


def test_sizes_of_a_pyramid_follow_the_size():
    assert presets.options("poster", {"image_size": 2048})["pyramid"] == [256, 512, 1024, 2048]
    assert presets.options("poster", {"image_size": None})["pyramid"] == [512, 1024, 2048, 4096]
    assert presets.options("poster", {"image_size": 100, "pyramid": 2})["pyramid"] == 2


@pytest.mark.parametrize(
    ("preset", "given", "left_out"),
    [
        ("quick", {"mode": "texture"}, {"content_layers", "content_weight"}),
        ("quick", {"mode": "content_reconstruction"}, {"style_weight"}),
        ("quick", {"normalization": "gatys2015"}, {"style_weight", "content_weight", "var_weight"}),
        ("quick", {"normalization": "relative"}, set()),
        ("quick", {"extractor": "inception_v3"}, {"content_layers", "padding", "pooling"}),
        ("quick", {"extractor": "vgg19"}, set()),
        ("poster", {"pyramid": 4}, {"pyramid_shares"}),
        ("poster", {"optimizer": "adam"}, {"lbfgs_history"}),
        ("tensorflow_tutorial", {"optimizer": "lbfgs"}, {"learning_rate"}),
    ],
)
def test_what_means_nothing_with_what_is_given_is_left_out(preset, given, left_out):
    own = presets.get(preset).values
    found = presets.options(preset, given)
    assert own.keys() - found.keys() == left_out - given.keys()


def test_what_means_nothing_with_what_a_comparison_varies_is_left_out():
    assert {"style_weight", "content_weight"} <= presets.void_with(["normalization", "seed"])
    found = presets.options("quick", {"image_size": 64}, varied=["normalization", "pyramid"])
    own = presets.get("quick").values
    assert own.keys() - found.keys() == {"style_weight", "content_weight", "var_weight", "pyramid_shares"}


def test_what_a_preset_has_chosen_cannot_be_changed(style, content):
    style_transfer = transfer.NeuralStyleTransfer.from_preset("quick", style, content, image_size=32, pyramid=None)
    with pytest.raises(TypeError):
        style_transfer.preset_run["epochs"] = 2
    with pytest.raises(AttributeError):
        style_transfer.preset_run = {}
    with pytest.raises(TypeError, match="fit_style_transfer.*foo"):
        style_transfer.fit_style_transfer(foo=1)


def test_unknown_names():
    with pytest.raises(ValueError, match="preset='paintin' is not known. Did you mean 'painting'"):
        presets.get("paintin")
    with pytest.raises(ValueError, match="preset=..quick.. is not known"):
        presets.get(["quick"])
    with pytest.raises(
        ValueError, match="from_preset: the option='style_wieght' is not known. Did you mean 'style_weight'"
    ):
        transfer.NeuralStyleTransfer.from_preset("quick", style_wieght=1.0)
    with pytest.raises(ValueError, match="epochs must be a whole number"):
        transfer.NeuralStyleTransfer.from_preset("quick", "sample:swirls", "sample:landscape", epochs=0)


def test_the_listing_says_what_each_is_and_needs():
    lines = presets.listing().splitlines()
    assert [line.split()[0] for line in lines] == presets.names()
    assert all(presets.get(line.split()[0]).summary in line for line in lines)
    needs = {line.split()[0]: line for line in lines}
    assert "no download" in needs["quick"]
    assert "VGG19's weights" in needs["faithful"]
    assert "InceptionV3's weights" in needs["inception_v3"]


@pytest.mark.filterwarnings("ignore:One step from here")  # The weights are made for pictures of a usual size.
def test_a_run_takes_the_steps_and_weights_of_its_preset(style, content):
    options = {"image_size": 32, "pyramid": None, "steps_per_epoch": 3, "verbose": 0}
    style_transfer = transfer.NeuralStyleTransfer.from_preset("quick", style, content, **options)
    style_transfer.fit_style_transfer()
    assert style_transfer.step == 3
    own = presets.get("quick").values
    used = style_transfer.settings
    assert (used["style_weight"], used["content_weight"], used["epochs"]) == (1.0, own["content_weight"], 1)
    assert style_transfer.given.network.extractor == own["extractor"]
    style_transfer.fit_style_transfer(2, content_weight=0.5)
    assert style_transfer.step == 6
    assert style_transfer.settings["content_weight"] == 0.5


def test_a_run_of_a_preset_is_that_of_its_options(style, content):
    given = {"image_size": 32, "pyramid": None}  # Which leaves out the shares of its stages.
    by_preset = transfer.NeuralStyleTransfer.from_preset("quick", style, content, **given)
    by_preset.fit_style_transfer(steps_per_epoch=2, verbose=0)
    own = {**presets.get("quick").values, **given}
    runs = {field.name for field in settings.fields(settings.FitSettings)} & own.keys() - {"steps_per_epoch"}
    fit = {option: own.pop(option) for option in runs}
    del own["steps_per_epoch"], own["pyramid_shares"]
    by_hand = transfer.NeuralStyleTransfer(style, content, **own)
    by_hand.fit_style_transfer(**fit, steps_per_epoch=2, verbose=0)
    np.testing.assert_array_equal(by_preset.image, by_hand.image)
