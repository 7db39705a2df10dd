"""Benchmarks run, shortened."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys

import pytest

from nst_keras.networks import architectures
from tests.conftest import ROOT

BENCHMARKS = ROOT / "benchmarks"


# {program: its arguments, and what it prints}. FOLDER is one that is empty.
RUNS = {
    "step_time": (
        ["--sizes=32,40,48", "--repeats=1", "--nomemory", "--only=tutorial,graph", "--product=256"],
        "graph, time: ",
    ),
    "batch": (
        [*("--contents=1", "--styles=2", "--sizes=32", "--steps=2", "--alone=1")],
        "one by one: ",
    ),
    "memory": (
        ["--sizes=80x96", "--extractors=compact", "--optimizers=adam", "--jit_compile=false", "--steps=1"],
        "worst: ",
    ),
    "coarse_to_fine": (
        [
            "--image_size=48",
            "--extractor=compact",
            "--steps=2",
            "--pyramid_steps=2",
            "--pyramid=2",
            "--jit_compile=false",
        ],
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
            "--nocompiled",
            "--sheet=FOLDER/sheet.png",
            "--plot=FOLDER/plot.png",
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
    "whole_command": (
        [
            *("--sizes=40", "--against=tutorial", "--shortened=500", "--steps=3", "--repeats=1", "--noquickstart"),
            "--flags=--jit_compile=false --nometadata",
        ],
        "ours, to that of TensorFlow's tutorial  40  3 ",
    ),
    "video": (
        [
            *("--clips=cut,still", "--ways=alone,video", "--size=96", "--frames=3", "--steps=6", "--frame_steps=2"),
            *("--sheet=FOLDER/frames.png", "--gif=FOLDER/clip.gif"),
        ],
        "still    video  flicker   0.00",
    ),
    "preview": (["--preview=32", "--image_size=48", "--steps=2"], "relative"),
    "evaluations": (["--image_size=32", "--steps=3", "--problems=relative", "--jit_compile=false"], "ours"),
    "start_up": (
        ["--image_size=32", "--extractors=compact", "--builds=graph", "--repeats=1"],
        "compact      graph",
    ),
    "overhead": (["--image_size=32", "--steps=3", "--jit_compile=false"], "a usual run"),
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
            "--extractors=vgg19:float32,compact+block2_conv1,compact:float32",
            "--sheet=FOLDER/sheet.png",
            "--jit_compile=false",
        ],
        "compact:float32: medians over 1 pairs",
    ),
}
# These start processes that import them again. The others share one, which imports TensorFlow once.
ALONE = {"memory", "scale", "start_up"}
# These have a test of their own.
OTHERS = {"device_step", "studio"}


def lean():
    """The environment in which a program, and each that it starts, loads TensorFlow in half the time."""
    paths = [str(ROOT / "tests" / "integration" / "lean_start"), str(ROOT)]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def arguments(name, folder):
    return [one.replace("FOLDER", str(folder)) for one in RUNS[name][0]]


@pytest.fixture(scope="module")
def together(tmp_path_factory, weights_folder):
    """{program: how it ended, and what it printed}, of those that share a process."""
    folder = tmp_path_factory.mktemp("benchmarks")
    runs = {name: [str(BENCHMARKS / f"{name}.py"), *arguments(name, folder)] for name in RUNS if name not in ALONE}
    done = subprocess.run(
        [sys.executable, "-m", "tests.integration.programs"],
        cwd=ROOT,
        env={**lean(), architectures.WEIGHTS_VARIABLE: str(weights_folder)},
        input=json.dumps(runs),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(RUNS) - ALONE))
def test_benchmarks(together, name):
    status, printed = together[name]
    assert status is None, status
    assert RUNS[name][1] in printed


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(ALONE))
def test_benchmarks_in_processes_of_their_own(folder, name):
    program = [sys.executable, BENCHMARKS / f"{name}.py", *arguments(name, folder)]
    usual = None if name == "start_up" else lean()  # It times how users' programs load TensorFlow.
    done = subprocess.run(program, cwd=ROOT, env=usual, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert RUNS[name][1] in done.stdout


def test_every_benchmark_is_run():
    assert RUNS.keys() | OTHERS == {path.stem for path in BENCHMARKS.glob("*.py")}


@pytest.mark.slow
def test_what_the_page_of_the_studio_costs_is_measured():
    pytest.importorskip("gradio", reason="needs the extra `studio`")
    pytest.importorskip("playwright", reason="needs Playwright, of the extra `test`")
    if shutil.which("chromium") is None:
        pytest.skip("needs Chromium: install Debian's chromium")
    short = ["--image_size=64", "--steps=12", "--repeats=1", "--runs=1"]
    program = [sys.executable, BENCHMARKS / "studio.py", *short]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for told in (
        "s after Start",
        "steps a second with the page",
        "MB after 1 runs",
        "once the visitor has gone, 5 before",
    ):
        assert told in done.stdout


@pytest.mark.slow
def test_the_step_runs_with_jax_alone(tmp_path):
    """On a machine that has JAX and what it needs alone, with the gradient that TensorFlow computes."""
    pytest.importorskip("jax", reason="needs JAX: pip install nst_keras[bench]")
    program, table = str(BENCHMARKS / "device_step.py"), tmp_path / "table.json"
    export = [program, f"--export={tmp_path}", "--sizes=32", "--variants=float32,bfloat16"]
    subprocess.run([sys.executable, *export], cwd=ROOT, env=lean(), check=True)
    run = [program, f"--run={tmp_path}", "--repeats=1", "--product=256", "--notorch", f"--json={table}"]
    missing = "sys.modules.update(dict.fromkeys(['absl', 'h5py', 'keras', 'nst_keras', 'tensorflow', 'torch']))"
    code = f"import runpy, sys; {missing}; sys.argv = {run}; sys.path.insert(0, {str(BENCHMARKS)!r})"
    code += f"; runpy.run_path({program!r}, run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "ours, bfloat16" in done.stdout
    found = json.loads(table.read_text())
    rows = {row["step"]: row for row in found["rows"]}
    assert found["peaks"].keys() == {"float32", "bfloat16"}
    assert rows["ours, float32"]["error"] < 1e-4
    assert 1e-4 < rows["ours, bfloat16"]["error"] < 0.2
    assert 0.98 < rows["ours, bfloat16"]["cosine"] < rows["ours, float32"]["cosine"]
    assert all(row["seconds"] > 0 and row["of_peak"] > 0 and row["plan"] > 0 for row in rows.values())


@pytest.mark.parametrize("needed", [1, 2, 7, 29, 30])
@pytest.mark.parametrize("guess", [1, 7, 30])
def test_the_fewest_steps_are_found_in_few_runs(needed, guess):
    described = importlib.util.spec_from_file_location("processes", BENCHMARKS / "references" / "processes.py")
    processes = importlib.util.module_from_spec(described)
    described.loader.exec_module(processes)
    tried = []

    def reaches(steps):
        tried.append(steps)
        return steps >= needed

    assert processes.fewest(reaches, guess=guess, most=30) == needed
    assert len(tried) == len(set(tried)) <= 9
    assert all(1 <= steps < 30 for steps in tried)
