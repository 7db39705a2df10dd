import subprocess
import sys

import numpy as np
import pytest

from nst_keras.cli.video import sample_clips

# Two frames of a clip: neighbours in both directions, and farther ones.
PAIRS = [
    ("journey", 30, 31),
    ("journey", 31, 30),
    ("journey", 40, 48),
    ("journey", 83, 82),
    ("journey", 84, 90),
    ("pan", 0, 1),
    ("pan", 23, 15),
    ("passing", 10, 11),
    ("passing", 16, 10),
    ("cut", 10, 11),
    ("cut", 13, 12),
]


def warped(picture, flow):
    """A picture's colours at each pixel moved by `flow`, between pixels by bilinear interpolation."""
    height, width = flow.shape[:2]
    x = np.clip(flow[..., 0] + np.arange(width), 0, width - 1)
    y = np.clip(flow[..., 1] + np.arange(height)[:, None], 0, height - 1)
    left, top = np.minimum(x.astype(int), width - 2), np.minimum(y.astype(int), height - 2)
    right, down = (x - left)[..., None], (y - top)[..., None]
    upper = picture[top, left] * (1 - right) + picture[top, left + 1] * right
    lower = picture[top + 1, left] * (1 - right) + picture[top + 1, left + 1] * right
    return upper * (1 - down) + lower * down


def difference(clip, first, second):
    """How far frame `first` is from frame `second` moved onto it, in levels, float [height, width]."""
    moved = warped(clip.frame(second), clip.flow(first, second))
    return np.abs(moved - clip.frame(first)).mean(-1)


@pytest.mark.parametrize(("name", "first", "second"), PAIRS)
def test_a_frame_moved_by_the_flow_is_the_other_where_it_is_visible(name, first, second):
    clip = sample_clips.get(name)
    visible = clip.visible(first, second)
    assert visible.mean() > 0.8
    apart = difference(clip, first, second)[visible]
    assert apart.mean() < 2
    assert np.percentile(apart, 99.9) < 20


def test_what_the_balloon_uncovers_is_not_visible_before():
    clip = sample_clips.get("passing")
    hidden = ~clip.visible(12, 11)
    balloon = clip.flow(12, 11)[..., 0] < -5
    row = 100
    columns = np.flatnonzero(balloon[row])
    left, right = columns[0], columns[-1]
    # It moves to the right, by about 18 pixels a frame. What it covered lies behind it, and nothing ahead of it.
    assert hidden[row, left - 17 : left].all()
    assert not hidden[row, : left - 22].any()
    assert not hidden[row, right + 4 : -2].any()
    assert not hidden[row, left + 4 : right - 3].any()
    uncovered = hidden & (np.arange(480) < left) & (np.arange(480) > left - 17)
    assert difference(clip, 12, 11)[uncovered].mean() > 30


def test_the_flow_is_the_landscapes_and_the_balloons():
    clip = sample_clips.get("passing")
    flow = clip.flow(12, 13)
    assert flow.shape == (270, 480, 2)
    assert flow.dtype == np.float32
    balloon = np.abs(flow[..., 0]) > 5
    assert 0.05 < balloon.mean() < 0.2
    # By the clip's plan: over 23 frames, camera and balloon move by 6 and 460 of 520 pixels in a window of 480.
    np.testing.assert_allclose(flow[~balloon], [[-6 / 23 * 480 / 520, 0]] * (~balloon).sum(), atol=1e-4)
    np.testing.assert_allclose(flow[balloon], [[454 / 23 * 480 / 520, -16 / 23 * 480 / 520]] * balloon.sum(), atol=1e-4)


def test_there_and_back_is_no_way():
    clip = sample_clips.get("journey")
    there, back = clip.flow(50, 53), clip.flow(53, 50)
    visible = clip.visible(50, 53)
    np.testing.assert_allclose((there + warped(back, there))[visible], 0, atol=1e-3)


def test_nothing_is_visible_across_a_cut():
    for name, cut in (("journey", 84), ("cut", 12)):
        clip = sample_clips.get(name)
        assert clip.cuts == (cut,)
        assert not clip.visible(cut - 1, cut).any()
        assert not clip.visible(cut, cut - 1).any()
        assert not clip.flow(cut - 1, cut).any()
        across = np.abs(clip.frame(cut).astype(float) - clip.frame(cut - 1)).mean()
        within = np.abs(clip.frame(cut + 1).astype(float) - clip.frame(cut)).mean()
        assert across > 3 * within
    assert sample_clips.get("pan").cuts == ()


def test_still_frames_are_the_same_and_all_visible():
    clip = sample_clips.get("still")
    assert np.array_equal(clip.frame(0), clip.frame(23))
    assert not clip.flow(0, 23).any()
    assert clip.visible(0, 23).all()


def test_lengths_and_rate():
    assert {name: len(sample_clips.get(name)) for name in sample_clips.CLIPS} == {
        "journey": 120,
        "pan": 24,
        "passing": 24,
        "cut": 24,
        "still": 24,
    }
    assert sample_clips.get("pan").rate == 24
    assert sample_clips.get("pan").frame(0).shape == (270, 480, 3)


@pytest.mark.parametrize("name", sample_clips.CLIPS)
@pytest.mark.parametrize("size", [(54, 96), (17, 160), (120, 31)])
def test_frames_have_the_size_that_is_asked_for(name, size):
    clip = sample_clips.get(name, size=size)
    last = len(clip) - 1
    for index in (0, last // 2, last):
        frame = clip.frame(index)
        assert frame.shape == (*size, 3)
        assert frame.dtype == np.uint8
        assert frame.std() > 20
        assert clip.flow(index, last).shape == (*size, 2)
        assert clip.visible(index, last).shape == size


def test_a_clip_is_the_same_each_time():
    clips = sample_clips.get("journey"), sample_clips.get("journey")
    frames = [clip.frame(45) for clip in clips]
    assert np.array_equal(*frames)
    frames[0][:] = 0
    assert np.array_equal(clips[0].frame(45), frames[1])


def test_motion_is_smooth():
    clip = sample_clips.get("pan")
    steps = [clip.flow(index, index + 1)[0, 0, 0] for index in range(23)]
    assert np.ptp(steps) > 1
    assert np.abs(np.diff(steps)).max() < 0.6


def test_detail_does_not_flicker():
    """A part of the landscape is as sharp in each frame, whatever part of a pixel it has moved by."""
    clip = sample_clips.get("pan")
    sharpness = []
    for index in range(12):
        x, y = clip.flow(0, index)[0, 0].round().astype(int)
        part = clip.frame(index)[60 + y : 220 + y, 120 + x : 400 + x].astype(float)
        sharpness.append(np.abs(np.diff(part, axis=1)).mean())
    assert np.ptp(sharpness) < 0.06 * np.mean(sharpness)


def test_what_there_is_not_is_refused():
    with pytest.raises(ValueError, match=r"clip='journeys' is not known\. Did you mean 'journey'\?"):
        sample_clips.get("journeys")
    with pytest.raises(ValueError, match="size must be a whole number, 16 or more"):
        sample_clips.get("pan", size=(270, 8))
    for index in (-1, 24):
        with pytest.raises(IndexError, match=r"'pan'\. Choose one from 0 to 23\."):
            sample_clips.get("pan").frame(index)


def test_it_needs_neither_tensorflow_nor_opencv():
    code = "import sys; from nst_keras.cli.video import sample_clips; sample_clips.get('pan').frame(0)"
    code += "; assert not {'tensorflow', 'keras', 'cv2'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
