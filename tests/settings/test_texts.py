import os

import numpy as np
import pytest

from nst_keras.settings import texts

NAMES = "ImageSource | list[ImageSource] | None"
URL = "https://example.org/w_200,h_300/a.jpg"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a.jpg", "b, c.jpg", "~"):
        (tmp_path / name).touch()
    (tmp_path / "left,right").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x.jpg", "x.jpg"),
        (" x.jpg ", "x.jpg"),
        ("x.jpg,y.jpg", ["x.jpg", "y.jpg"]),
        ("x.jpg, y z.jpg ,sample:swirls", ["x.jpg", "y z.jpg", "sample:swirls"]),
        ("b, c.jpg", "b, c.jpg"),  # A file.
        ("left,right", "left,right"),  # A folder.
        ("a.jpg,b, c.jpg", ["a.jpg", "b", "c.jpg"]),
        ('a.jpg,"b, c.jpg"', ["a.jpg", "b, c.jpg"]),
        ('a.jpg, "b, c.jpg"', ["a.jpg", "b, c.jpg"]),
        ('"b, c.jpg"', "b, c.jpg"),
        ('my "best".jpg', 'my "best".jpg'),
        ('"my ""best"".jpg",a.jpg', ['my "best".jpg', "a.jpg"]),
        ("sample:swirls,sample:woodblock", ["sample:swirls", "sample:woodblock"]),
        (URL, URL),
        (f"{URL},{URL}", [URL, URL]),
        (f"{URL},a.jpg", [URL, "a.jpg"]),
        (f"{URL}, ftp://example.org/b.jpg", [URL, "ftp://example.org/b.jpg"]),
        (f"{URL},nowhere.jpg", f"{URL},nowhere.jpg"),
        (f'"{URL}",nowhere.jpg', [URL, "nowhere.jpg"]),
        (f"a.jpg,{URL},sample:swirls", ["a.jpg", URL, "sample:swirls"]),
        ('"none"', "none"),
    ],
)
def test_names(folder, text, expected):
    assert texts.names_from_text(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        *((text, "holds an empty name") for text in ("", ",", "a.jpg,", "a.jpg,,b.jpg", '""')),
        ('"a.jpg', "unexpected end of data"),
        ('"a"b,c', "expected after"),
        ('"a" ,b', "expected after"),
        ('"a"\n"b"', "more than one line"),
    ],
)
def test_texts_that_are_no_names(folder, text, reason):
    with pytest.raises(ValueError, match=reason):
        texts.names_from_text(text)


AWKWARD = [
    "a.jpg",
    "b, c.jpg",
    ",",
    '"',
    '""',
    '"a"',
    '"a","b"',
    " a",
    "a ",
    "\u00a0a",
    "a\nb",
    "a\r\nb",
    "\n",
    "\r",
    "é,ü",
]
AWKWARD += [
    "画像.png",
    "none",
    "NONE",
    "--seed=3",
    "'",
    "a'b,c",
    "\\",
    "#",
    "~",
    URL,
    f"{URL},{URL}",
    "sample:swirls",
    "\udcff",
]


@pytest.mark.parametrize("name", AWKWARD)
def test_the_text_of_a_name_gives_it_back_whatever_files_there_are(folder, name):
    kind = texts.kind(NAMES)
    assert kind.parse(kind.text(name)) == name
    for files in (kind.text(name), kind.text([name, "x"])):  # Files named like the texts themselves.
        if "/" not in files:
            (folder / files).touch()
    assert kind.parse(kind.text([name])) == name
    assert kind.parse(kind.text([name, "x"])) == [name, "x"]


def test_the_text_of_names_gives_them_back(folder):
    kind, random = texts.kind(NAMES), np.random.default_rng(0)
    for _ in range(300):
        length = random.integers(2, 6)
        names = [AWKWARD[place] for place in random.integers(len(AWKWARD), size=length)]
        assert kind.parse(kind.text(names)) == names
        made = "".join(random.choice(list("a,\" \n\r;'é"), size=length))
        assert kind.parse(kind.text(made)) == made
    assert kind.text(folder / "a.jpg") == os.fspath(folder / "a.jpg")


@pytest.mark.parametrize(
    ("annotation", "value", "text"),
    [
        ("Sequence[float] | None", [0.7, 0.3], "0.7,0.3"),
        ("Sequence[float] | None", [1e-07], "1e-07"),
        ("float | Sequence[float] | None", 1.5, "1.5"),
        ("float | Sequence[float] | None", [1.0, 0.1 + 0.2], "1.0,0.30000000000000004"),
        ("int | Sequence[int] | None", 4, "4"),
        ("int | Sequence[int] | None", [128, 256, 512], "128,256,512"),
        ("Sequence[int]", [1], "1"),
        ("Iterable[str] | Mapping[str, float] | None", {"conv1_1": 0.5, "conv2_1": 2.0}, "conv1_1:0.5,conv2_1:2.0"),
        ("Iterable[str] | Mapping[str, float] | None", ["conv1_1"], "conv1_1"),
        ("int | str | None", 512, "512"),
        ("int | str | None", "content", "content"),
        ("str | float", 0.5, "0.5"),
        ("str | float", "equal", "equal"),
        ("ImageSource", " a,b.jpg", " a,b.jpg"),
        ("str | os.PathLike | None", "a b", "a b"),
        ("bool", True, "true"),
        ("bool", False, "false"),
        ("int | None", -3, "-3"),
        ("float | keras.optimizers.schedules.LearningRateSchedule | None", 1e-2, "0.01"),
    ],
)
def test_each_kind_reads_what_it_says(annotation, value, text):
    kind = texts.kind(annotation)
    assert kind.text(value) == text
    assert kind.parse(text) == value
    assert type(kind.parse(text)) is type(value)


def test_what_python_says_in_another_way():
    assert texts.kind("str | bool").text(True) == "true"
    assert texts.kind("float | Sequence[float]").parse("1") == 1.0
    assert texts.kind("float | Sequence[float]").text([1.0]) == "1.0"


@pytest.mark.parametrize(
    ("annotation", "text"),
    [("Sequence[float]", "0.7;0.3"), ("int | Sequence[int]", "128,256.5"), ("Sequence[float]", "1,"), ("int", "x")],
)
def test_texts_that_are_no_numbers(annotation, text):
    with pytest.raises(ValueError, match="could not convert|invalid literal"):
        texts.kind(annotation).parse(text)


def test_an_annotation_without_a_kind():
    with pytest.raises(LookupError, match="complex"):
        texts.kind("complex | None")
