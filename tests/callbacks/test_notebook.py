"""Pictures and progress in a real kernel: in a cell, and inside a widget that captures outputs."""

import base64
import hashlib
import io

import nbclient
import nbformat
import numpy as np
import PIL.Image
import pytest

from nst_keras.runtime import quiet
from tests.conftest import ROOT

BEGIN = """
import hashlib
import ipywidgets
from nst_keras import NeuralStyleTransfer

style_transfer = NeuralStyleTransfer(
    "sample:swirls", "sample:grace_hopper", "compact", image_size=32, jit_compile=False
)

def made(steps):
    style_transfer.fit_style_transfer(1, steps, style_weight=1.0, show_image=True, show_interval=2)
    print(steps, hashlib.sha256(style_transfer.image.tobytes()).hexdigest())
"""
CELLS = [
    BEGIN,
    "made(2)",
    "output = ipywidgets.Output()\ndisplay(output)\nwith output:\n    made(3)",
    "ipywidgets.interact(made, steps=(4, 4));",
    "made(5)",
]
WIDGETS = "application/vnd.jupyter.widget-state+json"
VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(scope="module")
def executed():
    """A notebook after its run, with the states of its widgets."""
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    notebook = nbformat.v4.new_notebook(cells=cells)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        patch.delenv(quiet.VARIABLE, raising=False)
        patch.delenv("MPLBACKEND", raising=False)
        nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    return notebook


def outputs(notebook, cell):
    """What a cell shows in the end, with widgets replaced by what they show."""
    states = {name: state["state"] for name, state in notebook.metadata.widgets[WIDGETS]["state"].items()}

    def shown(given):
        for output in given:
            view = output.get("data", {}).get(VIEW)
            if view is None:
                yield output
                continue
            state = states[view["model_id"]]
            yield from shown(state.get("outputs", ()))
            yield from shown([{"data": {VIEW: {"model_id": child[10:]}}} for child in state.get("children", ())])

    return list(shown(notebook.cells[cell].outputs))


@pytest.mark.slow
def test_the_last_step_is_shown_in_a_cell_and_in_a_widget_that_captures(executed):
    for cell, steps in ((1, 2), (2, 3), (3, 4), (4, 5)):
        found = outputs(executed, cell)
        (printed,) = [output["text"] for output in found if output.get("name") == "stdout"]
        (picture,) = [output["data"]["image/png"] for output in found if "image/png" in output.get("data", {})]
        pixels = np.asarray(PIL.Image.open(io.BytesIO(base64.b64decode(picture))))
        assert printed == f"{steps} {hashlib.sha256(pixels.tobytes()).hexdigest()}\n"
        (progress,) = [output["data"] for output in found if "text/html" in output.get("data", {})]
        assert f"step {steps}/{steps}  loss " in progress["text/plain"]
        assert "width:100.0%" in progress["text/html"]
        assert not [output for output in found if output.get("name") == "stderr"]


@pytest.mark.slow
def test_the_first_cell_writes_nothing(executed):
    assert executed.cells[0].outputs == []
