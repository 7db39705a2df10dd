import hashlib
import json
import subprocess
import sys

import keras
import numpy as np
import pytest

from nst_keras.networks import compact_v2
from tests.conftest import ROOT
from tests.training import test_train
from training import factors

folder = test_train.folder


@pytest.fixture
def layer():
    """An input [3, 16, 16, 6], places in it, and a kernel [3, 3, 6, 8] of which rank 2 and 3 input channels suffice."""
    random = np.random.default_rng(0)
    features = random.normal(size=(3, 16, 16, 6)).astype(np.float32)
    places = np.unravel_index(random.permutation(3 * 16 * 16), (3, 16, 16))
    kernel = np.einsum(
        "ca,xyab,bn->xycn", *(random.normal(size=shape) for shape in ((6, 3), (3, 3, 3, 2), (2, 8)))
    ).astype(np.float32)
    return features, places, kernel


def convolved(features, parts):
    for kernel, bias in parts:
        features = keras.ops.convert_to_numpy(keras.ops.conv(features, kernel, padding="same")) + bias
    return features


@pytest.mark.parametrize(("before", "rank", "sizes"), [(3, 2, [1, 3, 1]), (None, 2, [3, 1]), (3, None, [1, 3])])
def test_a_kernel_of_low_rank_is_factorised_exactly(layer, before, rank, sizes):
    features, places, kernel = layer
    wanted = convolved(features, [(kernel, np.arange(8))])
    parts = factors.factorised(kernel, features, wanted[places], places, before=before, rank=rank)
    assert [part.shape[0] for part, _ in parts] == sizes
    np.testing.assert_allclose(convolved(features, parts), wanted, atol=2e-3)


def test_fewer_factors_than_that_are_nearest_where_features_vary(layer):
    features, places, kernel = layer
    wanted = convolved(features, [(kernel, np.zeros(8))])

    def error(rank):
        parts = factors.factorised(kernel, features, wanted[places], places, before=None, rank=rank)
        return np.square(convolved(features, parts) - wanted).mean() / wanted.var()

    assert error(2) < 1e-6
    assert 0.05 < error(1) < 0.6


def test_errors_of_earlier_layers_are_made_up_for_in_part(layer):
    features, places, kernel = layer
    theirs = convolved(features, [(kernel, np.zeros(8))])
    ours = features * 0.7
    plain = np.square(convolved(ours, [(kernel, np.zeros(8))]) - theirs).mean()
    parts = factors.factorised(kernel, ours, theirs[places], places, before=None, rank=None)
    assert 0.05 * plain < np.square(convolved(ours, parts) - theirs).mean() < 0.5 * plain


def test_a_network_is_fitted_to_its_teacher():
    keras.utils.set_random_seed(1)
    teacher = keras.applications.VGG19(weights=None, include_top=False)
    images = np.random.default_rng(0).uniform(-120, 120, (3, 32, 32, 3)).astype(np.float32)
    full = {
        name: compact_v2.Factors(width, *factors)
        for name, width, factors in (
            ("block1_conv1", 48, ()),
            ("block1_conv2", 64, (None, 60)),
            ("block2_conv1", 128, (60, 120)),
        )
    }
    network = compact_v2.network(None, convolutions=full)
    lines = []
    factors.fit(network, teacher, images, convolutions=full, report=lines.append)
    ours = keras.ops.convert_to_numpy(network(images)[-1])
    outputs = [teacher.get_layer(name).output for name in full]
    theirs = [keras.ops.convert_to_numpy(features) for features in keras.Model(teacher.inputs[0], outputs)(images)]
    assert np.square(ours - theirs[-1]).sum() < 0.12 * np.square(theirs[-1] - theirs[-1].mean((0, 1, 2))).sum()
    assert [line.split(":")[0] for line in lines] == list(full)
    # Coordinates have the inner products of the features.
    places = np.unravel_index(np.arange(40), (3, 32, 32))
    coordinates = keras.ops.convert_to_numpy(network(images)[0])[places]
    products = theirs[0][places] @ theirs[0][places].T
    assert np.square(coordinates @ coordinates.T - products).sum() < 0.02 * np.square(products).sum()


# {arguments: the sentence about them}.
WRONG = {
    "--hold_out=nowhere": "--hold_out names nowhere, which neither folder has",
    "--photographs=weights": "'weights' is no folder with .jpg or .png pictures",
    "--output=weights.txt": "--output=weights.txt must end in .weights.h5",
    "--output=weights/vgg19.weights.h5/made.weights.h5": "--output: 'weights/vgg19.weights.h5' is not a folder",
    "stray": "'stray' is no flag",
}


LINE = ["--photographs=photographs", "--paintings=paintings", "--crops=2"]
# With three convolutions: all of them take minutes.
SHORTER = """
import runpy
from nst_keras.networks import compact_v2
compact_v2.CONVOLUTIONS = dict(list(compact_v2.CONVOLUTIONS.items())[:3])
runpy.run_module("training.low_rank", run_name="__main__")
"""


@pytest.mark.slow
def test_the_program_writes_a_file_that_the_package_reads(folder):
    line = [sys.executable, "-c", SHORTER, *LINE, "--output=made.weights.h5"]
    done = subprocess.run(
        line, cwd=folder, env=test_train.environment(folder), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "block1_conv2: " in done.stdout
    made = (folder / "made.weights.h5").read_bytes()
    assert f"SHA-256 {hashlib.sha256(made).hexdigest()}" in done.stdout
    first = dict(list(compact_v2.CONVOLUTIONS.items())[:3])
    network = compact_v2.network(str(folder / "made.weights.h5"), convolutions=first)
    assert all(np.abs(layer.kernel).max() > 0 for layer in network.layers if layer.weights)


@pytest.fixture(scope="module")
def answers(folder):
    """{arguments: how the program ends}."""
    program = str(ROOT / "training" / "low_rank.py")
    done = subprocess.run(
        [sys.executable, "-m", "tests.integration.programs"],
        cwd=folder,
        env=test_train.environment(folder),
        input=json.dumps({argument: [program, *LINE, argument] for argument in WRONG}),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.parametrize("argument", WRONG)
def test_wrong_arguments_are_refused_in_a_line(answers, argument):
    status, printed = answers[argument]
    assert status not in (None, 0)
    assert WRONG[argument] in f"{printed}{status}"
    assert "Traceback" not in f"{printed}{status}"
