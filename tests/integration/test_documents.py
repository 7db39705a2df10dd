"""README and the configs are run as they stand, shortened: fewer steps, smaller images."""

import os
import re
import shlex
import subprocess
import sys

import keras
import PIL.Image
import pytest

from nst_keras import run, settings
from nst_keras.images import samples
from nst_keras.networks import architectures
from tests.conftest import ROOT
from tools.drawing import swirls_night

README = (ROOT / "README.md").read_text()
CONFIGS = sorted((ROOT / "configs").glob("*.flags"))
# InceptionV3 takes nothing smaller than 75 px.
SHORT = ["--image_size=80", "--epochs=1", "--steps_per_epoch=2", "--jit_compile=false"]


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.fixture(scope="module")
def weights_folder(tmp_path_factory):
    """A folder with weights for vgg19 and inception_v3: random, since the runs are about running."""
    folder = tmp_path_factory.mktemp("weights")
    keras.applications.VGG19(weights=None, include_top=False).save_weights(folder / "vgg19.weights.h5")
    keras.applications.InceptionV3(weights=None, include_top=False).save_weights(folder / "inception_v3.weights.h5")
    return folder


@pytest.fixture
def folder(tmp_path, monkeypatch, weights_folder):
    """A folder with the pictures that README names, as if the user stood in a clone."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(architectures.WEIGHTS_VARIABLE, str(weights_folder))
    PIL.Image.fromarray(samples.read("grace_hopper")[::4, ::4]).save("golden_gate.jpg")
    PIL.Image.fromarray(swirls_night.swirls(96)).save("starry_night.jpg")
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    return tmp_path


def test_readme_opens_with_a_picture_and_two_commands():
    assert README.index("](docs/quickstart.jpg)") < README.index("```bash")
    first, second, *_ = blocks("bash")
    assert first == "pip install . && python -m nst_keras.run --flagfile=configs/quickstart.flags\n"
    assert second == 'pip install -e ".[test]" && python -m pytest -n 2\n'
    assert all((ROOT / path).is_file() for path in re.findall(r"\]\((docs/.*?)\)", README))


def run_commands():
    alone = [block for block in blocks("bash") if "nst_keras.provenance" not in block]
    return [command for block in alone for command in block.splitlines() if "nst_keras.run" in command]


def shortened(arguments):
    """What makes a run short: of the flags that only some runs have, those that it or its flagfile gives."""
    files = [ROOT / name.partition("=")[2] for name in arguments if name.startswith("--flagfile=")]
    text = "\n".join([*arguments, *(file.read_text() for file in files)])
    smaller = ["--pyramid=2", "--pyramid_shares=1,1", "--texture_size=88x80"]
    return [*arguments, *SHORT, *(flag for flag in smaller if f"{flag.partition('=')[0]}=" in text)]


@pytest.mark.slow
@pytest.mark.parametrize("command", run_commands())
def test_readme_commands(folder, command):
    arguments = shlex.split(command.partition("nst_keras.run ")[2])
    assert run.main(shortened(arguments)) == 0
    output = next((a.partition("=")[2] for a in arguments if a.startswith("--output=")), "stylized.png")
    assert (folder / output).exists()


@pytest.mark.slow
def test_readme_provenance(folder):
    """The block runs as it stands, on the picture that an earlier block makes."""
    (first,) = (command for command in run_commands() if "--output=bridge.png" in command)
    assert run.main([*shlex.split(first.partition("nst_keras.run ")[2]), *SHORT]) == 0
    (block,) = (block for block in blocks("bash") if "nst_keras.provenance" in block)
    script = re.sub("^python", shlex.quote(sys.executable), block, flags=re.MULTILINE)
    subprocess.run(["bash", "-ec", script], env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True)
    with PIL.Image.open("bridge.png") as picture, PIL.Image.open("again.png") as again:
        assert picture.tobytes() == again.tobytes()


@pytest.mark.slow
@pytest.mark.parametrize("command", [c for b in blocks("bash") for c in b.splitlines() if "training.train" in c])
def test_readme_training(folder, command):
    for name in ("photographs", "paintings"):
        (folder / name).mkdir()
        PIL.Image.fromarray(samples.read("grace_hopper")[::8, ::8]).save(folder / name / "picture.png")
    short = ["--epochs=1", "--steps_per_epoch=1", "--batch=2", "--fit_crops=4", "--size=32", "--pool=0"]
    short += ["--widths=[[3,4],[5,4],[6,5,6,4],[7,6,5],[8]]"]
    done = subprocess.run(
        [sys.executable, *shlex.split(command)[1:], *short], env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False
    )
    assert done.returncode == 0
    assert (folder / "compact_training" / "compact.weights.h5").exists()


@pytest.mark.slow
@pytest.mark.parametrize("snippet", blocks("python"))
@pytest.mark.filterwarnings("ignore:show_image. there is no screen")
def test_readme_python(folder, snippet):
    snippet = re.sub(r"steps_per_epoch=\d+", "steps_per_epoch=2", snippet)
    exec(re.sub(r"\bepochs=\d+", "epochs=1", snippet), {})


@pytest.mark.slow
@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_configs(folder, config):
    assert run.main(shortened([f"--flagfile={config}"])) == 0
    written = re.findall(r"^--(?:output|animation)=(.*)$", config.read_text(), re.MULTILINE)
    stem = written[0].partition(".")[0]
    assert all((folder / name).exists() for name in (*written, f"{stem}.flags", f"{stem}.json"))


@pytest.mark.slow
def test_the_gallery(folder):
    """A part of it, shortened; README shows all of it."""
    program = [sys.executable, str(ROOT / "docs" / "gallery.py"), "--folder=gallery", "--image_size=64", "--steps=2"]
    made = ["masks", "modes"]
    program += [f"--only={','.join(made)}", "--jit_compile=false"]
    options = {"stdout": subprocess.PIPE, "text": True, "env": {**os.environ, "PYTHONPATH": str(ROOT)}}
    done = subprocess.run(program, check=True, **options)
    assert [line.rpartition("/")[2] for line in done.stdout.split()] == [f"{name}.jpg" for name in made]
    assert not subprocess.run(program, check=True, **options).stdout  # All of it is there.
    rows = re.findall(r'^    "(\w+)": Row\(', (ROOT / "docs" / "gallery.py").read_text(), re.MULTILINE)
    assert sorted(rows) == sorted(re.findall(r"\]\(docs/gallery/(\w+)\.jpg\)", README))


def test_readme_names_every_config():
    assert all(f"| `{config.stem}` |" in README for config in CONFIGS)


@pytest.mark.parametrize("name", architectures.ARCHITECTURES)
def test_readme_names_the_documented_layers(name):
    row = next(line for line in README.splitlines() if re.match(rf"\| .*`{name}`.*mixed0|\| .*`{name}`.*block1", line))
    for layers in (architectures.ARCHITECTURES[name].style_layers, architectures.ARCHITECTURES[name].content_layers):
        written = re.findall(r"`(\w+)`", row)
        assert {layers[0], layers[-1]} <= set(written) if "…" in row else set(layers) <= set(written)


def test_the_modules_that_readme_names_exist():
    """Row by row: the room, and the modules in it."""
    section = README.partition("## The house")[2].partition("`tools/`")[0]
    for rooms, words in re.findall(r"^\| (`.*?`) \| (.*) \|$", section, re.MULTILINE):
        places = [ROOT / "nst_keras" / room for room in re.findall(r"`(.*?)`", rooms)]
        assert all(place.exists() for place in places)
        modules = {path.stem for place in places if place.is_dir() for path in place.iterdir()}
        named = re.findall(r"`(\w+)/?`", words)
        assert set(named) - {"NeuralStyleTransfer"} <= modules
    missing = {path.name for path in (ROOT / "nst_keras").iterdir() if path.suffix != ".typed"} - set(
        re.findall(r"`(\w+(?:\.py)?)/?`", section)
    )
    assert missing <= {"__init__.py", "__pycache__"}


@pytest.mark.slow
@pytest.mark.parametrize("program", sorted((ROOT / "benchmarks").glob("*.py")), ids=lambda path: path.stem)
def test_benchmarks(folder, program):
    arguments, printed = {
        "step_time": (["--sizes=32,48,64", "--repeats=1", "--nomemory", "--only=tutorial,graph"], "graph, time: "),
        "memory": (
            ["--sizes=80x96", "--extractors=compact", "--optimizers=adam", "--jit_compile=false", "--steps=1"],
            "worst: ",
        ),
        "coarse_to_fine": (
            ["--image_size=48", "--extractor=compact", "--steps=2", "--pyramid_steps=2", "--pyramid=2"],
            "coarse to fine: reached",
        ),
        "scale": (
            [
                *("--whole=64", "--tiled=64", "--tile_size=32", "--extractor=compact", "--steps=1", "--repeats=1"),
                "--jit_compile=false",
            ],
            "done",
        ),
        "time_to_loss": (
            [
                "--image_size=32",
                "--evaluations=4",
                "--most=6",
                "--inits=noise",
                "--pairs=sample:grace_hopper;sample:swirls",
                f"--sheet={folder}/sheet.png",
                f"--plot={folder}/plot.png",
            ],
            "times ours, at each level",
        ),
        "preconditioning": (
            [
                "--image_size=32",
                "--extractor=compact",
                "--evaluations=2",
                "--pairs=sample:grace_hopper;sample:swirls",
                "--exponents=0.5",
                "--jit_compile=false",
                "--inits=content",
                "--normalizations=relative",
            ],
            "lowest in",
        ),
        "strength": (
            ["--image_size=32", "--steps=2", "--pairs=sample:grace_hopper;sample:swirls", "--strengths=0.5"],
            "strength 0.5   share ",
        ),
        "preview": (["--preview=32", "--image_size=48", "--steps=2"], "relative"),
        "evaluations": (["--image_size=32", "--steps=3", "--problems=relative"], "ours"),
        "start_up": (
            ["--image_size=32", "--extractors=compact", "--builds=graph", "--repeats=1"],
            "compact      graph",
        ),
        "overhead": (["--image_size=32", "--steps=3"], "a usual run"),
        "many_pairs": (
            [
                *("--image_size=32", "--contents=2", "--styles=2", "--steps=2", "--objects=2", "--cold=1"),
                "--jit_compile=false",
            ],
            "the step was traced 1 times",
        ),
        "compact_quality": (
            [
                "--image_size=32",
                "--steps=2",
                "--pairs=sample:grace_hopper;sample:swirls",
                f"--sheet={folder}/sheet.png",
            ],
            "compact: medians over 1 pairs",
        ),
    }[program.stem]
    done = subprocess.run([sys.executable, program, *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    assert printed in done.stdout


def test_readme_names_every_control():
    """Those of how a picture is made; `verbose` and its like are Keras's, and are told by their docstrings."""
    names = [field.name for field in settings.fields(settings.TransferSettings)]
    assert [name for name in names if name not in README] == []
