"""The plan of the house: imports run one way, public things are documented, and a room stays a room.

The contracts about imports are in pyproject.toml, for `lint-imports`.
"""

import ast
import configparser
import graphlib
import importlib
import re
import subprocess
import sys

import grimp
import pytest

import nst_keras
from tests.conftest import ROOT

LINT_IMPORTS = "from importlinter import cli; raise SystemExit(cli.lint_imports(no_cache=True, no_logo=True))"
# Imported name -> name on PyPI, where they differ.
DISTRIBUTIONS = {"PIL": "pillow", "absl": "absl-py", "pillow_heif": "pillow-heif", "cv2": "opencv-python-headless"}
# Imported only where the user's own program has it loaded already.
FROM_THE_USER = {"IPython"}
# Imported only for what needs it: {name on PyPI: the extra that installs it}.
OPTIONAL = {"pillow-heif": "heic", "shtab": "completion", "opencv-python-headless": "video"} | dict.fromkeys(
    ["gradio", "pandas", "starlette"], "studio"
)


def rooms_of(package):
    """{dotted name: file} of a package's modules."""
    folder = ROOT / package
    return {
        ".".join((package, *path.relative_to(folder).with_suffix("").parts)).removesuffix(".__init__"): path
        for path in folder.rglob("*.py")
    }


PACKAGE = rooms_of("nst_keras")
ROOMS = {**PACKAGE, **rooms_of("training")}


def test_imports_keep_the_contracts():
    done = subprocess.run([sys.executable, "-c", LINT_IMPORTS], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


@pytest.mark.parametrize("package", ["nst_keras", "training", "tools"])
def test_no_module_imports_itself_through_others(package):
    graph = grimp.build_graph(package, cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert [*graphlib.TopologicalSorter(imports).static_order()]


def test_the_root_stays_small():
    inside = [path for path in (ROOT / "nst_keras").iterdir() if path.name != "__pycache__"]
    assert sum(path.suffix == ".py" for path in inside) <= 10
    assert sum(path.is_dir() for path in inside) <= 13


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_stays_a_room(room):
    tree = ast.parse(ROOMS[room].read_text())
    assert len(ROOMS[room].read_text().splitlines()) <= 300
    assert ast.get_docstring(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
            assert body[-1].end_lineno - body[0].lineno < 40, node.name


@pytest.mark.parametrize("room", sorted(ROOMS.keys() - {"training.low_rank", "training.train", "training"}))
def test_all_names_exist_and_are_documented(room):
    module = importlib.import_module(room)
    for name in module.__all__:
        thing = getattr(module, name)
        if isinstance(thing, type) or callable(thing):
            assert thing.__doc__, f"{room}.{name} has no docstring"


def annotations_of(function):
    """The annotations of a function's parameters and of its result."""
    arguments = function.args
    parameters = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    annotations = [parameter.annotation for parameter in parameters if parameter] + [function.returns]
    return [annotation for annotation in annotations if annotation]


def test_values_have_names():
    """A mapping of anything tells neither the reader nor pyright what is in it: few parameters and results are one."""
    functions = [
        (room, node)
        for room, path in PACKAGE.items()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
    ]
    found = [
        f"{room}.{function.name}: {ast.unparse(part)}"
        for room, function in functions
        for annotation in annotations_of(function)
        for part in ast.walk(annotation)
        if isinstance(part, ast.Subscript) and ast.unparse(part) in ("Mapping[str, Any]", "dict[str, Any]")
    ]
    assert len(found) <= 8, "\n".join(found)


def imported_distributions():
    """Names on PyPI of what the package imports from outside, at whatever depth in its files."""
    nodes = [node for path in PACKAGE.values() for node in ast.walk(ast.parse(path.read_text()))]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    tops = {name.partition(".")[0] for name in names} - sys.stdlib_module_names - FROM_THE_USER - {"nst_keras"}
    return {DISTRIBUTIONS.get(name, name) for name in tops}


def declared_in(requirements):
    """Names on PyPI in the lines of a requirement list."""
    return {re.split(r"[<>=\[]", line)[0].lower() for line in requirements.split()}


def test_what_is_imported_is_declared():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    assert imported_distributions() == declared_in(setup["options"]["install_requires"]) | OPTIONAL.keys()
    for distribution, extra in OPTIONAL.items():
        assert distribution in declared_in(setup["options.extras_require"][extra])


def test_the_citation_is_whole():
    citation = pytest.importorskip("yaml").safe_load((ROOT / "CITATION.cff").read_text())
    assert (citation["cff-version"], citation["version"]) == ("1.2.0", nst_keras.__version__)
    assert citation["message"]
    assert citation["authors"] == [{"name": "The nst_keras developers"}]
    assert [reference["year"] for reference in citation["references"]] == [2015, 2016]
    for reference in citation["references"]:
        assert reference["type"]
        assert reference["title"]
        assert [author["family-names"] for author in reference["authors"]] == ["Gatys", "Ecker", "Bethge"]


def test_the_changelog_has_sections_for_what_is_to_come_and_for_this_version():
    changelog = (ROOT / "CHANGELOG.md").read_text()
    versions = re.findall(r"^## \[(.*)\]", changelog, re.MULTILINE)
    assert versions[0] == "Unreleased"
    assert nst_keras.__version__ in versions
    kinds = re.findall(r"^### (.*)", changelog, re.MULTILINE)
    assert set(kinds) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_unknown_names_are_refused():
    with pytest.raises(AttributeError, match="no attribute 'NeuralStyleTransfers'"):
        getattr(nst_keras, "NeuralStyleTransfers")  # noqa: B009  As a user would.
    assert set(nst_keras.__all__) == set(dir(nst_keras))
