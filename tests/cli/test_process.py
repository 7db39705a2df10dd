import os
import subprocess
import sys

from tests.conftest import ROOT

COMMAND = """
import atexit
from nst_keras.cli import process

class Kept:
    def __del__(self):
        print("taken apart", flush=True)

kept = Kept()

def main():
    atexit.register(lambda: print("registered"))
    {work}

process.run(main)
"""


def ended(work):
    """Exit status and output of a process whose command does this; its output is a pipe, which Python buffers."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    command = [sys.executable, "-c", COMMAND.format(work=work)]
    done = subprocess.run(
        command, env=environment | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


def test_a_command_ends_at_once_with_its_status_and_all_it_has_written():
    assert ended("print('written'); return 3") == (3, "written\nregistered\n", "")


def test_an_error_ends_the_process_as_ever():
    status, written, error = ended("1 / 0")
    assert (status, written) == (1, "registered\ntaken apart\n")
    assert error.endswith("ZeroDivisionError: division by zero\n")
