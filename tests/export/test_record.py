"""A picture alone is enough to make it again."""

import json
import pathlib
import re
import subprocess
import sys

import keras
import numpy as np
import PIL.Image
import pytest

from nst_keras import run
from nst_keras.cli import flags, provenance
from nst_keras.export import record as record_lib
from nst_keras.images import digests, loading
from nst_keras.images.formats import metadata
from tests.cli.test_command import command, folder, one_line  # noqa: F401  A fixture among them.
from tests.conftest import ROOT


def printed_flagfile(picture, capsys):
    assert provenance.main([str(picture)]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    return printed.out


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tiff"])
def test_a_picture_alone_makes_itself_again(folder, capsys, suffix, monkeypatch):  # noqa: F811
    assert run.main(command(f"--output=made{suffix}", "--seed=none", "--init=noise", "--style_weight=3.5")) == 0
    for other in ("made.flags", "made.json"):
        (folder / other).unlink()
    capsys.readouterr()
    text = printed_flagfile(f"made{suffix}", capsys)
    (folder / "settings.flags").write_text(text)
    monkeypatch.chdir("/")
    assert run.main([f"--flagfile={folder}/settings.flags", f"--output={folder}/again{suffix}"]) == 0
    first, again = (np.asarray(PIL.Image.open(folder / f"{name}{suffix}")) for name in ("made", "again"))
    np.testing.assert_array_equal(again, first)


@pytest.mark.slow
def test_sixteen_bits_and_another_size_are_made_again_too(folder, capsys):  # noqa: F811
    asked = ["--bit_depth=16", "--output_size=content", "--output=made.png"]
    assert run.main(command(*asked)) == 0
    capsys.readouterr()
    (folder / "settings.flags").write_text(printed_flagfile("made.png", capsys))
    assert run.main(["--flagfile=settings.flags", "--output=again.png"]) == 0
    made, again = loading.load("made.png"), loading.load("again.png")
    assert made.shape == loading.load("content.png").shape
    assert (made.numpy() % 1 != 0).any()  # Finer than 8 bits.
    np.testing.assert_array_equal(made, again)


def test_a_picture_from_before_there_was_a_choice_of_precision_is_made_again_in_float32():
    made = record_lib.read(ROOT / "tests" / "fixtures" / "v0_1_0" / "lbfgs_8.png")
    assert "--precision=float32" in provenance.flagfile(made).splitlines()


@pytest.mark.parametrize(
    ("extractor", "recorded", "expected"),
    [
        ("inception_v3", "auto", "softmax"),  # As it was then.
        ("inception_v3", "none", "none"),
        ("vgg19", "auto", "auto"),
    ],
)
def test_a_picture_by_inception_keeps_the_smoothing_that_auto_stood_for(extractor, recorded, expected):
    made = record_lib.read(ROOT / "tests" / "fixtures" / "v0_1_0" / "lbfgs_8.png")
    made["settings"] |= {"extractor": extractor, "smoothing": recorded}
    assert f"--smoothing={expected}" in provenance.flagfile(made).splitlines()
    del made["settings"]["precision"]
    assert "--precision=float32" in provenance.flagfile(made).splitlines()


def test_it_tells_what_the_picture_came_of(folder, capsys):  # noqa: F811
    assert run.main(command("--output=made.png")) == 0
    capsys.readouterr()
    text = printed_flagfile("made.png", capsys)
    assert f"# content_image: sha256 {digests.digest('content.png')}\n" in text
    assert "# extractor vgg16 with its weights: sha256 " in text
    assert "tensorflow " in text
    assert "# 3 steps (all 3 steps made): loss " in text
    assert f"--content_image={folder / 'content.png'}\n" in text
    assert "--seed=3\n" in text
    assert provenance.main(["made.png", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record == provenance.read("made.png")
    beside = json.loads((folder / "made.json").read_text())
    assert record["losses"]["loss"] == beside["history"]["loss"][-1]


@pytest.mark.slow
def test_a_blend_of_styles_is_made_again(folder, capsys, monkeypatch):  # noqa: F811
    (folder / "a, b.png").write_bytes((folder / "content.png").read_bytes())
    styles = '--style_image="style.png","a, b.png","sample:woodblock"'
    assert run.main(command("--output=made.png", styles, "--style_weight=1000")) == 0
    assert run.main(command("--output=one.png", "--style_weight=1000")) == 0
    capsys.readouterr()
    text = printed_flagfile("made.png", capsys)
    assert f"# style_image[0]: sha256 {digests.digest('style.png')}\n" in text
    (folder / "settings.flags").write_text(text)
    monkeypatch.chdir("/")
    assert run.main([f"--flagfile={folder}/settings.flags", f"--output={folder}/again.png"]) == 0
    made, again, one = (loading.load(folder / f"{name}.png").numpy() for name in ("made", "again", "one"))
    np.testing.assert_array_equal(again, made)
    assert (made != one).any()


def test_a_changed_entry_of_a_list_and_a_changed_folder_are_told(folder, capsys):  # noqa: F811
    from nst_keras import export

    assert run.main(command("--output=made.png", "--style_image=style.png,content.png,sample:swirls")) == 0
    (folder / "masks").mkdir()
    record = provenance.read("made.png")
    record["settings"] |= {"content_mask": f"{folder}/masks", "style_mask": [f"{folder}/gone.png"]}
    record["inputs"] |= record_lib.digests({"content_mask": "masks"}) | {"style_mask": "0"}
    export.save_image(np.zeros([9, 9, 3], np.uint8), "with_masks.png", text=json.dumps(record))
    PIL.Image.new("RGB", (40, 40)).save("content.png")
    PIL.Image.new("RGB", (40, 40)).save("masks/left.png")
    (folder / "style.png").unlink()
    capsys.readouterr()
    assert provenance.main(["with_masks.png", "--check_inputs"]) == 0
    lines = capsys.readouterr().err.splitlines()
    warned = [line.removeprefix("nst_keras: warning: ") for line in lines]
    changed = "has changed, and would make another picture"
    gone = "any more. Give its new path with"
    expected = [
        f"style_image[0]: there is no file '{folder}/style.png' {gone} --style_image.",
        f"style_image[1]: '{folder}/content.png' {changed}",
        f"content_image: '{folder}/content.png' {changed}",
        f"content_mask: '{folder}/masks' {changed}",
        f"style_mask: there is no file '{folder}/gone.png' {gone} --style_mask.",
    ]
    for sentence in expected:
        assert [line for line in warned if line.startswith(sentence)], sentence
    assert len(warned) == len(expected)


def test_a_changed_and_a_missing_input_are_told(folder, capsys):  # noqa: F811
    assert run.main(command("--output=made.png")) == 0
    PIL.Image.new("RGB", (40, 40)).save("content.png")
    (folder / "style.png").unlink()
    capsys.readouterr()
    assert provenance.main(["made.png", "--check_inputs"]) == 0
    printed = capsys.readouterr()
    assert "content.png' has changed, and would make another picture" in printed.err
    assert "style_image: there is no file" in printed.err
    assert printed.out.startswith(flags.HEADER)


@pytest.mark.parametrize(
    ("name", "message"),
    [("plain.png", "holds no record of a run"), ("other.png", "cannot be understood"), ("nowhere.png", "nowhere.png")],
)
def test_a_picture_without_a_record_gives_one_line(folder, capsys, name, message):  # noqa: F811
    PIL.Image.new("RGB", (9, 9)).save("plain.png")
    from nst_keras import export

    export.save_image(np.zeros([9, 9, 3], np.uint8), "other.png", text='{"nst_keras": 1}')
    assert provenance.main([name]) == 2
    assert message in one_line(capsys)


def test_metadata_can_be_left_out(folder, capsys):  # noqa: F811
    assert run.main(command("--output=made.png", "--metadata=false")) == 0
    assert metadata.read("made.png") is None
    assert b"content.png" not in (folder / "made.png").read_bytes()


def test_it_needs_no_tensorflow(folder):  # noqa: F811
    assert run.main(command("--output=made.png")) == 0
    code = "import sys; from nst_keras import provenance; provenance.main(['made.png']);"
    code += "assert 'tensorflow' not in sys.modules"
    environment = {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert "--epochs=1" in done.stdout


def test_what_no_flag_can_say_is_described(make_transfer, tmp_path):
    style_transfer = make_transfer(optimizer=keras.optimizers.SGD(3.0))
    style_transfer.fit_style_transfer(1, 2, verbose=0, callbacks=[keras.callbacks.TerminateOnNaN()])
    style_transfer.save(tmp_path / "made.png")
    record = provenance.read(tmp_path / "made.png")
    assert record["without_flag"]["content_image"] == "ndarray [48, 40, 3]"
    assert record["without_flag"]["optimizer"].startswith("SGD {")
    assert record["without_flag"]["callbacks"] == "[TerminateOnNaN]"
    assert record["inputs"].keys() == {"content_image", "style_image"}
    text = provenance.flagfile(record)
    assert "# No flag can say what was given as callbacks: [TerminateOnNaN]\n" in text
    assert not [
        line for line in text.splitlines() if line.startswith(("--content_image", "--optimizer", "--callbacks"))
    ]


def test_what_was_shown_on_the_way_is_no_part_of_it(make_transfer, tmp_path):
    style_transfer = make_transfer()
    options = {"checkpoint_dir": tmp_path / "checkpoints", "tensorboard": tmp_path / "board"}
    style_transfer.fit_style_transfer(1, 2, verbose=0, preview=tmp_path / "preview.png", **options)
    assert not {"checkpoint_dir", "tensorboard", "preview", "resume"} & style_transfer.record()["settings"].keys()


def test_the_picture_of_a_url_is_not_told_as_missing():
    url = "https://example.org/a.png"
    made = {"settings": {"style_image": url}, "inputs": {"style_image": "0" * 64}}
    assert provenance._changed_inputs(made) == []


def test_the_password_of_a_url_is_not_recorded():
    assert record_lib.resolved("style_image", "https://me:secret@host/a.png") == "https://me@host/a.png"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("init", "content"),
        ("weights", "random"),
        ("style_image", ["sample:swirls", "https://example.org/picture.png"]),
        ("style_blend", [1.0]),
    ],
)
def test_names_that_are_no_files_stay_as_they_are(name, value, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "content").mkdir()
    (tmp_path / "random").mkdir()
    assert record_lib.resolved(name, value) == value


def test_each_file_of_a_list_gets_its_whole_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "style").mkdir()  # A folder of styles; that `init` takes this word for a start is nothing to it.
    (tmp_path / "a,b.png").touch()
    listed = ["style", pathlib.Path("a,b.png"), (tmp_path / "a,b.png").as_uri(), "nowhere.png"]
    whole = f"{tmp_path}/a,b.png"
    assert record_lib.resolved("style_mask", listed) == [f"{tmp_path}/style", whole, whole, "nowhere.png"]
    assert record_lib.resolved("style_image", ("style",)) == f"{tmp_path}/style"


def test_files_that_are_read(folder):  # noqa: F811
    (folder / "styles").mkdir()
    (folder / "styles" / "one.png").touch()
    settings = {"content_image": "content.png", "style_image": ["styles", "sample:swirls"], "style_mask": ["style.png"]}
    settings |= {"content_mask": None, "init": "content", "weights": "imagenet", "frames_dir": "style.png"}
    assert record_lib.input_files(settings) == ["content.png", "style.png", "styles/one.png"]
    settings |= {"content_image": (folder / "content.png").as_uri(), "style_image": (folder / "styles").as_uri()}
    assert record_lib.input_files(settings) == [f"{folder}/content.png", "style.png", f"{folder}/styles/one.png"]
    assert record_lib.digests(settings)["content_image"] == digests.digest("content.png")


def test_a_strangers_picture_can_set_no_flag_but_those_of_a_picture(make_transfer):
    style_transfer = make_transfer()
    style_transfer.fit_style_transfer(1, 2, verbose=0)
    record = style_transfer.record()
    record["settings"] |= {
        "overwrite": True,
        "loss_plot": "/thesis.pdf",
        "tensorboard": "/etc",
        "init": "a\n--debug=true",
    }
    text = provenance.flagfile(record)
    assert not re.search("^--(overwrite|loss_plot|tensorboard|debug|init)", text, re.MULTILINE)
    assert "# No flag can say: '--init=a" in text
    assert "--style_weight=1.0\n" in text  # The number that was used.


def test_a_line_of_a_record_cannot_become_a_flag(make_transfer):
    style_transfer = make_transfer()
    style_transfer.fit_style_transfer(1, 2, verbose=0)
    record = style_transfer.record() | {"stop_reason": "all\n--overwrite=true"}
    assert "\n--overwrite" not in provenance.flagfile(record)


def test_what_numpy_counts_comes_back_as_numbers(make_transfer, style):
    blend = np.array([0.25, 0.75])
    layers = {"conv1": np.float32(0.5)}
    style_transfer = make_transfer([style, style], style_blend=blend, style_layers=layers, seed=np.int64(4))
    style_transfer.fit_style_transfer(1, 2, verbose=0)
    record = style_transfer.record()
    assert json.loads(json.dumps(record))["settings"]["style_blend"] == [0.25, 0.75]
    assert {"--style_layers=conv1:0.5", "--seed=4"} <= set(provenance.flagfile(record).splitlines())


def test_several_pictures_that_are_no_files_are_described(make_transfer, style):
    style_transfer = make_transfer([style, style[::2]])
    style_transfer.fit_style_transfer(1, 2, verbose=0)
    record = style_transfer.record()
    assert record["without_flag"]["style_image"] == "[ndarray [36, 44, 3], ndarray [18, 44, 3]]"
    assert {"style_image[0]", "style_image[1]"} <= record["inputs"].keys()
