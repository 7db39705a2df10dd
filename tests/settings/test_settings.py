"""Each option is declared once: the signatures that users call, the docstrings and the groups say the same."""

import dataclasses
import inspect

import numpy as np
import pytest

from nst_keras import checks, session, settings
from nst_keras.engine import result
from nst_keras.transfer import NeuralStyleTransfer

SIGNATURES = {
    NeuralStyleTransfer.__init__: settings.TransferSettings,
    NeuralStyleTransfer.fit_style_transfer: settings.FitSettings,
    NeuralStyleTransfer.save: settings.SaveSettings,
    result.Result.save: settings.SaveSettings,
}


def normal(annotation):
    """An annotation as text, whatever its module calls the others."""
    return str(annotation).replace("settings_lib.", "").replace("settings.", "")


@pytest.mark.parametrize(("function", "kind"), SIGNATURES.items())
def test_a_signature_says_what_the_options_say(function, kind):
    arguments = dict(inspect.signature(function).parameters)
    del arguments["self"]
    arguments.pop("path", None)
    options = {field.name: field for field in settings.fields(kind)}
    assert arguments.keys() == options.keys()
    for name, argument in arguments.items():
        assert argument.default == options[name].default, name
        assert normal(argument.annotation) == normal(options[name].type), name


def marked(kind):
    """A value of its own for each option of a class, so that two cannot be mistaken for each other."""
    return {field.name: f"the {field.name}" for field in settings.fields(kind)}


def test_each_argument_of_the_class_arrives_as_its_option(monkeypatch):
    arrived = []
    monkeypatch.setattr("nst_keras.settings.options.Group.__post_init__", lambda group: None)
    monkeypatch.setattr(session, "Session", arrived.append)
    style_transfer = NeuralStyleTransfer(**marked(settings.TransferSettings))
    assert settings.values(arrived[0]) == marked(settings.TransferSettings)
    monkeypatch.setattr(NeuralStyleTransfer, "fit", lambda self, asked: arrived.append(asked))
    style_transfer.fit_style_transfer(**marked(settings.FitSettings))
    assert settings.values(arrived[1]) == marked(settings.FitSettings)


@pytest.mark.parametrize(
    ("function", "name"),
    [(NeuralStyleTransfer, "halo"), (NeuralStyleTransfer.fit_style_transfer, "resume"), (result.Result.save, "alpha")],
)
def test_docstrings_hold_the_help(function, name):
    kinds = (settings.TransferSettings, settings.FitSettings, settings.SaveSettings)
    helps = {
        option: text
        for kind in kinds
        for group in settings.groups(kind)
        for option, text in settings.helps(group).items()
    }
    docstring = " ".join(function.__doc__.split())
    assert f"{name}: {helps[name]}" in docstring
    assert "{options}" not in docstring


def test_every_option_has_its_help():
    for group in settings.groups(settings.JobSettings):
        names = {field.name for field in settings.fields(group)}
        assert names == settings.helps(group).keys()
        assert all(text.endswith(".") for text in settings.helps(group).values())


def test_no_name_stands_for_two_options():
    names = [field.name for field in settings.fields(settings.JobSettings)]
    assert len(set(names)) == len(names)


def test_values_are_checked_when_a_group_is_made_and_cannot_be_changed():
    fit = settings.FitSettings(epochs=np.int64(3), style_weight=np.float32(0.5))
    assert (fit.epochs, type(fit.epochs), fit.style_weight, type(fit.style_weight)) == (3, int, 0.5, float)
    with pytest.raises(dataclasses.FrozenInstanceError):
        fit.epochs = 4


@pytest.mark.parametrize(
    ("group", "options", "message"),
    [
        (settings.FitSettings, {"epochs": 0}, "epochs must be a whole number, 1 or more, but 0 was given"),
        (settings.FitSettings, {"style_weight": -1}, "style_weight must be 0 or more, but -1 was given"),
        (settings.ImageSettings, {"image_size": 0}, "image_size must be a whole number, 1 or more, but 0 was given"),
        (settings.RuntimeSettings, {"seed": 10**19}, "seed must be a whole number, 0 to 9223372036854775807, but 1000"),
        (
            settings.RuntimeSettings,
            {"seed": -1},
            "seed must be a whole number, 0 to 9223372036854775807, but -1 was given",
        ),
        (settings.SaveSettings, {"output_size": "huge"}, "output_size must be 'content' or"),
    ],
)
def test_a_value_out_of_its_range_names_its_option(group, options, message):
    with pytest.raises(ValueError, match=message):
        group(**options)


def test_values_and_built_are_inverse():
    asked = settings.TransferSettings(images=settings.ImageSettings(image_size=7))
    again = settings.built(settings.TransferSettings, settings.values(asked).__getitem__)
    assert settings.values(again) == settings.values(asked)


def test_a_field_that_is_no_option_is_an_error():
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Bad(settings.Group):
        """Without `option`."""

        number: int = 3

    with pytest.raises(TypeError, match="number is neither an option nor a group of options. Declare it with `option`"):
        list(settings.fields(Bad))


def test_optional_lets_none_pass():
    check = settings.optional(checks.integer)
    assert check("number", None) is None
    with pytest.raises(ValueError, match="number must be a whole number"):
        check("number", 0.5)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (settings.FitSettings, "checkpoint_dir"),
        (settings.FitSettings, "tensorboard"),
        (settings.FrameSettings, "frames_dir"),
    ],
)
def test_an_empty_folder_is_none_and_not_the_current_one(kind, name):
    assert getattr(kind(**{name: ""}), name) is None
    assert getattr(kind(**{name: "kept"}), name) == "kept"
    with pytest.raises(ValueError, match=f"{name}: .* holds a NUL"):
        kind(**{name: "a\0b"})
