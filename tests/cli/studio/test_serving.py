import importlib.util
import subprocess
import sys

import pytest

from nst_keras import __main__ as short_command
from nst_keras import studio
from tests.conftest import ROOT


def test_help_shows_the_examples_and_every_flag(capsys):
    assert short_command.main(["studio", "--help"]) == 0
    said = capsys.readouterr().out
    assert "nst-keras studio --open" in said
    for flag in ("--port", "--host", "--[no]share", "--largest_size", "--most_steps", "--run_seconds", "--waiting"):
        assert flag in said


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--port=0"], "port must be a whole number, 1 to 65535, but 0 was given."),
        (["--port=many"], "flag --port=many"),
        (["photo.jpg"], "'photo.jpg' is no flag."),
        (["--largest_size=-5"], "largest_size must be a whole number, 128 or more, but -5 was given."),
        (["--prot=1"], "Unknown command line flag 'prot'"),
    ],
)
def test_bad_flags_are_told_in_a_line(capsys, flags, sentence):
    assert studio.main(flags) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1


def test_without_the_extra_one_sentence_names_it(capsys, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "gradio" else found(name, *rest)
    )
    assert studio.main([]) == 2
    assert 'pip install "nst_keras[studio]"' in capsys.readouterr().err
    with pytest.raises(ImportError, match="studio"):
        studio.app()


def test_an_unknown_limit_is_named():
    with pytest.raises(ValueError, match="studio: 'size' is not an option"):
        studio.app(size=3)


def test_it_loads_without_tensorflow_and_gradio():
    code = "import sys, nst_keras.studio; assert not {'tensorflow', 'gradio', 'pandas'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_files_of_a_space_belong_together():
    folder = ROOT / "docs" / "spaces"
    about = pytest.importorskip("yaml").safe_load((folder / "README.md").read_text().split("---")[1])
    assert about["sdk"] == "gradio"
    assert (folder / about["app_file"]).is_file()
    assert (folder / "requirements.txt").read_text().startswith("nst_keras[studio] @ git+https://")
