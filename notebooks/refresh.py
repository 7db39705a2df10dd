"""Runs notebooks and stores what they show: python notebooks/refresh.py [NAME ...].

Each notebook's first code cell, which installs the package, is written anew from `INSTALL`.
"""

from __future__ import annotations

import base64
import io
import os
import pathlib
import re
import sys
import tempfile
from collections.abc import Mapping

import nbclient
import nbformat
import PIL.Image

from nst_keras import export
from nst_keras.runtime import quiet

__all__ = [
    "FOLDER",
    "INSTALL",
    "METADATA",
    "REPOSITORY",
    "addressed",
    "colab",
    "executed",
    "jpeg",
    "main",
]

FOLDER = pathlib.Path(__file__).resolve().parent
REPOSITORY = "https://github.com/nst-keras/nst_keras"
# The first code cell. Cells after it use the package before they import TensorFlow, whose log lines
# then stay out.
INSTALL = f"""\
import importlib.util

if importlib.util.find_spec("nst_keras") is None:
    %pip install --quiet "nst_keras[notebook] @ git+{REPOSITORY}"
elif importlib.util.find_spec("ipywidgets") is None:
    %pip install --quiet ipywidgets
%config InlineBackend.figure_formats = ["jpeg"]

import nst_keras

print("nst_keras", nst_keras.__version__)"""
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
# Of tests, and of this process once it has imported TensorFlow. A reader's kernel has neither.
_UNSET = ("MPLBACKEND", quiet.VARIABLE)
_WIDGET = "application/vnd.jupyter.widget-view+json"


def colab(name: str) -> str:
    """Returns the address at which Colab opens the notebook of this name."""
    repository = REPOSITORY.removeprefix("https://github.com/")
    return f"https://colab.research.google.com/github/{repository}/blob/main/notebooks/{name}.ipynb"


def addressed(notebook: nbformat.NotebookNode, name: str) -> nbformat.NotebookNode:
    """Puts the repository's address into a notebook: into its link to Colab and its first code."""
    title = notebook.cells[0]
    title.source = re.sub(r"\(https://colab[^()\s]+\.ipynb\)", f"({colab(name)})", title.source)
    next(cell for cell in notebook.cells if cell.cell_type == "code").source = INSTALL
    return notebook


def executed(notebook: nbformat.NotebookNode, folder: str | os.PathLike) -> nbformat.NotebookNode:
    """Runs a notebook in a folder, in a kernel of its own, and puts its outputs in place.

    What widgets show at the end stands in their place: few viewers of stored notebooks show them.

    Raises:
        nbclient.exceptions.CellExecutionError: A cell failed.
    """
    client = nbclient.NotebookClient(
        notebook,
        timeout=1800,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute(env=_environment())
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = _without_widgets(cell.outputs, client.widget_state)
    for output in (output for cell in notebook.cells for output in cell.get("outputs", ())):
        _thin(output)
    return notebook


def _environment() -> dict[str, str]:
    """Returns the environment of a kernel that imports the package from here, as quiet as it is."""
    paths = [str(FOLDER.parent), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    own = {name: value for name, value in os.environ.items() if name not in _UNSET}
    return {**own, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def _without_widgets(
    outputs: list[nbformat.NotebookNode], states: Mapping[str, dict]
) -> list[nbformat.NotebookNode]:
    """Returns outputs with what widgets show in their place, given {id of a widget: its state}."""
    found = []
    for output in outputs:
        view = output.get("data", {}).get(_WIDGET)
        captured = [] if view is None else _captured(view["model_id"], states)
        found += [output] if view is None else _without_widgets(captured, states)
    return found


def _captured(widget: str, states: Mapping[str, dict]) -> list[nbformat.NotebookNode]:
    """Returns the outputs that a widget and the widgets in it have captured."""
    state = states[widget]
    children = [child.removeprefix("IPY_MODEL_") for child in state.get("children", ())]
    own = [nbformat.from_dict(output) for output in state.get("outputs", ())]
    return own + [output for child in children for output in _captured(child, states)]


def _thin(output: nbformat.NotebookNode) -> None:
    """Leaves each picture as a JPEG alone, also one that came as a PNG. A GIF stays."""
    data = output.get("data", {})
    png = base64.b64decode(data.get("image/png", ""))
    if "image/jpeg" in data:
        data.pop("image/png", None)
    elif png.startswith(b"\x89PNG"):
        del data["image/png"]
        data["image/jpeg"] = base64.b64encode(
            jpeg(PIL.Image.open(io.BytesIO(png), formats=["PNG"]))
        ).decode()


def jpeg(picture: PIL.Image.Image) -> bytes:
    """Returns a picture as it is stored."""
    return export.encoded(picture.convert("RGB"), "JPEG", quality=78)


def main(names: list[str]) -> None:
    """Refreshes the notebooks named, or all."""
    for path in [FOLDER / f"{name}.ipynb" for name in names] or sorted(FOLDER.glob("*.ipynb")):
        with tempfile.TemporaryDirectory() as folder:
            notebook = executed(addressed(nbformat.read(path, as_version=4), path.stem), folder)
        with export.replacing(path) as temporary:
            nbformat.write(notebook, temporary)
        print(f"{path.name}: {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main(sys.argv[1:])
