"""Pictures and checkpoints of version 0.1.0 before settings became values: they are made again, and go on."""

import pathlib
import shutil

import numpy as np
import PIL.Image
import pytest

from nst_keras import provenance, run

FIXTURES = pathlib.Path(__file__).parents[1] / "fixtures" / "v0_1_0"
INPUTS = ["--content_image=content.png", "--style_image=style.png"]
RUN = [*INPUTS, "--extractor=compact", "--style_layers=conv1_1,conv2_1", "--content_layers=conv3_1", "--seed=0"]
RUN += ["--normalization=relative", "--jit_compile=false", "--steps_per_epoch=4", "--epochs=2", "--quiet"]
OPTIMIZERS = {"adam": "--learning_rate=2", "lbfgs": "--lbfgs_history=2"}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    shutil.copytree(FIXTURES, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def assert_same(made, before):
    """Equal on the machine that made them; elsewhere processors round differently."""
    made, before = (np.asarray(PIL.Image.open(path), int) for path in (made, before))
    assert np.max(np.abs(made - before)) <= 2


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_checkpoint_goes_on(folder, optimizer):
    own = [f"--optimizer={optimizer}", OPTIMIZERS[optimizer], f"--checkpoint_dir={optimizer}_checkpoints", "--resume"]
    assert run.main([*RUN, *own, "--output=made.png"]) == 0
    assert (folder / f"{optimizer}_checkpoints" / "step_00000008").is_dir()
    assert_same("made.png", f"{optimizer}_8.png")


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_checkpoint_of_other_settings_is_still_refused(folder, optimizer, capsys):
    own = [f"--optimizer={optimizer}", OPTIMIZERS[optimizer], f"--checkpoint_dir={optimizer}_checkpoints", "--resume"]
    assert run.main([*RUN, *own, "--output=made.png", "--style_weight=2"]) == 2
    assert "style_weight was 1.0, and is 2.0 now" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_picture_is_made_again(folder, optimizer, capsys):
    assert provenance.main([f"{optimizer}_8.png"]) == 0
    (folder / "settings.flags").write_text(capsys.readouterr().out)
    assert run.main(["--flagfile=settings.flags", *INPUTS, "--output=made.png", "--quiet"]) == 0
    assert_same("made.png", f"{optimizer}_8.png")
