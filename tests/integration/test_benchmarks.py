"""Benchmarks run, shortened."""

import importlib.util
import subprocess
import sys

import pytest

from tests.conftest import ROOT

BENCHMARKS = ROOT / "benchmarks"


@pytest.mark.slow
@pytest.mark.parametrize("program", sorted(BENCHMARKS.glob("*.py")), ids=lambda path: path.stem)
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
                "--nocompiled",
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
        "whole_command": (
            [
                *("--sizes=40", "--against=tutorial", "--shortened=500", "--steps=3", "--repeats=1", "--noquickstart"),
                "--flags=--jit_compile=false --nometadata",
            ],
            "ours, to that of TensorFlow's tutorial  40  3 ",
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
                f"--sheet={folder}/sheet.png",
                "--jit_compile=false",
            ],
            "compact: medians over 1 pairs",
        ),
    }[program.stem]
    done = subprocess.run([sys.executable, program, *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    assert printed in done.stdout


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
