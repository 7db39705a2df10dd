"""Runs notebooks and stores what they show: python notebooks/refresh.py [NAME ...]."""

from __future__ import annotations

import base64
import io
import os
import pathlib
import sys
import tempfile

import nbclient
import nbformat
import PIL.Image

from nst_keras import export

__all__ = ["FOLDER", "METADATA", "executed", "main"]

FOLDER = pathlib.Path(__file__).resolve().parent
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def executed(notebook: nbformat.NotebookNode, folder: str | os.PathLike) -> nbformat.NotebookNode:
    """Runs a notebook in a folder, in a kernel of its own, and puts its outputs in place.

    What TensorFlow's C++ writes while it is loaded stays out; Python's warnings do not.

    Raises:
        nbclient.exceptions.CellExecutionError: A cell failed.
    """
    client = nbclient.NotebookClient(
        notebook,
        timeout=1800,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(folder)}},
        extra_arguments=["--IPKernelApp.capture_fd_output=False"],
    )
    client.execute()
    notebook.metadata = nbformat.from_dict(METADATA)
    for output in (output for cell in notebook.cells for output in cell.get("outputs", ())):
        _thin(output)
    return notebook


def _thin(output: nbformat.NotebookNode) -> None:
    """Leaves each picture as a JPEG alone, also one that came as a PNG. A GIF stays."""
    data = output.get("data", {})
    png = base64.b64decode(data.get("image/png", ""))
    if "image/jpeg" in data:
        data.pop("image/png", None)
    elif png.startswith(b"\x89PNG"):
        del data["image/png"]
        picture = PIL.Image.open(io.BytesIO(png)).convert("RGB")
        data["image/jpeg"] = base64.b64encode(export.encoded(picture, "JPEG", quality=78)).decode()


def main(names: list[str]) -> None:
    """Refreshes the notebooks named, or all."""
    for path in [FOLDER / f"{name}.ipynb" for name in names] or sorted(FOLDER.glob("*.ipynb")):
        with tempfile.TemporaryDirectory() as folder:
            notebook = executed(nbformat.read(path, as_version=4), folder)
        with export.replacing(path) as temporary:
            nbformat.write(notebook, temporary)
        print(f"{path.name}: {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main(sys.argv[1:])
