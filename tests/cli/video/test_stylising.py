import numpy as np
import pytest

from nst_keras import settings
from nst_keras.cli.video import flow as flow_lib
from nst_keras.cli.video import following, making, sample_clips, stylising
from tests.cli.video.conftest import asked_of

pytest.importorskip("cv2", reason="needs OpenCV, of the extra `video`")

SIZE = (36, 64)


def stylizer(look=None, **options):
    """One with a small, quick look."""
    asked = asked_of(**{"steps_per_epoch": 10, **(look or {})})
    return stylising.Stylizer(asked.transfer, asked.fit, settings.VideoSettings(**{"frame_steps": 4, **options}))


def earlier(source, made):
    return following.Earlier(source, made.picture, made.age)


@pytest.fixture(scope="module")
def clip():
    return sample_clips.get("cut", size=SIZE)


@pytest.fixture(scope="module")
def maker():
    return stylizer()


@pytest.fixture(scope="module")
def first(maker, clip):
    return maker.first(clip.frame(0))


class TestSteps:
    SOURCE = np.zeros((270, 480, 3), np.uint8)

    def test_those_that_are_asked_for(self):
        assert stylizer(frame_steps=3).steps(self.SOURCE) == 3

    def test_a_quarter_of_the_first_frames(self):
        assert stylizer({"epochs": 3, "steps_per_epoch": 40}, frame_steps=None).steps(self.SOURCE) == 30

    def test_a_few_in_any_case(self):
        assert stylizer({"epochs": 1, "steps_per_epoch": 2}, frame_steps=None).steps(self.SOURCE) == 8

    def test_steps_at_smaller_sizes_count_by_their_pixels(self):
        look = {"epochs": 1, "steps_per_epoch": 300, "pyramid": [240, 480], "pyramid_shares": [2.0, 1.0]}
        # 200 steps at a quarter of the pixels, and 100 at all of them.
        assert stylizer(look, frame_steps=None).steps(self.SOURCE) == pytest.approx((200 / 4 + 100) / 4, abs=1)


@pytest.mark.slow
class TestThroughTheNetwork:
    def test_the_first_frame(self, first):
        assert (first.picture.dtype, first.picture.shape) == (np.uint8, (*SIZE, 3))
        assert np.array_equal(first.picture, first.shown)
        assert (first.steps, first.is_new_scene) == (10, True)
        assert (first.age == following.OLD).all()
        assert first.losses["loss"] > 0

    def test_the_next_frame_stays_as_the_first_was_painted(self, maker, clip, first):
        before, source = clip.frame(0), clip.frame(1)
        made = maker.next(source, [earlier(before, first)], loss=first.losses["loss"])
        assert not made.is_new_scene
        assert 1 <= made.steps <= 4
        there, back = clip.flow(1, 0), clip.flow(0, 1)
        seen = flow_lib.visible(there, back)
        moved = flow_lib.moved(first.picture, there)
        anew = maker.first(source)
        far = [np.abs(one.picture - moved)[seen].mean() for one in (made, anew)]
        assert far[0] < far[1]
        assert made.losses.keys() > {"loss"}

    def test_a_used_one_makes_what_a_new_one_makes(self, maker, clip, first):
        """Or a command that goes on would make other pixels."""
        before = [earlier(clip.frame(0), first)]
        maker.next(clip.frame(2), before, loss=first.losses["loss"])
        for make in (
            lambda one: one.next(clip.frame(1), before, loss=first.losses["loss"]),
            lambda one: one.first(clip.frame(14)),
        ):
            assert all(map(np.array_equal, make(maker)[:3], make(stylizer())[:3]))

    def test_the_same_frame_costs_no_step(self, maker, clip, first):
        made = maker.next(clip.frame(0), [earlier(clip.frame(0), first)], loss=first.losses["loss"])
        assert np.array_equal(made.picture, first.picture)
        assert np.array_equal(made.shown, first.shown)
        assert (made.steps, made.is_new_scene, made.losses) == (0, False, {})

    def test_a_cut_is_begun_anew(self, maker, clip, first):
        made = maker.next(clip.frame(12), [earlier(clip.frame(0), first)], loss=first.losses["loss"])
        assert (made.steps, made.is_new_scene) == (10, True)
        again = maker.next(
            clip.frame(12), [earlier(clip.frame(0), first)], loss=first.losses["loss"], own=made.picture
        )  # In a later pass, it goes on from what it was.
        assert again.is_new_scene
        assert again.steps <= 4

    def test_a_frame_is_kept(self, maker, clip, random):
        own = random.integers(0, 256, (*SIZE, 3), dtype=np.uint8)
        made = maker.kept(clip.frame(3), own)
        assert np.array_equal(made.picture, own)
        assert (made.steps, made.is_new_scene) == (0, True)

    def test_a_frame_that_is_too_small(self):
        with pytest.raises(ValueError, match="needs at least"):
            stylizer().kept(*np.zeros((2, 8, 10, 3), np.uint8))


@pytest.mark.slow
def test_a_call_that_is_interrupted_goes_on_to_the_same_pixels(made, in_arrays, tmp_path):
    look = {"preserve_color": "luminance", "strength": 0.5, "style_image": ["sample:swirls", "sample:woodblock"]}
    options = {"every": 4, "frame_steps": 4}

    def tell(frame):
        if frame.number == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made(look, **options).run(tell)
    report = made(look, **options).run(lambda frame: None)
    assert isinstance(report, making.Report)
    made(look, **options, output=str(tmp_path / "whole.mp4")).run(lambda frame: None)
    assert np.array_equal(np.load(tmp_path / "made.mp4"), np.load(tmp_path / "whole.mp4"))
