"""README and the pages of the documentation, for the tests: their text, their snippets, and how a run is made short."""

import contextlib
import os
import pathlib
import re
import shlex
import subprocess
import sys
import textwrap
from typing import NamedTuple
from unittest import mock

from nst_keras import __main__ as short_command
from nst_keras import batch, presets, provenance, run, video
from nst_keras.cli.batch import parent
from nst_keras.cli.studio import serving
from nst_keras.presets import merging
from nst_keras.runtime import compilation
from tests.cli.batch import conftest as batch_conftest
from tests.conftest import ROOT

DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
PATHS = [ROOT / "README.md", *PAGES]

# What a reader may copy. Blocks of these other kinds are read, not run.
READ_ALONE = {"text", "json", "yaml", ""}
# First words of commands that no test can run: they install, need a checkout, several machines or a browser.
NOT_RUN = (
    ("pip", "install"),
    ("git", "clone"),
    ("cd",),
    ("source",),
    ("export",),
    ("eval",),
    ("ffmpeg",),
    ("nvidia-smi",),
    ("lscpu",),
    ("tensorboard",),
    ("ray",),
    ("kubectl",),
    ("pre-commit",),
    ("ruff",),
    ("pyright",),
    ("codespell",),
    ("lint-imports",),
    (".ci/run",),
    ("python3", "-m", "venv"),
    ("python", "-c"),
    ("python", "-m", "pytest"),
    ("python", "-m", "mkdocs"),
    ("python", "-m", "training.train"),  # `test_training` runs it.
    ("python", "-m", "training.low_rank"),  # `tests/training` runs it.
    ("python", "-m", "tools.draw_samples"),
    ("python", "-m", "tools.gallery"),  # `tests/tools` runs it.
)
# Options of the short command that print something and make no picture.
PRINTING = ("--help", "--helpfull", "--version", "--preset=list", "--completion")

# InceptionV3 takes nothing smaller than 75 px.
SHORT = ["--image_size=80", "--epochs=1", "--steps_per_epoch=2", "--jit_compile=false"]
SMALLER = ["--pyramid=2", "--pyramid_shares=1,1", "--texture_size=88x80"]
# (in a snippet in Python, in its place).
SHORTER = [
    (r"\bsteps_per_epoch=\d+", "steps_per_epoch=2"),
    (r"\bepochs=\d+", "epochs=1"),
    (r"\bimage_size=\d+", "image_size=80"),
    (r"\bpyramid=\[[^]]*\]", "pyramid=[56, 80]"),
    (r"\bpyramid_shares=\[[^]]*\]", "pyramid_shares=[2, 1]"),
    (r'\btexture_size="\w+"', 'texture_size="64x48"'),
]


class Snippet(NamedTuple):
    """A block of a page.

    Attributes:
        path: The page.
        line: The line of its first word.
        language: What stands behind the three marks.
        text: The block, without the marks.
    """

    path: pathlib.Path
    line: int
    language: str
    text: str

    def __str__(self):
        return f"{self.path.relative_to(ROOT)}:{self.line}"


def snippets(*languages, paths=PATHS):
    """The blocks of some languages; those of all languages if none is named."""
    found = []
    for path in paths:
        text = path.read_text()
        for match in re.finditer(r"^( *)```([^\n`]*)\n(.*?)^ *```$", text, re.DOTALL | re.MULTILINE):
            language, block = match[2].split(" ")[0], textwrap.dedent(match[3])
            if not languages or language in languages:
                found.append(Snippet(path, text.count("\n", 0, match.start()) + 2, language, block))
    return found


def commands(block):
    """The commands of a block in bash, each as words: one a line, or several with `&&` between them."""
    found = []
    for line in block.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        while "&&" in words:
            found.append(words[: words.index("&&")])
            words = words[words.index("&&") + 1 :]
        found.append(words)
    return [words for words in found if words]


def shortened(arguments, *, preset=None):
    """The arguments of a short run: of the flags that few runs have, those of this one, its flagfile or its preset."""
    text = "\n".join(arguments)
    for path in re.findall(r"^--flagfile=(.*)$", text, re.MULTILINE):
        text += "\n" + pathlib.Path(path).read_text()
    names = re.findall(r"^--preset=(.*)$", text, re.MULTILINE) or ([preset] if preset else [])
    text += "".join("\n" + (presets.FOLDER / f"{name}.flags").read_text() for name in names if name != "none")
    short = [
        *SHORT,
        *(flag for flag in SMALLER if re.search(rf"^{flag.partition('=')[0]}=(?!none)", text, re.MULTILINE)),
    ]
    replaced = {flag.partition("=")[0] for flag in short}
    return [*(one for one in arguments if one.partition("=")[0] not in replaced), *short]


def shortened_python(snippet):
    for long, short in SHORTER:
        snippet = re.sub(long, short, snippet)
    return snippet


@contextlib.contextmanager
def short_presets():
    """Presets of a few steps and pixels, without XLA."""
    complete = merging.options

    def options(name, given):
        found = {**complete(name, given), "epochs": 1, "steps_per_epoch": 2, "image_size": 80, **given}
        if found.get("pyramid") and "pyramid" not in given:
            found |= {"pyramid": 2, "pyramid_shares": [1, 1]}
        return found

    with (
        mock.patch.object(merging, "options", options),
        mock.patch.object(presets, "options", options),
        mock.patch.object(compilation, "jit_mode", return_value="false"),
    ):
        yield


def is_run(words):
    """Whether `execute` runs a command."""
    return words[0] == "nst-keras" or (words[:2] == ["python", "-m"] and words[2].startswith("nst_keras"))


def is_known(words):
    """Whether a command is run, or is among those that none can run here; or has a file and so a test of its own."""
    if words[0] == "python" and words[1].endswith(".py"):
        return (ROOT / words[1]).is_file()
    return is_run(words) or "=" in words[0] or any(tuple(words[: len(first)]) == first for first in NOT_RUN)


def same(words):
    """What a command does but for the names of its files, so that each is run once."""
    outputs = re.compile(r"(--(?:output|animation|loss_plot|contact_sheet|preview)=)\w+(\.\w+)")
    words = [outputs.sub(r"\1\2", word) for word in words]
    names = [number for number, word in enumerate(words) if number and not word.startswith("-")]
    if words[0] == "nst-keras" and len(names) == 3:
        words[names[2]] = pathlib.Path(words[names[2]]).suffix
    return tuple(words)


def execute(words):
    """Runs a command in the present folder, shortened, and returns its exit status."""
    into = None
    if ">" in words:
        words, (into,) = words[: words.index(">")], words[words.index(">") + 1 :]
    program, arguments = (words[0], words[1:]) if words[0] == "nst-keras" else (words[2], words[3:])
    if program == "nst_keras.provenance":
        with open(into, "w") as file, contextlib.redirect_stdout(file):
            return provenance.main(arguments)
    if arguments[:1] == ["studio"]:
        # Its flags are read and checked. `tests/cli/studio` builds the page and visits it.
        with mock.patch.multiple(serving, _page=mock.DEFAULT, _serve=mock.DEFAULT) as parts:
            return short_command.main(arguments) or 1 - parts["_serve"].call_count
    if arguments[:1] == ["batch"] or program == "nst_keras.batch":
        return short_batch(arguments, is_short=program == "nst-keras")
    if arguments[:1] == ["video"] or program == "nst_keras.video":
        return short_video(arguments, is_short=program == "nst-keras")
    if any(word.startswith(PRINTING) for word in arguments):
        return alone("-m", "nst_keras", *arguments)
    before = written()
    if program == "nst_keras.run":
        status = run.main(shortened(arguments))
    elif any(word.startswith("--xla_cache") for word in arguments):
        status = alone("-m", "nst_keras", *shortened(arguments, preset="quick"))
    else:
        status = short_command.main(shortened(arguments, preset="quick"))
    assert written() != before, f"{shlex.join(words)!r} wrote nothing"
    return status


def short_batch(arguments, *, is_short):
    """Runs a batch in this process, shortened, and returns its exit status."""
    arguments = shortened(arguments, preset="quick" if is_short else None)
    own = [argument for argument in arguments if not argument.startswith(("--ray_address", "--worker"))]
    with batches_in_this_process():
        return short_command.main(own) if is_short else batch.main(own)


def short_video(arguments, *, is_short):
    """Makes the first frames of a clip in this process, and returns the exit status."""
    arguments = shortened(arguments, preset="quick" if is_short else None)
    own = [argument for argument in arguments if not argument.startswith(("--start", "--end", "--frame_steps"))]
    own, before = [*own, "--end=0.1", "--frame_steps=2"], written()
    status = short_command.main(own) if is_short else video.main(own)
    assert written() != before, f"{shlex.join(arguments)!r} wrote nothing"
    return status


def batches_in_this_process():
    """Batches start no process, which takes seconds. `tests/cli/batch` has those that do."""
    return mock.patch.object(parent, "Workers", batch_conftest.InThisProcess)


def alone(*arguments):
    """Runs Python in a process of its own, whose home is the present folder, and returns its exit status."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": os.getcwd()}
    return subprocess.run([sys.executable, *arguments], env=environment, check=False).returncode


def written():
    """The present folder's files, with the time at which each was written."""
    return {path: path.stat().st_mtime_ns for path in pathlib.Path.cwd().rglob("*") if path.is_file()}
