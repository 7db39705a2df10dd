"""Notebooks are run as they stand, shortened; and what is stored of them is what a reader should find."""

import base64
import configparser
import functools
import io
import json
import re
import sys

import nbformat
import numpy as np
import PIL.Image
import pytest

from notebooks import refresh
from nst_keras import presets
from tests.conftest import ROOT

PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SHORTER = {
    r"^(\w*steps) = \d+": r"\1 = 2",
    r"^image_size = \d+": "image_size = 64",
    r'"steps_per_epoch": \d+': '"steps_per_epoch": 1',
    # Fewer layers are traced sooner.
    r'^(    "content_layers": \["conv4_2"\],)': r'\1 "n_style_layers": 2,',
    r'^(style_layers = \["conv1_1", "conv2_1", "conv3_1").*': r"\1]",
    # Of alternatives that are traced one by one, the last.
    r'\[\["conv\w+"\], (\["conv.*?\])\]': r"[\1]",
    r'\["zeros", ("replicate")\]': r"[\1]",
    r'"n_style_layers": \[2, 5\]': '"n_style_layers": [5]',
    r'"normalization": \["relative", "mean", ("gatys2015")\]': r'"normalization": [\1]',
    r"^for layer in style_layers:(\n +reconstruction)": r"for layer in style_layers[-1:]:\1",
    r"^for count in range\(1, 6\)": "for count in range(3, 4)",
    r"for count in \(1, 2, 3, 5\)": "for count in (3,)",
    r'\("content", "noise", ("style")\)': r"(\1,)",
}
WIDGET = "application/vnd.jupyter.widget-view+json"

# {notebook: cells that are run after its own}.
FURTHER = {
    "quickstart": [
        """
import json
import pathlib

sliders = {widget.description: widget for widget in make.widget.kwargs_widgets}
style_transfer = transfer(sliders["preset"].value, sliders["image_size"].value)
style_transfer.save("first.png")
traces = [style_transfer.objective.tracing_count()]
sliders["strength"].value = 0.0
make.widget.manual_button.click()
assert transfer(sliders["preset"].value, sliders["image_size"].value) is style_transfer
assert style_transfer.settings["strength"] == 0.0
style_transfer.save("last.png")
traces.append(style_transfer.objective.tracing_count())
pathlib.Path("traces.json").write_text(json.dumps(traces))
""",
    ]
}


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


def pixels(picture):
    return np.asarray(PIL.Image.open(io.BytesIO(picture)))


@pytest.fixture(params=PATHS, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture
def stored(path):
    return read(path)


def shortened(notebook):
    for cell in notebook.cells:
        for pattern, shorter in SHORTER.items():
            cell.source = re.sub(pattern, shorter, cell.source, flags=re.MULTILINE)
    return notebook


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Runs a notebook, shortened and perhaps with a further cell. Returns it and the folder that it ran in."""

    @functools.cache
    def of(name):
        notebook, folder = shortened(read(ROOT / "notebooks" / f"{name}.ipynb")), tmp_path_factory.mktemp(name)
        notebook.cells += [nbformat.v4.new_code_cell(cell) for cell in FURTHER.get(name, ())]
        return refresh.executed(notebook, folder), folder

    return of


@pytest.mark.slow
def test_runs_without_errors_or_warnings(path, stored, run):
    executed, folder = run(path.stem)
    del executed.cells[len(stored.cells) :]
    assert not [output for output in outputs(executed) if output.get("name") == "stderr"]
    assert len(pictures(executed)) == len(pictures(stored))
    if path.stem == "teaching":
        by_class, by_hand = re.search(r"by the class (\S+), by hand (\S+)", printed(executed)).groups()
        assert by_class == by_hand
    else:
        assert {"stylized.png", "stylized.gif"} <= {file.name for file in folder.iterdir()}


@pytest.mark.slow
def test_sliders_make_another_picture_without_tracing(run):
    executed, folder = run("quickstart")
    sliders = next(cell for cell in executed.cells if "interact_manual" in cell.source)
    assert not [output for output in sliders.outputs if WIDGET in output.data]
    (shown,) = [base64.b64decode(output.data["image/jpeg"]) for output in sliders.outputs]
    first, last = (refresh.jpeg(PIL.Image.open(folder / f"{name}.png")) for name in ("first", "last"))
    assert np.array_equal(pixels(shown), pixels(last))
    assert not np.array_equal(pixels(shown), pixels(first))
    assert json.loads((folder / "traces.json").read_text()) == [1, 1]


def test_begins_with_the_link_to_colab_and_the_cell_that_installs(path, stored):
    badge = "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
    assert f"{badge}({refresh.colab(path.stem)})" in stored.cells[0].source
    first, *others = [cell.source for cell in stored.cells if cell.cell_type == "code"]
    assert first == refresh.INSTALL
    assert not any("pip install" in source or "TF_CPP_MIN_LOG_LEVEL" in source for source in others)


def test_what_is_installed_has_all_that_notebooks_import(stored):
    extra, url = re.search(r'"nst_keras\[(\w+)\] @ git\+(\S+)"', refresh.INSTALL).groups()
    assert url == refresh.REPOSITORY
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    found = set((setup["options"]["install_requires"] + setup["options.extras_require"][extra]).split())
    found = {re.split(r"[<>=\[]", name)[0].lower() for name in found} | sys.stdlib_module_names
    code = "\n".join(cell.source for cell in stored.cells if cell.cell_type == "code")
    imported = set(re.findall(r"^(?:from|import) (\w+)", code, re.MULTILINE))
    assert {name.lower() for name in imported} <= found | {"nst_keras"}


def test_needs_no_picture_or_weights_of_another_place(path, stored):
    code = "\n".join(cell.source for cell in stored.cells if cell.cell_type == "code")
    if path.stem == "quickstart":
        offered = re.findall(r'from_preset\(\s*"(\w+)"|preset=\[(.*)\]', code)
        chosen = re.findall(r"\w+", " ".join(" ".join(found) for found in offered))
        assert len(chosen) == 5
        assert {presets.get(name).needs for name in chosen} == {"no download"}
    else:
        assert 'extractor = "compact"' in code
    assert "http" not in code.replace(refresh.INSTALL, "")


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
    shown = pictures(read(ROOT / "notebooks" / f"{name}.ipynb"))
    assert len([picture for picture in shown if picture.startswith(b"GIF89a")]) == 1


def test_quickstart_takes_four_cells_to_a_picture_and_its_files():
    notebook = read(ROOT / "notebooks" / "quickstart.ipynb")
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    assert len(code) == 6
    _, make, _, files, sliders, listing = code
    assert 'from_preset(\n    "quick"' in make
    assert "style_transfer.save(" in files
    assert "interact_manual" in sliders
    assert "presets.listing()" in listing


def test_quickstart_shows_a_picture_where_there_are_no_widgets():
    notebook = read(ROOT / "notebooks" / "quickstart.ipynb")
    sliders = next(cell for cell in notebook.cells if "interact_manual" in cell.source)
    assert [sorted(output.data) for output in sliders.outputs] == [["image/jpeg", "text/plain"]]


def test_quickstart_says_what_its_preset_has():
    notebook = read(ROOT / "notebooks" / "quickstart.ipynb")
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    assert f"`quick` has {presets.get('quick').values['content_weight']:g})" in text


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
