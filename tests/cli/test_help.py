"""What the command line answers without a run."""

import re
import subprocess
import sys

import pytest

import nst_keras
from nst_keras import __main__, presets, run, settings
from nst_keras.cli import completion
from nst_keras.cli import help as help_lib
from tests.conftest import ROOT

DOORS = [__main__.main, run.main]


def answered(capsys, door, *arguments):
    assert door(list(arguments)) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    return printed.out


@pytest.mark.parametrize("door", DOORS)
def test_help_is_short_and_begins_with_examples(capsys, door):
    shown = answered(capsys, door, "--help")
    lines = shown.splitlines()
    assert len(lines) <= 60
    assert max(map(len, lines)) <= 120
    assert shown.index("Examples:") < shown.index("--strength")
    assert [line.rstrip(":") for line in lines if re.fullmatch(r"\w+:", line)] == ["Examples", *help_lib.SECTIONS]
    assert answered(capsys, door, "-h") == shown


def test_help_names_flags_that_exist():
    named = [name for names in help_lib.SECTIONS.values() for name in names]
    flags = [field.name for field in settings.fields(settings.JobSettings) if settings.declared(field).has_flag]
    assert len(named) == len(set(named))
    assert set(named) <= set(flags)


@pytest.mark.parametrize("door", DOORS)
def test_full_help_has_every_flag(capsys, door):
    shown = answered(capsys, door, "--helpfull")
    for field in settings.fields(settings.JobSettings):
        assert not settings.declared(field).has_flag or re.search(rf"^ *--(\[no\])?{field.name}:", shown, re.MULTILINE)
    assert "--style_image=a.jpg,b.jpg" in shown
    assert "Exit status:" in shown
    assert all(f"{group.title}:" in shown for group in settings.groups(settings.JobSettings))


def test_no_arguments_give_about_ten_lines(capsys):
    shown = answered(capsys, __main__.main)
    assert 8 <= len([line for line in shown.splitlines() if line]) <= 12
    assert "nst-keras photo.jpg painting.jpg" in shown


def test_version(capsys):
    shown = answered(capsys, __main__.main, "--version")
    assert shown.startswith(f"nst_keras {nst_keras.__version__} (tensorflow ")


@pytest.mark.parametrize("door", DOORS)
def test_presets_are_listed(capsys, door):
    assert answered(capsys, door, "--preset=list") == f"{presets.listing()}\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_completion(capsys, shell):
    pytest.importorskip("shtab", reason="the extra `completion` is not installed")
    script = answered(capsys, __main__.main, f"--completion={shell}")
    assert "--style_weight" in script or "style_weight" in script
    assert "painting" in script


def test_bash_completes_a_flag_and_a_preset():
    pytest.importorskip("shtab", reason="the extra `completion` is not installed")
    script = completion.script("bash")
    words = "COMP_WORDS=(nst-keras {}); COMP_CWORD={}; _shtab_nst_keras nst-keras; echo ${{COMPREPLY[@]}}"
    for typed, at, expected in [("--style_w", 1, "--style_weight"), ("--preset pain", 2, "painting")]:
        shell = ["bash", "-c", f"{script}\n{words.format(typed, at)}"]
        assert subprocess.run(shell, capture_output=True, text=True, check=True).stdout.split() == [expected]


def test_completion_without_its_package_says_what_to_install(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "shtab", None)
    assert __main__.main(["--completion=bash"]) == 2
    assert 'completion needs shtab. Install it: pip install "nst_keras[completion]"' in capsys.readouterr().err


def test_answers_need_no_tensorflow():
    code = (
        "import sys; from nst_keras import __main__ as door; "
        "[door.main(question) for question in (['--help'], ['--helpfull'], ['--version'], ['--preset=list'], [])]; "
        "assert not {'tensorflow', 'keras', 'numpy'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.count("Examples:") == 3


def test_a_reader_may_stop_early():
    command = f"{sys.executable} -c 'from nst_keras import __main__ as door; door.main([\"--helpfull\"] )' | head -1"
    shell = ["bash", "-c", f"set -o pipefail; {command}"]
    done = subprocess.run(shell, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert done.stdout.startswith("nst-keras CONTENT STYLE")
