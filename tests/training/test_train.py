"""The training as a user starts it, in its own process, at the smallest size."""

import os
import subprocess
import sys

import keras
import numpy as np
import PIL.Image
import pytest

from nst_keras.images import samples
from nst_keras.networks import architectures
from tests.conftest import ROOT
from tools.drawing import swirls_night

SMALL = [
    "--widths=[[3,4],[5,4],[6,5,6,4],[7,6,5],[8,7]]",
    *("--steps_per_epoch=2", "--batch=2", "--size=32", "--fit_crops=8", "--pool=4", "--hold_out=apart"),
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


def train(folder, output, *arguments):
    command = [sys.executable, "-m", "training.train", "--photographs=photographs", "--paintings=paintings", *SMALL]
    environment = {**os.environ, architectures.WEIGHTS_VARIABLE: str(folder / "weights"), "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [*command, f"--output={output}", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def weights(path):
    return {layer.name: layer.get_weights() for layer in keras.models.load_model(path).layers if layer.weights}


@pytest.fixture(scope="module")
def trained(folder):
    """The folder once `whole` in it is a training that came to its end."""
    done = train(folder, "whole", "--epochs=2")
    assert done.returncode == 0, done.stderr[-2000:]
    assert "epoch 2 of 2" in done.stdout
    assert "SHA-256" in done.stdout
    return folder


@pytest.mark.slow
def test_a_stopped_training_goes_on_to_the_same_weights(trained):
    folder = trained
    stopped = train(folder, "stopped", "--epochs=2", "--stop_after=1")
    assert stopped.returncode == 0, stopped.stderr[-2000:]
    assert "stopped after epoch 1" in stopped.stdout
    assert not (folder / "stopped" / "compact.weights.h5").exists()
    resumed = train(folder, "stopped", "--epochs=2")
    assert "epoch 1 of 2" not in resumed.stdout
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
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--hold_out=nowhere"], "--hold_out names nowhere, which neither folder has"),
        (["--photographs=weights"], "'weights' is no folder with .jpg or .png pictures"),
        (["--epochs=0"], "epochs"),
        (["stray"], "'stray' is no flag"),
        (["--size=40"], "--size=40 must be a multiple of 16"),
        (["--widths=5"], "--widths=5 must be lists of whole numbers"),
        (["--widths=[[16,16]]"], "must have VGG19's five blocks"),
        (["--widths=[[999,16],[4,4],[4,4,4,4],[4,4],[4]]"], "must have VGG19's five blocks"),
        (["--start_from=nowhere.keras"], "--start_from=nowhere.keras: there is no such file"),
        (["--hold_out=0,1"], "hold_out holds out all pictures of 'photographs'"),
    ],
)
def test_wrong_arguments_are_refused_in_a_line(folder, arguments, sentence):
    done = train(folder, "refused", *arguments)
    assert done.returncode != 0
    assert sentence in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture(scope="module")
def begun(trained):
    """The folder once `begun` in it is a training that starts from the weights of `whole`, and is stopped at once."""
    start = ("--stop_after=0", "--start_from=whole/student.keras")
    done = train(trained, "begun", "--epochs=2", *start)
    assert done.returncode == 0, done.stderr[-2000:]
    return trained


@pytest.mark.slow
def test_a_training_starts_from_given_weights(begun):
    started, given = (weights(begun / name) for name in ("begun/first_student.keras", "whole/student.keras"))
    for name, values in started.items():
        assert all(np.array_equal(a, b) for a, b in zip(values, given[name], strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("changed", [["--epochs=3"], ["--hold_out="]])
def test_other_settings_do_not_go_on_with_a_training(begun, changed):
    other = train(begun, "begun", "--epochs=2", "--start_from=whole/student.keras", *changed)
    assert other.returncode != 0
    assert "holds a training with other settings" in other.stdout + other.stderr
