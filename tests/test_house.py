"""The plan of the house: imports run one way, public things are documented, and a room stays a room."""

import ast
import importlib

import pytest

from tests.conftest import ROOT

# The program that makes the compact network's weights stands above the package, in an order of its own.
TRAINING_ORDER = ["pictures", "layerwise", "distillation", "stylising", "packing", "state", "train"]


def files_of(package):
    folder = ROOT / package
    files = {
        ".".join(p.relative_to(folder).with_suffix("").parts).removesuffix(".__init__"): p for p in folder.rglob("*.py")
    }
    return {package: files.pop("__init__"), **files}


FILES = files_of("nst_keras")
TRAINING_FILES = files_of("training")
ROOMS = {**{f"nst_keras.{n}": p for n, p in FILES.items()}, **{f"training.{n}": p for n, p in TRAINING_FILES.items()}}


def imported(path, package="nst_keras"):
    """Rooms of a package that a file imports, at whatever depth in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} imports relatively"
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {name.removeprefix(f"{package}.") for name in names} & files_of(package).keys()


@pytest.mark.parametrize("room", TRAINING_ORDER)
def test_training_imports_run_one_way(room):
    own = imported(TRAINING_FILES[room], "training") - {"training"}
    assert own <= set(TRAINING_ORDER[: TRAINING_ORDER.index(room)])
    assert sorted([*TRAINING_ORDER, "training"]) == sorted(TRAINING_FILES)


@pytest.mark.parametrize("room", FILES)
def test_the_package_does_not_import_its_training_or_its_tools(room):
    assert not imported(FILES[room], "training") | imported(FILES[room], "tools")


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_stays_a_room(room):
    tree = ast.parse(ROOMS[room].read_text())
    assert len(ROOMS[room].read_text().splitlines()) <= 300
    assert ast.get_docstring(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
            assert body[-1].end_lineno - body[0].lineno < 40, node.name


@pytest.mark.parametrize("room", sorted(ROOMS.keys() - {"training.train", "training.training"}))
def test_all_names_exist_and_are_documented(room):
    module = importlib.import_module(room.replace("nst_keras.nst_keras", "nst_keras"))
    for name in module.__all__:
        thing = getattr(module, name)
        if isinstance(thing, type) or callable(thing):
            assert thing.__doc__, f"{room}.{name} has no docstring"


def test_unknown_names_are_refused():
    import nst_keras

    with pytest.raises(AttributeError, match="no attribute 'NeuralStyleTransfers'"):
        getattr(nst_keras, "NeuralStyleTransfers")  # noqa: B009  As a user would.
    assert set(nst_keras.__all__) == set(dir(nst_keras))
