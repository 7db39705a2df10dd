"""What a run chooses for itself is chosen once, recorded, and kept by the run that resumes it."""

import keras
import numpy as np
import pytest

from nst_keras import transfer
from nst_keras.engine import compile_cost
from nst_keras.runtime import processors

OPTIONS = {"style_layers": ["conv1_1"], "content_layers": ["conv2_1"], "jit_compile": "auto", "seed": 0}


@pytest.fixture
def machine(monkeypatch):
    """`machine(True)` makes this one fast in bfloat16."""

    def having(is_fast):
        monkeypatch.setattr(processors, "is_fast_in_bfloat16", lambda: is_fast)

    return having


@pytest.fixture
def make(content, style):
    def made(**options):
        return transfer.NeuralStyleTransfer(style, content, "compact", **{**OPTIONS, **options})

    return made


@pytest.mark.parametrize(
    ("is_fast", "options", "expected"),
    [
        (True, {}, "mixed_bfloat16"),
        (False, {}, "float32"),
        (True, {"precision": "float32"}, "float32"),
        (False, {"precision": "mixed_bfloat16"}, "mixed_bfloat16"),
        (True, {"jit_compile": "true"}, "float32"),  # XLA does not use a processor's instructions.
    ],
)
def test_auto_is_what_the_machine_is_fast_in(machine, make, is_fast, options, expected):
    machine(is_fast)
    style_transfer = make(**options)
    assert style_transfer.settings["precision"] == expected
    assert style_transfer.extractor.compute_dtype == expected.removeprefix("mixed_")


def test_networks_that_were_not_measured_compute_in_their_own_type(machine, make_transfer, model):
    machine(True)
    assert make_transfer().settings["precision"] == "float32"
    assert make_transfer(network=model, preprocess=lambda image: image / 255.0).extractor.compute_dtype == "float32"


@pytest.mark.slow
@pytest.mark.parametrize("smoothing", ["softmax", "none"])
def test_a_run_with_inceptions_earlier_softmax_is_resumed(make_transfer, tmp_path, smoothing):
    """It was the default once, and the checkpoints of that time do not name it."""

    def build(**options):
        own = {"network": "inception_v3", "weights": "random", "image_size": 80, "seed": 0, **options}
        return make_transfer(style_layers=["conv2d_2b_3x3"], content_layers=["conv2d_4a_3x3"], **own)

    begun = build(smoothing=smoothing)
    begun.fit_style_transfer(1, 2, checkpoint_dir=tmp_path, verbose=0)
    resumed = build()
    resumed.fit_style_transfer(1, 2, checkpoint_dir=tmp_path, resume=True, verbose=0)
    assert resumed.settings["smoothing"] == smoothing
    np.testing.assert_array_equal(resumed.image, begun.image)


def test_a_deterministic_run_asks_for_float32(machine, make, monkeypatch):
    machine(True)
    monkeypatch.setattr("keras.utils.set_random_seed", lambda seed: None)
    monkeypatch.setattr("tensorflow.config.experimental.enable_op_determinism", lambda: None)
    assert make(deterministic=True).settings["precision"] == "float32"


def test_an_unknown_precision_is_named(make):
    with pytest.raises(ValueError, match="precision='bfloat16' is not known. .* Choose one of: auto, float32, "):
        make(precision="bfloat16")


def test_the_first_line_and_the_record_tell_the_precision(machine, make, capsys):
    machine(True)
    style_transfer = make()
    style_transfer.fit_style_transfer(1, 1, verbose=2)
    assert ", compact in bfloat16, adam: expected peak memory" in capsys.readouterr().out.splitlines()[0]
    assert style_transfer.result.record()["settings"]["precision"] == "mixed_bfloat16"


@pytest.mark.parametrize("begun", [True, False])
def test_a_resumed_run_keeps_the_precision_that_it_began_with(machine, make, tmp_path, begun):
    """Also on a machine that would choose the other."""
    options = {"checkpoint_dir": tmp_path, "verbose": 0}
    machine(begun)
    first = make()
    first.fit_style_transfer(1, 2, **options)
    machine(not begun)
    again = make()
    again.fit_style_transfer(2, 2, resume=True, **options)
    assert again.settings["precision"] == first.settings["precision"]
    assert again.extractor.fingerprint() == first.extractor.fingerprint()
    other = make(precision="float32" if begun else "mixed_bfloat16")
    with pytest.raises(ValueError, match="resume: .* holds a run with other settings: .*precision was"):
        other.fit_style_transfer(3, 2, resume=True, **options)


def test_an_object_that_has_run_in_one_precision_resumes_in_the_other(machine, make, tmp_path):
    """What was compiled for its first network is not used for the second."""
    machine(True)
    whole = make()
    whole.fit_style_transfer(1, 4, verbose=0)
    make().fit_style_transfer(1, 2, checkpoint_dir=tmp_path, verbose=0)
    machine(False)
    again = make()
    again.fit_style_transfer(1, 2, verbose=0)
    again.fit_style_transfer(2, 2, checkpoint_dir=tmp_path, resume=True, verbose=0)
    assert again.settings["precision"] == "mixed_bfloat16"
    np.testing.assert_array_equal(again.image, whole.image)


@pytest.mark.parametrize("begun", [True, False])
def test_a_resumed_run_keeps_the_choice_of_xla(machine, make, tmp_path, monkeypatch, begun):
    """Where more steps, or another number of processors, would choose otherwise."""
    machine(False)
    monkeypatch.setattr(compile_cost, "pays", lambda *_: begun)
    first = make(precision="float32")
    first.fit_style_transfer(1, 1, checkpoint_dir=tmp_path, verbose=0)
    monkeypatch.setattr(compile_cost, "pays", lambda *_: not begun)
    again = make(precision="float32")
    again.fit_style_transfer(2, 1, checkpoint_dir=tmp_path, resume=True, verbose=0)
    assert again.result.plan.stages[0].jit_compile == ("auto" if begun else "false")
    assert again.setup.jit_compile == "auto"  # Later runs choose for themselves.


def test_a_run_that_ended_early_records_the_choice_of_xla_for_all_its_steps(machine, make, monkeypatch):
    machine(False)
    monkeypatch.setattr(compile_cost, "pays", lambda network, size, steps: steps < 3)
    stop = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: style_transfer.run.stop())
    style_transfer = make(precision="float32")
    style_transfer.fit_style_transfer(1, 5, callbacks=[stop], verbose=0)
    recorded = style_transfer.result.record()["settings"]
    assert (recorded["steps_per_epoch"], recorded["jit_compile"]) == (1, "false")
