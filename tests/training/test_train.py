"""The training as a user starts it, at the smallest size; in its own process, where it trains."""

import json
import os
import subprocess
import sys

import keras
import numpy as np
import PIL.Image
import pytest

from nst_keras.images import samples
from nst_keras.networks import architectures, compact
from tests.conftest import ROOT
from tools.drawing import swirls_night

SMALL = [
    "--widths=[[3,4],[5],[6],[7,6],[8]]",
    *("--steps_per_epoch=2", "--batch=2", "--size=32", "--fit_crops=8", "--pool=4", "--runs=1", "--hold_out=apart"),
    *("--learning_rate=0.03", "--precision=float32"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("training")
    for name, picture in (("photographs", samples.read("grace_hopper")), ("paintings", swirls_night.swirls(64))):
        (folder / name).mkdir()
        for index in range(2):
            PIL.Image.fromarray(picture[index * 8 :, :64]).save(folder / name / f"{index}.png")
    PIL.Image.fromarray(swirls_night.swirls(40)).save(folder / "paintings" / "apart.png")
    (folder / "weights").mkdir()
    keras.utils.set_random_seed(0)
    keras.applications.VGG19(weights=None, include_top=False).save_weights(folder / "weights" / "vgg19.weights.h5")
    return folder


def environment(folder):
    return {**os.environ, architectures.WEIGHTS_VARIABLE: str(folder / "weights"), "PYTHONPATH": str(ROOT)}


def line(output, *arguments):
    return ["--photographs=photographs", "--paintings=paintings", *SMALL, f"--output={output}", *arguments]


def train_together(folder, lines):
    """{name: (exit status or the last sentence, what was printed)} of short trainings, which share a process.

    They are listed in the order in which they are run.
    """
    program = str(ROOT / "training" / "train.py")
    done = subprocess.run(
        [sys.executable, "-m", "tests.integration.programs"],
        cwd=folder,
        env=environment(folder),
        input=json.dumps({name: [program, *arguments] for name, arguments in lines.items()}),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def weights(path):
    return {layer.name: layer.get_weights() for layer in keras.models.load_model(path).layers if layer.weights}


# {a flag with a wrong value: the sentence about it}.
WRONG = {
    "--hold_out=nowhere": "--hold_out names nowhere, which neither folder has",
    "--photographs=weights": "'weights' is no folder with .jpg or .png pictures",
    "--epochs=0": "epochs",
    "stray": "'stray' is no flag",
    "--size=40": "--size=40 must be a multiple of 16",
    "--widths=5": "--widths=5 must be lists of whole numbers",
    "--widths=[[16,16]]": "must have VGG19's five blocks",
    "--widths=[[999,16],[4,4],[4,4,4,4],[4,4],[4]]": "must have VGG19's five blocks",
    "--start_from=nowhere.keras": "--start_from=nowhere.keras: there is no such file",
    "--pool=0": "--runs=1 are taken from the pool, but --pool=0",
    "--hold_out=0,1": "hold_out holds out all pictures of 'photographs'",
}
OTHER = ["--epochs=3", "--hold_out="]
# The package's, but for the block4_conv2.
WIDER = "--widths=[[16,16],[48,48],[128,128,128,128],[224,225,224],[320,192]]"


@pytest.fixture(scope="module")
def stopped(folder):
    """What a training printed, in a process of its own as a user starts it, that was to stop after its first epoch."""
    done = subprocess.run(
        [sys.executable, "-m", "training.train", *line("stopped", "--epochs=2", "--stop_after=1")],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert not (folder / "stopped" / "compact.weights.h5").exists()
    return done.stdout


@pytest.fixture(scope="module")
def answers(folder, stopped):
    """How trainings end in another process.

    `resumed` goes on with the one that was stopped, and `whole` comes to its end at once. The rest make no step:
    `begun` starts from the weights of `whole`; others try to go on with it; and some are refused.
    """
    start = ["--epochs=2", "--start_from=whole/student.keras"]
    lines = {"resumed": line("stopped", "--epochs=2"), "whole": line("whole", "--epochs=2")}
    lines["begun"] = line("begun", *start, "--stop_after=0")
    lines["packaged"] = line("packaged", "--start_from=compact", WIDER, "--stop_after=0")
    lines |= {f"other {flag}": line("begun", *start, flag) for flag in OTHER}
    return train_together(folder, lines | {flag: line("refused", flag) for flag in WRONG})


@pytest.mark.slow
def test_a_stopped_training_goes_on_to_the_same_weights(folder, stopped, answers):
    assert "epoch 1 of 2" in stopped
    assert "stopped after epoch 1" in stopped
    for name in ("resumed", "whole"):
        status, printed = answers[name]
        assert status is None, status
        assert ("epoch 1 of 2" in printed) is (name == "whole")
        assert "epoch 2 of 2" in printed
        assert "SHA-256" in printed
    first, second, begun = (
        weights(folder / name) for name in ("whole/student.keras", "stopped/student.keras", "whole/first_student.keras")
    )
    for name, values in first.items():
        for ours, theirs, start in zip(values, second[name], begun[name], strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)
            assert np.abs(ours - start).max() > 1e-3
    assert {p.name for p in (folder / "whole").iterdir()} == {
        *("settings.json", "first_student.keras", "student.keras", "epoch_00002"),
        *("learning_curve.png", "compact.weights.h5"),
    }


@pytest.mark.slow
@pytest.mark.parametrize("flag", WRONG)
def test_wrong_arguments_are_refused_in_a_line(answers, flag):
    status, printed = answers[flag]
    assert status not in (None, 0)
    assert WRONG[flag] in f"{printed}{status}"
    assert "Traceback" not in f"{printed}{status}"


@pytest.mark.slow
def test_a_training_starts_from_given_weights(folder, answers):
    status, printed = answers["begun"]
    assert status is None, status
    assert "stopped after epoch 0" in printed
    started, given = (weights(folder / name) for name in ("begun/first_student.keras", "whole/student.keras"))
    for name, values in started.items():
        assert all(np.array_equal(a, b) for a, b in zip(values, given[name], strict=True))


@pytest.mark.slow
def test_a_training_starts_from_the_packages_weights_as_far_as_they_fit(folder, answers):
    status, _ = answers["packaged"]
    assert status is None, status
    packaged = {layer.name: layer.get_weights() for layer in compact.network().layers if layer.weights}
    started = weights(folder / "packaged/first_student.keras")
    same = {
        name
        for name, values in started.items()
        if name in packaged and all(map(np.array_equal, values, packaged[name]))
    }
    assert same == {*[name for name in packaged if name < "thin4_conv2" and name.startswith("thin")]}
    assert started["thin5_conv1"][0].shape == (3, 3, 224, 320)  # Behind the wider layer: made anew.


@pytest.mark.slow
@pytest.mark.parametrize("flag", OTHER)
def test_other_settings_do_not_go_on_with_a_training(answers, flag):
    status, printed = answers[f"other {flag}"]
    assert status not in (None, 0)
    assert "holds a training with other settings" in f"{printed}{status}"
