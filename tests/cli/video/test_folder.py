import errno
import os

import numpy as np
import pytest

from nst_keras.cli.video import folder as folder_lib
from nst_keras.engine import checkpoint_lock

ASKED = {"style_weight": 1.0, "video": "sample:pan"}


@pytest.fixture
def frames(tmp_path):
    """The folder of a clip that is being made."""
    found = folder_lib.Folder(tmp_path / "made.mp4")
    found.begin(ASKED, resume=True)
    return found


def grey(level, channels=3):
    return np.full((4, 6, channels), level, np.uint8)


def listed(folder):
    """Names of the files in a folder's folder."""
    return sorted(str(path.relative_to(folder.path)) for path in folder.path.rglob("*") if path.is_file())


def test_it_stands_beside_the_output(frames, tmp_path):
    assert frames.path == tmp_path / "made.mp4.frames"
    assert listed(frames) == ["asked.json"]


@pytest.mark.parametrize("channels", [3, 4])
def test_a_frame_is_read_as_it_was_written(frames, random, channels):
    picture = random.integers(0, 256, (5, 7, channels), dtype=np.uint8)
    frames.write("pass_1", 123456, picture)
    assert np.array_equal(frames.read("pass_1", 123456), picture)
    assert listed(frames) == ["asked.json", "pass_1/123456.png"]


def test_its_numbers_are_those_of_whole_frames(frames):
    for number in (3, 12, 1):
        frames.write("pass_1", number, grey(number))
    (frames.path / "pass_1" / ".nst_keras-1-2-3-4.tmp.png").write_text("half")
    assert frames.numbers("pass_1") == [1, 3, 12]
    assert frames.numbers("pass_2") == []
    frames.forget("pass_1", [1, 2, 3])
    assert frames.numbers("pass_1") == [12]
    frames.forget_all("pass_1")
    frames.forget_all("pass_1")
    assert frames.numbers("pass_1") == []


def test_notes_survive_a_line_that_was_cut_off(frames):
    assert frames.notes() == {}
    frames.note({"pass": 1, "frame": 0, "steps": 5})
    with (frames.path / "notes.jsonl").open("a") as file:
        file.write('\n{"pass": 1, "fra')
    frames.note({"pass": 1, "frame": 1, "steps": 6})
    frames.note({"pass": 1, "frame": 0, "steps": 7})
    assert {key: entry["steps"] for key, entry in frames.notes().items()} == {(1, 0): 7, (1, 1): 6}


def test_a_pass_is_complete_once_noted(frames):
    assert not frames.is_complete(1)
    frames.complete(1)
    assert (frames.is_complete(1), frames.is_complete(2)) == (True, False)


class TestParts:
    """Parts are as long as `PART` says, and their frames are removed."""

    @pytest.fixture
    def written(self, frames, monkeypatch):
        """{part: levels of its frames}."""
        monkeypatch.setattr(folder_lib, "PART", 3)
        found = {}

        def write(path, pictures):
            found[path.name] = [int(picture[0, 0, 0]) for picture in pictures]
            path.write_text("part")

        return found, write

    def test_only_whole_ones_until_the_end(self, frames, written):
        found, write = written
        for number in range(7):
            frames.write("shown", number, grey(number))
            if number % 3 == 2:
                frames.write_parts(number + 1, write)
        assert found == {"00000.mp4": [0, 1, 2], "00001.mp4": [3, 4, 5]}
        assert frames.numbers("shown") == [6]
        frames.write_parts(7, write)
        assert found["00002.mp4"] == [6]
        assert [path.name for path in frames.parts()] == sorted(found)
        frames.write_parts(7, write)  # Nothing is left to do.
        assert len(found) == 3

    def test_several_that_are_behind(self, frames, written):
        found, write = written
        for number in range(6):
            frames.write("shown", number, grey(number))
        frames.write_parts(6, write)
        assert list(found.values()) == [[0, 1, 2], [3, 4, 5]]

    def test_frames_of_a_part_that_is_there_are_removed(self, frames, written):
        _, write = written
        for number in range(3):
            frames.write("shown", number, grey(number))
        frames.part(0).write_text("part")  # It was written, and the command was killed.
        frames.write_parts(3, write)
        assert frames.numbers("shown") == []


class TestBegin:
    def test_the_same_goes_on(self, frames):
        frames.write("pass_1", 0, grey(1))
        frames.begin(dict(ASKED), resume=True)
        assert frames.numbers("pass_1") == [0]

    def test_others_are_refused_by_name(self, frames):
        frames.write("pass_1", 0, grey(1))
        other = {"video": "sample:cut", "style_weight": 1.0, "passes": 2}
        for call in (frames.check, lambda asked: frames.begin(asked, resume=True)):
            with pytest.raises(FileExistsError, match=r"another video, passes\. Repeat .*: --noresume") as caught:
                call(other)
        assert "\n" not in str(caught.value)
        assert frames.numbers("pass_1") == [0]

    def test_without_frames_nothing_is_refused(self, frames):
        frames.write("shown", 0, grey(1))  # The command was killed before it wrote the rest of the frame.
        frames.note({"pass": 1, "frame": 0})
        frames.begin({"video": "sample:cut"}, resume=True)
        assert listed(frames) == ["asked.json"]

    def test_frames_are_thrown_away_where_asked(self, frames):
        frames.write("pass_1", 0, grey(1))
        frames.write("shown", 0, grey(1))
        frames.complete(1)
        frames.part(0).write_text("part")
        frames.note({"pass": 1, "frame": 0})
        (frames.path / "mine.txt").write_text("mine")
        frames.begin({"video": "sample:cut"}, resume=False)
        assert listed(frames) == ["asked.json", "mine.txt"]

    def test_frames_without_what_they_were_made_with_count_for_nothing(self, frames):
        frames.write("pass_1", 0, grey(1))
        (frames.path / "asked.json").unlink()
        frames.begin({"video": "sample:cut"}, resume=True)
        assert listed(frames) == ["asked.json"]

    def test_a_file_in_its_place(self, tmp_path):
        (tmp_path / "made.mp4.frames").write_text("mine")
        with pytest.raises(OSError, match="^output: the frames in .*made.mp4.frames' cannot be kept"):
            folder_lib.Folder(tmp_path / "made.mp4").begin(ASKED, resume=True)
        assert (tmp_path / "made.mp4.frames").read_text() == "mine"


class TestEnd:
    def test_all_is_removed(self, frames, tmp_path):
        frames.write("pass_1", 0, grey(1))
        with frames.held():
            assert listed(frames) == [".lock", "asked.json", "pass_1/000000.png"]
            frames.remove()
        assert os.listdir(tmp_path) == []

    def test_what_is_not_its_own_stays(self, frames):
        frames.write("pass_1", 0, grey(1))
        (frames.path / "mine").mkdir()
        (frames.path / "mine" / "picture.png").write_text("mine")
        frames.remove()
        assert listed(frames) == ["mine/picture.png"]

    def test_what_a_killed_end_has_left_is_swept(self, frames, tmp_path):
        frames.part(0).write_text("part")
        frames.sweep()
        assert frames.part(0).exists()
        (frames.path / "asked.json").unlink()
        with checkpoint_lock.held(frames.path):  # Another command's.
            frames.sweep()
            assert frames.part(0).exists()
        frames.sweep()
        assert os.listdir(tmp_path) == []
        frames.sweep()
        assert os.listdir(tmp_path) == []


def test_one_command_holds_it(frames):
    with frames.held(), pytest.raises(RuntimeError, match="^output: .* is in use by another run"), frames.held():
        pass


def test_a_full_disk_is_told_in_a_sentence(frames, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match=r"^output: the frames in .* cannot be kept \(No space left on device\)\. Make"):
        frames.write("pass_1", 0, grey(1))
    assert listed(frames) == ["asked.json"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_folder_that_may_not_be_written_to(frames):
    frames.path.chmod(0o500)
    try:
        with pytest.raises(OSError, match="cannot be kept"):
            frames.write("pass_1", 0, grey(1))
    finally:
        frames.path.chmod(0o700)
