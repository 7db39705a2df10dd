import numpy as np
import pytest

from nst_keras.cli.video import flow as flow_lib
from nst_keras.cli.video import sample_clips

pytest.importorskip("cv2", reason="needs OpenCV, of the extra `video`")

SIZE = (54, 96)


@pytest.fixture(scope="module")
def clip():
    return sample_clips.get("passing", size=SIZE)


def naive_visible(there, back):
    """Tests (5) and (6) of Ruder et al. pixel by pixel, `back` read between its pixels by straight lines."""
    height, width = there.shape[:2]
    found = np.zeros((height, width), bool)
    for y in range(height):
        for x in range(width):
            column, row = x + there[y, x, 0], y + there[y, x, 1]
            if not (0 <= column <= width - 1 and 0 <= row <= height - 1):
                continue
            left, top = min(int(column), width - 2), min(int(row), height - 2)
            right, down = column - left, row - top
            returned = (1 - down) * ((1 - right) * back[top, left] + right * back[top, left + 1])
            returned = returned + down * ((1 - right) * back[top + 1, left] + right * back[top + 1, left + 1])
            lengths = (there[y, x] ** 2).sum() + (returned**2).sum()
            found[y, x] = ((there[y, x] + returned) ** 2).sum() <= 0.01 * lengths + 0.5
    steps = np.square(np.gradient(there, axis=0)).sum(-1) + np.square(np.gradient(there, axis=1)).sum(-1)
    return found & (steps <= 0.01 * np.square(there).sum(-1) + 0.002)


@pytest.mark.parametrize(("name", "first", "second"), [("passing", 4, 5), ("passing", 9, 5), ("pan", 3, 4)])
def test_what_is_visible_is_what_the_papers_tests_say(name, first, second):
    clip = sample_clips.get(name, size=SIZE)
    there, back = clip.flow(first, second), clip.flow(second, first)
    found = flow_lib.visible(there, back)
    assert found.dtype == bool
    # Cubics and straight lines differ next to edges.
    assert (found != naive_visible(there, back)).mean() < 0.01


@pytest.mark.parametrize(("first", "second"), [(4, 5), (5, 4), (10, 11)])
def test_what_is_hidden_or_outside_is_not_visible(clip, first, second):
    found = flow_lib.visible(clip.flow(first, second), clip.flow(second, first))
    truth = clip.visible(first, second)
    assert (truth & ~found).mean() < 0.05
    assert (found & ~truth).mean() < 0.08  # The truth leaves out a rim where colours mix, which no flow tells.


def test_what_a_thing_has_uncovered_is_not_visible():
    """A square goes right by six pixels in front of what rests."""
    there, back = np.zeros((2, *SIZE, 2), np.float32)
    there[20:30, 46:56, 0] = -6.0  # From the later frame to the earlier.
    back[20:30, 40:50, 0] = 6.0
    found = flow_lib.visible(there, back)
    assert not found[21:29, 41:45].any()
    inside = np.zeros(SIZE, bool)
    inside[22:28, 48:54] = True
    assert found[inside].all()
    far = np.ones(SIZE, bool)
    far[18:32, 38:58] = False
    assert found[far].all()


def test_nothing_is_visible_outside_the_other_frame():
    there = np.zeros((*SIZE, 2), np.float32)
    there[..., 0] = 10.0
    found = flow_lib.visible(there, -there)
    assert found[:, : SIZE[1] - 10].all()
    assert not found[:, SIZE[1] - 10 :].any()


def test_a_picture_is_moved_to_where_its_surfaces_are(clip):
    first, second = clip.frame(4), clip.frame(5)
    moved = flow_lib.moved(first, clip.flow(5, 4))
    assert (moved.dtype, moved.shape) == (np.float32, first.shape)
    seen = clip.visible(5, 4)
    assert np.abs(moved - second)[seen].mean() < 2.0 < np.abs(first - second.astype(float))[seen].mean()


def test_whole_pixels_are_moved_exactly(random):
    picture = random.integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    there = np.broadcast_to(np.float32([3, -2]), (*SIZE, 2))
    columns, rows = np.clip(np.arange(SIZE[1]) + 3, 0, SIZE[1] - 1), np.clip(np.arange(SIZE[0]) - 2, 0, None)
    np.testing.assert_array_equal(flow_lib.moved(picture, there), picture[rows][:, columns])


def test_a_moved_picture_stays_within_the_levels_around(random):
    """Or it would go further beyond them from frame to frame, to specks."""
    picture = random.integers(100, 151, (*SIZE, 4)).astype(np.uint8)
    picture[:, ::4] = 200
    there = random.uniform(-1.5, 1.5, (*SIZE, 2)).astype(np.float32)
    moved = picture
    for _ in range(30):
        moved = flow_lib.moved(moved, there)
    assert moved.min() >= 100
    assert moved.max() <= 200


def test_a_mask_is_feathered_inside_its_edges():
    mask = np.zeros(SIZE, bool)
    mask[10:40, 20:60] = True
    shares = flow_lib.feathered(mask)
    assert (shares.dtype, shares.shape) == (np.float32, SIZE)
    assert not shares[~mask].any()
    assert (shares[12:38, 22:58] == 1).all()
    assert 0 <= shares[10, 40] < shares[11, 40] < 1


def test_what_looks_the_same_is_alike(clip):
    there = clip.flow(5, 4)
    found = flow_lib.alike(clip.frame(5), clip.frame(4), there)
    assert found.dtype == bool
    assert found[clip.visible(5, 4)].mean() > 0.9
    assert not flow_lib.alike(clip.frame(5), 255 - clip.frame(4), there).mean() > 0.2
    outside = np.full((*SIZE, 2), 2.0 * max(SIZE), np.float32)
    assert not flow_lib.alike(clip.frame(5), clip.frame(5), outside).any()


@pytest.mark.parametrize(("name", "first", "second"), [("pan", 3, 4), ("passing", 9, 10), ("journey", 20, 21)])
def test_the_flow_is_near_the_true_one(name, first, second):
    clip = sample_clips.get(name, size=(108, 192))
    found = flow_lib.dis(clip.frame(first), clip.frame(second))
    assert (found.dtype, found.shape) == (np.float32, (108, 192, 2))
    far = np.linalg.norm(found - clip.flow(first, second), axis=-1)[clip.visible(first, second)]
    assert np.mean(far) < 0.25
    assert np.mean(far > 1) < 0.03


def test_the_same_frames_have_the_same_flow(clip):
    flows = [flow_lib.dis(clip.frame(3), clip.frame(4)) for _ in range(3)]
    assert all(np.array_equal(flows[0], one) for one in flows)


def test_a_frame_does_not_move_to_itself(clip):
    assert np.abs(flow_lib.dis(clip.frame(3), clip.frame(3))).max() < 1e-3


def test_opencv_is_missing(monkeypatch, clip):
    import sys

    monkeypatch.setitem(sys.modules, "cv2", None)
    flow_lib._cv2.cache_clear()
    try:
        with pytest.raises(ImportError, match=r'pip install "nst_keras\[video\]"'):
            flow_lib.dis(clip.frame(0), clip.frame(1))
    finally:
        flow_lib._cv2.cache_clear()
