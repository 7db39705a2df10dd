from __future__ import annotations

import dataclasses

import pytest
from absl import flags as absl_flags

from nst_keras import checks, settings
from nst_keras.cli import flags


@pytest.fixture
def values():
    result = absl_flags.FlagValues()
    flags.define(result)
    return result


def test_every_option_that_text_can_name_is_a_flag(values):
    options = {field.name: settings.declared(field) for field in settings.fields(settings.JobSettings)}
    assert set(values) == {name for name, option in options.items() if option.has_flag}
    without = {name for name, option in options.items() if not option.has_flag}
    assert without == {"preprocess", "losses", "callbacks", "warm_start", "verbose"}


def test_flags_say_what_the_options_say(values):
    for field in settings.fields(settings.JobSettings):
        if settings.declared(field).has_flag:
            assert values[field.name].value == field.default
    assert values["halo"].help.startswith("Context pixels around each tile. Default: the receptive field")


def test_settings_are_what_the_flags_say(values):
    values(["run", "--style_weight=2", "--epochs=3", "--show_image", "--learning_rate=1e-2", "--image_size=none"])
    asked = flags.settings_of(values)
    assert settings.values(asked.transfer) == settings.values(settings.TransferSettings()) | {"image_size": None}
    changed = {"style_weight": 2.0, "epochs": 3, "show_image": True, "learning_rate": 0.01}
    assert settings.values(asked.fit) == settings.values(settings.FitSettings()) | changed
    assert [type(value) for value in (asked.fit.epochs, asked.fit.style_weight, asked.fit.show_image)] == [
        int,
        float,
        bool,
    ]


def test_a_flag_of_a_value_out_of_range_is_told_when_settings_are_made(values):
    values(["run", "--epochs=0"])
    with pytest.raises(ValueError, match="epochs must be a whole number, 1 or more, but 0 was given"):
        flags.settings_of(values)


def test_a_new_option_is_one_field():
    """Its flag, its help, its place in the settings and in what hosts agree on come of themselves."""

    @dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
    class Throwaway(settings.FrameSettings):
        """An option more.

        Attributes:
            every_other: Keeps every other frame. Default: false.
            strength: How strong, 0 or more.
        """

        title = "Thrown away"
        every_other: bool = settings.option(False)
        strength: float | None = settings.option(None, settings.optional(checks.non_negative), is_agreed=True)

    @dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
    class Job:
        frames: Throwaway = dataclasses.field(default_factory=Throwaway)

    values = absl_flags.FlagValues()
    flags.define(values, Job)
    assert values["every_other"].help == "Keeps every other frame. Default: false."
    values(["run", "--every_other", "--strength=0.5", "--frame_interval=3"])
    asked = flags.settings_of(values, Job)
    assert settings.values(asked) == {
        "frame_interval": 3,
        "frames_dir": None,
        "every_other": True,
        "strength": 0.5,
    }
    values(["run", "--strength=-1"])
    with pytest.raises(ValueError, match=r"strength must be 0 or more, but -1\.0 was given"):
        flags.settings_of(values, Job)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("conv1_1", ["conv1_1"]),
        ("conv1_1, conv2_1", ["conv1_1", "conv2_1"]),
        ("conv1_1:0.5,conv2_1:2", {"conv1_1": 0.5, "conv2_1": 2.0}),
    ],
)
def test_layers(values, text, expected):
    values(["run", f"--style_layers={text}"])
    assert values["style_layers"].value == expected


@pytest.mark.parametrize(
    "argument",
    [
        "--style_layers=a:1,b",
        "--style_layers=a:b:c",
        "--style_layers=",
        "--style_layers=a:x",
        "--epochs=1.5",
        "--seed=x",
        "--show_image=7",
        "--style_image=a.jpg,,b.jpg",
        '--style_image="a.jpg',
    ],
)
def test_bad_values(values, argument):
    with pytest.raises(absl_flags.Error, match=argument.split("=", 1)[0]):
        values(["run", argument])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("style_layers", {"conv1_1": 0.1, "conv2_1": 1e-07}),
        ("content_layers", ["conv4_2", "conv5_2"]),
        ("content_layers", None),
        ("show_image", True),
        ("show_image", False),
        ("learning_rate", 0.1 + 0.2),
        ("image_size", None),
        ("init", "a picture.png"),
        ("seed", 0),
        ("style_image", "b, c.jpg"),
        ("style_image", ["a.jpg", 'my "best", so far.jpg']),
        ("output_size", 640),
        ("output_size", "content"),
        ("animation_seconds", 2.5),
        ("overwrite", True),
    ],
)
def test_a_flag_line_gives_its_value_back(values, name, value):
    values(["run", flags.flag_line(name, value)])
    assert values[name].value == value


def test_several_of_a_thing_in_one_flag(values):
    values(["run", "--style_blend=0.7,0.3", "--pyramid=4", "--style_scale=1,0.5", "--style_image=a.jpg,b.jpg"])
    assert values["style_blend"].value == [0.7, 0.3]
    assert values["pyramid"].value == 4
    assert values["style_scale"].value == [1.0, 0.5]
    assert values["style_image"].value == ["a.jpg", "b.jpg"]
    values(["run", "--style_blend=none", "--pyramid=128,256", "--style_scale=2"])
    assert [values[name].value for name in ("style_blend", "pyramid", "style_scale")] == [None, [128, 256], 2.0]
    with pytest.raises(absl_flags.Error, match="style_blend=0.7;0.3: '0.7;0.3' is not numbers with commas between"):
        values(["run", "--style_blend=0.7;0.3"])


def test_what_is_given_on_the_line(values):
    line = [
        "--seed=3",
        "-init",
        "--style_image",
        "--style_image",
        "a=b",
        "--show_image",
        "--noresume",
        "--flagfile",
        "x",
    ]
    expected = [("seed", "3"), ("init", "--style_image"), ("style_image", "a=b"), ("show_image", None)]
    expected += [("noresume", None), ("flagfile", "x")]
    assert flags.given(line, values) == expected
    assert flags.given([*line, "--", "--seed=4"], values) == expected
    assert flags.given([*line, "stray", "--seed=4"], values) == [*expected, ("seed", "4")]


def test_which_flags_take_several(values):
    several = {name for name in values if flags.form_of(name).kind.several}
    assert {"style_image", "style_layers", "content_layers"} <= several
    assert not several & {"content_image", "init", "seed", "weights", "output", "nowhere"}
