"""The training as a user starts it, in its own process, at the smallest size."""

import json
import os
import subprocess
import sys

import keras
import numpy as np
import PIL.Image
import pytest

from nst_keras import architectures, compact, samples
from tests.conftest import ROOT
from training import pictures

SMALL = [
    "--widths=[[3,4],[5,4],[6,5,6,4],[7,6,5],[8]]",
    *("--steps_per_epoch=2", "--batch=2", "--size=32", "--fit_crops=8", "--pool=4", "--hold_out=apart"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("training")
    for name, picture in (("photographs", samples.grace_hopper()), ("paintings", samples.swirls(64))):
        (folder / name).mkdir()
        for index in range(2):
            PIL.Image.fromarray(picture[index * 8 :, :64]).save(folder / name / f"{index}.png")
    PIL.Image.fromarray(samples.swirls(40)).save(folder / "paintings" / "apart.png")
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


def test_a_stopped_training_goes_on_to_the_same_weights(folder):
    whole = train(folder, "whole", "--epochs=2")
    assert whole.returncode == 0, whole.stderr[-2000:]
    assert "epoch 2 of 2" in whole.stdout
    # The same training, as it stands after its first epoch: the second one's state is taken away.
    stopped = train(folder, "stopped", "--epochs=2", "--stop_after=1")
    assert stopped.returncode == 0, stopped.stderr[-2000:]
    assert not (folder / "stopped" / "compact.weights.h5").exists()
    resumed = train(folder, "stopped", "--epochs=2")
    assert "epoch 1 of 2" not in resumed.stdout
    widths = json.loads(SMALL[0].partition("=")[2])
    first, second = (
        compact.network(str(folder / name / "compact.weights.h5"), widths=widths).get_weights()
        for name in ("whole", "stopped")
    )
    for a, b in zip(first, second, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-2, atol=1e-3)
    assert {p.name for p in (folder / "whole").iterdir()} == {
        *("settings.json", "first_student.keras", "epoch_00002", "learning_curve.png", "compact.weights.h5")
    }


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--hold_out=nowhere"], "--hold_out names nowhere, which neither folder has"),
        (["--photographs=weights"], "'weights' is no folder with .jpg or .png pictures"),
        (["--epochs=0"], "epochs"),
    ],
)
def test_wrong_arguments_are_refused_in_a_line(folder, arguments, sentence):
    done = train(folder, "refused", *arguments)
    assert done.returncode != 0
    assert sentence in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_other_settings_do_not_go_on_with_a_training(folder):
    (folder / "begun").mkdir(exist_ok=True)
    assert train(folder, "begun", "--epochs=2", "--stop_after=0").returncode == 0
    other = train(folder, "begun", "--epochs=3")
    assert other.returncode != 0
    assert "--epochs=3 (begun with 2)" in other.stdout + other.stderr


def test_crops_repeat_by_seed_and_epoch():
    groups = [[samples.swirls(40)], [samples.swirls(20)], []]

    def batch(**changed):
        settings = {"size": 32, "batch": 6, "steps": 3, "seed": 1, "epoch": 2, **changed}
        return pictures.Crops(groups, (0.5, 0.3, 0.2), **settings)[1][0]

    first = batch()
    assert first.shape == (6, 32, 32, 3)
    assert first.dtype == np.float32
    assert 0 <= first.min() < first.max() <= 255
    assert np.array_equal(first, batch())
    assert not np.array_equal(first, batch(epoch=3))
    assert not np.array_equal(first, batch(seed=2))
