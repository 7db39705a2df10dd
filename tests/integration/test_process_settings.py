"""What the process has set in Keras, TensorFlow and NumPy changes no pixel, and is afterwards as it was."""

import contextlib
import json
import os
import random as python_random
import re
import subprocess
import sys

import keras
import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

import nst_keras
from nst_keras.networks import extractors
from nst_keras.runtime import backend, compilation, defaults
from nst_keras.settings import docstrings
from tests.conftest import ROOT, small_model

SCHEDULE = keras.optimizers.schedules.ExponentialDecay(3.3, 2, 0.7)
QUICK = {"n_style_layers": 2, "content_layers": ("conv2_2",)}
# {name: (options of the transfer, options of the run)}.
CALLS = {
    "compact": ({"extractor": "compact"}, {}),
    "vgg19": ({"extractor": "vgg19", "weights": "random", "pooling": "l2", **QUICK}, {}),
    "lbfgs": ({"extractor": "vgg19", "weights": "random", "optimizer": "lbfgs", **QUICK}, {}),
    "schedule": ({"extractor": "compact"}, {"learning_rate": SCHEDULE}),
}


def picture(call, content, style, callbacks=()):
    """The bytes of a quick run's picture."""
    options, fit = CALLS[call]
    style_transfer = nst_keras.NeuralStyleTransfer(
        style, content, seed=1, jit_compile=False, normalization="relative", **options
    )
    style_transfer.fit_style_transfer(epochs=1, steps_per_epoch=2, verbose=0, callbacks=callbacks, **fit)
    return np.array(style_transfer.generated_image).tobytes()


@pytest.fixture(scope="module")
def expected(content, style):
    return {call: picture(call, content, style) for call in CALLS}


def changed(put, value, before):
    """A context in which a setting has another value."""
    stack = contextlib.ExitStack()
    put(value)
    stack.callback(put, before)
    return stack


def policy(value):
    return changed(keras.config.set_dtype_policy, value, "float32")


def checks_of_numbers():
    tf.debugging.enable_check_numerics()
    stack = contextlib.ExitStack()
    stack.callback(tf.debugging.disable_check_numerics)
    return stack


SETTINGS = {
    "mixed_float16": lambda: policy("mixed_float16"),
    "mixed_bfloat16": lambda: policy("mixed_bfloat16"),
    "policy_object": lambda: policy(keras.DTypePolicy("float16")),
    "floatx": lambda: changed(keras.config.set_floatx, "float16", "float32"),
    "data_format": lambda: changed(keras.config.set_image_data_format, "channels_first", "channels_last"),
    "epsilon": lambda: changed(keras.config.set_epsilon, 10.0, 1e-7),
    "eager_functions": lambda: changed(tf.config.run_functions_eagerly, True, False),
    "numpy_errors": lambda: np.errstate(all="raise"),
    "check_numerics": checks_of_numbers,
    "hard_placement": lambda: changed(tf.config.set_soft_device_placement, False, True),
    "device": lambda: tf.device("CPU:0"),
}


@pytest.mark.slow
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("setting", SETTINGS)
def test_no_setting_of_the_process_changes_a_pixel(setting, call, content, style, expected):
    with SETTINGS[setting]():
        assert picture(call, content, style) == expected[call]


class Watch(keras.callbacks.Callback):
    """Remembers the process's settings as a callback sees them."""

    def on_train_batch_end(self, batch, logs=None):
        self.seen = state()


def state():
    return (
        keras.config.dtype_policy().name,
        keras.config.floatx(),
        keras.config.image_data_format(),
        tf.config.functions_run_eagerly(),
    )


def test_the_settings_are_the_users_during_the_run_and_after_it(content, style):
    watch = Watch()
    names = ("mixed_bfloat16", "floatx", "data_format", "eager_functions")
    with contextlib.ExitStack() as stack:
        for name in names:
            stack.enter_context(SETTINGS[name]())
        before = state()
        assert before == ("mixed_bfloat16", "float16", "channels_first", True)
        picture("compact", content, style, [watch])
        assert watch.seen == state() == before
        with pytest.raises(ValueError, match="extractor"):
            nst_keras.NeuralStyleTransfer(style, content, "vgg20")
        assert state() == before


def test_random_weights_do_not_reseed_the_process(content, style):
    python_random.seed(5)
    np.random.seed(5)
    tf.random.set_seed(5)
    expected = python_random.random(), np.random.random(), float(tf.random.uniform([]))
    python_random.seed(5)
    np.random.seed(5)
    tf.random.set_seed(5)
    nst_keras.NeuralStyleTransfer(style, content, "vgg19", weights="random", seed=1, **QUICK)
    assert (python_random.random(), np.random.random(), float(tf.random.uniform([]))) == expected


def test_a_model_of_the_users_keeps_what_it_was_built_with():
    with policy("mixed_bfloat16"):
        half = small_model()
        extractor = extractors.FeatureExtractor(half, lambda image: image / 255.0)
    assert extractor.compute_dtype == "bfloat16"
    assert half.get_layer("conv1").dtype_policy.name == "mixed_bfloat16"


def test_threads_put_a_setting_back_when_the_last_one_is_done():
    with SETTINGS["floatx"]():
        first, second = defaults.keras_defaults(), defaults.keras_defaults()
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert keras.config.floatx() == "float32"
        second.__exit__(None, None, None)
        assert keras.config.floatx() == "float16"


def test_a_compiled_function_runs_as_a_graph_whatever_is_set():
    ran = []
    function = compilation.compiled(lambda x: ran.append(tf.executing_eagerly()) or x + 1, jit_compile="false")
    with SETTINGS["eager_functions"]():
        function(tf.constant(1.0))
        function(tf.constant(2.0))
    assert ran == [False]


@pytest.mark.parametrize(
    "scope", [lambda: tf.Graph().as_default(), lambda: tf.distribute.OneDeviceStrategy("CPU:0").scope()]
)
def test_a_scope_without_values_is_refused_in_a_sentence(scope, content, style, make_transfer):
    style_transfer = make_transfer()
    with scope(), pytest.raises(RuntimeError, match="Call it outside of"):
        nst_keras.NeuralStyleTransfer(style, content, "compact")
    with scope(), pytest.raises(RuntimeError, match="Call it outside of"):
        style_transfer.fit_style_transfer(epochs=1, steps_per_epoch=1, verbose=0)


def test_the_backend_is_known_without_keras(monkeypatch, tmp_path):
    monkeypatch.delitem(sys.modules, "keras")
    monkeypatch.delenv(backend.VARIABLE, raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert backend.name() == "tensorflow"
    (tmp_path / "keras.json").write_text("[")
    assert backend.name() == "tensorflow"
    (tmp_path / "keras.json").write_text(json.dumps({"backend": "jax"}))
    with pytest.raises(ImportError, match=r"keras\.json' chooses 'jax'. Set KERAS_BACKEND=tensorflow"):
        backend.require_tensorflow()
    monkeypatch.setenv(backend.VARIABLE, "torch")
    with pytest.raises(ImportError, match="variable KERAS_BACKEND chooses 'torch'"):
        backend.require_tensorflow()
    with backend.chosen():
        backend.require_tensorflow()
    assert os.environ[backend.VARIABLE] == "torch"


def test_another_backend_at_work_is_refused(monkeypatch):
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    with pytest.raises(ImportError, match="this process already runs 'jax'"):
        backend.require_tensorflow()


def python(*arguments, **environment):
    """Runs Python in a process of its own."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.slow
def test_the_library_refuses_a_backend_in_one_sentence():
    status, _, said = python("-c", "from nst_keras import NeuralStyleTransfer", KERAS_BACKEND="jax")
    assert status == 1
    assert re.match(r"ImportError: nst_keras needs Keras's backend 'tensorflow', but .* 'jax'\.", said.splitlines()[-1])


@pytest.mark.slow
def test_the_command_line_chooses_tensorflow_and_works_without_docstrings(tmp_path, content, style):
    for name, pixels in {"content": content, "style": style}.items():
        PIL.Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    (tmp_path / "keras.json").write_text(json.dumps({"backend": "torch", "floatx": "float16", "epsilon": 0.1}))
    line = ["-m", "nst_keras.run", *(f"--{name}_image={tmp_path / name}.png" for name in ("content", "style"))]
    line += ["--extractor=compact", "--epochs=1", "--steps_per_epoch=2", "--seed=1", "--jit_compile=false", "--quiet"]
    pictures = []
    for number, (options, environment) in enumerate(
        [([], {"KERAS_BACKEND": "jax"}), (["-OO"], {"KERAS_HOME": str(tmp_path), "KERAS_BACKEND": ""})]
    ):
        output = tmp_path / f"{number}.png"
        status, _, said = python(*options, *line, f"--output={output}", **environment)
        assert (status, said) == (0, "")
        with PIL.Image.open(output) as opened:
            pictures.append(opened.tobytes())
    assert len(set(pictures)) == 1


@pytest.mark.slow
def test_help_is_the_same_without_docstrings():
    plain, stripped = (python(*options, "-m", "nst_keras.run", "--helpfull") for options in ([], ["-OO"]))
    assert plain == stripped
    assert "--style_image: Style image" in plain[1]
    assert docstrings.of(docstrings) == docstrings.__doc__
