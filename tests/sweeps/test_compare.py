import json

import keras
import numpy as np
import PIL.Image
import pytest

import nst_keras
from nst_keras import compare, presets, settings
from nst_keras.export import record
from nst_keras.images import loading

SHORT = {"epochs": 1, "steps_per_epoch": 2, "verbose": 0}


class Stop(keras.callbacks.Callback):
    """Ctrl-C after so many steps of all runs together."""

    def __init__(self, steps):
        super().__init__()
        self.left = steps

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


def texts_of(figure):
    return [text.get_text() for text in figure.texts if text.get_text()]


@pytest.fixture
def style_transfer(make_transfer):
    return make_transfer(seed=None, init="noise")


@pytest.mark.slow
def test_each_picture_is_that_of_a_run_of_its_own(style_transfer, make_transfer):
    vary = {"content_weight": [0.1, 1], "variation": ["l1", "l2"]}
    compared = compare(style_transfer, vary, var_weight=3, **SHORT)
    assert [one.settings for one in compared.results] == [
        {"content_weight": weight, "variation": variation} for weight in (0.1, 1) for variation in ("l1", "l2")
    ]
    for one in compared.results[1:3]:
        alone = make_transfer(seed=style_transfer.seed, init="noise", variation=one.settings["variation"])
        alone.fit_style_transfer(content_weight=one.settings["content_weight"], var_weight=3, **SHORT)
        np.testing.assert_array_equal(one.result.image, alone.image)
        np.testing.assert_array_equal(compared.pictures[one.label], alone.image)
    assert len({picture.tobytes() for picture in compared.pictures.values()}) == 4
    assert texts_of(compared.figure) == ["content_weight=0.1", "content_weight=1", "variation=l1", "variation=l2"]


@pytest.mark.filterwarnings("ignore:One step from here")  # The preset's weights are made for pictures of a usual size.
def test_runs_take_the_steps_and_weights_of_the_transfers_preset(content, style):
    options = {"image_size": 32, "pyramid": None, "steps_per_epoch": 2, "verbose": 0}
    style_transfer = nst_keras.NeuralStyleTransfer.from_preset("quick", style, content, **options)
    (one,) = compare(style_transfer, {"style_weight": [2.0]}).results
    own = presets.get("quick").values
    assert (one.result.step, one.result.options["content_weight"]) == (2, own["content_weight"])


def test_a_presets_weights_are_not_those_of_another_normalization(content, style):
    options = {"image_size": 32, "pyramid": None, "steps_per_epoch": 2, "verbose": 0}
    style_transfer = nst_keras.NeuralStyleTransfer.from_preset("quick", style, content, **options)
    compared = compare(style_transfer, {"normalization": ["mean", "relative"]})
    alone = nst_keras.NeuralStyleTransfer.from_preset("quick", style, content, **options, normalization="mean")
    alone.fit_style_transfer()
    np.testing.assert_array_equal(compared.results[0].result.image, alone.image)


def test_the_transfer_itself_stays_as_it_is(style_transfer):
    before = style_transfer.settings
    compare(style_transfer, {"content_weight": [0.1]}, **SHORT)
    assert style_transfer.settings == before
    assert (style_transfer.step, style_transfer.stop_reason) == (0, "not begun")


@pytest.mark.slow
def test_a_pyramid_given_by_its_stages_follows_the_size(make_transfer):
    compared = compare(make_transfer(pyramid=2), {"image_size": [24, 40]}, **SHORT)
    assert [one.result.plan.setup.stage_sizes for one in compared.results] == [(17, 24), (28, 40)]


@pytest.mark.slow
def test_the_sheet_of_one_option_has_labelled_rows(style_transfer):
    compared = compare(style_transfer, {"content_weight": range(1, 7)}, **{**SHORT, "steps_per_epoch": 1})
    assert texts_of(compared.figure) == [f"content_weight={weight}" for weight in range(1, 7)]
    lefts = [round(axes.get_position().x0, 3) for axes in compared.figure.axes]
    assert lefts == lefts[:3] * 2


@pytest.mark.slow
def test_the_sheet_of_three_options_labels_each_picture(style_transfer):
    vary = {"content_weight": [0.1, 1], "alpha_norm_weight": [0, 1], "var_weight": [1, 2]}
    compared = compare(style_transfer, vary, **{**SHORT, "steps_per_epoch": 1})
    labels = [" ".join(text.split()) for text in texts_of(compared.figure)]
    assert labels[:3] == [
        "content_weight=0.1, alpha_norm_weight=0, var_weight=1",
        "content_weight=1, alpha_norm_weight=0, var_weight=1",
        "content_weight=0.1, alpha_norm_weight=0, var_weight=2",
    ]
    assert len({round(axes.get_position().y0, 3) for axes in compared.figure.axes}) == 4


@pytest.mark.slow
def test_saving_writes_the_sheet_and_pictures_with_their_settings(style_transfer, tmp_path):
    compared = compare(style_transfer, {"content_weight": [0.1, 1.0]}, **SHORT)
    compared.save(tmp_path / "compared")
    names = sorted(path.name for path in (tmp_path / "compared").iterdir())
    assert names == ["1_content_weight=0.1.png", "2_content_weight=1.png", "comparison.png"]
    for name, one in zip(names, compared.results, strict=False):
        made = record.read(tmp_path / "compared" / name)
        assert made["settings"]["content_weight"] == one.settings["content_weight"]
        assert made["settings"]["seed"] == style_transfer.seed
        assert "callbacks" not in made["without_flag"]
        picture = loading.load(tmp_path / "compared" / name)
        np.testing.assert_array_equal(picture[0].numpy(), one.result.image)
    with PIL.Image.open(tmp_path / "compared" / "comparison.png") as page:
        assert page.width > page.height
    compared.save(tmp_path / "compared", suffix=".jpg", metadata=False)
    assert record.read(tmp_path / "compared" / "2_content_weight=1.jpg") is None


REFUSED = [
    ({"optimizer": ["adam", "lbfgs"]}, {"learning_rate": 2.0}, "With optimizer=lbfgs: learning_rate=2.0 has no effect"),
    ({"learning_rate": [1.0, -1.0]}, {}, "With learning_rate=-1: "),
    ({"content_weight": [1.0, -1.0]}, {}, "With content_weight=-1: content_weight must be 0 or more"),
    ({"variation": ["l1", "l3"]}, {}, "With variation=l3: variation='l3' is not known. Choose one of"),
    ({"content_image": ["nowhere.jpg"]}, {}, "With content_image=nowhere.jpg: content_image: there is no file"),
    ({"content_weight": [0.0]}, {"style_weight": 0}, "With content_weight=0: style_weight and content_weight"),
    ({"pyramid": [3]}, {}, "With pyramid=3: pyramid has 3 stages, but epochs and steps_per_epoch make 2 steps"),
    ({"seed": [1]}, {"verbose": 7}, "verbose must be 0, 1, 2 or 'auto', but 7 was given"),
    ({"seed": [1]}, {"checkpoint_dir": "kept"}, "several runs cannot share checkpoint_dir"),
    ({"epochs": [1, 2]}, {}, "epochs is given twice"),
]


@pytest.mark.parametrize(("vary", "held", "sentence"), REFUSED)
def test_a_bad_combination_is_refused_before_the_first_run(style_transfer, vary, held, sentence):
    begun = []
    callback = keras.callbacks.LambdaCallback(on_train_begin=lambda logs: begun.append(1))
    with pytest.raises((ValueError, OSError), match=sentence) as caught:
        compare(style_transfer, vary, callbacks=[callback], **{**SHORT, **held})
    assert "\n" not in str(caught.value)
    assert not begun


def test_a_run_that_fails_names_its_combination(style_transfer):
    def fail(epoch, logs):
        raise LookupError("no disk")

    callback = keras.callbacks.LambdaCallback(on_epoch_end=fail)
    with pytest.raises(RuntimeError, match="^With content_weight=0.1: no disk$"):
        compare(style_transfer, {"content_weight": [0.1, 1]}, callbacks=[callback], **SHORT)


def test_ctrl_c_keeps_the_pictures_made_so_far(style_transfer, tmp_path):
    compared = compare(style_transfer, {"content_weight": [0.1, 1, 2]}, callbacks=[Stop(3)], **SHORT)
    assert compared.interrupted
    assert [(one.label, one.result.step) for one in compared.results] == [
        ("content_weight=0.1", 2),
        ("content_weight=1", 1),
    ]
    labels = ["content_weight=0.1", "content_weight=1 (ended after step 1)", "content_weight=2"]
    assert [" ".join(text.split()) for text in texts_of(compared.figure)] == labels
    compared.save(tmp_path)
    assert len(list(tmp_path.iterdir())) == 3


def test_ctrl_c_before_the_first_picture_goes_on(style_transfer, monkeypatch):
    def interrupt(self, asked):
        raise KeyboardInterrupt

    monkeypatch.setattr(nst_keras.NeuralStyleTransfer, "fit", interrupt)
    with pytest.raises(KeyboardInterrupt):
        compare(style_transfer, {"content_weight": [0.1]}, **SHORT)


@pytest.mark.slow
def test_progress_names_each_combination(style_transfer, capsys):
    compare(style_transfer, {"content_weight": [0.1, 1]}, **{**SHORT, "verbose": 2})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("1/2  content_weight=0.1  step 1/2  loss ")
    assert lines[-1].startswith("2/2  content_weight=1  step 2/2  loss ")
    compare(style_transfer, {"content_weight": [0.1, 1]}, **SHORT)
    assert capsys.readouterr().out == ""


@pytest.mark.slow
def test_runs_of_one_transfer_follow_each_other(style_transfer, monkeypatch):
    """So that each transfer is made once, and what it has compiled serves all of its runs."""
    made, of = [], nst_keras.NeuralStyleTransfer.from_settings
    monkeypatch.setattr(
        nst_keras.NeuralStyleTransfer, "from_settings", lambda given: made.append(of(given)) or made[-1]
    )
    compared = compare(style_transfer, {"content_weight": [0.1, 1], "seed": [1, 2]}, **SHORT)
    assert len(made) == 2
    assert [one.settings["seed"] for one in compared.results] == [1, 2, 1, 2]
    assert [settings.values(one.given)["seed"] for one in made] == [1, 2]


def test_records_hold_what_made_the_picture(style_transfer):
    (one,) = compare(style_transfer, {"content_weight": [0.1]}, **SHORT).results
    again = json.loads(json.dumps(one.result.record()))
    assert again["steps"] == 2
    assert again["settings"]["content_weight"] == 0.1


def test_only_a_style_transfer_can_be_compared():
    with pytest.raises(TypeError, match="style_transfer must be a NeuralStyleTransfer, but 'photo.jpg' was given"):
        compare("photo.jpg", {"seed": [1, 2]})
