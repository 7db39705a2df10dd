import itertools

import numpy as np
import pytest

from nst_keras.engine import schedule


@pytest.mark.parametrize("longest_side", [48, 333, 512, 2000])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_each_stage_has_twice_the_pixels_of_the_one_before(longest_side, count):
    sizes = schedule.stage_sizes(count, longest_side)
    assert len(sizes) == count
    assert sizes[-1] == longest_side
    for before, after in itertools.pairwise(sizes):
        assert (after / before) ** 2 == pytest.approx(2.0, rel=0.08)


def test_without_a_pyramid_there_is_one_stage():
    assert schedule.stage_sizes(None, 512) == (512,)
    assert schedule.stage_sizes(1, 512) == (512,)


@pytest.mark.parametrize("given", [[16, 32], (16, 32), [16, 32, 48]])
def test_sizes_of_ones_own_end_at_the_pictures(given):
    assert schedule.stage_sizes(given, 48) == (16, 32, 48)


@pytest.mark.parametrize("given", [[32, 16], [16, 16], [16, 64], []])
def test_sizes_that_do_not_grow_to_the_pictures_are_refused(given):
    with pytest.raises(ValueError, match="pyramid=.* must be sizes in pixels that grow .* longest side, 48"):
        schedule.stage_sizes(given, 48)


@pytest.mark.parametrize("given", [0, -1, 2.5, "4", True, [16.5], [0, 48]])
def test_what_is_no_whole_number_is_refused(given):
    with pytest.raises(ValueError, match="pyramid must be a whole number, 1 or more"):
        schedule.stage_sizes(given, 48)


def test_more_stages_than_sizes_are_refused():
    with pytest.raises(ValueError, match="pyramid=9 is too many stages for a picture of 8 px. Take fewer"):
        schedule.stage_sizes(9, 8)


@pytest.mark.parametrize(("stages", "steps"), [(1, 7), (2, 2), (3, 9), (3, 10), (3, 11), (4, 4), (5, 99)])
def test_the_last_stage_has_half_of_the_steps_and_the_others_share_theirs(stages, steps):
    ends = schedule.stage_ends(stages, steps)
    *before, last = [end - begin for begin, end in itertools.pairwise((0, *ends))]
    assert ends[-1] == steps
    assert sorted(before, reverse=True) == before
    assert not before or (max(before) - min(before) <= 1 <= min(before))
    assert last == (max(steps - steps // 2, 1) if 1 < stages <= steps // 2 else steps - sum(before))
    assert last >= 1


def test_more_stages_than_steps_are_refused():
    with pytest.raises(ValueError, match="pyramid has 3 stages, but epochs and steps_per_epoch make 2 steps"):
        schedule.stage_ends(3, 2)


@pytest.mark.parametrize(
    "shares", [(8, 4, 2, 1), (1, 1, 1, 1), (1000, 1, 1, 1), (1, 1, 1, 1000), (0.5, 0.25, 3.0, 0.1)]
)
@pytest.mark.parametrize("steps", [4, 5, 60, 1000])
def test_stages_have_their_shares_of_the_steps_and_one_at_least(shares, steps):
    ends = schedule.stage_ends(4, steps, shares)
    lengths = np.diff([0, *ends])
    assert ends[-1] == steps
    assert min(lengths) >= 1
    if steps == 1000:
        np.testing.assert_allclose(lengths, steps * np.array(shares) / sum(shares), atol=4)


@pytest.mark.parametrize("shares", [(1, 2), (1, 2, 0), (1, 2, -1), (1, 2, float("nan")), 3])
def test_bad_shares(shares):
    with pytest.raises(ValueError, match=r"pyramid_shares"):
        schedule.stage_shares(shares, 3)
