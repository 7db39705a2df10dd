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
    assert painted.options({}, 1) == {}
    assert painted.options({FIRST: "a", STAYS: "c"}, 1) == {"style_mask": "a", "content_mask": "c"}
    assert painted.options({FIRST: "a", SECOND: "b"}, 2) == {"style_mask": ["a", "b"]}


def test_brushes_that_do_not_fit_the_styles_are_told():
    with pytest.raises(ValueError, match="style_mask: the second style's brush was used, but no second style is given"):
        painted.options({SECOND: "b"}, 1)
    with pytest.raises(ValueError, match="style_mask: one style's brush was used, but two styles are given"):
        painted.options({FIRST: "a"}, 2)
