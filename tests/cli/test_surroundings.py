"""The command line where the environment, the outputs or other programs are not as usual."""

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.cli.test_command import QUICK
from tests.conftest import ROOT

PICTURES = ["--content_image=sample:landscape", "--style_image=sample:swirls", *QUICK]


def environment(**more):
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}


@pytest.mark.slow
def test_a_full_output_a_bad_plotting_backend_and_a_cluster_of_none_stop_no_run(tmp_path):
    command = [sys.executable, "-m", "nst_keras.run", *PICTURES, "--output=made.png", "--loss_plot=loss.png"]
    with open("/dev/full" if os.path.exists("/dev/full") else os.devnull, "w") as full:
        made = subprocess.run(
            command,
            cwd=tmp_path,
            env=environment(MPLBACKEND="bogus", TF_CONFIG="{}", PYTHONIOENCODING="ascii"),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (made.returncode, made.stderr) == (0, "")
    assert {"made.png", "loss.png"} <= {path.name for path in tmp_path.iterdir()}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other signals")
@pytest.mark.slow
def test_sigterm_writes_the_picture_so_far(tmp_path):
    endless = [argument for argument in PICTURES if not argument.startswith("--steps")]
    command = [sys.executable, "-m", "nst_keras.run", *endless, "--steps_per_epoch=100000", "--output=made.png"]
    with subprocess.Popen(command, cwd=tmp_path, env=environment(), stdout=-1, stderr=-1, text=True) as process:
        while process.poll() is None and "loss" not in process.stdout.readline(4096):
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 143, errors
    assert "the picture of that step is kept; wrote made.png" in errors
    assert (tmp_path / "made.png").exists()


@pytest.mark.slow
def test_a_reader_that_leaves_early_is_no_error():
    shown = subprocess.run(
        f'{sys.executable} -m nst_keras.run --helpfull | head -c1; echo " ${{PIPESTATUS[0]}}"',
        shell=True,
        executable="/bin/bash",
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (shown.stdout, shown.stderr) == ("p 0\n", "")


@pytest.mark.slow
def test_a_fork_copies_and_type_conversion_are_refused_in_a_sentence():
    code = """
import copy, multiprocessing, pickle, sys
import numpy as np, tensorflow as tf, nst_keras
picture = np.zeros((32, 32, 3), np.uint8) + np.arange(32, dtype=np.uint8)[:, None, None]
def made():
    return nst_keras.NeuralStyleTransfer(picture, picture, "compact", weights="random", jit_compile=False)
def refused(kind, words, call, *arguments):
    try:
        call(*arguments)
    except kind as error:
        assert words in str(error), error
    else:
        raise AssertionError(words)
def child():
    refused(RuntimeError, "forked", made)
one = made()
for copied in (copy.copy, copy.deepcopy, pickle.dumps):
    refused(TypeError, "from_settings", copied, one)
refused(TypeError, "record()", pickle.dumps, one.result)
assert copy.copy(one.result).step == 0
process = multiprocessing.get_context("fork").Process(target=child)
process.start(); process.join(30); assert process.exitcode == 0
tf.experimental.numpy.experimental_enable_numpy_behavior()
from nst_keras.images import colour
colour.match_luminance(tf.ones([1, 4, 4, 3]), tf.ones([1, 4, 4, 3]))
tf.experimental.numpy.experimental_enable_numpy_behavior(dtype_conversion_mode="all")
refused(RuntimeError, "dtype_conversion_mode", made)
"""
    made = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
