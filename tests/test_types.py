"""What a user's editor sees: the package's own types, and a wrong argument before anything runs."""

import ast
import json
import os
import subprocess
import sys

import pytest

import nst_keras
from tests.conftest import ROOT

SCRIPT = """
from nst_keras import NeuralStyleTransfer, estimate_memory, xla_cache

style_transfer = NeuralStyleTransfer("style.jpg", "content.jpg", extractor="compact", normalization="relative")
frames = style_transfer.fit_style_transfer(epochs=1, steps_per_epoch=60, style_weight=2.0)
shape: tuple[int, ...] = frames[-1].shape
reason: str = style_transfer.stop_reason
style_transfer.save("made.png", bit_depth=16)
total: int = estimate_memory(256, 256).total
"""
WRONG = {
    'NeuralStyleTransfer("style.jpg", "content.jpg", style_wieght=2.0)': "style_wieght",
    'NeuralStyleTransfer("style.jpg", "content.jpg", image_size="large")': "image_size",
    "style_transfer.fit_style_transfer(epoch=1)": "epoch",
    'style_transfer.save("made.png", bits=16)': "bits",
    "style_transfer.steps_made": "steps_made",
    'estimate_memory(256, 256, optimiser="adam")': "optimiser",
}


def found(folder, checker, *names):
    """Returns {script: what a type checker tells of errors in it}, of scripts that are checked together."""
    if checker == "pyright":
        line = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable, *names]
        done = subprocess.run(line, cwd=folder, capture_output=True, text=True, check=False)
        told = [one for one in json.loads(done.stdout)["generalDiagnostics"] if one["severity"] == "error"]
        told = [(one["file"], one["message"]) for one in told]
    else:
        line = [sys.executable, "-m", "mypy", "--ignore-missing-imports", "--follow-imports=silent", *names]
        done = subprocess.run(line, cwd=folder, capture_output=True, text=True, check=False)
        told = [line.split(":", 1) for line in done.stdout.splitlines() if ": error:" in line]
    assert {os.path.basename(file) for file, _ in told} <= set(names), done.stdout
    return {name: [message for file, message in told if os.path.basename(file) == name] for name in names}


@pytest.mark.slow
@pytest.mark.parametrize("checker", ["pyright", "mypy"])
def test_a_type_checker_finds_what_is_wrong_in_a_users_script_and_nothing_else(tmp_path, checker):
    pytest.importorskip(checker)
    (tmp_path / "nst_keras").symlink_to(ROOT / "nst_keras")
    (tmp_path / "right.py").write_text(SCRIPT)
    (tmp_path / "wrong.py").write_text(SCRIPT + "\n".join(WRONG))
    told = found(tmp_path, checker, "right.py", "wrong.py")
    assert told["right.py"] == []
    for name in WRONG.values():
        assert [line for line in told["wrong.py"] if name in line], f"{checker} does not see that {name} is wrong"


def test_what_type_checkers_see_is_what_is_there():
    """The names are written twice in the package: once for type checkers, once for Python."""
    (block,) = (
        node for node in ast.parse((ROOT / "nst_keras" / "__init__.py").read_text()).body if isinstance(node, ast.If)
    )
    for statement in block.body:
        for alias in statement.names:
            module = __import__(statement.module, fromlist=[alias.name])
            assert getattr(nst_keras, alias.asname or alias.name) is getattr(module, alias.name)
    seen = {alias.asname or alias.name for statement in block.body for alias in statement.names}
    assert seen | {"__version__"} == set(nst_keras.__all__)
