import csv
import inspect
import json
import os
import pathlib
import shutil
import signal
import warnings

import numpy as np
import PIL.Image
import pytest

from nst_keras import batch as door
from nst_keras import run, settings
from nst_keras.cli import flags
from nst_keras.cli.batch import done, making, pairs, planning, running, storage
from nst_keras.export import record
from tests.cli.batch.conftest import EVERY, NAMES, USUAL, batch, folder, inline, picture

__all__ = ["folder", "inline"]


def pixels(path):
    with PIL.Image.open(path) as opened:
        return np.asarray(opened)


def rows(path="made/report.json"):
    return json.loads(pathlib.Path(path).read_text())["pairs"]


def statuses():
    return [pair["status"] for pair in rows()]


def test_every_pair_is_made_as_a_run_makes_it(folder, inline, capsys):
    assert batch(*EVERY, "--seed=3", "--init=noise") == 0
    assert "6 pictures made" in capsys.readouterr().out
    assert sorted(os.listdir("made")) == sorted([*NAMES, "contact_sheet.png", "report.html", "report.json"])
    pictures = ["--content_image=photos/cat.png", "--style_image=paintings/wave.png", "--output=alone.png"]
    assert run.main([*USUAL, *pictures, "--seed=3", "--init=noise", "--quiet"]) == 0
    assert np.array_equal(pixels("alone.png"), pixels("made/cat_wave.png"))
    made = record.read("made/cat_wave.png")
    assert made["settings"]["content_image"] == str(folder / "photos" / "cat.png")
    assert made["batch"]["asked"]["seed"] == "3"
    report = json.loads((folder / "made" / "report.json").read_text())
    assert report["pairs"][1]["losses"]["loss"] == made["losses"]["loss"]
    assert report["pairs"][1]["size"] == [40, 30]


def test_what_is_made_is_kept_and_what_changed_is_made_again(folder, inline, capsys):
    assert batch(*EVERY) == 0
    before = {name: os.stat(f"made/{name}").st_mtime_ns for name in NAMES}
    inline.clear()
    assert batch(*EVERY) == 0
    assert inline == []
    assert statuses() == ["made before"] * 6
    assert all(pair["losses"]["loss"] > 0 for pair in rows())
    picture(folder / "photos" / "dog.png", seed=77)  # Another picture of the same name.
    picture(folder / "photos" / "fox.png")  # A new one.
    os.remove("made/eel_wave.png")
    assert batch(*EVERY) == 0
    assert sorted(inline) == ["dog_night.png", "dog_wave.png", "eel_wave.png", "fox_night.png", "fox_wave.png"]
    assert all(os.stat(f"made/{name}").st_mtime_ns == before[name] for name in ("cat_night.png", "eel_night.png"))
    inline.clear()
    assert batch(*EVERY, "--strength=0.5") == 0  # Another setting of all.
    assert len(inline) == 8
    inline.clear()
    assert batch(*EVERY, "--strength=0.5", "--noresume") == 0
    assert len(inline) == 8


def test_a_picture_that_no_batch_has_made_is_not_replaced_unasked(folder, inline, capsys):
    picture(folder / "made" / "cat_wave.png")
    before = (folder / "made" / "cat_wave.png").read_bytes()
    assert batch(*EVERY) == 1
    assert "'made/cat_wave.png' exists already, and no batch has made it" in capsys.readouterr().err
    assert (folder / "made" / "cat_wave.png").read_bytes() == before
    assert len(inline) == 5
    assert batch(*EVERY, "--overwrite") == 0
    assert (folder / "made" / "cat_wave.png").read_bytes() != before


def test_a_cut_picture_is_made_again(folder, inline):
    assert batch(*EVERY) == 0
    inline.clear()
    for name, size in {"cat_night.png": 0, "cat_wave.png": 20}.items():
        with open(f"made/{name}", "r+b") as file:
            file.truncate(size)
    assert batch(*EVERY, "--overwrite") == 0
    assert sorted(inline) == ["cat_night.png", "cat_wave.png"]


@pytest.mark.slow
def test_bad_pairs_cost_no_others(folder, inline, capsys, monkeypatch):
    """100 pairs of which 7 are bad, each in a way of its own."""
    table = [{"content": f"photos/{index}.png", "style": "paintings/wave.png"} for index in range(100)]
    for index in range(100):
        picture(folder / "photos" / f"{index}.png", index)
    (folder / "photos" / "3.png").write_bytes((folder / "photos" / "3.png").read_bytes()[:60])
    picture(folder / "photos" / "17.png", size=(1, 1))
    table[29]["content"] = "photos"
    table[41]["content_mask"] = "photos/notes.txt"
    table[57]["output"] = "0_wave.png"
    table[68] |= {"image_size": "900000", "enlarge": "true"}
    opened = PIL.Image.open

    def refused(path, *arguments, **options):
        if str(path).endswith("83.png"):  # As a file of another user: the tests may be run by root.
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *arguments, **options)

    monkeypatch.setattr(PIL.Image, "open", refused)
    from nst_keras.images.formats import pngs

    of_pngs = pngs.opened
    monkeypatch.setattr(pngs, "opened", lambda path: refused(path) if "83.png" in str(path) else of_pngs(path))
    with open("pairs.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, ["content", "style", "output", "content_mask", "image_size", "enlarge"])
        writer.writeheader()
        writer.writerows(table)
    assert batch("--pairs=pairs.csv", "--output_dir=made") == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if "warning" not in line]
    expected = {
        "3_wave.png": "is damaged",
        "17_wave.png": "needs at least 16x16 px",
        "photos_wave.png": "is a folder",
        "41_wave.png": "is not an image",
        "0_wave.png": "is the output of pair 1 too",
        "68_wave.png": "more than this machine can hold",
        "83_wave.png": "may not be read",
    }
    assert len(lines) == 8
    for name, sentence in expected.items():
        (line,) = [line for line in lines if line.startswith(f"nst_keras: {name} (")]
        assert sentence in line
    assert "93 pictures made, 7 failed" in lines[-1]
    made = [path.name for path in (folder / "made").glob("*_wave.png")]
    assert len(made) == 93
    with open("made/failures.csv", newline="") as file:
        assert sorted(row["output"] for row in csv.DictReader(file)) == sorted(expected)


def test_the_failures_are_a_table_that_makes_them_again(folder, inline, capsys):
    good = (folder / "photos" / "dog.png").read_bytes()
    (folder / "photos" / "dog.png").write_bytes(good[:50])
    assert batch(*EVERY) == 1
    assert statuses() == ["made", "made", "failed", "failed", "made", "made"]
    (folder / "photos" / "dog.png").write_bytes(good)
    inline.clear()
    assert batch("--pairs=made/failures.csv", "--output_dir=made", usual=[]) == 0  # The table has all flags.
    assert inline == ["dog_night.png", "dog_wave.png"]
    inline.clear()
    assert batch(*EVERY) == 0
    assert inline == []
    assert not (folder / "made" / "failures.csv").exists()


def test_a_full_disk_costs_its_pairs(folder, inline, capsys, monkeypatch):
    replace = os.replace

    def full(source, target):
        if str(target).endswith("cat_wave.png"):
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    assert batch(*EVERY) == 1
    assert "cat_wave.png" in capsys.readouterr().err
    assert sorted(path.name for path in (folder / "made").glob("*_*e.png")) == ["dog_wave.png", "eel_wave.png"]
    assert not [name for name in os.listdir("made") if "tmp" in name]


def test_other_files_of_a_pair_are_written_too(folder, inline):
    more = [
        "--animation={content}_{style}.gif",
        "--loss_plot={content}_{style}_loss.png",
        "--contact_sheet=s/{content}.png",
    ]
    assert batch("--content_image=photos/cat.png", "--style_image=paintings/wave.png", "--output_dir=made", *more) == 0
    for name in ("cat_wave.png", "cat_wave.gif", "cat_wave_loss.png", "s/cat.png"):
        assert pixels(f"made/{name}").shape[1] > 20, name
    with PIL.Image.open("made/cat_wave.gif") as opened:
        assert opened.n_frames > 1


def test_python_makes_the_same(folder, inline):
    options = {"extractor": "compact", "image_size": 48, "epochs": 1, "steps_per_epoch": 2, "normalization": "relative"}
    report = door.run("photos", ["paintings/wave.png"], folder / "made", quiet=True, **options)
    assert report.counts[pairs.Status.MADE] == sum(report.counts.values()) == 3
    assert report.failed == []
    assert batch("--content_image=photos", "--style_image=paintings/wave.png", "--output_dir=made") == 0
    assert statuses() == ["made before"] * 3
    with pytest.raises(ValueError, match="batch.run: the option='strenght' is not known. Did you mean 'strength'?"):
        door.run("photos", "paintings", strenght=1)
    with pytest.raises(TypeError, match="content_image must be names of pictures, but ndarray was given"):
        door.run(np.zeros((4, 4, 3)), "paintings")


def test_styles_are_measured_once(folder, inline, monkeypatch):
    from nst_keras.sweeps import engines

    changes = []
    borrowed = engines._changes
    monkeypatch.setattr(engines, "_changes", lambda *given: changes.append(borrowed(*given)) or changes[-1])
    assert batch("--content_image=photos/dog.png,photos/eel.png", "--style_image=paintings", "--output_dir=made") == 0
    assert [sorted(one) for one in changes] == [["content_image"], ["content_image", "style_image"], ["content_image"]]


@pytest.mark.slow
def test_a_dry_run_makes_nothing(folder, monkeypatch, capsys):
    assert batch(*EVERY, "--dry_run", "--steps_per_epoch=7") == 0
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 7
    assert printed[0] == "to make: cat_night.png (photos/cat.png + paintings/night.png), 30x40"
    assert printed[-1].startswith("6 pictures to make of 2 sizes: about 0:")
    assert "GiB of memory" in printed[-1]
    assert not (folder / "made").exists()


BAD = {
    "photos paintings made more": "4 arguments are given",
    "photos paintings --content_image=photos": "content_image is given twice",
    "nowhere paintings": "content_image: there is no file 'nowhere'.",
    "photos": "style_image must be given",
    "photos paintings --steps_per_epoch=none": "steps_per_epoch",
    "photos paintings --resume --checkpoint_dir=kept": "Unknown command line flag 'checkpoint_dir'",
    "photos paintings --output={foo}.png": "may have these parts in braces alone",
    "photos paintings --output=made.pgn": "output: 'made.pgn' must end in one of",
    "photos paintings --pairs=nowhere.csv": "pairs: 'nowhere.csv' cannot be read",
    "photos paintings photos/notes.txt": "output_dir: 'photos/notes.txt' is a file. Name a folder.",
    "photos paintings --size_buckets=0": "size_buckets must be a whole number, 1 or more",
    "photos paintings --compare=strength": "compare: 'strength' is not OPTION=VALUE",
    "photos paintings s4://bucket/made": "output_dir: 's4://bucket/made' cannot be opened",
}


@pytest.mark.parametrize("arguments", BAD)
def test_a_bad_command_is_one_line_and_status_2_and_writes_nothing(folder, inline, capsys, arguments):
    before = sorted(folder.rglob("*"))
    from nst_keras.cli.batch import command

    assert command.main([*USUAL, *arguments.split()], is_short=True) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert BAD[arguments] in line
    assert sorted(folder.rglob("*")) == before


def test_help_is_short_and_names_every_flag_of_a_batch(capsys):
    assert batch("--help") == 0
    text = capsys.readouterr().out
    assert len(text.splitlines()) <= 60
    for name in ("--pairs", "--output_dir", "--resume", "--ray_address", "--image_size", "{content}_{style}.png"):
        assert name in text
    assert batch("--helpfull") == 0
    text = capsys.readouterr().out
    assert all(name in text for name in ("--style_scale", "--worker_cpus", "--[no]resume", "--tries"))
    assert batch("--preset=list") == 0
    assert "gatys2016" in capsys.readouterr().out


def test_warnings_are_said_once(folder, inline, capsys, monkeypatch):
    made = making.Maker._made

    def warning(*given):
        warnings.warn("It may not fit.", UserWarning, stacklevel=1)
        return made(*given)

    monkeypatch.setattr(making.Maker, "_made", warning)
    assert batch(*EVERY) == 0
    assert capsys.readouterr().err.count("It may not fit.") == 1


def test_nothing_is_left_in_the_temporary_folder(folder, inline, monkeypatch, tmp_path_factory):
    empty = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr("tempfile.tempdir", str(empty))
    assert batch(*EVERY) == 0
    assert os.listdir(empty) == []
    shutil.rmtree("made")


def test_a_photograph_named_like_a_picture_is_shown_as_it_is(folder, inline, monkeypatch):
    shutil.copy("photos/cat.png", "same.png")
    asked = []
    shown = running.Batch._picture
    monkeypatch.setattr(running.Batch, "_picture", lambda *given: asked.append(given[1:]) or shown(*given))
    pictures = ["--content_image=same.png", "--style_image=paintings/wave.png", "--output=same.png"]
    assert batch(*pictures, "--output_dir=made") == 0
    assert {("same.png", True), ("same.png", False)} <= set(asked)


def test_an_interrupted_table_of_failures_stays_whole(folder, inline, monkeypatch):
    for name in ("cat", "dog", "eel"):
        (folder / "photos" / f"{name}.png").write_bytes(b"")
    assert batch(*EVERY) == 1
    picture(folder / "photos" / "eel.png")
    made = making.Maker.make

    def interrupted(self, pair, watch):
        if pair.output == "dog_wave.png":
            os.kill(os.getpid(), signal.SIGTERM)
        return made(self, pair, watch)

    monkeypatch.setattr(making.Maker, "make", interrupted)
    assert batch("--pairs=made/failures.csv", "--output_dir=made") == 143
    with open("made/failures.csv", newline="") as file:
        left = {row["output"] for row in csv.DictReader(file)}
    assert "dog_wave.png" in left
    assert len(left) + statuses().count("made") == 6
    assert statuses().count("not begun") > 0


def test_a_failed_row_keeps_all_that_it_asks_for(folder, inline):
    """A bad cell beside a good one: the table of failures has both, and the flags that all pairs have."""
    (folder / "pairs.csv").write_text(
        "content,style,strength,steps_per_epoch,animation\nphotos/cat.png,paintings/wave.png,much,3,{content}.gif\n"
    )
    assert batch("--pairs=pairs.csv", "--output_dir=made") == 1
    table = (folder / "made" / "failures.csv").read_text()
    (folder / "made" / "failures.csv").write_text(table.replace("much", "0.5"))
    assert batch("--pairs=made/failures.csv", "--output_dir=made", usual=[]) == 0
    made = record.read("made/cat_wave.png")["settings"]
    assert (made["strength"], made["steps_per_epoch"], made["extractor"], made["image_size"]) == (0.5, 3, "compact", 48)
    assert pixels("made/cat.gif").shape[1] > 20


def test_a_picture_without_its_other_files_is_made_again(folder, inline):
    pictures = ["--content_image=photos/cat.png", "--style_image=paintings/wave.png", "--output_dir=made"]
    assert batch(*pictures) == 0
    inline.clear()
    assert batch(*pictures, "--loss_plot={content}_{style}_loss.png") == 0
    assert inline == ["cat_wave.png"]
    assert batch(*pictures, "--loss_plot={content}_{style}_loss.png") == 0
    assert inline == ["cat_wave.png"]
    os.remove("made/cat_wave_loss.png")
    assert batch(*pictures, "--loss_plot={content}_{style}_loss.png") == 0
    assert inline == ["cat_wave.png"] * 2


def test_another_file_of_a_pair_is_not_replaced_unasked(folder, inline, capsys):
    (folder / "made").mkdir()
    (folder / "made" / "cat.gif").write_text("precious")
    pictures = ["--content_image=photos/cat.png", "--style_image=paintings/wave.png", "--output_dir=made"]
    assert batch(*pictures, "--animation={content}.gif") == 1
    assert "output_dir: 'made/cat.gif' exists already, and no batch has made it" in capsys.readouterr().err
    assert (folder / "made" / "cat.gif").read_text() == "precious"
    assert batch(*pictures, "--animation={content}.gif", "--overwrite") == 0
    assert batch(*pictures, "--animation={content}.gif", "--strength=0.5") == 0


def test_a_folder_may_move_and_another_picture_is_not_replaced(folder, inline, capsys):
    assert batch(*EVERY) == 0
    inline.clear()
    os.rename("photos", "moved")
    assert batch("--content_image=moved", "--style_image=paintings", "--output_dir=made") == 0
    assert inline == []
    for seed, name in enumerate(["cat", "dog", "eel"]):  # Others of the same names, elsewhere.
        picture(folder / "others" / f"{name}.png", 50 + seed)
    assert batch("--content_image=others", "--style_image=paintings", "--output_dir=made") == 1
    assert inline == []
    assert "no batch has made it of these pictures" in capsys.readouterr().err


def test_a_batch_does_not_take_its_own_pictures(folder, inline):
    for _ in range(2):
        assert batch("--content_image=photos", "--style_image=paintings", "--output_dir=photos") == 0
    assert len(rows("photos/report.json")) == 6
    assert len(inline) == 6


RECORDS = {
    "batch": [None, [], 3, {}, {"asked": 3}],
    "inputs": [None, [], {"content_image": 3}],
    "settings": [None, [], {"content_image": [[], {}]}],
    "steps": [None, "x", float("inf")],
    "losses": [None, "x", {"loss": "x"}],
    "stop_reason": [None],
}


def test_a_record_that_holds_anything_costs_nothing(folder, inline, monkeypatch):
    pictures = {"content_image": "photos/cat.png", "style_image": "paintings/wave.png"}
    usual = {name: flags.form_of(name).parse(text) for name, text in (one[2:].split("=") for one in USUAL)}
    assert batch(*(f"--{name}={value}" for name, value in pictures.items()), "--output_dir=made") == 0
    (pair,) = planning.planned({**pictures, **usual}, settings.BatchSettings(output_dir="made"))
    earlier = done.EarlierPictures(storage.Place("made"), overwrite=True)
    assert earlier.outcome(pair, keeps=True).status is pairs.Status.KEPT
    read, found = done.record.read, {}
    monkeypatch.setattr(done.record, "read", lambda path: {**read(path), **found})
    for key, values in RECORDS.items():
        for value in values:
            found.clear()
            found[key] = value
            # Settings that are lost are known by the files and by what was asked.
            assert (earlier.outcome(pair, keeps=True) is None) is (key not in ("settings", "stop_reason")), found


def test_files_of_others_are_not_replaced_by_the_report(folder, inline, capsys):
    (folder / "made").mkdir()
    (folder / "made" / "report.json").write_text('{"precious": 1}')
    assert batch(*EVERY) == 2
    assert "output_dir: 'made' holds 'report.json', which no batch has written." in capsys.readouterr().err
    assert inline == []
    assert (folder / "made" / "report.json").read_text() == '{"precious": 1}'
    assert batch(*EVERY, "--overwrite") == 0


def test_what_is_done_is_said_first(folder, inline, capsys):
    assert batch(*EVERY) == 0
    assert "nst_keras: 6 pictures to make, in made\n" in capsys.readouterr().out
    assert batch(*EVERY, "--strength=0.5") == 0
    again = "6 pictures to make, 6 of them again: their settings or files have changed, in made"
    assert again in capsys.readouterr().out
    assert batch(*EVERY, "--strength=0.5") == 0
    assert (
        capsys.readouterr().out == "nst_keras: No pictures made, 6 made before, in 0 s; made/report.html shows them.\n"
    )


def test_an_error_in_mid_run_ends_with_a_report(folder, inline, capsys, monkeypatch):
    made = making.Maker.make

    def failing(self, pair, watch):
        if pair.output == "cat_wave.png":
            raise OSError("no process can be started")
        return made(self, pair, watch)

    monkeypatch.setattr(making.Maker, "make", failing)
    assert batch(*EVERY) == 1
    assert "no process can be started" in capsys.readouterr().err
    assert statuses().count("made") == 5


def test_the_dry_run_tells_of_damaged_pictures(folder, inline, capsys):
    (folder / "photos" / "dog.png").write_bytes((folder / "photos" / "dog.png").read_bytes()[:60])
    assert batch(*EVERY, "--dry_run") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines[:-1]] == ["to make"] * 2 + ["cannot be made"] * 2 + ["to make"] * 2


def test_the_report_of_python_is_short_and_its_options_are_those_of_the_flags(folder, inline):
    report = door.run("photos", "paintings", "made", dry_run=True, extractor="compact")
    assert repr(report) == "<Report: No pictures made, 6 not begun, in 0 s>"
    parameters = list(inspect.signature(door.run).parameters)
    options = [field.name for field in settings.fields(settings.BatchSettings)]
    assert set(options) <= set(parameters)
    for name, value in {"output_dir": 3, "pairs": b"x"}.items():
        with pytest.raises(TypeError, match=f"{name} must be a path"):
            door.run("photos", "paintings", **{name: value})
