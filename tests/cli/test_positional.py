"""The short command: what its arguments without a name stand for."""

import json
import os
import pathlib
import subprocess
import sys

import PIL.Image
import pytest

from nst_keras import __main__, presets
from nst_keras.cli import command
from tests.conftest import ROOT

SHORT = ["--image_size=32", "--pyramid=none", "--steps_per_epoch=2", "--quiet"]


@pytest.fixture
def folder(tmp_path, monkeypatch, content, style):
    monkeypatch.chdir(tmp_path)
    PIL.Image.fromarray(content).save("golden gate.png")
    PIL.Image.fromarray(style).save("starry.png")
    return tmp_path


def names(folder):
    return {path.name for path in folder.iterdir()} - {"golden gate.png", "starry.png"}


def error(capsys, *arguments):
    assert __main__.main(list(arguments)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


def settings_of(path):
    return json.loads(path.read_text())["settings"]


def test_two_pictures_make_a_third_by_the_usual_preset(folder):
    assert __main__.main(["golden gate.png", *SHORT, "starry.png"]) == 0
    assert names(folder) == {"golden_gate_starry.png", "golden_gate_starry.flags", "golden_gate_starry.json"}
    made = settings_of(folder / "golden_gate_starry.json")
    own = presets.get("quick").values
    assert (made["extractor"], made["optimizer"], made["content_weight"]) == (
        *(own["extractor"], own["optimizer"], own["content_weight"]),
    )
    assert (made["image_size"], made["pyramid"]) == (32, None)
    assert made["content_image"].endswith("golden gate.png")


def test_a_second_picture_of_the_same_names_gets_a_number(folder):
    (folder / "golden_gate_starry.json").write_text("{}")
    assert __main__.main(["golden gate.png", "starry.png", *SHORT]) == 0
    assert (folder / "golden_gate_starry_2.png").exists()
    assert __main__.main(["golden gate.png", "starry.png", *SHORT, "--overwrite"]) == 0
    assert names(folder) == {
        *("golden_gate_starry.json", "golden_gate_starry.png", "golden_gate_starry.flags"),
        *("golden_gate_starry_2.json", "golden_gate_starry_2.png", "golden_gate_starry_2.flags"),
    }


def test_output_and_flags(folder):
    arguments = ["golden gate.png", "--style_weight", "2", "starry.png", "made.webp", "--normalization=mean"]
    assert __main__.main([*arguments, *SHORT]) == 0
    assert names(folder) == {"made.webp", "made.flags", "made.json"}
    made = settings_of(folder / "made.json")
    assert (made["style_weight"], made["normalization"]) == (2.0, "mean")


def test_the_flagfile_beside_a_picture_makes_it_again(folder):
    assert __main__.main(["golden gate.png", "starry.png", "made.png", *SHORT]) == 0
    assert __main__.main(["--flagfile=made.flags", "--output=again.png", "--quiet"]) == 0
    with PIL.Image.open("made.png") as made, PIL.Image.open("again.png") as again:
        assert made.tobytes() == again.tobytes()


def test_without_a_preset_options_are_their_own(folder, monkeypatch):
    asked = []
    monkeypatch.setattr(command, "_run", lambda values, *_, **__: asked.append(values) or 0)
    assert __main__.main(["a.png", "b.png", "--preset=none"]) == 0
    assert asked[0]["preset"].value is None


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["https://x.org/a%20b.jpg?size=3", "sample:swirls"], "a_b_swirls.png"),
        (["http://[bad/x.png", "http://x.org/"], "x_picture.png"),
        (["file:///pictures/my%20dog.jpg", "sample:swirls"], "my_dog_swirls.png"),
        (["photos/my photo.jpeg", "a.png,b.png"], "my_photo_a_b.png"),
        (["a.tiff", "b", "c.jpg"], "c.jpg"),
        (["painting.jpg", "--preset=texture"], "painting.png"),
        (["photo.jpg", "--preset=content_reconstruction"], "photo.png"),
        (["--style_image=s.jpg", "photo.jpg"], "photo_s.png"),
    ],
)
def test_how_the_file_is_called(folder, monkeypatch, arguments, name):
    asked = []
    monkeypatch.setattr(command, "_run", lambda values, *_, **__: asked.append(values) or 0)
    assert __main__.main(arguments) == 0
    assert asked[0]["output"].value == name


def test_bad_arguments(folder, capsys):
    assert "style_image is missing. Write nst-keras CONTENT STYLE, such as" in error(capsys, "golden gate.png")
    assert "content_image is missing" in error(capsys, "--quiet")
    assert "4 arguments are given (a, b, c, d)" in error(capsys, "a", "b", "c", "d")
    assert "content_image is given twice: as 'a' and as --content_image" in error(capsys, "a", "--content_image=b")
    assert "2 arguments are given (a, b), but this run takes STYLE" in error(capsys, "a", "b", "--preset=texture")
    third = error(capsys, "golden gate.png", "golden gate.png", "starry.png")
    assert "the third argument, 'starry.png', is the file to write, and it exists already" in third
    assert "preset='qick' is not known. Did you mean 'quick'" in error(capsys, "a", "b", "--preset=qick")
    assert "Unknown command line flag 'strenght'. Did you mean: strength" in error(capsys, "a", "b", "--strenght=1")
    assert "'a,,b' is not a name" in error(capsys, "a", "a,,b")
    assert "the third argument, 'made', is a folder. Name a file in it" in error(capsys, "a", "b", make_folder("made"))
    assert "mode='foo' is not known" in error(capsys, "a", "b", "--mode=foo")
    assert "File name too long" in error(capsys, "a", "b", "o" * 300 + ".png")
    assert "Could not determine home directory" in error(capsys, "a", "b", "~nouser/x.png")
    assert names(folder) == {"made"}


def make_folder(name):
    pathlib.Path(name).mkdir()
    return name


def test_a_picture_that_is_not_there_is_told_before_tensorflow_is_loaded(folder):
    code = (
        "import sys; from nst_keras import __main__ as door; assert door.main(['golden gate.png', 'stary.png']) == 2; "
        "assert 'tensorflow' not in sys.modules"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == "nst_keras: style_image: there is no file 'stary.png'. Did you mean 'starry.png'?\n"


def test_a_photograph_smaller_than_the_size_is_told_of(folder, capsys):
    small = [argument for argument in SHORT if not argument.startswith("--image_size")]
    assert __main__.main(["golden gate.png", "starry.png", "a.png", *small, "--image_size=200"]) == 0
    told = capsys.readouterr().err
    assert "image_size: the photograph has 48 px, and so has the picture. --enlarge brings it to 200 px." in told
    assert __main__.main(["--flagfile=a.flags", "--output=b.png", "--quiet"]) == 0
    assert capsys.readouterr().err == ""


def test_a_picture_is_made_again_larger(folder):
    small = [argument for argument in SHORT if not argument.startswith(("--image_size", "--pyramid"))]
    arguments = [*small, "--image_size=32", "--pyramid=2", "--steps_per_epoch=4", "--pyramid_shares=3,1"]
    assert __main__.main(["golden gate.png", "starry.png", "a.png", *arguments]) == 0
    assert __main__.main(["--flagfile=a.flags", "--output=b.png", "--image_size=44", "--quiet"]) == 0
    with PIL.Image.open("b.png") as larger:
        assert max(larger.size) == 44


@pytest.mark.parametrize(
    ("text", "preset"), [("--quiet", "quick"), ("--extractor=compact", None), ("--preset=bold", "bold")]
)
def test_a_flagfile_without_a_look_leaves_the_usual_preset(folder, monkeypatch, text, preset):
    asked = []
    monkeypatch.setattr(command, "_run", lambda values, *_, **__: asked.append(values) or 0)
    (folder / "own.flags").write_text(f"{text}\n")
    assert __main__.main(["a.png", "b.png", "--flagfile=own.flags"]) == 0
    assert asked[0]["preset"].value == preset


def test_a_long_name_is_cut_by_bytes(folder, monkeypatch):
    asked = []
    monkeypatch.setattr(command, "_run", lambda values, *_, **__: asked.append(values) or 0)
    assert __main__.main([f"{'漢' * 80}.png", "b.png"]) == 0
    assert len(asked[0]["output"].value.encode()) < 110


@pytest.mark.slow
@pytest.mark.parametrize("where", [" | true", " > /dev/full"])
def test_an_output_that_nobody_reads_is_no_failure(folder, where):
    run = f"{sys.executable} -m nst_keras 'golden gate.png' starry.png a.png {' '.join(SHORT)} --noquiet {where}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    shell = ["bash", "-c", f"set -o pipefail; {run}"]
    done = subprocess.run(shell, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert (folder / "a.png").exists()


def test_an_error_of_a_presets_option_names_the_preset(folder, capsys):
    arguments = ["golden gate.png", "starry.png", "--preset=crowsonkb", "--extractor=compact"]
    line = error(capsys, *arguments, "--style_layers=conv1_1:1,conv2_1:2")
    assert "style_layer_scheme='fine' has no effect on weights given in style_layers" in line
    assert line.endswith("(The preset 'crowsonkb' sets --style_layer_scheme=fine.)")
    assert "The preset" not in error(capsys, *arguments, "--averaging=2")
