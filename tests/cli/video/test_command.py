import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import warnings

import numpy as np
import pytest

from nst_keras import __main__, presets, settings, video
from nst_keras.cli.video import command, progress, reading
from nst_keras.runtime import lean
from tests.cli.video import killable
from tests.conftest import ROOT

pytest.importorskip("imageio_ffmpeg", reason="needs ffmpeg, of the extra `video`")

USUAL = ["--image_size=64", "--every=4", "--jit_compile=false"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch, painter):
    """A working folder, and a stand-in for the network."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(lean, "load", lambda: None)
    return tmp_path


def nst_keras(*arguments):
    """Exit status of `nst-keras video`."""
    return command.main([*arguments], is_short=True)


def pixels(path):
    return np.stack(list(reading.frames(reading.opened(path))))


def one_line(captured):
    """The only line on standard error."""
    (line,) = captured.err.splitlines()
    assert line.startswith("nst_keras: ")
    return line.removeprefix("nst_keras: ")


class TestMaking:
    def test_a_clip(self, capsys, folder):
        assert nst_keras("sample:pan", "sample:swirls", "made.mp4", *USUAL) == 0
        captured = capsys.readouterr()
        assert captured.err == ""
        lines = captured.out.splitlines()
        assert "nst_keras: 6 frames of 64x36 px, 6 a second." in lines
        assert lines[-2:] == ["nst_keras: frame 6 of 6", "nst_keras: 6 frames made, in 0:00; the clip is made.mp4"]
        assert os.listdir(folder) == ["made.mp4"]
        assert pixels("made.mp4").shape == (6, 36, 64, 3)

    def test_the_same_by_every_door(self, folder):
        flags = ["--video=sample:pan", "--style_image=sample:swirls", "--preset=quick", *USUAL, "--quiet"]
        assert nst_keras("sample:pan", "sample:swirls", "short.mp4", *USUAL, "--quiet") == 0
        assert __main__.main(["video", "sample:pan", "sample:swirls", "main.mp4", *USUAL, "--quiet"]) == 0
        assert video.main([*flags, "--output=long.mp4"]) == 0
        pathlib.Path("a.flags").write_text("\n".join(flags) + "\n# A note.\n")
        assert video.main(["--flagfile=a.flags", "--output=file.mp4"]) == 0
        options = {"preset": "quick", "image_size": 64, "every": 4, "jit_compile": "false"}
        report = video.stylize("sample:pan", "sample:swirls", folder / "python.mp4", **options)
        assert report.output == folder / "python.mp4"
        for name in ("main", "long", "file", "python"):
            assert np.array_equal(pixels(f"{name}.mp4"), pixels("short.mp4")), name

    def test_quiet_says_nothing(self, capsys):
        assert nst_keras("sample:pan", "sample:swirls", "made.mp4", *USUAL, "--quiet") == 0
        assert capsys.readouterr() == ("", "")

    def test_a_dry_run(self, capsys, folder):
        assert nst_keras("sample:pan", "sample:swirls", "made.mp4", *USUAL, "--dry_run") == 0
        said = capsys.readouterr().out.splitlines()[-1]
        assert said == "nst_keras: 6 frames of 64x36 px would take about 0:00; the first is made.png"
        assert os.listdir(folder) == ["made.png"]

    def test_scenes_are_told(self, capsys):
        assert nst_keras("sample:cut", "sample:swirls", "made.mp4", *USUAL) == 0
        assert "6 frames in 2 scenes made" in capsys.readouterr().out

    def test_a_warning_is_one_line_and_is_told_once(self, capsys, painter, monkeypatch):
        first = painter.next

        def warned(self, *arguments, **options):
            with warnings.catch_warnings():  # As each frame's run does.
                warnings.warn("This is\nodd.", UserWarning, stacklevel=1)
            return first(self, *arguments, **options)

        monkeypatch.setattr(painter, "next", warned)
        assert nst_keras("sample:pan", "sample:swirls", "made.mp4", *USUAL) == 0
        assert one_line(capsys.readouterr()) == "warning: This is odd."


class TestUsage:
    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["sample:pan"], "style_image is missing. Give a painting"),
            (["--style_image=a.png"], "video is missing. Give a clip"),
            (["a.mp4", "b.png", "c.mp4", "d"], "4 arguments are given (a.mp4, b.png, c.mp4, d)"),
            (["a.mp4", "--video=b.mp4"], "video is given twice: as 'a.mp4' and as --video"),
            (["sample:pan", "sample:swirls", "--style_wieght=1"], "Unknown command line flag 'style_wieght'"),
            (["sample:pan", "sample:swirls", "--mode=texture"], "Unknown command line flag 'mode'"),
            (["sample:pan", "sample:swirls", "--content_image=a.png"], "Unknown command line flag 'content_image'"),
            (["sample:pan", "sample:swirls", "--every=0"], "every must be a whole number"),
            (["sample:pan", "sample:swirls", "--every=x"], "every"),
            (["sample:pan", "sample:swirls", "--passes=0"], "passes must be a whole number"),
            (["sample:pan", "sample:swirls", "--start=-1"], "start must be a time in seconds, 0 or more"),
            (["sample:pan", "sample:swirls", "--start=1"], "start=1 leaves no frame"),
            (["sample:pan", "sample:swirls", "--end=0"], "end must be a time in seconds above 0"),
            (["sample:pan", "sample:swirls", "--temporal_weight=-1"], "temporal_weight must be 0 or more"),
            (["sample:pan", "sample:swirls", "--preset=texture"], "preset='texture' has the mode 'texture'"),
            (["sample:pan", "sample:swirls", "--preset=quik"], "Did you mean 'quick'"),
            (["sample:pan", "sample:swirls", "--flagfile=none.flags"], "flagfile: 'none.flags' cannot be read"),
            (["sample:pan", "sample:swirls", "made.avi"], "must end in one of .mp4, .mov, .mkv"),
            (["none.mp4", "sample:swirls"], "video: 'none.mp4' does not exist"),
            (["text.mp4", "sample:swirls"], "video: 'text.mp4' cannot be read as a clip"),
            (["sample:nothing", "sample:swirls"], "video: the sample='nothing' is not known"),
        ],
    )
    def test_what_is_wrong_is_one_line_and_status_2(self, arguments, said, capsys, folder):
        (folder / "text.mp4").write_text("no clip")
        assert nst_keras(*arguments) == 2
        assert said in one_line(capsys.readouterr())
        assert os.listdir(folder) == ["text.mp4"]

    def test_no_arguments_without_names_in_the_long_form(self, capsys):
        assert command.main(["a.mp4"]) == 2
        assert "'a.mp4' is no flag" in one_line(capsys.readouterr())

    def test_an_existing_clip_stays(self, capsys, folder):
        (folder / "made.mp4").write_text("mine")
        assert nst_keras("sample:pan", "sample:swirls", "made.mp4", *USUAL) == 2
        assert "output: 'made.mp4' exists already" in one_line(capsys.readouterr())
        assert (folder / "made.mp4").read_text() == "mine"
        assert nst_keras("sample:pan", "sample:swirls", "made.mp4", *USUAL, "--overwrite") == 0
        assert len(pixels("made.mp4")) == 6

    def test_a_picture_as_the_clip(self, capsys, folder):
        assert nst_keras("sample:pan", "sample:swirls", "made.mp4", *USUAL, "--dry_run") == 0
        capsys.readouterr()
        assert nst_keras("made.png", "sample:swirls", "made.mp4") == 2
        assert "video: 'made.png' is a picture" in one_line(capsys.readouterr())

    @pytest.mark.parametrize("error", [RuntimeError, MemoryError, OSError, ValueError])
    def test_a_failure_is_one_line_and_status_1(self, error, capsys, painter, monkeypatch):
        def fails(self, *_, **__):
            raise error("It failed.\nBadly.")

        monkeypatch.setattr(painter, "next", fails)
        assert nst_keras("sample:pan", "sample:swirls", "made.mp4", *USUAL) == 1
        assert one_line(capsys.readouterr()) == "It failed. Badly."

    def test_help(self, capsys):
        for arguments in ([], ["-h"], ["--help"]):
            assert nst_keras(*arguments) == 0
            said = capsys.readouterr().out
            assert "nst-keras video clip.mp4 painting.jpg made.mp4" in said
            assert "--temporal_weight" in said
            assert "--lbfgs_history" not in said
        assert nst_keras("--helpfull") == 0
        said = capsys.readouterr().out
        for field in settings.fields(settings.VideoSettings):
            assert f"--{'[no]' if field.type == 'bool' else ''}{field.name}" in said
        assert "--lbfgs_history" in said

    def test_the_looks(self, capsys):
        assert nst_keras("--preset=list") == 0
        assert capsys.readouterr().out.strip() == presets.listing().strip()


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows has other signals")
@pytest.mark.parametrize(("name", "status"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_is_one_line_and_the_same_command_goes_on(name, status, capsys, painter, monkeypatch):
    made = painter.next
    calls = []

    def interrupted(self, *arguments, **options):
        calls.append(1)
        if len(calls) == 3:
            os.kill(os.getpid(), getattr(signal, name))
        return made(self, *arguments, **options)

    monkeypatch.setattr(painter, "next", interrupted)
    arguments = ["sample:pan", "sample:swirls", "made.mp4", *USUAL]
    assert nst_keras(*arguments) == status
    said = one_line(capsys.readouterr())
    assert said == "interrupted. The frames that are made are kept: the same command goes on."
    assert not pathlib.Path("made.mp4").exists()
    assert nst_keras(*arguments) == 0
    captured = capsys.readouterr()
    assert "3 are made already." in captured.out
    assert "frame 6 of 6" in captured.out
    assert (len(calls), captured.err) == (6, "")
    assert nst_keras("sample:pan", "sample:swirls", "whole.mp4", *USUAL, "--quiet") == 0
    assert np.array_equal(pixels("made.mp4"), pixels("whole.mp4"))


def test_frames_of_other_settings_are_refused_and_can_be_thrown_away(capsys, painter, monkeypatch):
    def interrupted(self, *_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(painter, "next", interrupted)
        assert nst_keras("sample:pan", "sample:swirls", "made.mp4", *USUAL) == 130
    capsys.readouterr()
    other = ["sample:pan", "sample:swirls", "made.mp4", *USUAL, "--strength=0.5"]
    assert nst_keras(*other) == 2
    assert "made.mp4.frames' holds frames that were made with another strength." in one_line(capsys.readouterr())
    assert nst_keras(*other, "--noresume") == 0
    assert "already" not in capsys.readouterr().out


class TestProgress:
    class Source:
        count, size, rate = 8, (36, 64), 24

    class Frame:
        seconds = 2.0

    def test_the_time_left_is_that_of_usual_frames(self, capsys):
        shown = progress.Progress(self.Source, passes=2, before=3, quiet=True)
        first = self.Frame()
        first.seconds = 100.0
        shown.tell(first)
        assert shown.text() == "frame 4 of 16"
        for _ in range(3):
            shown.tell(self.Frame())
        assert shown.text() == "frame 7 of 16, 2.0 s each, 0:18 left"
        assert capsys.readouterr() == ("", "")

    def test_it_says_what_is_made(self, capsys):
        progress.Progress(self.Source, passes=1, before=3, quiet=False)
        assert capsys.readouterr().out == "nst_keras: 8 frames of 64x36 px, 24 a second. 3 are made already.\n"


def begun(*arguments):
    """A process that makes a clip and says which frames."""
    program = [sys.executable, "-m", "tests.cli.video.killable", *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(program, stdout=subprocess.PIPE, text=True, env=environment)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows kills otherwise")
def test_a_command_that_is_killed_again_and_again_goes_on_to_the_same_pixels(folder, monkeypatch):
    """Through the network, twice through the clip, over a cut and the ends of parts."""
    monkeypatch.undo()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(killable.folder, "PART", killable.PART)
    clip = ["sample:cut", "killed.mp4", "2"]
    for frames in (1, 5, 9):
        with begun(*clip) as process, contextlib.closing(process.stdout) as said:
            assert [said.readline() for _ in range(frames)][-1] != ""
            process.kill()
            process.wait()
    assert not pathlib.Path("killed.mp4").exists()
    with begun(*clip) as process:
        made = [tuple(map(int, line.split())) for line in process.stdout]
        assert process.wait() == 0
    assert made[-1] == (2, 0)
    assert len(made) <= 2 * killable.COUNT - 12
    killable.make("sample:cut", "whole.mp4", 2)
    assert np.array_equal(pixels("killed.mp4"), pixels("whole.mp4"))
    assert sorted(os.listdir(folder)) == ["killed.mp4", "whole.mp4"]
