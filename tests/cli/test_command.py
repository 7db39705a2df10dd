import importlib
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from nst_keras import export, optimizers, run
from nst_keras.engine import result
from nst_keras.engine import run as engine_run
from nst_keras.images import loading
from tests.conftest import ROOT
from tests.images.test_downloads import served
from tests.images.test_loading import png_header

QUICK = ["--extractor=vgg16", "--weights=random", "--seed=3", "--image_size=32", "--epochs=1", "--steps_per_epoch=3"]
QUICK += ["--style_layers=conv1_1,conv2_1", "--content_layers=conv2_2", "--jit_compile=false", "--learning_rate=2"]


@pytest.fixture
def folder(tmp_path, monkeypatch, content, style):
    monkeypatch.chdir(tmp_path)
    PIL.Image.fromarray(content).save("content.png")
    PIL.Image.fromarray(style).save("style.png")
    return tmp_path


def command(*arguments):
    """A quick run's line, in which arguments take the place of their like."""
    given = {argument.partition("=")[0] for argument in arguments}
    usual = ["--content_image=content.png", "--style_image=style.png", *QUICK]
    return [argument for argument in usual if argument.partition("=")[0] not in given] + list(arguments)


def test_a_run_writes_its_picture_its_animation_its_flags_and_its_record(folder, capsys):
    assert run.main(command("--output=made.png", "--animation=made.gif")) == 0
    printed = capsys.readouterr()
    assert "all 3 steps made in" in printed.out
    assert printed.err == ""
    names = {path.name for path in folder.iterdir()}
    assert names == {"content.png", "style.png", "made.png", "made.gif", "made.flags", "made.json"}
    record = json.loads((folder / "made.json").read_text())
    assert record["stop_reason"] == "all 3 steps made"
    assert record["settings"]["seed"] == 3
    assert record["settings"]["learning_rate"] == 2.0
    assert len(record["history"]["loss"]) == record["steps"] == 3
    assert record["seconds"] > 0
    assert set(record["versions"]) == {"nst_keras", "python", "tensorflow", "keras", "numpy"}


def test_the_flagfile_beside_the_picture_makes_it_again(folder, monkeypatch):
    assert run.main(command("--output=made.png", "--seed=none", "--init=noise", "--style_layers=conv1_1:0.3")) == 0
    first = loading.load("made.png")
    monkeypatch.chdir("/")
    flagfile = folder / "made.flags"
    assert run.main([f"--flagfile={flagfile}", f"--output={folder / 'again.png'}"]) == 0
    np.testing.assert_array_equal(loading.load(folder / "again.png"), first)


@pytest.mark.slow
def test_a_picture_by_the_name_of_a_keras_optimizer_is_recorded_and_made_again(folder):
    assert run.main(command("--output=made.png", "--optimizer=RMSprop", "--learning_rate=2")) == 0
    settings = json.loads((folder / "made.json").read_text())["settings"]
    assert (settings["optimizer"], settings["learning_rate"]) == ("rmsprop", 2.0)
    assert run.main(["--flagfile=made.flags", "--output=again.png"]) == 0
    np.testing.assert_array_equal(loading.load("again.png"), loading.load("made.png"))


@pytest.mark.slow
def test_the_usual_rate_of_a_keras_optimizer_is_recorded(folder):
    quick = [argument for argument in command("--output=made.png") if not argument.startswith("--learning_rate")]
    assert run.main([*quick, "--optimizer=nadam"]) == 0
    assert json.loads((folder / "made.json").read_text())["settings"]["learning_rate"] == optimizers.LEARNING_RATE


def test_an_existing_picture_is_replaced_only_if_asked(folder, capsys):
    PIL.Image.new("RGB", (1, 1)).save("made.png")
    before = (folder / "made.png").read_bytes()
    assert run.main(command("--output=made.png")) == 2
    assert "exists already" in one_line(capsys)
    assert (folder / "made.png").read_bytes() == before
    assert run.main(command("--output=made.png", "--overwrite")) == 0
    assert (folder / "made.png").read_bytes() != before


def test_a_picture_written_meanwhile_is_not_replaced(folder, capsys, monkeypatch):
    meanwhile = {"made.json": "another's", "made_2.gif": "another's"}

    def run_and_write_others(self, *arguments):
        for name, text in meanwhile.items():
            (folder / name).write_text(text)
        return execute(self, *arguments)

    execute = engine_run.Run.execute
    monkeypatch.setattr(engine_run.Run, "execute", run_and_write_others)
    assert run.main(command("--output=made.png", "--animation=made.gif")) == 0
    assert all((folder / name).read_text() == text for name, text in meanwhile.items())
    assert {path.name for path in folder.glob("made*")} == {
        *meanwhile,
        *(f"made_3{end}" for end in (".png", ".gif", ".flags", ".json")),
    }
    assert "wrote made_3.png, made_3.flags, made_3.json, made_3.gif" in capsys.readouterr().out


def one_line(capsys):
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("nst_keras: ")
    return lines[0]


BAD = {
    "--style_wieght=1": "Unknown command line flag 'style_wieght'. Did you mean: style_weight",
    "--style_weight=much": "--style_weight=much: 'much' is not a number",
    "--style_weight=-1": "style_weight must be 0 or more",
    "--epochs=0": "epochs must be a whole number, 1 or more",
    "stray": "'stray' is no flag",
    "--flagfile=nowhere.flags": "nowhere.flags",
    "--content_image=nowhere.jpg": "content_image: there is no file 'nowhere.jpg'",
    "--content_image=text.jpg": "content_image: 'text.jpg' is not an image",
    "--content_image=empty.jpg": "content_image: 'empty.jpg' is an empty file",
    "--content_image=cut.jpg": "content_image: 'cut.jpg' is damaged",
    "--content_image=one.png": "content_image is 1x1 px",
    "--style_layers=conv9_1": "layer='conv9_1' is not known",
    "--extractor=vgg91": "extractor='vgg91' is not known. Did you mean 'vgg19'",
    "--weights=nowhere.h5": "weights: there is no file 'nowhere.h5'",
    "--weights=text.jpg": "weights: 'text.jpg' does not fit vgg16",
    "--output=nowhere/made.png": "output: the folder of 'nowhere/made.png' does not exist",
    "--output=made.doc": "output: 'made.doc' must end in one of .png",
    "--animation=made.avi": "animation: 'made.avi' must end in one of .gif, .mp4",
    "--optimizer=lbfgs": "learning_rate=2.0 has no effect here",
    "--animation=made.gif --animation_seconds=-1": "seconds must be 0.1 or more",
    "--content_image=content.png,style.png": "content_image is 'content.png,style.png', several pictures, but a run "
    "makes one picture: nst-keras batch makes several",
    "--content_image=paintings": "content_image is the folder 'paintings', but a run makes one picture",
    "--content_image=file://content.png": "'file://content.png' names no file of this machine",
    "--content_image=URL/content.png --output=content.png --overwrite": "'content.png' would replace a file",
    "--style_image=URL/content.png,URL/style.png --output=style.png --overwrite": "'style.png' would replace a file",
    "--output=content.png --overwrite": "'content.png' would replace a file that this run reads",
    "--flagfile=own.flags --output=own.png --overwrite": "'own.flags' would replace a file",
    "--flagfile=content.png": "flagfile: 'content.png' is not a text of flags",
    "--output=": "output must name a picture",
    "--style_weight=0 --content_weight=0": "style_weight and content_weight are both 0",
    "--content_image=huge.png": "huge.png' has more than 89 megapixels",
    "--resume": "resume needs checkpoint_dir",
    "--checkpoint_dir=kept --checkpoint_interval=0": "checkpoint_interval must be a whole number, 1 or more",
    "--output=made.jpg --bit_depth=16": "bit_depth",
    "--output=made.jpg --alpha": "cannot hold transparency",
    "--bit_depth=12": "bit_depth",
    "--contact_sheet=sheet.gif": "contact_sheet: 'sheet.gif' must end in one of .png",
    "--preview=nowhere/preview.png": "preview: the folder of 'nowhere/preview.png' does not exist",
    "--preview=stylized.png": "'stylized.png' is another file of this run",
    "--preview=content.png --overwrite": "'content.png' would replace a file that this run reads",
    "--output_size=contents": "output_size must be 'content' or the longest side in pixels",
    "--tensorboard=content.png": "content.png",
    "--init=nosie": "init='nosie' is not known. Did you mean 'noise'",
    "--style_image=content.png,nowhere.png": "style_image: there is no file 'nowhere.png'",
    "--style_image=content.png,,style.png": "'content.png,,style.png' is not a name, or names with commas between them",
    "--style_image=content.png,style.png --output=style.png --overwrite": "'style.png' would replace a file",
    "--style_image=paintings --output=paintings/one.png --overwrite": "'paintings/one.png' would replace a file",
    "--style_image=a.png --style_image=b.png": "--style_image is given 2 times. Give it once, with commas between: "
    "--style_image=a.png,b.png.",
    "-style_image a.png --style_image b.png": "with commas between: --style_image=a.png,b.png.",
    "--style_layers=conv1_1 --style_layers=conv2_1": "with commas between: --style_layers=conv1_1,conv2_1.",
    "--flagfile=twice.flags": "with commas between: --style_image=a.png,b.png.",
}


@pytest.mark.parametrize("argument", BAD)
def test_bad_input_gives_one_line_and_status_2_and_writes_nothing(folder, capsys, argument):
    (folder / "text.jpg").write_text("no picture")
    (folder / "empty.jpg").touch()
    PIL.Image.open("content.png").resize((400, 480)).save("whole.jpg")
    (folder / "cut.jpg").write_bytes((folder / "whole.jpg").read_bytes()[:4000])
    PIL.Image.new("RGB", (1, 1)).save("one.png")
    (folder / "own.flags").write_text("--seed=1\n")
    (folder / "twice.flags").write_text("--style_image=a.png\n# --style_image=c.png\n--style_image=b.png\n")
    (folder / "paintings").mkdir()
    (folder / "paintings" / "one.png").write_bytes((folder / "one.png").read_bytes())
    (folder / "huge.png").write_bytes(png_header(20_000, 20_000))
    before = {path: path.read_bytes() for path in folder.rglob("*.*")}
    assert run.main(command(*argument.replace("URL", folder.as_uri()).split(" "))) == 2
    assert BAD[argument] in one_line(capsys)
    assert {path: path.read_bytes() for path in folder.rglob("*.*")} == before


def test_missing_images_are_asked_for(capsys):
    assert run.main([]) == 2
    assert "neither --content_image nor --style_image is given" in one_line(capsys)


def test_whether_one_image_is_enough_is_not_for_the_command_line_to_say(folder, capsys):
    assert run.main(["--style_image=style.png", "--output=made.png"]) == 2
    assert one_line(capsys).startswith("nst_keras: content_image must be ")


def test_debug_shows_the_traceback(folder):
    with pytest.raises(ValueError, match="vgg91"):
        run.main(command("--extractor=vgg91", "--debug"))


def fail_at(step, error, monkeypatch):
    make_step = engine_run.Run._make_step

    def failing(self):
        if self.state.step == step:
            raise error
        return make_step(self)

    monkeypatch.setattr(engine_run.Run, "_make_step", failing)


def test_a_loss_that_is_not_finite_at_once_exits_with_1_and_writes_nothing(folder, capsys):
    assert run.main(command("--style_weight=1e38", "--output=made.png")) == 1
    assert "the loss was inf in step 1" in capsys.readouterr().err.splitlines()[-1]
    assert not (folder / "made.png").exists()


def test_a_run_that_fails_exits_with_1_and_keeps_its_picture(folder, capsys, monkeypatch):
    fail_at(2, RuntimeError("the cat pulled the plug"), monkeypatch)
    assert run.main(command("--output=made.png", "--animation=made.gif")) == 1
    assert one_line(capsys) == "nst_keras: the cat pulled the plug"
    assert {"made.png", "made.gif", "made.flags", "made.json"} <= {path.name for path in folder.iterdir()}
    record = json.loads((folder / "made.json").read_text())
    assert record["stop_reason"] == "Failed after step 2, whose picture is kept: the cat pulled the plug"
    assert record["settings"]["steps_per_epoch"] == 2


def test_running_out_of_memory_says_what_to_do(folder, capsys, monkeypatch):
    fail_at(0, tf.errors.ResourceExhaustedError(None, None, "OOM when allocating"), monkeypatch)
    assert run.main(command("--output=made.png")) == 1
    assert re.fullmatch(
        r"nst_keras: 27x32 px, vgg16 in float32, adam: out of memory\. "
        r"(image_size=\d+ would fit\.|No image size would fit: .*)",
        one_line(capsys),
    )
    assert not (folder / "made.png").exists()


def test_the_same_run_makes_the_same_bytes(folder):
    for name in ("one", "two"):
        assert run.main(command(f"--output={name}.png", f"--animation={name}.gif")) == 0
    for suffix in (".png", ".gif"):
        assert (folder / f"one{suffix}").read_bytes() == (folder / f"two{suffix}").read_bytes()


def test_the_line_wins_over_a_flagfile_and_the_later_flagfile_over_the_first(folder):
    (folder / "first.flags").write_text("--style_image=nowhere.png\n")
    (folder / "second.flags").write_text("--style_image=content.png,style.png\n")
    flagfiles = ["--flagfile=first.flags", "--flagfile", "second.flags"]
    line = [argument for argument in command("--output=made.png") if not argument.startswith("--style_image")]
    assert run.main([*flagfiles, *line]) == 0
    assert f'--style_image="{folder}/content.png","{folder}/style.png"\n' in (folder / "made.flags").read_text()
    assert run.main([*flagfiles, "--style_image=style.png", *line, "--overwrite"]) == 0
    assert f"--style_image={folder}/style.png\n" in (folder / "made.flags").read_text()


@pytest.mark.parametrize(
    ("asked", "steps"),
    [
        ([], [3]),
        (["--frame_interval=1"], [1, 2, 3]),
        (["--animation=made.gif"], [1, 2, 3]),
        (["--contact_sheet=sheet.png", "--frame_interval=2"], [2, 3]),
        (["--frames_dir=frames"], [1, 2, 3]),
        (["--checkpoint_dir=kept"], [3]),
        (["--checkpoint_dir=kept", "--frame_interval=1"], [1, 2, 3]),
    ],
)
def test_frames_are_kept_where_something_needs_them(folder, monkeypatch, asked, steps):
    kept = []
    save_as = result.Result.save_as
    monkeypatch.setattr(
        result.Result, "save_as", lambda self, *a, **k: kept.append(self.frame_steps) or save_as(self, *a, **k)
    )
    assert run.main(command("--output=made.png", *asked)) == 0
    assert kept == [steps]
    assert len(list(folder.rglob("*.bmp"))) == (len(steps) if "dir" in str(asked) and len(steps) > 1 else 0)
    shown = any(argument.startswith(("--animation", "--contact_sheet")) for argument in asked)
    assert ("--frame_interval=" in (folder / "made.flags").read_text()) == shown


def test_an_animation_of_a_flagfile_can_be_left_out(folder):
    (folder / "own.flags").write_text("--animation=made.gif\n")
    assert run.main(command("--flagfile=own.flags", "--animation=none", "--output=made.png")) == 0
    assert not (folder / "made.gif").exists()


def test_folders_named_like_a_start_do_not_confuse_the_flagfile(folder):
    (folder / "content").mkdir()
    (folder / "random").mkdir()
    assert run.main(command("--output=made.png", "--init=content")) == 0
    assert {"--init=content", "--weights=random"} <= set((folder / "made.flags").read_text().splitlines())


def test_a_picture_that_can_be_written_nowhere_exits_with_1(folder, capsys, monkeypatch):
    def refuse(*arguments, **options):
        raise OSError("No space left on device")

    monkeypatch.setattr("nst_keras.export.save_image", refuse)
    assert run.main(command("--output=made.webp")) == 1
    assert re.search(r"output: 'made.webp' could not be written \(No space left on device\), nor", one_line(capsys))


def failing(monkeypatch, name, fails):
    """Makes a function that writes a file fail for the paths for which `fails` holds."""
    module, _, function = name.rpartition(".")
    write = getattr(importlib.import_module(module), function)

    def refuse(subject, path, *arguments, **options):
        if fails(pathlib.Path(path)):
            raise OSError(28, "No space left on device", str(path))
        return write(subject, path, *arguments, **options)

    monkeypatch.setattr(name, refuse)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), MemoryError(), ValueError("encoding error")])
def test_a_picture_whose_file_cannot_be_written_is_a_png_beside_it(folder, capsys, monkeypatch, error):
    def refuse(*arguments):
        raise error

    monkeypatch.setitem(export.STILL_OPTIONS, ".webp", export.STILL_OPTIONS[".webp"]._replace(write=refuse))
    assert run.main(command("--output=made.webp", "--loss_plot=plot.png")) == 1
    lines = capsys.readouterr().err.splitlines()
    assert "output: 'made.webp' could not be written" in lines[0]
    assert f"the picture is in {str(folder / 'made.png')!r} instead" in lines[0]
    assert loading.load("made.png").shape[1:] == (32, 27, 3)
    assert (folder / "made.flags").exists()
    assert (folder / "plot.png").exists()


def test_a_folder_removed_meanwhile_costs_no_picture(folder, capsys, monkeypatch):
    (folder / "out").mkdir()
    failing(monkeypatch, "nst_keras.export.save_image", lambda path: path.parent.name == "out")
    assert run.main(command("--output=out/made.jpg")) == 1
    assert f"the picture is in {str(folder / 'made.png')!r} instead" in capsys.readouterr().err
    assert {"made.png", "made.flags", "made.json"} <= {path.name for path in folder.iterdir()}


def test_a_later_file_that_fails_costs_no_other(folder, capsys, monkeypatch):
    failing(monkeypatch, "nst_keras.export.save_animation", lambda path: True)
    assert run.main(command("--output=made.png", "--animation=made.gif", "--loss_plot=plot.png")) == 1
    assert "No space left on device: 'made.gif'" in capsys.readouterr().err.splitlines()[0]
    assert {"made.png", "made.flags", "made.json", "plot.png"} <= {path.name for path in folder.iterdir()}


def test_a_size_that_the_format_cannot_hold_is_told_before_the_first_step(folder, capsys):
    assert run.main(command("--output=made.webp", "--output_size=20000")) == 2
    assert "output: 'made.webp' cannot hold" in one_line(capsys)
    assert not (folder / "made.webp").exists()


def test_ctrl_c_while_writing_says_what_there_is(folder, capsys, monkeypatch):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("nst_keras.export.save_animation", interrupt)
    assert run.main(command("--output=made.png", "--animation=made.gif")) == 130
    assert "interrupted while writing; there are made.png, made.flags, made.json" in one_line(capsys)


def start(*arguments, **options):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-m", "nst_keras.run", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        **options,
    )


@pytest.mark.slow
def test_importing_the_package_does_no_work():
    code = (
        "import sys, nst_keras; assert not {'tensorflow', 'keras', 'numpy'} & set(sys.modules);"
        "nst_keras.NeuralStyleTransfer; import tensorflow as tf;"
        "from tensorflow.python.eager import context; assert context.context()._context_handle is None"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True)


@pytest.mark.slow
def test_ctrl_c_writes_the_picture_so_far(folder):
    process = start(*command("--output=made.png", "--steps_per_epoch=100000", "--frame_interval=1000"), cwd=folder)
    while process.poll() is None and "loss" not in process.stdout.readline(4096):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Interrupted after step" in errors.splitlines()[-1]
    assert {"made.png", "made.flags", "made.json"} <= {path.name for path in folder.iterdir()}


@pytest.mark.slow
def test_a_run_that_is_killed_goes_on_where_it_was(folder):
    exact = command("--steps_per_epoch=40", "--precision=float32")  # As in this process, on every machine.
    long = [*exact, "--output=made.png", "--checkpoint_dir=kept", "--checkpoint_interval=2"]
    with start(*long, cwd=folder) as process:
        while process.poll() is None and not list((folder / "kept").glob("step_*")):
            time.sleep(0.02)
        process.kill()
        process.communicate()
    assert not (folder / "made.png").exists()
    assert run.main(long) == 2  # Without --resume nothing of it is touched.
    assert run.main([*long, "--resume"]) == 0
    assert run.main([*exact, "--output=unbroken.png"]) == 0
    np.testing.assert_array_equal(loading.load("made.png"), loading.load("unbroken.png"))
    assert "checkpoint" not in (folder / "made.flags").read_text()
    assert run.main([*long, "--resume"]) == 0  # It is finished: its files are written once more.


def test_quiet_prints_nothing(folder, capsys):
    assert run.main(command("--output=made.png", "--quiet")) == 0
    printed = capsys.readouterr()
    assert printed.out == printed.err == ""


@pytest.mark.parametrize("quiet", [False, True])
def test_quiet_shows_no_download_of_a_picture(folder, capsys, monkeypatch, quiet):
    monkeypatch.setenv("KERAS_HOME", str(folder / "cache"))
    (folder / "text.png").write_text("no picture")
    with served({"a.png": (folder / "content.png").read_bytes()}) as address:
        asked = [f"--content_image={address}/a.png", "--style_image=text.png", f"--quiet={quiet}"]
        assert run.main(command("--output=a.png", *asked)) == 2
    printed = capsys.readouterr()
    assert printed.out == ""  # Elsewhere than in a terminal, a download of less than two seconds is not told.
    assert printed.err.startswith("nst_keras: style_image")
    assert keras.config.is_interactive_logging_enabled()


@pytest.mark.parametrize("compare", [[], ["--compare=style_weight=1,2"]])
@pytest.mark.parametrize("quiet", [False, True])
def test_quiet_shows_no_download_of_weights(folder, capsys, monkeypatch, quiet, compare):
    monkeypatch.setenv("KERAS_HOME", str(folder / "cache"))
    monkeypatch.delenv("NST_KERAS_WEIGHTS_DIR", raising=False)
    with served({"vgg16.h5": b"not those of the right hash"}) as address:
        monkeypatch.setattr("keras.src.applications.vgg16.WEIGHTS_PATH_NO_TOP", f"{address}/vgg16.h5")
        assert run.main(command("--weights=imagenet", "--output=a.png", f"--quiet={quiet}", *compare)) == 2
    printed = capsys.readouterr()
    assert "weights: the ImageNet weights of vgg16 could not be downloaded" in printed.err
    assert ("Downloading" in printed.out) is not quiet
    assert quiet is (printed.out == "")


@pytest.mark.slow
def test_all_that_a_run_can_write(folder, capsys):
    wanted = ["--contact_sheet=sheet.png", "--loss_plot=losses.pdf", "--preview=preview.jpg", "--tensorboard=board"]
    wanted += ["--checkpoint_dir=kept"]
    assert run.main(command("--output=made.tiff", "--bit_depth=16", "--show_interval=1", *wanted)) == 0
    names = {path.name for path in folder.iterdir()} - {"content.png", "style.png"}
    assert names == {"made.tiff", "made.flags", "made.json", "sheet.png", "losses.pdf", "preview.jpg", "board", "kept"}
    assert set(capsys.readouterr().out.splitlines()[-1].partition("; wrote ")[2].split(", ")) == names
    assert "--loss_plot=" in (folder / "made.flags").read_text()
    assert "--preview=" not in (folder / "made.flags").read_text()


@pytest.mark.slow
def test_a_deterministic_run_is_no_other_on_a_cpu(folder):
    """In a process of its own, since it holds for the whole process."""
    arguments = command("--output=made.png", "--deterministic")
    code = "import sys; from nst_keras import run; status = run.main(sys.argv[1:]);"
    code += (
        "from tensorflow.python.framework import config; assert config.is_op_determinism_enabled(); sys.exit(status)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", code, *arguments], check=True, capture_output=True, env=environment)
    assert run.main(command("--output=usual.png")) == 0
    np.testing.assert_array_equal(loading.load("made.png"), loading.load("usual.png"))
    assert "--deterministic=true" in (folder / "made.flags").read_text()
