import csv
import html.parser
import json
import pathlib
import subprocess
import sys

import numpy as np
import PIL.Image
import pytest

import nst_keras
from nst_keras.cli import flags
from nst_keras.cli.batch import pairs
from nst_keras.cli.batch.report import files as report
from nst_keras.cli.batch.report import sheet as report_sheet
from nst_keras.cli.batch.report import thumbnails
from nst_keras.settings import texts
from tests.conftest import ROOT

Status = pairs.Status
LOSSES = {"loss": 31240.0, "style_loss": 0.0123, "content_loss": float("nan"), "var_loss": 0.0}
FLAW = "content_image: 'dog.jpg' is damaged. Get a whole copy of it."
NASTY = "a<b>&\"c'\ncaf\udce9.png"


def picture(path, size=(60, 40), **options):
    """Writes a picture of noise, and returns its path."""
    pixels = np.random.default_rng(len(str(path))).integers(0, 255, (size[1], size[0], 3), np.uint8)
    PIL.Image.fromarray(pixels).save(path, **options)
    return str(path)


def pair(number, content, style, output="", **own):
    texts = {name: flags.form_of(name).text(value) for name, value in own.items()}
    return pairs.Pair(number, content, style, own, texts, {}, {"output": output or f"made_{number}.png"}, None, {})


def made(number, status=Status.MADE, **facts):
    return pairs.Outcome(number, status, **{"size": (40, 60), "steps": 500, "seconds": 31.4, "losses": LOSSES, **facts})


def failed(number):
    return pairs.Outcome(number, Status.FAILED, FLAW, 0.5)


def report_of(every, outcomes, command=""):
    told = {outcome.number: outcome for outcome in outcomes}
    return report.Report(every, told, 312.4, "2026-01-31T12:00:00+00:00", command)


def local(folder):
    """`picture_of`: files by their paths, results in the folder."""
    return lambda name, made: found if (found := folder / name).is_file() else None


def grid(folder, contents, styles):
    """A batch of which all pictures are made, but the last."""
    inputs = [
        [picture(folder / f"{kind}{n}.jpg") for n in range(count)] for kind, count in (("c", contents), ("s", styles))
    ]
    every = [
        pair(1 + styles * row + column, content, style)
        for row, content in enumerate(inputs[0])
        for column, style in enumerate(inputs[1])
    ]
    for one in every[:-1]:
        picture(folder / one.output)
    return report_of(every, [*(made(one.number) for one in every[:-1]), failed(len(every))])


class Page(html.parser.HTMLParser):
    """A page's elements: it fails over one that is not closed."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.text, self._open = [], "", []
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag, attrs):
        assert len(dict(attrs)) == len(attrs)
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "input", "wbr"):
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if self._open and self._open[-1] not in ("script", "style"):
            self.text += data

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def written(told, folder):
    """Writes a report, and returns its page."""
    assert report.write(told, folder, local(folder)) == []
    return Page((folder / report.PAGE).read_text(encoding="utf-8"))


def test_what_is_counted():
    every = [pair(n, "dog.jpg", "wave.jpg") for n in range(1, 6)]
    told = report_of(every, [made(1), made(2, Status.KEPT), failed(3), made(4, Status.STOPPED)])
    assert told.counts == dict.fromkeys(Status, 1)
    assert told.failed == [every[2]]
    assert told.summary == "1 picture made, 1 made before, 1 failed, 1 stopped, 1 not begun, in 312 s"
    assert report_of(every[:1], [made(1, Status.KEPT)]).summary == "No pictures made, 1 made before, in 312 s"
    problem = every[4]._replace(problem="style_image is missing.")
    assert told.outcome(problem).sentence == "style_image is missing."


def test_the_page_shows_each_input_once(tmp_path):
    page = written(grid(tmp_path, 3, 4), tmp_path)
    text = (tmp_path / report.PAGE).read_text(encoding="utf-8")
    assert text.count("data:image/jpeg") == 3 + 4 + 11
    labels = [element["aria-label"] for tag, element in page.elements if element.get("role") == "img"]
    assert len(labels) == 24
    assert len(set(labels)) == 7
    assert [image["alt"] for image in page.all("img")] == [f"made_{n}.png" for n in range(1, 12)]
    assert text.index("Failed (1)") < text.index("Pictures (11)")
    assert {head["scope"] for head in page.all("th")} == {"col", "row"}
    for words in (
        FLAW,
        "11 pictures made, 1 failed, in 312 s.",
        "✕ failed",
        "not made",
        "total 3.12e4",
        "style 1.23e-2",
    ):
        assert words in page.text


def test_the_page_needs_nothing_else(tmp_path):
    page = written(grid(tmp_path, 2, 2), tmp_path)
    text = (tmp_path / report.PAGE).read_text(encoding="utf-8")
    assert "://" not in text
    assert {link["href"] for link in page.all("a")} == {
        f"./{name}" for name in (*report.FILES[1:], *(f"made_{n}.png" for n in (1, 2, 3)))
    }
    assert not [element for _, element in page.elements if not element.get("src", "data:").startswith("data:")]


def test_texts_are_escaped(tmp_path):
    picture(tmp_path / "a b#?%.png")
    every = [pair(1, NASTY, ["sample:swirls", "https://me:secret@host/x.jpg"], "a b#?%.png", mode="<i>")]
    page = written(report_of(every, [made(1, sentence="<u>", warnings=("<s>",))], "nst-keras https://a:b@c"), tmp_path)
    assert {tag for tag, _ in page.elements}.isdisjoint({"b>", "i", "u", "s"})
    labels = [element["aria-label"] for _, element in page.elements if "aria-label" in element]
    assert labels == []  # None of the inputs can be shown.
    shown = "a<b>&\"c' caf\\udce9.png"
    assert {"title": shown} in page.all("figcaption")
    assert shown in page.text
    for words in ("swirls", "https://me@host/x.jpg", "mode <i>", "<u>", "Warning: <s>", "nst-keras https://a@c"):
        assert words in page.text + str(page.elements)
    assert {"href": "./a%20b%23%3F%25.png"} in page.all("a")
    assert "secret" not in (tmp_path / report.FACTS).read_text()


def test_the_facts(tmp_path):
    every = [pair(1, NASTY, ["a.jpg", "b.jpg"], content_weight=0.5, layers=("x", "y")), pair(2, None, "b.jpg")]
    written(report_of(every, [made(1)], "nst-keras batch"), tmp_path)
    facts = json.loads((tmp_path / report.FACTS).read_bytes().decode("utf-8"))
    assert facts["nst_keras"] == nst_keras.__version__
    assert (facts["began"], facts["seconds"]) == ("2026-01-31T12:00:00+00:00", 312.4)
    assert facts["command"] == "nst-keras batch"
    assert facts["counts"] == {"made": 1, "made before": 0, "failed": 0, "stopped": 0, "not begun": 1}
    first, second = facts["pairs"]
    assert first == {
        "number": 1,
        "content": NASTY,
        "style": ["a.jpg", "b.jpg"],
        "output": "made_1.png",
        "status": "made",
        "sentence": "",
        "own": {"content_weight": 0.5, "layers": ["x", "y"]},
        "size": [40, 60],
        "steps": 500,
        "seconds": 31.4,
        "losses": {**LOSSES, "content_loss": "nan"},
        "warnings": [],
    }
    assert (second["status"], second["content"], second["size"]) == ("not begun", None, None)


def test_what_failed_can_be_made_again(tmp_path):
    own = {"content_weight": 0.5, "style_layers": {"block1_conv1": 1.0}, "image_size": None}
    every = [
        pair(1, NASTY, ["a,b.jpg", "c.jpg"], **own),
        pair(2, "dog.jpg", "made before.jpg"),
        pair(3, None, "wave.jpg", "in/a.png", seed=3),
    ]
    written(report_of(every, [failed(1), made(2), failed(3)]), tmp_path)
    with open(tmp_path / report.FAILURES, encoding="utf-8", errors="surrogateescape", newline="") as file:
        first, second = csv.DictReader(file)
    assert list(first) == ["content_image", "style_image", *own, "seed", "output", "reason"]
    assert first["content_image"] == NASTY
    assert texts.names_from_text(first["style_image"]) == ["a,b.jpg", "c.jpg"]
    assert {name: flags.form_of(name).parse(first[name]) for name in own} == own
    assert (first["seed"], first["output"], first["reason"]) == ("", "made_1.png", FLAW)
    assert (second["content_image"], second["style_image"], second["seed"]) == ("", "wave.jpg", "3")


def test_old_files_go(tmp_path):
    for name in ("failures.csv", "contact_sheet_2.png", "contact_sheet_3.png", "contact_sheet_5.png", "dog.png"):
        (tmp_path / name).write_text("old")
    picture(tmp_path / "made_1.png")
    written(report_of([pair(1, "dog.jpg", "wave.jpg")], [made(1)]), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        *(report.PAGE, report.FACTS, report_sheet.SHEET),
        *("contact_sheet_5.png", "dog.png", "made_1.png"),
    }


def test_where_no_picture_is_here_there_is_no_sheet(tmp_path):
    (tmp_path / report_sheet.SHEET).write_text("old")
    page = written(report_of([pair(1, "dog.jpg", "wave.jpg")], [made(1)]), tmp_path)
    assert "no preview" in page.text
    assert not (tmp_path / report_sheet.SHEET).exists()


@pytest.mark.parametrize("name", report.FILES)
def test_a_file_that_cannot_be_written_costs_no_other(name, tmp_path):
    told = grid(tmp_path, 2, 2)
    (tmp_path / name / "inside").mkdir(parents=True)
    (problem,) = report.write(told, tmp_path, local(tmp_path))
    assert isinstance(problem, OSError)
    assert name in str(problem)
    assert all((tmp_path / other).is_file() for other in report.FILES if other != name)
    assert not [path for path in tmp_path.iterdir() if ".tmp" in path.name]


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    problems = report.write(grid(tmp_path, 1, 1), tmp_path / "file", local(tmp_path))
    assert len(problems) >= 3
    assert "output_dir" in str(problems[0])


def test_a_picture_of_an_earlier_batch_is_not_shown_for_one_that_failed(tmp_path):
    picture(tmp_path / "made_1.png")
    page = written(report_of([pair(1, "dog.jpg", "wave.jpg")], [failed(1)]), tmp_path)
    assert not page.all("img")


@pytest.mark.parametrize(
    ("contents", "styles", "pages", "corner"),
    [(2, 3, 1, ["c0.jpg", "s0.jpg"]), (1, 3, 1, ["c0.jpg, s0.jpg"]), (27, 2, 2, ["c0.jpg", "s0.jpg"])],
)
def test_the_sheet(contents, styles, pages, corner, tmp_path, monkeypatch):
    grids = []
    monkeypatch.setattr(report_sheet.sheet, "draw", lambda grid: grids.append(grid) or NoFigure())
    told = grid(tmp_path, contents, styles)
    report_sheet.write(told, tmp_path, thumbnails.Thumbnails(local(tmp_path)))
    assert len(grids) == pages
    assert len([*tmp_path.glob("contact_sheet*.png")]) == pages
    first = grids[0]
    assert [*first.labels[:1], *first.columns[:1]] + [first.rows[0][0].label] * (contents == 1) == corner
    cells = [cell for one in grids for row in one.rows for cell in row]
    assert [cell.picture is None for cell in cells] == [False] * (len(cells) - 1) + [True]
    assert max(len(one.rows) for one in grids) <= 25


class NoFigure:
    def savefig(self, path, **options):
        pathlib.Path(path).write_bytes(b"")


def test_settings_are_on_the_sheet(tmp_path, monkeypatch):
    grids = []
    monkeypatch.setattr(report_sheet.sheet, "draw", lambda grid: grids.append(grid) or NoFigure())
    every = [pair(n, "a/dog.jpg", ["b/wave.jpg", "sample:swirls"], seed=n) for n in range(1, 8)]
    picture(tmp_path / "made_1.png")
    report_sheet.write(
        report_of(every, [made(n) for n in range(1, 7)]), tmp_path, thumbnails.Thumbnails(local(tmp_path))
    )
    assert [len(row) for row in grids[0].rows] == [5, 1]
    assert grids[0].rows[0][1].label == "dog.jpg, wave.jpg + swirls, seed=2"


def test_many_styles_have_pages_beside_each_other():
    every = [pair(50 * row + column, f"c{row}.jpg", f"s{column}.jpg") for row in range(2) for column in range(50)]
    shown = report_sheet._Sheet(
        report_of(every, [made(one.number) for one in every]), thumbnails.Thumbnails(lambda name, made: None)
    )
    assert [len(one.columns) for one in report_sheet._pages(shown)] == [17, 17, 16]


def test_names_that_are_taken():
    assert all(map(report.is_reserved, report.FILES))
    assert report.is_reserved("CONTACT_SHEET_12.PNG")
    assert not report.is_reserved("contact_sheet_of_a_dog.png")


def files(folder):
    """Pictures of 80x40 px, of all kinds: the left half red, the right one blue."""
    left, right = PIL.Image.new("RGB", (40, 40), "red"), PIL.Image.new("RGB", (40, 40), "blue")
    whole = PIL.Image.new("RGB", (80, 40))
    whole.paste(left, (0, 0))
    whole.paste(right, (40, 0))
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    whole.transpose(PIL.Image.Transpose.ROTATE_90).save(folder / "turned.jpg", exif=exif, subsampling=0)
    whole.convert("CMYK").save(folder / "cmyk.jpg", subsampling=0)
    whole.quantize(4).save(folder / "palette.png")
    large = whole.resize((1600, 800), PIL.Image.Resampling.NEAREST)
    large.save(folder / "large.jpg")
    large.save(folder / "whole.webp")
    return ["turned.jpg", "cmyk.jpg", "palette.png", "large.jpg", "whole.webp"]


def test_thumbnails_of_all_kinds(tmp_path):
    pictures = thumbnails.Thumbnails(local(tmp_path))
    for name in files(tmp_path):
        made = pictures.get(name, 40)
        assert made.size == (40, 20)
        left, right = made.getpixel((5, 10)), made.getpixel((35, 10))
        assert left[0] > left[2] + 150, name
        assert right[2] > right[0] + 100, name


def test_thumbnails_on_white_and_of_sixteen_bits(tmp_path):
    PIL.Image.new("RGBA", (50, 50), (200, 0, 0, 0)).save(tmp_path / "clear.png")
    PIL.Image.fromarray(np.full((50, 50), 32896, np.uint16)).save(tmp_path / "grey.png")
    pictures = thumbnails.Thumbnails(local(tmp_path))
    assert min(pictures.get("clear.png", 96).getpixel((25, 25))) > 250
    assert pictures.get("clear.png", 96).size == (50, 50)
    assert abs(pictures.get("grey.png", 96).getpixel((25, 25))[0] - 128) <= 2


def test_a_picture_that_cannot_be_read_is_none(tmp_path):
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")

    def picture_of(name, made):
        if name == "bad":
            raise OSError("no such disk")
        return tmp_path / name

    pictures = thumbnails.Thumbnails(picture_of)
    assert [pictures.get(name, 96) for name in ("", "broken.png", "missing.png", "bad", "a\0b")] == [None] * 5


def test_it_needs_no_tensorflow(tmp_path):
    picture(tmp_path / "made_1.png")
    code = (
        "import pathlib, sys; from nst_keras.cli.batch import pairs\n"
        "from nst_keras.cli.batch.report import files as report\n"
        "files = {'output': 'made_1.png'}\n"
        "pair = pairs.Pair(1, 'dog.jpg', 'wave.jpg', {'seed': 1}, {'seed': '1'}, {}, files, None, {})\n"
        "told = report.Report([pair], {1: pairs.Outcome(1, pairs.Status.MADE)}, 1.0, '', '')\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "assert report.write(told, folder, lambda name, made: folder / name) == []\n"
        "assert not {'tensorflow', 'keras'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path], cwd=ROOT, check=True)
    assert (tmp_path / report_sheet.SHEET).is_file()


@pytest.mark.slow
def test_a_page_of_a_thousand_pairs(tmp_path):
    """Pictures of noise have more bytes than any others."""
    contents = [picture(tmp_path / f"c{n:02d}.jpg", (640, 480)) for n in range(50)]
    styles = [picture(tmp_path / f"s{n:02d}.jpg", (640, 480)) for n in range(20)]
    picture(tmp_path / "made.png", (384, 288))
    every = [pair(20 * row + column, c, s) for row, c in enumerate(contents) for column, s in enumerate(styles)]
    told = report_of(every, [made(one.number) for one in every])
    pictures = thumbnails.Thumbnails(lambda name, made: tmp_path / ("made.png" if name.startswith("made_") else name))
    report._write_page(told, tmp_path / report.PAGE, pictures)
    assert (tmp_path / report.PAGE).stat().st_size < 15e6
