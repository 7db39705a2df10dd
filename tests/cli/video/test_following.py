import numpy as np
import pytest

from nst_keras.cli.video import flow as flow_lib
from nst_keras.cli.video import following, sample_clips

pytest.importorskip("cv2", reason="needs OpenCV, of the extra `video`")

SIZE = (54, 96)


def earlier(number, clip, age=following.OLD):
    """An earlier frame whose picture is the negative of what it shows."""
    source = clip.frame(number)
    ages = np.full(SIZE, age, np.uint8) if np.isscalar(age) else age
    return following.Earlier(source, 255 - source, ages)


def exact(clip):
    """The clip's true flow, for frames that it has drawn."""
    numbers = {clip.frame(number).tobytes(): number for number in range(len(clip))}
    return lambda first, second: clip.flow(numbers[first.tobytes()], numbers[second.tobytes()])


class TestHistory:
    def test_it_has_the_frames_at_some_distances(self):
        history = following.History()
        assert history.nearest() == []
        for number in range(25):
            history.add(number, is_new_scene=number == 0)
        last = 25
        assert history.nearest() == [last - distance for distance in following.DISTANCES]

    def test_it_has_what_there_is(self):
        history = following.History()
        for number in range(11):
            history.add(number, is_new_scene=False)
        assert history.nearest() == [10, 1]

    def test_it_forgets_another_scene(self):
        history = following.History()
        for number in range(12):
            history.add(number, is_new_scene=number in (0, 11))
        assert history.nearest() == [11]


def test_what_was_seen_is_where_it_is_now():
    clip = sample_clips.get("passing", size=SIZE)
    found = following.follow(clip.frame(5), [earlier(4, clip)], exact(clip))
    seen = clip.visible(5, 4) & (found.weights == 1)
    assert seen.mean() > 0.7
    assert np.abs(found.reference - (255 - clip.frame(5).astype(int)))[seen].mean() < 2
    assert (found.age[seen] == following.OLD).all()
    assert found.age.dtype == np.uint8
    assert ((found.weights >= 0) & (found.weights <= 1)).all()


def test_a_surface_counts_more_with_each_frame_in_which_it_was_seen():
    clip = sample_clips.get("pan", size=SIZE)
    for age in (1, 5, 11, following.OLD):
        found = following.follow(clip.frame(5), [earlier(4, clip, age)], exact(clip))
        sure = flow_lib.visible(clip.flow(5, 4), clip.flow(4, 5))
        older = min(age + 1, following.OLD)
        assert np.abs(found.weights[sure] - older / following.OLD).max() < 1e-3
        assert set(np.unique(found.age[sure])) <= {older, older - 1}


def test_what_has_come_into_view_is_young_but_a_start_where_it_looks_the_same():
    clip = sample_clips.get("pan", size=SIZE)
    found = following.follow(clip.frame(12), [earlier(11, clip)], exact(clip))
    new = ~flow_lib.visible(clip.flow(12, 11), clip.flow(11, 12))
    assert new.any()
    assert (found.weights[new] < 0.05).all()
    assert (found.age[new] == 0).all()


def test_a_farther_frame_knows_what_was_hidden_meanwhile():
    clip = sample_clips.get("passing", size=SIZE)
    near = [earlier(14, clip)]
    far = [*near, earlier(5, clip)]
    alone, both = (following.follow(clip.frame(15), one, exact(clip)) for one in (near, far))
    assert (both.weights >= alone.weights).all()
    gained = (alone.weights < 0.05) & (both.weights == 1)
    assert gained.sum() > 20
    assert np.abs(both.reference - (255 - clip.frame(15).astype(int)))[gained].mean() < 12


def test_a_cut_is_another_scene():
    clip = sample_clips.get("cut", size=SIZE)
    cut = clip.cuts[0]
    assert following.follow(clip.frame(cut), [earlier(cut - 1, clip)], flow_lib.dis) is None
    assert following.follow(clip.frame(cut - 1), [earlier(cut - 2, clip)], flow_lib.dis) is not None
    assert following.follow(clip.frame(cut + 1), [earlier(cut, clip)], flow_lib.dis) is not None


def test_nothing_is_known_of_a_frame_by_itself(random):
    own = random.integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    found = following.nothing(own)
    assert not found.weights.any()
    assert (found.age == following.OLD).all()
    assert np.array_equal(found.start(own, is_own=True), own)


class TestStart:
    @pytest.fixture
    def followed(self, random):
        reference = random.uniform(20, 80, (*SIZE, 3)).astype(np.float32)
        weights = np.ones(SIZE, np.float32)
        weights[:, 60:] = 0
        return following.Followed(reference, weights, np.ones(SIZE, np.uint8))

    def test_the_rest_is_the_frame_in_the_colours_of_what_is_seen(self, followed, random):
        source = random.integers(100, 200, (*SIZE, 3), dtype=np.uint8)
        start = followed.start(source, is_own=False)
        assert np.array_equal(
            start[:, :57], followed.reference[:, :57]
        )  # Towards the edge, it goes over into the rest.
        rest = start[:, 60:].reshape(-1, 3)
        known = followed.reference[:, :57].reshape(-1, 3)
        np.testing.assert_allclose(rest.mean(0), known.mean(0), atol=2)
        np.testing.assert_allclose(rest.std(0), known.std(0), rtol=0.1)
        # It shows the same: what was brighter still is.
        assert np.corrcoef(rest[:, 0], source[:, 60:].reshape(-1, 3)[:, 0])[0, 1] > 0.95

    def test_the_rest_is_the_frame_where_hardly_anything_is_seen(self, followed, random):
        source = random.integers(0, 256, (*SIZE, 3), dtype=np.uint8)
        weights = np.zeros(SIZE, np.float32)
        weights[0, :50] = 1
        start = followed._replace(weights=weights).start(source, is_own=False)
        assert np.array_equal(start[1:], source[1:])

    def test_the_rest_of_a_flat_frame(self, followed):
        start = followed.start(np.full((*SIZE, 3), 90, np.uint8), is_own=False)
        assert np.isfinite(start).all()
        assert (start >= 0).all()
        assert (start <= 255).all()

    def test_what_an_earlier_pass_has_made_counts_half(self, followed, random):
        own = random.integers(0, 256, (*SIZE, 3), dtype=np.uint8)
        start = followed.start(own, is_own=True)
        np.testing.assert_allclose(start[:, :57], (own[:, :57] + followed.reference[:, :57]) / 2, rtol=1e-5)
        assert np.array_equal(start[:, 60:], own[:, 60:])
