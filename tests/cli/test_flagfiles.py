import codecs
import os
import subprocess
import sys

import pytest
from absl import flags as absl_flags

from nst_keras.cli import command, flagfiles
from tests.conftest import ROOT

TEXT = "# größe\r\n--style_image=größe.png\r\n\r\n--seed=3\r\n"


@pytest.mark.parametrize(
    "raw",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
        TEXT.encode("utf-16-le"),
    ],
)
def test_the_encodings_that_programs_write_are_read(tmp_path, raw):
    path = tmp_path / "own.flags"
    path.write_bytes(raw)
    text = flagfiles.read(str(path))
    assert flagfiles.lines(text) == ["--style_image=größe.png", "--seed=3"]


@pytest.mark.parametrize("raw", [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"--seed=3\n" * 200_000])
def test_what_is_no_flagfile_is_told_by_its_name(tmp_path, raw):
    path = tmp_path / "a.png"
    path.write_bytes(raw)
    with pytest.raises(ValueError, match=r"flagfile: '.*a\.png' is not a text of flags"):
        flagfiles.read(str(path))


def test_flagfiles_inside_flagfiles_stand_in_their_place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "outer.flags").write_bytes("--seed=1\n--flagfile=inner.flags\n".encode("utf-16"))
    (tmp_path / "inner.flags").write_bytes("--epochs=2\n".encode("utf-8-sig"))
    values = command._flag_values()
    argv, texts = flagfiles.expanded(["--output", "--flagfile=x", "--flagfile", "outer.flags", "--seed=2"], values)
    assert argv == ["--output", "--flagfile=x", "--seed=1", "--epochs=2", "--seed=2"]
    assert list(texts) == ["outer.flags", "inner.flags"]
    (tmp_path / "inner.flags").write_text("--flagfile=outer.flags\n")
    with pytest.raises(absl_flags.Error, match="includes itself"):
        flagfiles.expanded(["--flagfile=outer.flags"], values)


def test_a_locale_without_the_letters_opens_the_same_file(tmp_path):
    (tmp_path / "größe.png").write_text("here")
    (tmp_path / "own.flags").write_text("--style_image=größe.png\n", encoding="utf-8")
    code = (
        "import sys; from nst_keras.cli import flagfiles; assert sys.getfilesystemencoding() != 'utf-8';"
        "line, = flagfiles.lines(flagfiles.read('own.flags')); print(open(line.partition('=')[2]).read())"
    )
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONPATH": str(ROOT)}
    if sys.platform == "win32":
        pytest.skip("Windows names files in Unicode")
    made = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert made.stdout == "here\n"


def test_names_that_are_no_utf_8_are_read_as_on_a_command_line(tmp_path):
    (tmp_path / "a.flags").write_bytes(b"--content_image=lat\xffin.png\n")
    assert flagfiles.read(str(tmp_path / "a.flags")) == "--content_image=lat\udcffin.png\n"
