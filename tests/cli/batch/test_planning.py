import re

import pytest

from nst_keras import settings
from nst_keras.cli.batch import ordering, planning
from tests.cli.batch.conftest import NAMES, folder, picture

__all__ = ["folder"]


def planned(*, given=None, **batch):
    pictures = {} if "pairs" in batch else {"content_image": "photos", "style_image": "paintings"}
    return planning.planned({**pictures, **(given or {})}, settings.BatchSettings(**batch))


def test_every_content_is_made_in_every_style(folder):
    pairs = planned(given={"image_size": 48})
    assert [pair.output for pair in pairs] == NAMES
    assert [pair.number for pair in pairs] == [1, 2, 3, 4, 5, 6]
    images = pairs[1].asked.transfer.images
    assert images.content_image == str(folder / "photos" / "cat.png")  # Also from another folder of another machine.
    assert images.style_image == str(folder / "paintings" / "wave.png")
    assert (pairs[1].content, pairs[1].style) == ("photos/cat.png", "paintings/wave.png")
    assert {pair.asked.transfer.runtime.seed for pair in pairs} == {0}


def test_a_grid_makes_each_pair_with_every_setting(folder):
    for compare in ("strength=0.5,1;seed=1,2", {"strength": [0.5, 1.0], "seed": [1, 2]}):
        pairs = planned(given={"compare": compare})
        assert len(pairs) == 24
        assert pairs[1].output == "cat_night_strength=0.5_seed=2.png"
        assert pairs[1].own == {"strength": 0.5, "seed": 2}
        assert (pairs[1].asked.fit.strength, pairs[1].asked.transfer.runtime.seed) == (0.5, 2)
        assert pairs[1].asked.files.compare is None


def test_a_table_gives_pairs_with_options_of_their_own(folder):
    (folder / "pairs.csv").write_text(
        "content,style,strength,output\nphotos/cat.png,paintings/wave.png,0.5,\nphotos/dog.png,paintings/wave.png,,d.jpg\n"
    )
    first, second = planned(pairs="pairs.csv", given={"strength": 0.25})
    assert (first.output, first.asked.fit.strength) == ("cat_wave.png", 0.5)
    assert (second.output, second.asked.fit.strength) == ("d.jpg", 0.25)


def test_a_table_without_styles_is_made_in_each_that_is_given(folder):
    (folder / "pairs.csv").write_text("content_image,steps_per_epoch\nphotos/cat.png,3\nphotos/dog.png,4\n")
    pairs = planned(pairs="pairs.csv", given={"style_image": "paintings"})
    assert [(pair.output, pair.asked.fit.steps_per_epoch) for pair in pairs] == list(
        zip(NAMES[:4], [3, 3, 4, 4], strict=True)
    )
    with pytest.raises(ValueError, match="content_image is given twice: as --content_image and as a column"):
        planned(pairs="pairs.csv", given={"content_image": "photos", "style_image": "paintings"})


def test_a_row_with_a_problem_takes_no_name_from_another(folder):
    (folder / "pairs.csv").write_text(
        "content,style,image_size\nphotos/cat.png,paintings/wave.png,much\nphotos/cat.png,paintings/wave.png,48\n"
        "photos/cat.png,paintings/wave.png,64\nphotos,paintings/wave.png,48\nphotos/cot.png,paintings/wave.png,48\n"
    )
    pairs = planned(pairs="pairs.csv")
    assert [pair.output for pair in pairs][1:3] == ["cat_wave.png", "cat_wave_2.png"]
    assert pairs[0].own_texts == {"image_size": "much"}
    problems = [pair.problem for pair in pairs]
    assert problems == [
        "image_size: 'much' is not a whole number.",
        "",
        "",
        "content_image: 'photos' is a folder. A row of a table names one photograph.",
        "content_image: there is no file 'photos/cot.png'. Did you mean 'photos/cat.png'?",
    ]


def test_a_template_names_the_pictures(folder):
    pairs = planned(given={"output": "{style}/{number}_{content}.webp", "animation": "{content}_{style}.gif"})
    assert [pair.output for pair in pairs][:2] == ["night/1_cat.webp", "wave/2_cat.webp"]
    assert pairs[0].asked.files.animation == "cat_night.gif"


def test_a_mode_of_one_picture_has_names_of_that_alone(folder):
    pairs = planning.planned({"style_image": "paintings", "mode": "texture"}, settings.BatchSettings())
    assert [pair.output for pair in pairs] == ["night.png", "wave.png"]
    assert pairs[0].content is None


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"steps_per_epoch": 0}, "steps_per_epoch must be a whole number, 1 or more"),
        ({"preset": "bald"}, "preset='bald' is not known. Did you mean 'bold'?"),
        ({"mode": "texture"}, "content_image has no effect in mode='texture'"),
        ({"output": "one.png"}, "output: all pictures would be 'one.png'. Put {content} or {style} into it."),
        ({"size_step": 8, "size_buckets": 4}, "size_buckets and size_step both round"),
        ({"workers": 2}, "workers has no effect without ray_address"),
        ({"style_mask": [object()]}, "style_mask must be the name of a picture, but object was given."),
        ({"compare": "strength=2"}, "strength must be"),
    ],
)
def test_what_is_wrong_with_all_pairs_is_raised(folder, given, sentence):
    batch = {name: given.pop(name) for name in ("size_buckets", "workers") if name in given}
    with pytest.raises(ValueError, match=re.escape(sentence)):
        planned(given=given, **batch)


def test_none_is_a_value(folder):
    (folder / "pairs.csv").write_text(
        "content,style,image_size\nphotos/cat.png,paintings/wave.png,none\nphotos/dog.png,paintings/wave.png,\n"
    )
    first, second = planned(pairs="pairs.csv", given={"image_size": 20})
    assert (first.asked.transfer.images.image_size, second.asked.transfer.images.image_size) == (None, 20)
    assert {pair.asked.transfer.images.image_size for pair in planned(given={"image_size": None})} == {None}


def test_a_row_may_write_other_files_alone(folder):
    (folder / "pairs.csv").write_text(
        "content,style,animation\nphotos/cat.png,paintings/wave.png,{content}.gif\nphotos/dog.png,paintings/wave.png,\n"
        "photos/eel.png,paintings/wave.png,../x.gif\nphotos/eel.png,paintings/night.png,{foo}.gif\n"
    )
    first, second, third, fourth = planned(pairs="pairs.csv")
    assert first.files == {"output": "cat_wave.png", "animation": "cat.gif"}
    assert first.asked.files.animation == "cat.gif"
    assert second.asked.files.animation is None
    assert third.problem.startswith("animation: '../x.gif' must name files below output_dir")
    assert fourth.problem.startswith("animation: '{foo}.gif' may have these parts in braces alone: {content}")


def test_a_preset_gives_what_a_pair_does_not(folder):
    (folder / "pairs.csv").write_text("content,style,optimizer\nphotos/cat.png,paintings/wave.png,adam\n")
    (pair,) = planned(pairs="pairs.csv", given={"preset": "gatys2016"})
    assert pair.asked.transfer.optimization.optimizer == "adam"
    assert pair.asked.transfer.losses.normalization == "gatys2015"


def test_pairs_of_one_size_follow_each_other_those_of_one_style_within(folder):
    pairs = planned(given={"image_size": 32})
    assert {ordering.size(pair) for pair in pairs} == {(32, 24), (24, 32)}
    names = ["dog_night", "eel_night", "dog_wave", "eel_wave", "cat_night", "cat_wave"]
    assert [pair.output.removesuffix(".png") for pair in ordering.ordered(pairs)] == names


def test_pictures_of_nearly_one_shape_share_a_size(folder):
    picture(folder / "photos" / "fox.png", size=(41, 30))
    sizes = {ordering.size(pair) for pair in planned(given={"image_size": 32}, size_buckets=2)}
    assert sizes == {(24, 32), (32, 24)}
    assert {pair.asked.transfer.images.size_step for pair in planned(size_buckets=2)} == {128}
    given = {"preset": "gatys2016"}
    assert {pair.asked.transfer.images.size_step for pair in planned(size_buckets=2, given=given)} == {96}
