"""Pictures and outputs by URI, over file systems of this machine: fsspec's memory, and a folder by another scheme."""

import contextlib
import json
import pathlib

import numpy as np
import PIL.Image
import pytest

from nst_keras.cli.batch import pairs as pairs_lib
from nst_keras.cli.batch import storage
from tests.cli.batch.conftest import EVERY, NAMES, batch, folder, inline

__all__ = ["folder", "inline"]

fsspec = pytest.importorskip("fsspec", reason="needs fsspec, of the extra cluster")
local = pytest.importorskip("fsspec.implementations.local")


class Shelf(local.LocalFileSystem):
    """The folder `/shelf` is one of this machine. What `broken` names fails, as a network does."""

    protocol = "shelf"
    cachable = False
    root = pathlib.Path()
    broken = ""

    @classmethod
    def _strip_protocol(cls, path):
        return f"{cls.root}/{path.removeprefix('shelf://')}" if str(path).startswith("shelf://") else str(path)

    def unstrip_protocol(self, name):
        return f"shelf://{pathlib.PurePath(name).relative_to(self.root)}"

    def put_file(self, source, target, **options):
        data = pathlib.Path(source).read_bytes()
        pathlib.Path(target).write_bytes(data[: len(data) // 2] if self.broken == "put" else data)
        if self.broken == "put":
            raise ConnectionResetError("the line\nwas cut")

    def mv(self, source, target, **options):
        if self.broken == "mv":
            raise PermissionError("no right to rename")
        super().mv(source, target, **options)

    def find(self, path, **options):
        if self.broken == "find":
            raise ConnectionRefusedError("nobody is there")
        return super().find(path, **options)


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """The folder behind `shelf://`."""
    fsspec.register_implementation("shelf", Shelf, clobber=True)
    monkeypatch.setattr(Shelf, "root", tmp_path / "shelf")
    monkeypatch.setattr(Shelf, "broken", "")
    Shelf.root.mkdir()
    return Shelf.root


@pytest.fixture
def memory():
    """fsspec's memory of this process, empty before and after."""
    files = fsspec.filesystem("memory")
    files.store.clear()
    yield files
    files.store.clear()


def names(folder):
    """The files in a folder and below."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def placed(name, data, target="shelf://made"):
    """Sends bytes to a place, as one who makes pictures does."""
    with contextlib.closing(storage.Place(target)) as place:
        place.prepared(name).write_bytes(data)
        place.upload(name)


def test_what_is_sent_is_whole_and_no_copy_stays(shelf):
    with contextlib.closing(storage.Place("shelf://made/")) as place:
        for data in (b"first", b"second"):
            place.prepared("a/b.png").write_bytes(data)
            place.upload("a/b.png")
        assert names(place.folder) == []
        assert place.local_copy("a/b.png").read_bytes() == b"second"
        here = place.folder
    assert names(shelf) == ["made/a/b.png"]
    assert not here.exists()


@pytest.mark.parametrize("step", ["put", "mv"])
def test_what_cannot_be_sent_leaves_what_was_there(shelf, monkeypatch, step):
    placed("b.png", b"before")
    monkeypatch.setattr(Shelf, "broken", step)
    reason = {"put": "the line was cut", "mv": "no right to rename"}[step]
    with pytest.raises(OSError, match=rf"^output_dir: 'b.png' cannot be written to 'shelf://made' \({reason}\)\.$"):
        placed("b.png", b"after and longer")
    assert names(shelf) == ["made/b.png"]
    assert (shelf / "made" / "b.png").read_bytes() == b"before"


def test_two_machines_that_send_one_picture_do_not_meet(shelf, monkeypatch):
    """The second sends its own while the first has sent half: that of the last to end is there, whole."""
    moved = Shelf.mv

    def late(self, source, target, **options):
        monkeypatch.setattr(Shelf, "mv", moved)
        placed("b.png", b"second")
        moved(self, source, target, **options)

    monkeypatch.setattr(Shelf, "mv", late)
    placed("b.png", b"first")
    assert names(shelf) == ["made/b.png"]
    assert (shelf / "made" / "b.png").read_bytes() == b"first"


def test_what_is_there_is_asked_at_once(shelf):
    with contextlib.closing(storage.Place("shelf://made")) as place:
        assert place.listed() == frozenset()
        assert place.local_copy("b.png") is None
        placed("a/b.png", b"data")
        assert place.listed() == {"a/b.png"}
        (shelf / "made" / "a" / "b.png").unlink()
        assert place.listed() == frozenset()
    with contextlib.closing(storage.Place(str(shelf))) as place:
        assert place.listed() is None


def test_a_place_that_cannot_be_read_is_one_sentence(shelf, monkeypatch):
    monkeypatch.setattr(Shelf, "broken", "find")
    with (
        contextlib.closing(storage.Place("shelf://made")) as place,
        pytest.raises(OSError, match=r"^output_dir: 'shelf://made' cannot be read \(nobody is there\)\. Check it\.$"),
    ):
        place.listed()
    with pytest.raises(OSError, match=r"^content_image: 'shelf://photos' cannot be read \(nobody is there\)"):
        storage.pictures("content_image", "shelf://photos", recursive=False)


def test_pictures_of_a_file_a_folder_and_a_pattern(shelf):
    for name in ("b.png", "a.JPG", "notes.txt", "more/c.webp"):
        (shelf / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        (shelf / "photos" / name).write_bytes(b"")

    def found(uri, recursive=False):
        return storage.pictures("content_image", uri, recursive=recursive)

    assert found("shelf://photos") == ["shelf://photos/a.JPG", "shelf://photos/b.png"]
    assert found("shelf://photos", recursive=True)[-1] == "shelf://photos/more/c.webp"
    assert found("shelf://photos/*.png") == found("shelf://photos/b.png") == ["shelf://photos/b.png"]
    assert found("shelf://none") == []


def test_a_picture_is_fetched_once_and_whole(shelf, tmp_path):
    (shelf / "a.png").write_bytes(b"data")
    copy = pathlib.Path(storage.fetched("content_image", "shelf://a.png", tmp_path))
    (shelf / "a.png").unlink()
    assert copy.suffix == ".png"
    assert pathlib.Path(storage.fetched("content_image", "shelf://a.png", tmp_path)).read_bytes() == b"data"
    with pytest.raises(OSError, match=r"^content_image: 'shelf://b.png' cannot be read .* Check its address\.$"):
        storage.fetched("content_image", "shelf://b.png", tmp_path)


def test_an_unknown_scheme_is_one_sentence():
    with pytest.raises(ValueError, match=r"^output_dir: 'unknown://made' cannot be opened .* Check its address\.$"):
        storage.Place("unknown://made")


def test_without_fsspec_one_sentence_names_the_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "fsspec", None)
    with pytest.raises(ImportError, match=r'^output_dir: .* needs fsspec\. Install it with `pip install "nst_keras\['):
        storage.Place("memory://made")


@pytest.mark.slow
def test_a_batch_from_and_to_a_store(folder, inline, memory, capsys):
    """Its pictures are those of a batch on folders; it goes on where it ended; its report is in the store."""
    assert batch(*EVERY) == 0
    memory.put(str(folder / "photos"), "/photos", recursive=True)
    memory.put(str(folder / "paintings"), "/paintings", recursive=True)
    there = ("--content_image=memory://photos", "--style_image=memory://paintings", "--output_dir=memory://made")
    del inline[:]
    assert batch(*there) == 0
    assert sorted(inline) == sorted(NAMES)
    made = {name.removeprefix("/made/") for name in memory.find("/made")}
    assert {*NAMES, "report.html", "report.json", "contact_sheet.png"} <= made
    assert not [name for name in made if "part" in name]
    for name in NAMES:
        with (
            memory.open(f"/made/{name}") as file,
            PIL.Image.open(file) as there_made,
            PIL.Image.open(f"made/{name}") as here,
        ):
            assert np.array_equal(np.asarray(there_made), np.asarray(here))
    memory.rm("/made/eel_wave.png")
    del inline[:]
    assert batch(*there) == 0
    assert inline == ["eel_wave.png"]
    statuses = [pair["status"] for pair in json.loads(memory.cat("/made/report.json"))["pairs"]]
    assert sorted(statuses) == ["made", *[pairs_lib.Status.KEPT.value] * 5]
    assert memory.cat("/made/report.html").count(b"data:image") >= len(NAMES)
    memory.pipe("/photos/cat.png", memory.cat("/photos/eel.png"))  # Another picture of the same name.
    del inline[:]
    assert batch(*there) == 0
    assert sorted(inline) == ["cat_night.png", "cat_wave.png"]
