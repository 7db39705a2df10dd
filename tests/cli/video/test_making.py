import contextlib
import errno
import itertools
import json
import os
import pathlib
import shutil

import numpy as np
import pytest

from nst_keras.cli.video import folder as folder_lib
from nst_keras.cli.video import making, sample_clips, writing
from nst_keras.engine import checkpoint_lock
from nst_keras.images import loading

pytest.importorskip("imageio_ffmpeg", reason="needs ffmpeg, of the extra `video`")

pytestmark = pytest.mark.usefixtures("painter")

FULL = OSError(errno.ENOSPC, "No space left on device")


def nothing(frame):
    """Is told of a frame."""


def inside(path):
    """Names of all files in a folder."""
    return sorted(str(found.relative_to(path)) for found in pathlib.Path(path).rglob("*") if found.is_file())


class Killed(BaseException):
    """The process has ended: nothing cleans up after it."""


@pytest.fixture
def killer(monkeypatch):
    """Kills the process before or after a change of the disk. From then on, nothing changes any more."""
    monkeypatch.setattr(checkpoint_lock, "held", lambda folder, **_: contextlib.nullcontext())
    places = {"left": None, "is_after": False}

    def watched(function):
        def called(*arguments, **options):
            if places["left"] is None:
                return function(*arguments, **options)
            places["left"] -= 1
            if places["left"] == 0 and places["is_after"]:
                function(*arguments, **options)
            if places["left"] <= 0:
                raise Killed
            return function(*arguments, **options)

        return called

    for owner, name in [
        *((os, name) for name in ("replace", "unlink")),
        *((pathlib.Path, name) for name in ("unlink", "rmdir", "touch", "mkdir", "write_bytes")),
        (shutil, "rmtree"),
        (folder_lib.Folder, "note"),
    ]:
        monkeypatch.setattr(owner, name, watched(getattr(owner, name)))

    def kill(place, *, is_after):
        places.update(left=place, is_after=is_after)

    yield kill
    places["left"] = None


@pytest.mark.usefixtures("in_arrays")
@pytest.mark.parametrize(
    ("passes", "step"),
    [(1, 9), (2, 19), pytest.param(1, 1, marks=pytest.mark.slow), pytest.param(3, 3, marks=pytest.mark.slow)],
)
def test_a_command_that_is_killed_anywhere_goes_on_to_the_same_pixels(made, killer, passes, step, tmp_path):
    def run(output="made.mp4"):
        made({"image_size": 32}, video="sample:cut", every=4, passes=passes, output=str(tmp_path / output)).run(nothing)

    def is_killed(place, *, is_after):
        killer(place, is_after=is_after)
        try:
            run()
        except Killed:
            return True
        return False

    run("whole.mp4")
    whole = np.load(tmp_path / "whole.mp4")
    for place in itertools.count(1, step):
        is_after = place // step % 2 == 0
        if not is_killed(place, is_after=is_after):
            break
        if not (tmp_path / "made.mp4").exists():
            is_killed(1 + place // 2, is_after=not is_after)
        killer(None, is_after=False)
        with contextlib.suppress(FileExistsError):  # It was killed at its very end.
            run()
        assert np.array_equal(np.load(tmp_path / "made.mp4"), whole), place
        # Temporary files of a living process, as this one is, are not removed.
        left = [name for name in sorted(os.listdir(tmp_path)) if not name.startswith(".nst_keras-")]
        assert left == ["made.mp4", "whole.mp4"], place
        (tmp_path / "made.mp4").unlink()
    assert place > 25


@pytest.mark.usefixtures("in_arrays")
@pytest.mark.parametrize(("passes", "last"), [(1, 7), (2, 17)])
def test_ctrl_c_keeps_what_is_made(made, passes, last, tmp_path):
    told = []

    def tell(frame):
        told.append((frame.round, frame.number))
        if len(told) == last:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made(passes=passes).run(tell)
    assert not (tmp_path / "made.mp4").exists()
    again = made(passes=passes)
    assert again.made == last
    report = again.run(tell)
    forth = [(1, number) for number in range(12)]
    assert told == [*forth, *((2, number) for number in reversed(range(12)) if passes == 2)]
    assert len(report.steps) == 12
    assert report.scenes == [0]
    made(passes=passes, output=str(tmp_path / "whole.mp4")).run(nothing)
    assert np.array_equal(np.load(tmp_path / "made.mp4"), np.load(tmp_path / "whole.mp4"))


@pytest.mark.usefixtures("in_arrays")
def test_little_is_kept_meanwhile_and_nothing_at_the_end(made, tmp_path):
    kept = tmp_path / "made.mp4.frames"
    most = {"pass_1": 0, "shown": 0}

    def tell(frame):
        for kind, number in most.items():
            most[kind] = max(number, len(list((kept / kind).glob("*.png"))))

    report = made(video="sample:journey", every=2).run(tell)
    assert report.frames == 60
    assert most == {"pass_1": 20, "shown": 3}
    assert os.listdir(tmp_path) == ["made.mp4"]


@pytest.mark.usefixtures("in_arrays")
def test_the_second_pass_removes_the_pictures_of_the_first(made, tmp_path):
    kept = tmp_path / "made.mp4.frames"
    there = []
    made(passes=3).run(lambda frame: there.append(sorted(path.name for path in kept.glob("pass_*") if path.is_dir())))
    assert there[0] == ["pass_1"]
    assert there[12] == ["pass_1", "pass_2"]
    assert there[24] == ["pass_2", "pass_3"]


@pytest.mark.usefixtures("in_arrays")
def test_the_report(made, tmp_path):
    frames = []
    report = made(video="sample:cut", every=3).run(frames.append)
    assert report.output == tmp_path / "made.mp4"
    assert (report.frames, report.size, report.rate) == (8, (36, 64), 8)
    assert report.scenes == [0, 4]
    assert report.steps == [12, 4, 4, 4, 12, 4, 4, 4]
    assert report.seconds == pytest.approx(sum(frame.seconds for frame in frames))
    assert report.estimate is None
    assert [frame.number for frame in frames] == list(range(8))
    assert [frame.is_new_scene for frame in frames] == [number in (0, 4) for number in range(8)]
    assert (frames[0].loss, frames[0].steps, frames[0].round) == (7.5, 12, 1)


@pytest.mark.usefixtures("in_arrays")
def test_a_clip_at_rest_costs_no_steps(made, tmp_path):
    report = made(video="sample:still").run(nothing)
    assert report.steps == [12] + [0] * 11
    pictures = np.load(tmp_path / "made.mp4")
    assert (pictures == pictures[:1]).all()


class TestOtherFrames:
    """The folder of frames has those of another clip or look, or of another command."""

    @pytest.fixture
    def interrupted(self, made, in_arrays):
        """A clip of which four frames are made."""

        def tell(frame):
            if frame.number == 3:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            made().run(tell)

    @pytest.mark.parametrize(
        ("options", "look", "named"),
        [
            ({"video": "sample:cut"}, {}, "another video."),
            ({"every": 3}, {}, "another every."),
            ({"passes": 2, "temporal_weight": 0.5}, {}, "another temporal_weight, passes."),
            ({}, {"style_weight": 3.0}, "another style_weight."),
            ({}, {"style_image": "sample:woodblock"}, "another style_image."),
        ],
    )
    def test_other_settings_are_refused_before_a_frame(self, made, interrupted, options, look, named, tmp_path):
        before = inside(tmp_path)
        with pytest.raises(FileExistsError, match="made.mp4.frames.*--noresume") as caught:
            made(**options, look=look)
        assert named in str(caught.value)
        assert inside(tmp_path) == before

    def test_another_flow_is_refused(self, made, interrupted):
        with pytest.raises(FileExistsError, match="another flow"):
            made(flow=lambda first, second: np.zeros((*first.shape[:2], 2), np.float32))

    def test_what_cannot_be_read_is_refused(self, made, interrupted, tmp_path):
        (tmp_path / "made.mp4.frames" / "asked.json").write_text("{")
        with pytest.raises(FileExistsError, match="another clip"):
            made()

    def test_they_can_be_thrown_away(self, made, interrupted, tmp_path):
        again = made(every=3, resume=False)
        assert again.made == 0
        assert again.run(nothing).frames == 8
        assert os.listdir(tmp_path) == ["made.mp4"]

    def test_the_same_picture_by_another_path_is_the_same(self, made, in_arrays, tmp_path, monkeypatch):
        (tmp_path / "folder").mkdir()
        files_lib = tmp_path / "style.png"
        making.export.save_image(sample_clips.get("pan", size=(32, 32)).frame(0), files_lib)

        def tell(frame):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            made(look={"style_image": str(files_lib)}).run(tell)
        monkeypatch.chdir(tmp_path)
        assert made(look={"style_image": "style.png"}).made == 1

    def test_other_files_stay(self, made, interrupted, tmp_path):
        (tmp_path / "made.mp4.frames" / "mine.txt").write_text("mine")
        made().run(nothing)
        assert inside(tmp_path) == ["made.mp4", "made.mp4.frames/mine.txt"]

    def test_two_commands_do_not_make_one_clip(self, made, interrupted, tmp_path):
        before = inside(tmp_path)
        with (
            checkpoint_lock.held(tmp_path / "made.mp4.frames"),
            pytest.raises(RuntimeError, match=r"^output: .*made.mp4.frames' is in use by another run \(process"),
        ):
            made().run(nothing)
        assert inside(tmp_path) == before

    def test_a_dry_run_leaves_them(self, made, interrupted, tmp_path):
        before = inside(tmp_path)
        report = made(dry_run=True, every=12).try_out()
        assert (report.frames, report.output) == (2, tmp_path / "made.png")
        assert inside(tmp_path) == sorted([*before, "made.png"])


def test_a_command_that_made_no_frame_leaves_no_folder(made, painter, monkeypatch, tmp_path):
    def fails(self, source):
        raise RuntimeError("The loss is not finite any more.")

    monkeypatch.setattr(painter, "first", fails)
    with pytest.raises(RuntimeError, match="not finite"):
        made().run(nothing)
    assert os.listdir(tmp_path) == []


def test_what_is_wrong_with_the_look_is_told_before_a_frame(made, painter, monkeypatch, tmp_path):
    def fails(self, source, own):
        raise ValueError("content_image is too small.")

    monkeypatch.setattr(painter, "kept", fails)
    with pytest.raises(ValueError, match="too small"):
        made()
    assert os.listdir(tmp_path) == []


class TestOutputs:
    @pytest.mark.parametrize(
        ("options", "error", "message"),
        [
            ({"output": "made.avi"}, ValueError, "output: 'made.avi' must end in one of .mp4, .mov, .mkv."),
            ({"output": "/"}, ValueError, "output: '/' must end in"),
            ({"output": "nowhere/made.mp4"}, OSError, "does not exist"),
            ({"output": "there.mp4"}, FileExistsError, "overwrite"),
            ({"output": "folder.mp4"}, IsADirectoryError, "folder"),
            ({"preview": "made.txt"}, ValueError, "preview: 'made.txt' must end"),
            ({"preview": "nowhere/made.png"}, OSError, "preview: the folder"),
            ({"preview": "style.png"}, ValueError, "preview: 'style.png' would replace a file that it is made from"),
            ({"video": None}, ValueError, "video is missing"),
            ({"video": "sample:none"}, ValueError, "video: the sample='none' is not known"),
            ({"video": "none.mp4"}, FileNotFoundError, "video: 'none.mp4' does not exist"),
        ],
    )
    def test_bad_ones_are_told_before_a_frame(self, made, options, error, message, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "folder.mp4").mkdir()
        (tmp_path / "there.mp4").write_text("mine")
        making.export.save_image(sample_clips.get("pan", size=(32, 32)).frame(0), "style.png")
        before = inside(tmp_path)
        with pytest.raises(error, match=message):
            made(**{"output": "made.mp4", **options}, look={"style_image": "style.png"})
        assert inside(tmp_path) == before

    def test_the_clip_itself_is_not_replaced(self, made, counted, tmp_path):
        clip = counted("clip.mp4")
        with pytest.raises(ValueError, match="would replace the clip itself"):
            made(video=str(clip), output=str(clip), look={"overwrite": True})

    @pytest.mark.usefixtures("in_arrays")
    def test_what_another_program_writes_meanwhile_stays(self, made, tmp_path):
        report = made().run(lambda frame: (tmp_path / "made.mp4").write_text("mine"))
        assert report.output == tmp_path / "made_2.mp4"
        assert (tmp_path / "made.mp4").read_text() == "mine"

    @pytest.mark.usefixtures("in_arrays")
    def test_an_existing_clip_is_replaced_where_asked(self, made, tmp_path):
        (tmp_path / "made.mp4").write_text("old")
        assert made(look={"overwrite": True}).run(nothing).output == tmp_path / "made.mp4"
        assert len(np.load(tmp_path / "made.mp4")) == 12

    @pytest.mark.usefixtures("in_arrays")
    def test_a_preview_shows_each_frame(self, made, tmp_path):
        seen = []
        preview = tmp_path / "now.png"
        made(preview=str(preview)).run(lambda frame: seen.append(np.asarray(loading.load(preview))))
        assert len({picture.tobytes() for picture in seen}) == 12

    @pytest.mark.usefixtures("in_arrays")
    def test_a_preview_that_cannot_be_written_costs_no_clip(self, made, tmp_path):
        (tmp_path / "folder").mkdir()
        clip = made(preview=str(tmp_path / "folder" / "now.png"))
        shutil.rmtree(tmp_path / "folder")
        with pytest.warns(UserWarning, match="^preview: .*now.png' cannot be written .*; the clip goes on"):
            assert clip.run(nothing).frames == 12


class TestDryRun:
    def test_it_makes_one_picture_and_reckons(self, made, tmp_path):
        report = made(dry_run=True, passes=2).try_out()
        assert report.output == tmp_path / "made.png"
        assert (report.frames, report.scenes, report.steps) == (12, [0], [12, 4, 4])
        assert report.estimate > 0
        assert os.listdir(tmp_path) == ["made.png"]
        first = sample_clips.get("pan", size=(36, 64)).frame(0)
        assert np.array_equal(np.asarray(loading.load(tmp_path / "made.png"))[0], 255 - first)

    def test_no_picture_is_replaced_unless_asked(self, made, tmp_path):
        (tmp_path / "made.png").write_text("mine")
        (tmp_path / "made.mp4").write_text("mine")
        assert made(dry_run=True).try_out().output == tmp_path / "made_2.png"
        assert (tmp_path / "made.png").read_text() == "mine"
        assert made(dry_run=True, look={"overwrite": True}).try_out().output == tmp_path / "made.png"
        assert (tmp_path / "made.mp4").read_text() == "mine"


@pytest.mark.usefixtures("in_arrays")
@pytest.mark.parametrize("name", ["000002.png", "00000.mp4", "asked.json", "made.mp4"])
def test_a_full_disk_is_told_in_a_sentence_and_the_same_command_goes_on(made, monkeypatch, name, tmp_path):
    replace = os.replace

    def full(first, second):
        if pathlib.Path(second).name == name:
            raise FULL
        replace(first, second)

    clip = made()
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        with pytest.raises(OSError, match="No space left on device") as caught:
            clip.run(nothing)
    text = str(caught.value)
    if name != "made.mp4":
        assert text.startswith("output: the frames in ")
        assert "the same command" in text
    assert "made.mp4" not in os.listdir(tmp_path)
    made().run(nothing)
    made(output=str(tmp_path / "whole.mp4")).run(nothing)
    assert np.array_equal(np.load(tmp_path / "made.mp4"), np.load(tmp_path / "whole.mp4"))


def test_what_ffmpeg_says_of_a_full_disk_is_in_the_sentence(made, monkeypatch, tmp_path):
    def full(path, frames, *, rate):
        raise OSError(f"path: {path!r} cannot be written (No space left on device). Choose another.") from OSError(
            "No space left on device"
        )

    monkeypatch.setattr(writing, "write_part", full)
    with pytest.raises(OSError, match=r"cannot be kept \(No space left on device\)\. Make room"):
        made().run(nothing)


def test_a_clip_with_sound_through_the_whole_command(made, flashing, tmp_path):
    from tests.cli.video.test_writing import onsets

    clip = flashing("clip.mp4")
    report = made(video=str(clip), every=1, start=0.5, end=1.8).run(nothing)
    assert (report.frames, report.rate) == (39, 30)
    _, tone, lasts = onsets(tmp_path / "made.mp4")  # The flash is not seen in what the stand-in paints.
    assert tone == pytest.approx(0.5, abs=0.02)
    assert lasts == pytest.approx(1.3, abs=0.05)
    silent = made(video=str(clip), every=1, end=0.5, sound=False, output=str(tmp_path / "silent.mp4")).run(nothing)
    from nst_keras.cli.video import reading

    read = reading.opened(silent.output)
    assert (read.has_sound, read.count) == (False, 15)


def test_the_clip_says_how_it_was_made(made, tmp_path):
    from nst_keras.cli.video import ffmpeg

    made(look={"style_weight": 3.0}).run(nothing)
    said = ffmpeg.run(["-i", ffmpeg.file_name(tmp_path / "made.mp4"), "-f", "ffmetadata", "-"]).output
    line = next(line for line in said.splitlines() if line.startswith("comment=Made by nst_keras.video: "))
    text = line.partition(": ")[2].replace("\\", "")
    assert json.loads(text)["style_weight"] == 3.0
