"""Every command and every program in README and in the documentation runs as it stands, shortened."""

import os
import subprocess
import sys

import PIL.Image
import pytest

from nst_keras.images import samples
from tests.conftest import ROOT
from tests.integration import documents


def unique(snippets, key):
    """The snippets, but those that do the same as an earlier one."""
    return list({key(snippet): snippet for snippet in reversed(snippets)}.values())[::-1]


def runs(block):
    return [words for words in documents.commands(block) if documents.is_run(words)]


def is_repeated(block):
    return "nst_keras.provenance" in block


BASH = [one for one in documents.snippets("bash") if runs(one.text)]
COMMANDS = unique(
    [one for one in BASH if not is_repeated(one.text)], lambda one: tuple(map(documents.same, runs(one.text)))
)
REPEATED = [one for one in BASH if is_repeated(one.text)]
PROGRAMS = unique(documents.snippets("python"), lambda one: documents.shortened_python(one.text))
# The same process serves the page of a Space, behind the guard whatever `launch` is given.
BEHIND_ITS_GUARD = """
import runpy, sys, urllib.error, urllib.request
page.close()
page = runpy.run_path(sys.argv[1])["page"]
page.launch(prevent_thread_lock=True, quiet=True, app_kwargs={"title": "a space"})
try:
    urllib.request.urlopen(page.local_url + "monitoring")
except urllib.error.HTTPError as error:
    assert (error.code, error.read()) == (404, b"There is no such page."), error
else:
    raise AssertionError("the page is served without its guard")
assert page.max_file_size == 32_000_000
"""
TRAININGS = [words for one in documents.snippets("bash") for words in documents.commands(one.text)]
TRAININGS = [words for words in TRAININGS if words[:3] == ["python", "-m", "training.train"]]


def test_each_block_is_run_or_of_a_kind_that_is_read():
    others = [str(one) for one in documents.snippets() if one.language not in {*documents.READ_ALONE, "bash", "python"}]
    assert others == []
    assert [str(one) for one in documents.snippets("bash") if documents.commands(one.text) == []] == []


def test_each_command_is_known():
    every = [(str(one), words) for one in documents.snippets("bash") for words in documents.commands(one.text)]
    assert [(place, words) for place, words in every if not documents.is_known(words)] == []
    assert not documents.is_known(["wget", "picture.jpg"])
    assert not documents.is_known(["python", "benchmarks/none.py"])


@pytest.mark.slow
@pytest.mark.parametrize("snippet", COMMANDS, ids=str)
def test_commands(folder, snippet):
    for words in runs(snippet.text):
        assert documents.execute(words) == 0, words


@pytest.mark.slow
@pytest.mark.parametrize("snippet", REPEATED, ids=str)
def test_a_picture_is_made_again(folder, snippet):
    for words in runs(snippet.text):
        assert documents.execute(words) == 0, words
    with PIL.Image.open("bridge.png") as picture, PIL.Image.open("again.png") as again:
        assert picture.tobytes() == again.tobytes()


@pytest.mark.slow
@pytest.mark.parametrize("snippet", PROGRAMS, ids=str)
@pytest.mark.filterwarnings("ignore:show_image. there is no screen")
def test_programs(folder, snippet):
    program = documents.shortened_python(snippet.text)
    if "studio.app" in program:
        assert documents.alone("-c", f"{program}\n{BEHIND_ITS_GUARD}", str(ROOT / "docs" / "spaces" / "app.py")) == 0
    elif "xla_cache.use" in program:  # Before TensorFlow is imported.
        assert documents.alone("-c", program) == 0
    else:
        with documents.short_presets(), documents.batches_in_this_process():
            exec(program, {})


@pytest.mark.slow
@pytest.mark.parametrize("words", unique(TRAININGS, tuple), ids=lambda words: words[-1])
def test_training(folder, words):
    for name in ("photographs", "paintings"):
        (folder / name).mkdir(exist_ok=True)
        PIL.Image.fromarray(samples.read("grace_hopper")[::8, ::8]).save(folder / name / "picture.png")
    short = ["--epochs=1", "--steps_per_epoch=1", "--batch=2", "--fit_crops=4", "--size=32", "--pool=0"]
    short += ["--widths=[[3,4],[5,4],[6,5,6,4],[7,6,5],[8]]"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, *words[1:], *short], env=environment, check=True)
    assert (folder / "compact_training" / "compact.weights.h5").exists()
