import os
import subprocess
import sys

from tests.conftest import ROOT

# Pretends to be Keras: it tries to import what it can do without.
PRETENDED = """
import gc
try:
    import matplotlib.pyplot
except ImportError:
    matplotlib = None
collects = gc.isenabled()
"""
LOADED = """
import gc
from nst_keras.runtime import lean
{allow}
lean.load()
import sys
keras = sys.modules.get("keras")
import matplotlib.pyplot
print(keras and (keras.matplotlib is None, keras.collects), gc.isenabled(), gc.get_freeze_count() > 0)
"""


def loaded(folder, allow):
    """What a process says of Keras, which is pretended: whether it lacks matplotlib, and whether garbage was sought."""
    (folder / "keras.py").write_text(PRETENDED)
    (folder / "matplotlib").mkdir()
    (folder / "matplotlib" / "__init__.py").touch()
    (folder / "matplotlib" / "pyplot.py").touch()
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, [folder, ROOT]))}
    command = [sys.executable, "-c", LOADED.format(allow=allow)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


def test_a_command_spares_what_it_does_not_use_while_keras_is_loaded(tmp_path):
    assert loaded(tmp_path, "lean.allow()") == "(True, False) True True\n"


def test_another_process_is_left_alone(tmp_path):
    assert loaded(tmp_path, "") == "None True False\n"
