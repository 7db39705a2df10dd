import os
import subprocess
import sys

import pytest

from nst_keras.runtime import quiet
from tests.conftest import ROOT

LOG = (
    b"WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\n"
    b"I0000 00:00:1795819085.061945   29002 port.cc:153] oneDNN custom operations are on.\n"
    b"E0000 00:00:1795819085.801619   29002 cuda_platform.cc:52] failed call to cuInit: UNKNOWN ERROR (303)\n"
    b"2024-07-01 10:00:00.123456: I tensorflow/core/platform/cpu_feature_guard.cc:210] This TensorFlow binary\n"
    b"To enable the following instructions: AVX2, in other operations, rebuild TensorFlow.\n"
    b"Skipping registering GPU devices...\n"
)
MINE = b"Traceback (most recent call last):\nI think: I0000 is mine\n\nno newline at the end"


def test_log_lines_alone_are_left_out():
    assert quiet.without_log_lines(LOG) == b""
    assert quiet.without_log_lines(MINE) == MINE
    first, rest = MINE.split(b"\n", 1)
    assert quiet.without_log_lines(first + b"\n" + LOG + rest) == MINE


RUN = """
import sys, nst_keras
nst_keras.NeuralStyleTransfer(
    "sample:swirls", "sample:grace_hopper", "compact", image_size=48, jit_compile={jit_compile}
).fit_style_transfer(1, 2, style_weight=1.0, verbose=0)
"""
# Pretends to be TensorFlow: it writes a line of the log, and one of its own, while it is imported.
PRETENDED = r"""
import os, sys
os.write(2, b"I0000 00:00:1795819085.061945   29002 port.cc:153] oneDNN is on.\n")
print("a warning of another thread", file=sys.stderr)
{end}
"""


def run(code, *path, before="", **environment):
    """What a fresh Python writes to standard error."""
    unset = {name: value for name, value in os.environ.items() if name != quiet.VARIABLE}
    unset["PYTHONPATH"] = os.pathsep.join(map(str, [*path, ROOT]))
    line = f'{before} exec "$0" "$@"' if before else 'exec "$0" "$@"'
    command = ["sh", "-c", line, sys.executable, "-c", code]
    made = subprocess.run(command, env=unset | environment, cwd=ROOT, capture_output=True, text=True, check=False)
    return made.returncode, made.stdout, made.stderr


@pytest.fixture
def pretend(tmp_path):
    """Makes a module that takes TensorFlow's place, in a folder for the path."""

    def make(end=""):
        (tmp_path / "tensorflow.py").write_text(PRETENDED.format(end=end))
        return tmp_path

    return make


IMPORT = "from nst_keras.runtime import quiet; import tensorflow"


def test_what_others_write_meanwhile_is_kept(pretend):
    assert run(IMPORT, pretend()) == (0, "", "a warning of another thread\n")


def test_a_failed_import_is_quiet_and_may_be_tried_again(pretend):
    code = f"import os\ntry:\n    {IMPORT}\nexcept ImportError:\n    print(os.environ.get(quiet.VARIABLE))"
    assert run(code, pretend("raise ImportError('no')")) == (0, "None\n", "a warning of another thread\n")


def test_an_error_is_raised_and_standard_error_is_whole_again(pretend):
    status, _, error = run(IMPORT, pretend("raise ZeroDivisionError('mine')"))
    assert status == 1
    assert "oneDNN" not in error
    assert error.endswith("ZeroDivisionError: mine\n")


def test_the_users_level_is_kept(pretend):
    code = f"{IMPORT}\nimport os, tensorflow; print(os.environ[quiet.VARIABLE])"
    status, printed, error = run(code, pretend(), **{quiet.VARIABLE: "0"})
    assert (status, printed) == (0, "0\n")
    assert "oneDNN" in error


def test_a_user_who_imports_tensorflow_first_sees_its_log(pretend):
    code = f"import tensorflow, os\n{IMPORT}\nprint(os.environ.get(quiet.VARIABLE))"
    status, printed, error = run(code, pretend())
    assert (status, printed) == (0, "None\n")
    assert "oneDNN" in error


@pytest.mark.parametrize("before", ["exec 2>&-;", "exec 2>/dev/full;"])
def test_without_a_standard_error_nothing_fails(pretend, before):
    code = f"import sys\nsys.stderr = None\n{IMPORT}\nprint('tensorflow' in sys.modules)"
    path = pretend()
    (path / "tensorflow.py").write_text("import os\nfor descriptor in (1, 2): os.path.exists(str(descriptor))")
    assert run(code, path, before=before) == (0, "True\n", "")


@pytest.mark.slow
def test_a_transfer_that_compiles_with_xla_writes_nothing_to_standard_error():
    assert run(RUN.format(jit_compile=True)) == (0, "", "")
