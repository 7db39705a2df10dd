import errno
import os
import pathlib
import subprocess
import sys

import pytest

from nst_keras import export


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def write_half():
        with export.replacing(path) as temporary, open(temporary, "w") as file:
            file.write("ne")
            raise RuntimeError("half")

    with pytest.raises(RuntimeError, match="half"):
        write_half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_destinations_are_checked_beforehand(tmp_path):
    taken = tmp_path / "taken.png"
    taken.touch()
    export.check_destination("output", tmp_path / "new.png", [".png"], overwrite=False)
    export.check_destination("output", taken, [".png"], overwrite=True)
    with pytest.raises(FileExistsError, match=r"output: .*taken\.png' exists already"):
        export.check_destination("output", taken, [".png"], overwrite=False)
    with pytest.raises(OSError, match=r"output: the folder of .* does not exist"):
        export.check_destination("output", tmp_path / "nowhere" / "a.png", [".png"], overwrite=False)
    (tmp_path / "dir.png").mkdir()
    with pytest.raises(IsADirectoryError, match="is a folder"):
        export.check_destination("output", tmp_path / "dir.png", [".png"], overwrite=True)
    (tmp_path / "dangling.png").symlink_to(tmp_path / "nowhere" / "a.png")
    with pytest.raises(OSError, match=r"output: the folder of .*dangling\.png' does not exist"):
        export.check_destination("output", tmp_path / "dangling.png", [".png"], overwrite=True)
    (tmp_path / "device.png").symlink_to(os.devnull)
    with pytest.raises(ValueError, match=r"output: .*device\.png' is a device or a pipe"):
        export.check_destination("output", tmp_path / "device.png", [".png"], overwrite=True)
    assert taken.stat().st_size == 0


def test_a_folder_that_may_not_be_written_to(tmp_path, monkeypatch):
    def refuse(dir):
        raise PermissionError(13, "Permission denied", str(dir))

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)  # The tests may run as root, whom no folder refuses.
    with pytest.raises(OSError, match="may not be written to"):
        export.check_destination("output", tmp_path / "a.png", [".png"], overwrite=False)


def test_a_symbolic_link_stays_and_its_target_is_replaced(tmp_path):
    (tmp_path / "real").mkdir()
    target, link = tmp_path / "real" / "b.txt", tmp_path / "a.txt"
    target.write_text("old")
    link.symlink_to(target)
    with export.replacing(link) as temporary:
        pathlib.Path(temporary).write_text("new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    plain = tmp_path / "plain"
    plain.touch()
    assert target.stat().st_mode == plain.stat().st_mode  # As the umask says.


def test_temporary_files_of_dead_processes_are_removed_and_those_of_living_ones_stay(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    with export.replacing(tmp_path / "a.txt") as temporary:
        name = pathlib.Path(temporary).name
        pathlib.Path(temporary).touch()
    left = name.replace(f"-{os.getpid()}-", f"-{dead.pid}-")
    living = name.replace(f"-{os.getpid()}-", f"-{os.getppid()}-")
    for one in (left, living, ".nst_keras-mine.txt"):
        (tmp_path / one).touch()
    with export.replacing(tmp_path / "a.txt") as temporary:
        pathlib.Path(temporary).touch()
    assert {path.name for path in tmp_path.iterdir()} == {"a.txt", living, ".nst_keras-mine.txt"}


def test_a_full_disk_is_told_with_the_name_of_the_file(tmp_path):
    def fill():
        with export.replacing(tmp_path / "a.txt"):
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match=r"No space left on device: .*a\.txt'") as caught:
        fill()
    assert caught.value.errno == errno.ENOSPC
