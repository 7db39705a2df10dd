import numpy as np
import PIL.Image
import PIL.ImageDraw
import pytest

from nst_keras.cli.studio import painted

FIRST, SECOND, STAYS = painted.COLOURS


def layer(**areas):
    picture = PIL.Image.new("RGBA", (40, 30))
    for purpose, area in areas.items():
        PIL.ImageDraw.Draw(picture).rectangle(area, fill=painted.COLOURS[purpose.replace("_", " ")])
    return picture


def test_each_colour_makes_a_mask_white_where_it_was_painted():
    found = painted.masks([layer(first_style=(0, 0, 9, 29), stays_a_photograph=(20, 5, 39, 10))])
    assert set(found) == {FIRST, STAYS}
    expected = np.zeros((30, 40), np.uint8)
    expected[:, :10] = 255
    np.testing.assert_array_equal(np.asarray(found[FIRST]), expected)
    assert np.asarray(found[STAYS])[5:11, 20:40].all()
    assert np.count_nonzero(found[STAYS]) == 6 * 20


def test_the_topmost_layer_counts():
    found = painted.masks([layer(first_style=(0, 0, 39, 29)), layer(second_style=(0, 0, 19, 29))])
    np.testing.assert_array_equal(np.asarray(found[FIRST]) == 0, np.asarray(found[SECOND]) == 255)


def test_nothing_or_a_slip_of_the_hand_is_no_mask():
    assert painted.masks([]) == {}
    assert painted.masks([layer(first_style=(3, 3, 5, 5))]) == {}


def test_masks_become_the_options_of_a_run():
    assert painted.options({}) == {}
    assert painted.options({STAYS: "c", FIRST: "a"}) == {"style_mask": "a", "content_mask": "c"}
    assert painted.options({SECOND: "b", FIRST: "a"}) == {"style_mask": ["a", "b"]}


@pytest.mark.parametrize(("brush", "other"), [(FIRST, SECOND), (SECOND, FIRST)])
def test_of_two_styles_the_one_that_was_not_painted_goes_everywhere_else(brush, other):
    found = painted.masks([layer(**{brush.replace(" ", "_"): (0, 0, 9, 29)})])
    made = painted.completed(found, 2)
    np.testing.assert_array_equal(np.asarray(made[other]), 255 - np.asarray(found[brush]))
    assert set(painted.completed({FIRST: found[brush]}, 1)) == {FIRST}
    assert painted.completed({}, 2) == {}


def test_a_second_brush_without_a_second_style_is_told():
    with pytest.raises(ValueError, match="style_mask: the second style's brush was used, but no second style is given"):
        painted.completed(painted.masks([layer(second_style=(0, 0, 9, 29))]), 1)
