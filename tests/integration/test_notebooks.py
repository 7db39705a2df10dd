"""Notebooks are run as they stand, shortened; and what is stored of them is what a reader should find."""

import base64
import re

import nbformat
import pytest

from notebooks import refresh
from tests.conftest import ROOT

PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SHORTER = {
    r"^(\w*steps) = \d+": r"\1 = 2",
    r"^image_size = \d+": "image_size = 64",
    r'"steps_per_epoch": \d+': '"steps_per_epoch": 1',
}
COLAB = "https://colab.research.google.com/github/nst-keras/nst_keras/blob/main/notebooks"


def read(path):
    return nbformat.read(path, as_version=4)


def outputs(notebook):
    return [output for cell in notebook.cells for output in cell.get("outputs", ())]


def printed(notebook):
    """What a notebook prints and warns of, and what its pictures say in words."""
    texts = [output.get("text", "") + output.get("data", {}).get("text/plain", "") for output in outputs(notebook)]
    return "\n".join(texts)


def pictures(notebook):
    """The pictures that a notebook shows, as bytes."""
    kinds = ("image/jpeg", "image/png")
    return [base64.b64decode(o.data[kind]) for o in outputs(notebook) for kind in kinds if kind in o.get("data", {})]


@pytest.fixture(params=PATHS, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture
def stored(path):
    return read(path)


@pytest.fixture
def kernel(monkeypatch):
    """What a notebook's kernel inherits: this package, and Jupyter's own way to show figures."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("MPLBACKEND", raising=False)


def shortened(notebook):
    for cell in notebook.cells:
        for pattern, shorter in SHORTER.items():
            cell.source = re.sub(pattern, shorter, cell.source, flags=re.MULTILINE)
    return notebook


@pytest.mark.slow
@pytest.mark.usefixtures("kernel")
def test_runs_without_errors_or_warnings(path, stored, tmp_path):
    executed = refresh.executed(shortened(read(path)), tmp_path)
    assert not [output for output in outputs(executed) if output.get("name") == "stderr"]
    assert len(pictures(executed)) == len(pictures(stored))
    if path.stem == "teaching":
        by_class, by_hand = re.search(r"by the class (\S+), by hand (\S+)", printed(executed)).groups()
        assert by_class == by_hand
    else:
        assert {"stylized.png", "stylized.gif"} == {file.name for file in tmp_path.iterdir()}


def test_opens_in_colab(path, stored):
    assert f"]({COLAB}/{path.name})" in stored.cells[0].source
    first, *others = [cell.source for cell in stored.cells if cell.cell_type == "code"]
    assert re.search(r'if "google.colab" in sys.modules:\n    %pip install .*nst_keras', first)
    assert "TF_CPP_MIN_LOG_LEVEL" in first
    assert not any("pip install" in source for source in others)


def test_needs_no_picture_or_weights_of_another_place(stored):
    code = "\n".join(cell.source for cell in stored.cells if cell.cell_type == "code")
    assert 'extractor="compact"' in code or 'extractor = "compact"' in code
    assert "http" not in re.sub(r"git\+https\S+", "", code)


def test_links_lead_to_notebooks(stored):
    text = "\n".join(cell.source for cell in stored.cells if cell.cell_type == "markdown")
    assert {f"{name}.ipynb" for name in re.findall(r"\]\((\w+)\.ipynb\)", text)} <= {path.name for path in PATHS}
    headings = {heading.replace(" ", "-") for heading in re.findall(r"^## (.*)", text, re.MULTILINE)}
    assert set(re.findall(r"\]\(#(.*?)\)", text)) <= headings


def test_stored_whole(stored):
    code = [cell for cell in stored.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert all("outputs" in cell for cell in code)
    assert pictures(stored)
    assert not [output for output in outputs(stored) if output.output_type == "error" or output.get("name") == "stderr"]


def test_stored_small(path, stored):
    assert path.stat().st_size < 1.5e6
    assert not [o for o in outputs(stored) if {"image/png", "image/jpeg"} <= o.get("data", {}).keys()]


def test_stored_without_traces_of_a_machine(stored):
    assert stored.metadata == refresh.METADATA
    assert not any(cell.metadata for cell in stored.cells)
    sources = "\n".join(cell.source for cell in stored.cells)
    somewhere = r"(?<![\w.:/])/(tmp|home|root|usr|work|content|Users)/|site-packages"
    assert not re.search(somewhere, sources + printed(stored))


@pytest.mark.parametrize("name", ["quickstart", "controls"])
def test_shows_a_moving_picture(name):
    *_, last = pictures(read(ROOT / "notebooks" / f"{name}.ipynb"))
    assert last.startswith(b"GIF89a")


def test_quickstart_takes_five_cells():
    notebook = read(ROOT / "notebooks" / "quickstart.ipynb")
    assert len([cell for cell in notebook.cells if cell.cell_type == "code"]) == 5


def test_teaching_has_each_equation_and_its_numbers():
    notebook = read(ROOT / "notebooks" / "teaching.ipynb")
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    assert sorted(re.findall(r"\\tag\{(\d)\}", text)) == list("1234567")
    found = " ".join(printed(notebook).split())
    assert "loss 4.0 gradient [[0. 2.] [0. 2.]]" in found
    assert "G [[10. 14.] [14. 20.]] A [[2. 2.] [2. 2.]]" in found
    assert "E 10.5625 gradient [[2. 4.5 ] [3. 6.75]]" in found
    steps, of = map(int, re.search(r"L-BFGS needs (\d+) steps for the loss of Adam's step (\d+)", found).groups())
    assert steps < of / 2


def test_teaching_shows_the_packages_own_code():
    printed_code = printed(read(ROOT / "notebooks" / "teaching.ipynb"))
    for line in (
        'return tf.linalg.einsum("bmi,bmj->bij", locations, locations), gradient',
        "features = extractor(image)",
    ):
        assert line in printed_code
        assert any(line in path.read_text() for path in (ROOT / "nst_keras").rglob("*.py"))
