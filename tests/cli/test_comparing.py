import errno
import os

import PIL.Image
import pytest

from nst_keras import run
from nst_keras.cli import comparing
from nst_keras.engine import run as engine_run
from nst_keras.export import record
from nst_keras.runtime import memory
from tests.cli.test_command import command, folder, one_line

__all__ = ["folder"]


@pytest.mark.parametrize(
    ("text", "vary"),
    [
        (
            "content_weight=0.25,0.5,1;style_layer_scheme=fine, coarse;",
            {"content_weight": [0.25, 0.5, 1.0], "style_layer_scheme": ["fine", "coarse"]},
        ),
        ("style_layer_scheme=fine,0.5", {"style_layer_scheme": ["fine", 0.5]}),
        ("style_layers=conv1_1,conv2_1|conv4_1:2", {"style_layers": [["conv1_1", "conv2_1"], {"conv4_1": 2.0}]}),
        ("style_layers=conv1_1,conv2_1", {"style_layers": [["conv1_1"], ["conv2_1"]]}),
        ("style_blend=0.7,0.3|0.3,0.7", {"style_blend": [[0.7, 0.3], [0.3, 0.7]]}),
        ("pyramid=none|2|64,128", {"pyramid": [None, 2, [64, 128]]}),
        ("enlarge=true,false", {"enlarge": [True, False]}),
        ("image_size=none,64", {"image_size": [None, 64]}),
        ("style_image=a.jpg,b.jpg|c.jpg", {"style_image": [["a.jpg", "b.jpg"], "c.jpg"]}),
        ('style_image="a,b.jpg",c.jpg', {"style_image": ["a,b.jpg", "c.jpg"]}),
        ('content_image="a,b;|.jpg",c.jpg;seed=1', {"content_image": ["a,b;|.jpg", "c.jpg"], "seed": [1]}),
        (
            "content_image=https://a.org/x,y.jpg,sample:swirls",
            {"content_image": ["https://a.org/x,y.jpg", "sample:swirls"]},
        ),
    ],
)
def test_values_are_read_as_the_options_own_flag_reads_them(text, vary):
    assert comparing.vary_of(text) == vary


BAD = {
    "content_wieght=1": "compare: 'content_wieght' is not an option. Did you mean 'content_weight'?",
    "content_weight": "compare: 'content_weight' is not OPTION=VALUE,VALUE. Write one such as content_weight=0.01,0.1.",
    "content_weight=": "compare: 'content_weight' has no values. Give a list with one or more.",
    "content_weight=1,much": "compare: content_weight: 'much' is not a number.",
    "content_weight=1,,2": "compare: content_weight: '' is not a number.",
    "pyramid=none,2|64,128": "compare: pyramid: 'none,2' is not a whole number, or whole numbers with commas",
    "enlarge=yes": "compare: enlarge: 'yes' is not true or false.",
    "content_image=a.jpg,,b.jpg": "compare: the values of content_image: 'a.jpg,,b.jpg' holds an empty name.",
    "seed=1;seed=2": "compare: 'seed' is given twice. Give all of its values in one place.",
    "callbacks=1": "compare: 'callbacks' is no flag, since text cannot give its values. Compare in Python.",
    "preview=a.png,b.png": "compare: 'preview' does not change the picture. Leave it out.",
    "output=a.png,b.png": "compare: 'output' is not an option.",
    f"seed={','.join(map(str, range(101)))}": "compare makes 101 combinations, but 100 is the most.",
    "content_weight=1,-1": "With content_weight=-1: content_weight must be 0 or more",
    "optimizer=adam,lbfgs": "With optimizer=lbfgs: learning_rate=2.0 has no effect here",
    "style_image=content.png,nowhere.png": "With style_image=nowhere.png: style_image: there is no file 'nowhere.png'",
    "seed=1 --animation=made.gif": "cannot share animation. Leave it out, or set --animation=none",
    "seed=1 --checkpoint_dir=kept --resume": "compare: several runs cannot share checkpoint_dir.",
    "seed=1 --frames_dir=kept": "compare: several runs cannot share frames_dir.",
    "seed=1 --output=made.doc": "output: 'made.doc' must end in one of .png",
    "seed=1 --output=nowhere/made.png": "output: the folder of 'nowhere/made.png' does not exist",
    "seed=1 --output=there.png": "output: 'there_compare', the folder of the comparison, exists already.",
    "seed=1 --output=there.png --overwrite --style_image=there_compare/1_seed=1.png": "would replace a file",
}


@pytest.mark.parametrize("argument", BAD)
def test_a_bad_comparison_is_one_line_and_status_2_and_writes_nothing(folder, capsys, argument):
    (folder / "there_compare").mkdir()
    PIL.Image.open("style.png").save(folder / "there_compare" / "1_seed=1.png")
    before = {path: path.read_bytes() for path in folder.rglob("*.*")}
    text, *others = argument.split(" ")
    assert run.main(command(f"--compare={text}", *others)) == 2
    assert BAD[argument] in one_line(capsys)
    assert {path: path.read_bytes() for path in folder.rglob("*.*")} == before


@pytest.mark.slow
def test_a_comparison_writes_its_sheet_and_its_pictures_into_a_folder(folder, capsys):
    arguments = command("--compare=content_weight=1,2;var_weight=0,1", "--output=made.webp", "--content_weight=7")
    assert run.main(arguments) == 0
    printed = capsys.readouterr()
    assert "4 of 4 pictures made in" in printed.out
    assert "wrote made_compare/comparison.png and 4 pictures beside it" in printed.out
    assert printed.err == ""
    assert {path.name for path in folder.iterdir()} == {"content.png", "style.png", "made_compare"}
    names = ["1_content_weight=1_var_weight=0.webp", "2_content_weight=1_var_weight=1.webp"]
    names += ["3_content_weight=2_var_weight=0.webp", "4_content_weight=2_var_weight=1.webp", "comparison.png"]
    assert sorted(path.name for path in (folder / "made_compare").iterdir()) == names
    made = record.read(folder / "made_compare" / names[2])
    assert (made["settings"]["content_weight"], made["settings"]["var_weight"]) == (2.0, 0.0)
    assert run.main(arguments) == 2
    assert run.main([*arguments, "--overwrite", "--quiet"]) == 0
    assert capsys.readouterr().out == ""


def test_one_picture_that_cannot_be_saved_costs_no_other(folder, capsys, monkeypatch):
    replace = os.replace

    def full(source, target):
        if str(target).startswith("made_compare/2"):
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    arguments = command("--compare=content_weight=1,2,3", "--output=made.webp", "--steps_per_epoch=1")
    assert run.main(arguments) == 1
    line = one_line(capsys)
    name = "2_content_weight=2"
    assert f"'made_compare/{name}.webp' could not be written" in line
    assert f"the picture is in '{folder / 'made_compare' / name}.png' instead" in line
    kept = {path.name for path in (folder / "made_compare").iterdir()}
    assert kept == {"1_content_weight=1.webp", f"{name}.png", "3_content_weight=3.webp", "comparison.png"}


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--output=made.webp", "--output_size=17000"], "output: 'made.webp' cannot hold 14344 x 17000 pixels"),
        (["--output=made.png", "--output_size=200"], "output_size asks for a picture of 169x200 px. Saving it"),
    ],
)
@pytest.mark.parametrize("compare", [[], ["--compare=seed=1,2"]])
def test_a_size_that_cannot_be_saved_is_refused_before_the_first_step(
    folder, capsys, monkeypatch, flags, sentence, compare
):
    monkeypatch.setattr(engine_run.Run, "_make_step", None)
    monkeypatch.setattr(memory, "available_memory", lambda: memory.Available("this machine", 2**34, 2**20))
    assert run.main(command(*flags, *compare)) == 2
    assert sentence in one_line(capsys)


@pytest.mark.slow
def test_one_drawn_seed_serves_all(folder):
    assert run.main(command("--compare=variation=l1,l2", "--seed=none", "--init=noise", "--steps_per_epoch=1")) == 0
    seeds = {record.read(path)["settings"]["seed"] for path in (folder / "stylized_compare").glob("?_*")}
    assert len(seeds) == 1


@pytest.mark.slow
def test_ctrl_c_writes_the_pictures_made_so_far(folder, capsys, monkeypatch):
    steps, make = [], engine_run.Run._make_step

    def interrupted(self):
        steps.append(1)
        if len(steps) == 5:
            raise KeyboardInterrupt
        return make(self)

    monkeypatch.setattr(engine_run.Run, "_make_step", interrupted)
    assert run.main(command("--compare=content_weight=1,2,3", "--output=made.png")) == 130
    line = one_line(capsys)
    assert "2 of 3 pictures made; content_weight=2: Interrupted after step 1" in line
    assert "wrote made_compare/comparison.png and 2 pictures beside it" in line
    assert len(list((folder / "made_compare").iterdir())) == 3


@pytest.mark.slow
def test_a_run_that_fails_names_its_combination_and_leaves_the_pictures_before_it(folder, capsys, monkeypatch):
    steps, make = [], engine_run.Run._make_step

    def failing(self):
        steps.append(1)
        if len(steps) == 5:
            raise ValueError("no such number")
        return make(self)

    monkeypatch.setattr(engine_run.Run, "_make_step", failing)
    assert run.main(command("--compare=content_weight=1,2", "--output=made.png")) == 1
    lines = capsys.readouterr().err
    assert "nst_keras: With content_weight=2: no such number" in lines
    assert {path.name for path in (folder / "made_compare").iterdir()} == {"1_content_weight=1.png", "comparison.png"}
