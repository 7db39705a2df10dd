import inspect

import pytest
from absl import flags as absl_flags

from nst_keras import export, transfer
from nst_keras.cli import flags, job
from nst_keras.engine import result


@pytest.fixture
def values():
    result = absl_flags.FlagValues()
    for function in (flags.SETUP, flags.FIT, flags.SAVE, flags.JOB):
        flags.define(result, *function)
    return result


@pytest.mark.parametrize(
    ("function", "code"),
    [
        (flags.SETUP, transfer.NeuralStyleTransfer.__init__),
        (flags.FIT, transfer.NeuralStyleTransfer.fit_style_transfer),
        (flags.SAVE, result.Outcome.save),
        (flags.JOB, job.Job.__init__),
        (("export.animations", "save_animation"), export.save_animation),
    ],
)
def test_the_signature_that_is_read_is_the_real_one(function, code):
    read, helps = flags.signature(*function)
    real = inspect.signature(code)
    assert str(read) == str(real)
    assert [p.default for p in read.parameters.values()] == [p.default for p in real.parameters.values()]
    assert set(helps) >= set(real.parameters) - {"self"}


def test_every_argument_that_text_can_name_is_a_flag(values):
    for function in (flags.SETUP, flags.FIT, flags.SAVE, flags.JOB):
        assert set(flags.signature(*function)[0].parameters) - set(flags.WITHOUT_FLAG) <= set(values)
    assert not set(flags.WITHOUT_FLAG) & set(values)


def test_the_command_lines_animation_is_as_long_as_the_functions():
    functions = {("export.animations", "save_animation"): "seconds", flags.JOB: "animation_seconds"}
    lengths = {flags.signature(*function)[0].parameters[name].default for function, name in functions.items()}
    assert len(lengths) == 1


def test_defaults_and_types_are_those_of_the_signature(values):
    values(["run", "--style_weight=2", "--epochs=3", "--show_image", "--learning_rate=1e-2", "--image_size=none"])
    setup, fit = flags.arguments(values, *flags.SETUP), flags.arguments(values, *flags.FIT)
    assert setup["normalization"] == "mean"
    assert setup["image_size"] is None
    assert fit == {
        "epochs": 3,
        "steps_per_epoch": 100,
        "learning_rate": 0.01,
        "style_weight": 2.0,
        "content_weight": None,
        "var_weight": 0.0,
        "show_image": True,
        "show_interval": 90,
        "preview": None,
        "tensorboard": None,
        "checkpoint_dir": None,
        "checkpoint_interval": 50,
        "resume": False,
        "alpha_norm_weight": 0.0,
    }
    assert [type(fit[name]) for name in ("epochs", "style_weight", "show_image")] == [int, float, bool]


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
    assert flags.given([*line, "stray", "--seed=4"], values) == expected


def test_which_flags_take_several(values):
    several = {name for name in values if flags.kind_of(name).several}
    assert {"style_image", "style_layers", "content_layers"} <= several
    assert not several & {"content_image", "init", "seed", "weights", "output", "nowhere"}
