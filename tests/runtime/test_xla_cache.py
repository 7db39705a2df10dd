import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from nst_keras.images import loading
from nst_keras.runtime import xla_cache
from tests.conftest import ROOT

RUN = ["-m", "nst_keras.run", "--content_image=sample:grace_hopper", "--style_image=sample:grace_hopper", "--seed=0"]
RUN += ["--extractor=vgg16", "--weights=random", "--style_layers=conv1_1", "--content_layers=conv1_2", "--quiet"]
RUN += ["--image_size=32", "--epochs=1", "--steps_per_epoch=3", "--jit_compile=true"]


def python(*arguments, **environment):
    everything = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run([sys.executable, *arguments], env=everything, capture_output=True, text=True, check=False)


def kept(folder):
    """{file: when it was written} in a cache."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_a_second_run_loads_what_the_first_compiled_and_makes_the_same_picture(tmp_path):
    cache = tmp_path / 'it\'s a "cache"'  # TensorFlow has to find its way through quotes and spaces.
    pictures, found = [], []
    for name in ("first.png", "second.png"):
        done = python(*RUN, f"--output={tmp_path / name}", f"--xla_cache={cache}")
        assert (done.returncode, done.stderr) == (0, "")
        pictures.append(loading.load(tmp_path / name))
        found.append(kept(cache))
    assert len(found[0]) > 0
    assert found[0] == found[1]
    np.testing.assert_array_equal(*pictures)
    record = json.loads((tmp_path / "second.json").read_text())
    assert "xla_cache" not in record["settings"]  # It changes nothing of the picture.
    assert "xla_cache" not in (tmp_path / "second.flags").read_text()


@pytest.mark.slow
def test_it_keeps_other_settings_and_is_named_once(tmp_path):
    code = "import os; from nst_keras.runtime import xla_cache; own = xla_cache.use({0!r});"
    code += (
        "assert xla_cache.use({0!r}) == own; print(os.environ['TF_XLA_FLAGS']); import tensorflow; xla_cache.use({0!r})"
    )
    done = python("-c", code.format(str(tmp_path)), TF_XLA_FLAGS="--tf_xla_max_cluster_size=9")
    assert done.returncode == 0
    first, *others = done.stdout.split()
    assert first == "--tf_xla_max_cluster_size=9"
    assert [other.partition("=")[0] for other in others] == [
        "--tf_xla_persistent_cache_directory",
        "--tf_xla_persistent_cache_device_types",
    ]
    assert str(tmp_path) in others[0]


def test_after_tensorflow_it_is_too_late(tmp_path):
    with pytest.raises(RuntimeError, match="xla_cache: .* comes too late, since TensorFlow is imported already. Start"):
        xla_cache.use(tmp_path)


def test_a_folder_that_cannot_be_written_to_is_done_without(tmp_path, monkeypatch):
    """TensorFlow would fail there, and again at each retry."""
    before = dict(os.environ)
    (tmp_path / "file").touch()
    with pytest.warns(UserWarning, match="xla_cache: .*file/cache' is not a folder that .* goes on without the cache"):
        assert xla_cache.use(tmp_path / "file" / "cache") is None
    nearly_full = shutil._ntuple_diskusage(2**40, 2**40 - 2**25, 2**25)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: nearly_full)
    with pytest.warns(UserWarning, match="xla_cache: the disk of '.*' has only 32 MiB free. The run goes on without"):
        assert xla_cache.use(tmp_path / "cache") is None
    assert os.environ == before
