import sys
import types

import pytest


@pytest.fixture
def notebook(monkeypatch):
    """Pretends to be a notebook; gives what its cell shows, one list of MIME bundles for each output in it."""
    cell = []

    def display(bundle, *, raw, display_id):
        assert raw
        assert display_id
        cell.append([bundle])
        return types.SimpleNamespace(update=lambda bundle, *, raw, shown=cell[-1]: shown.append(bundle))

    pretended = types.SimpleNamespace(display=display)
    shell = type("ZMQInteractiveShell", (), {})()
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell, display=pretended))
    monkeypatch.setitem(sys.modules, "IPython.display", pretended)
    return cell
