"""The plan of the house: imports run one way, public things are documented, and a room stays a room."""

import ast
import importlib

import pytest

from tests.conftest import ROOT

# Each room may import those before it. A package's own modules stand before it.
ORDER = [
    "nst_keras",
    "checks",
    "compilation",
    "memory",
    "flags",
    "samples",
    "images",
    "winograd",
    "xla_layers",
    "architectures",
    "extractors",
    "losses",
    "objective",
    "optimizers.base",
    "optimizers.keras_optimizer",
    "optimizers.lbfgs",
    "optimizers",
    "starts",
    "callbacks",
    "loop",
    "transfer",
    "export",
    "job",
    "run",
]
PACKAGE = ROOT / "nst_keras"
FILES = {
    ".".join(p.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): p for p in PACKAGE.rglob("*.py")
}
FILES["nst_keras"] = FILES.pop("__init__")


def imported(path):
    """Rooms that a file imports, at whatever depth in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} imports relatively"
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    rooms = {name.removeprefix("nst_keras.") for name in names}
    return {room for room in rooms if room in FILES}


def test_the_order_names_every_room():
    assert sorted(ORDER) == sorted(FILES)


@pytest.mark.parametrize("room", ORDER)
def test_imports_run_one_way(room):
    own_package = {room.rpartition(".")[0]} if "." in room else set()
    later = imported(FILES[room]) - set(ORDER[: ORDER.index(room)]) - own_package - {room}
    if room == "nst_keras":
        assert imported(FILES[room]) <= {"nst_keras"}
    else:
        assert not later, f"{room} may not import {later}"


def test_nobody_imports_run():
    assert not [room for room in ORDER if "run" in imported(FILES[room])]


@pytest.mark.parametrize("room", ORDER)
def test_a_room_stays_a_room(room):
    tree = ast.parse(FILES[room].read_text())
    assert len(FILES[room].read_text().splitlines()) <= 300
    assert ast.get_docstring(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
            assert body[-1].end_lineno - body[0].lineno < 40, node.name


@pytest.mark.parametrize("room", ORDER)
def test_all_names_exist_and_are_documented(room):
    module = importlib.import_module("nst_keras" if room == "nst_keras" else f"nst_keras.{room}")
    for name in module.__all__:
        thing = getattr(module, name)
        if isinstance(thing, type) or callable(thing):
            assert thing.__doc__, f"{room}.{name} has no docstring"


def test_unknown_names_are_refused():
    import nst_keras

    with pytest.raises(AttributeError, match="no attribute 'NeuralStyleTransfers'"):
        getattr(nst_keras, "NeuralStyleTransfers")  # noqa: B009  As a user would.
    assert set(nst_keras.__all__) == set(dir(nst_keras))
