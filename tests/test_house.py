"""The plan of the house: imports run one way, public things are documented, and a room stays a room."""

import ast
import importlib

import pytest

from tests.conftest import ROOT

# Each room may import those before it. A package's own modules stand before it.
ORDER = [
    "nst_keras",
    "checks",
    "folders",
    "xla_cache",
    "digests",
    "processors",
    "compilation",
    "strategies",
    "distribution",
    "hosts",
    "memory",
    "flag_kinds",
    "flags",
    "formats",
    "formats.opening",
    "formats.metadata",
    "provenance",
    "formats.profiles",
    "bands",
    "formats.tiffs",
    "formats.decoding",
    "formats.levels",
    "drawing",
    "drawing.canvas",
    "drawing.curves",
    "drawing.photograph",
    "drawing.swirls_brush",
    "drawing.swirls_night",
    "drawing.stained_glass_pieces",
    "drawing.stained_glass_flowers",
    "drawing.stained_glass_window",
    "drawing.woodblock_press",
    "drawing.woodblock_wave",
    "drawing.woodblock_print",
    "drawing.landscape_terrain",
    "drawing.landscape_land",
    "drawing.landscape_sky",
    "drawing.landscape_foreground",
    "drawing.landscape_scene",
    "samples",
    "images",
    "colour",
    "export.files",
    "export.stills",
    "export.animations",
    "export",
    "plots",
    "winograd",
    "network_layers",
    "xla_layers",
    "rebuilding",
    "compact",
    "architectures",
    "extractors",
    "layer_weights",
    "receptive_field",
    "tiles",
    "tiling",
    "priors",
    "losses",
    "guidance",
    "statistics.base",
    "statistics.matrix_root",
    "statistics.moments",
    "statistics.sliced",
    "statistics",
    "targets",
    "backpropagation",
    "objective",
    "shared_objective",
    "tiled_content",
    "tiled_objective",
    "objectives",
    "optimizers.base",
    "optimizers.keras_optimizer",
    "optimizers.lbfgs",
    "optimizers.spectral",
    "optimizers.averaged",
    "optimizers",
    "footprint",
    "capacity",
    "tile_sizes",
    "starts",
    "inputs",
    "modes",
    "masks",
    "reading",
    "pyramid",
    "problem",
    "assembly",
    "checkpoints",
    "callbacks.history",
    "callbacks.frames",
    "callbacks.checkpointing",
    "callbacks.notebook",
    "callbacks.display",
    "callbacks.progress_views",
    "callbacks.progress",
    "callbacks.tensorboard",
    "callbacks.watching",
    "callbacks.balance",
    "callbacks.lockstep",
    "callbacks",
    "loop",
    "outcome",
    "transfer",
    "job",
    "run",
]
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


@pytest.mark.parametrize("room", TRAINING_ORDER)
def test_training_imports_run_one_way(room):
    own = imported(TRAINING_FILES[room], "training") - {"training"}
    assert own <= set(TRAINING_ORDER[: TRAINING_ORDER.index(room)])
    assert sorted([*TRAINING_ORDER, "training"]) == sorted(TRAINING_FILES)


@pytest.mark.parametrize("room", ORDER)
def test_the_package_does_not_import_its_training(room):
    assert not imported(FILES[room], "training")


def test_nobody_imports_run():
    assert not [room for room in ORDER if "run" in imported(FILES[room])]


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
