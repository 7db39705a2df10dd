import importlib.metadata
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest

from nst_keras.cli import command, flags
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


def test_it_keeps_other_settings_and_is_named_once(tmp_path):
    code = "import os, sys; from nst_keras.runtime import xla_cache; own = xla_cache.use({0!r});"
    code += "assert xla_cache.use({0!r}) == own; print(os.environ['TF_XLA_FLAGS']);"
    code += "sys.modules['tensorflow'] = sys; xla_cache.use({0!r})"  # As if it were imported by now.
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


def field(number, content):
    """A protocol buffer's field of bytes."""
    length, digits = len(content), []
    while True:
        length, digit = divmod(length, 128)
        digits.append(digit + 128 * bool(length))
        if not length:
            return bytes([number << 3 | 2, *digits]) + content


WHOLE = field(1, b"key") + field(2, b"x" * 300)


@pytest.fixture
def entry(tmp_path):
    """`entry(name, content, days=...)` is a program that was last used some days ago."""

    def written(name, content=WHOLE, *, days=0.0):
        path = tmp_path / "tensorflow-1" / f"xla_compile_cache__{name}"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        used = time.time() - 86400 * days
        os.utime(path, (used, used))
        return path

    return written


@pytest.mark.parametrize("content", [b"", WHOLE[:-1], WHOLE[:1], WHOLE + b"\x08\x01", b"no protocol buffer at all"])
def test_a_program_that_is_cut_off_is_deleted(entry, tmp_path, content):
    """TensorFlow would end the run there."""
    whole, damaged = entry("1.pb"), entry("2.pb", content)
    xla_cache._tidy(tmp_path)
    assert whole.exists()
    assert not damaged.exists()


def test_what_a_killed_process_has_left_is_deleted_and_what_a_living_one_writes_is_not(entry, tmp_path):
    left, living = entry("1.pb.tmp1", WHOLE[:9], days=2), entry("2.pb.tmp2", WHOLE[:9])
    mine = tmp_path / "tensorflow-1" / "mine.pb"
    mine.write_bytes(b"not TensorFlow's")
    xla_cache._tidy(tmp_path)
    assert not left.exists()
    assert living.exists()
    assert mine.exists()


def test_the_programs_used_last_are_kept(entry, tmp_path, monkeypatch):
    monkeypatch.setattr(xla_cache, "_MOST_KEPT", 2 * len(WHOLE))
    paths = [entry(f"{number}.pb", days=days) for number, days in enumerate([3, 1, 4, 2])]
    xla_cache._tidy(tmp_path)
    assert [path.exists() for path in paths] == [False, True, False, True]


def test_a_program_that_another_process_deletes_meanwhile_is_no_error(entry, tmp_path, monkeypatch):
    gone = entry("1.pb")

    def deleted(path, size):
        path.unlink()
        raise FileNotFoundError(path)

    monkeypatch.setattr(xla_cache, "_is_whole", deleted)
    xla_cache._tidy(tmp_path)
    assert not gone.exists()


@pytest.fixture
def before_tensorflow(monkeypatch):
    """Makes it look as if TensorFlow was not imported yet."""
    monkeypatch.delitem(sys.modules, "tensorflow")
    monkeypatch.setenv("TF_XLA_FLAGS", "")


def test_the_usual_folder_is_in_the_users_cache(before_tensorflow, monkeypatch, tmp_path):
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *_, **__: pathlib.Path(tmp_path))
    own = xla_cache.use_default()
    assert own.parent == tmp_path / "xla"
    assert f'"{own}"' in os.environ["TF_XLA_FLAGS"]


def test_the_usual_folder_is_done_without_in_silence(before_tensorflow, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *_, **__: tmp_path / "file")
    assert xla_cache.use_default() is None
    assert os.environ["TF_XLA_FLAGS"] == ""


@pytest.mark.parametrize(
    "error", [RuntimeError("no home folder"), importlib.metadata.PackageNotFoundError("tensorflow")]
)
def test_where_no_usual_folder_is_known_nothing_is_kept(before_tensorflow, monkeypatch, error):
    def failing(*_, **__):
        raise error

    monkeypatch.setattr("platformdirs.user_cache_path", failing)
    assert xla_cache.use_default() is None


def test_a_users_own_cache_stays(before_tensorflow, monkeypatch):
    monkeypatch.setenv("TF_XLA_FLAGS", "--tf_xla_persistent_cache_directory=/mine")
    assert xla_cache.use_default() is None
    assert os.environ["TF_XLA_FLAGS"] == "--tf_xla_persistent_cache_directory=/mine"


def test_after_tensorflow_the_usual_folder_is_done_without():
    assert "tensorflow" in sys.modules
    assert xla_cache.use_default() is None


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], ["default"]),
        (["--jit_compile=false"], []),
        (["--xla_cache=none"], []),
        (["--xla_cache=here"], ["here"]),
        (["--xla_cache=here", "--jit_compile=false"], ["here"]),
    ],
)
def test_the_command_line_keeps_programs_where_it_is_told(monkeypatch, arguments, expected):
    used = []
    monkeypatch.setattr(xla_cache, "use", used.append)
    monkeypatch.setattr(xla_cache, "use_default", lambda: used.append("default"))
    values = command._flag_values()
    values(["nst_keras", *arguments])
    command._keep_compiled(flags.settings_of(values))
    assert used == expected
