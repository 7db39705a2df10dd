import pytest

from nst_keras import export
from nst_keras.cli.batch import naming, pairs


@pytest.mark.parametrize(
    ("pictures", "titles"),
    [
        (["a/dog.jpg", "b/cat.jpg"], ["dog", "cat"]),
        (["2023/dog.jpg", "2024/dog.jpg"], ["2023_dog", "2024_dog"]),
        (["dog.jpg", "dog.png"], ["dog_jpg", "dog_png"]),
        (["Dog.jpg", "dog.png"], ["Dog_jpg", "dog_png"]),
        (["a/x/dog.jpg", "b/x/dog.jpg"], ["dog", "dog_2"]),
        (["a/dog.jpg", "a/dog.png", "b/dog.jpg"], ["a_dog_jpg", "a_dog_png", "b_dog_jpg"]),
        (["a/x/dog.jpg", "b/x/dog.jpg", "dog_2.jpg"], ["dog", "dog_3", "dog_2"]),
        (["sample:swirls", "https://host/my%20dog.jpg?x=1"], ["swirls", "my_dog"]),
        (["été.jpg", "été 2.jpg"], ["été", "été_2"]),
    ],
)
def test_each_picture_has_a_title_of_its_own(pictures, titles):
    assert list(naming.titles(pictures).values()) == titles
    assert len({title.casefold() for title in naming.titles(pictures).values()}) == len(pictures)


def test_titles_do_not_depend_on_the_order():
    pictures = ["2023/dog.jpg", "2024/dog.jpg", "cat.jpg", "cat.png"]
    assert naming.titles(pictures) == naming.titles(pictures[::-1])


@pytest.mark.parametrize(
    "template",
    [
        "{content}.doc",
        "{content}",
        "../{content}.png",
        "/a/{content}.png",
        "{contents}.png",
        "{.png",
        "{}.png",
        "{content!r}.png",
        "{number:05}.png",
        "{content.__class__}.png",
        "{0}.png",
    ],
)
def test_a_template_that_names_no_picture_below_the_folder_is_refused(template):
    with pytest.raises(ValueError, match="^output: "):
        naming.check_template("output", template)


def test_a_template_may_have_folders():
    naming.check_template("output", "{style}/{number}_{content}.webp")
    parts = {"content": "dog", "style": "wave", "settings": "", "number": "07"}
    assert naming.filled("{style}/{number}_{content}.webp", parts) == "wave/07_dog.webp"


def test_no_two_pictures_have_one_name_and_none_is_one_that_is_read_or_of_the_report(tmp_path):
    (tmp_path / "in.png").write_bytes(b"")
    outputs = {1: "a.png", 2: "A.png", 4: "contact_sheet.png", 5: "in.png", 6: "b/in.png", 7: "contact_sheet_2.png"}
    files = {number: {"output": name} for number, name in outputs.items()}
    files |= {8: {"output": "b.png", "animation": "../b.gif"}, 9: {"output": "c.png", "loss_plot": "c.png"}}
    files |= {10: {"output": "d.png", "animation": "d.gif"}, 11: {"output": "e.png", "animation": "d.gif"}}
    files |= {12: {"output": f"{'x' * 300}.png"}, 13: {"output": "a\0.png"}}
    made = [pairs.Pair(number, None, "x.png", {}, {}, {}, names, None, {}) for number, names in files.items()]
    found = naming.problems(made, tmp_path, [str(tmp_path / "in.png")])
    assert sorted(found) == [2, 4, 5, 7, 8, 9, 11, 12, 13]
    assert found[2] == "output: 'A.png' is the output of pair 1 too. Give it another name."
    assert "would replace a file that the batch reads" in found[5]
    assert found[8].startswith("animation: '../b.gif' must name files below output_dir")
    assert found[9] == "loss_plot: 'c.png' is this pair's output too. Give it another name."
    assert found[11] == "animation: 'd.gif' is the animation of pair 10 too. Give it another name."
    assert "is longer than the 235 bytes" in found[12]


def test_the_suffixes_are_those_of_the_stills():
    assert list(naming.PICTURES) == list(export.STILL_OPTIONS)
