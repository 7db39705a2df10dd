import functools

import numpy as np
import pytest

from nst_keras import video
from nst_keras.cli.video import sample_clips

pytest.importorskip("cv2", reason="needs OpenCV, of the extra `video`")

LOOK = {"extractor": "compact", "epochs": 1, "steps_per_epoch": 10, "jit_compile": "false"}

stylize_frames = functools.partial(video.stylize_frames, style_image="sample:swirls", **LOOK)


@pytest.fixture
def frames():
    clip = sample_clips.get("cut", size=(36, 64))
    return [clip.frame(number) for number in range(6, 16)]


@pytest.mark.usefixtures("painter")
class TestWithoutANetwork:
    def test_each_frame_is_made_when_it_is_asked_for(self, frames):
        given = []

        def read():
            for number, frame in enumerate(frames):
                given.append(number)
                yield frame

        made = stylize_frames(read())
        assert given == []
        assert np.array_equal(next(made), 255 - frames[0])
        assert given == [0]
        assert len(list(made)) == 9

    def test_they_are_those_of_a_clip(self, frames, made, in_arrays, tmp_path):
        made(video="sample:cut", every=1, start=0.25, end=2 / 3).run(lambda frame: None)
        assert np.array_equal(np.load(tmp_path / "made.mp4"), list(stylize_frames(frames)))

    def test_a_program_may_read_each_frame_into_the_same_array(self, frames):
        array = np.empty_like(frames[0])

        def read():
            for frame in frames:
                array[:] = frame
                yield array

        assert np.array_equal(list(stylize_frames(read())), list(stylize_frames(frames)))

    @pytest.mark.parametrize("size", [(35, 61), (36, 61)])
    def test_sides_may_be_odd(self, size):
        clip = sample_clips.get("pan", size=size)
        assert [made.shape for made in stylize_frames([clip.frame(0), clip.frame(1)])] == [(*size, 3)] * 2

    def test_one_array_of_all_frames(self, frames):
        assert len(list(stylize_frames(np.stack(frames)))) == 10

    def test_no_frames(self):
        assert list(stylize_frames([])) == []

    @pytest.mark.parametrize(
        "bad",
        [
            np.zeros((36, 62, 3), np.uint8),
            np.zeros((36, 64, 4), np.uint8),
            np.zeros((36, 64), np.uint8),
            np.zeros((36, 64, 3), np.float32),
            None,
        ],
    )
    def test_a_bad_frame(self, frames, bad):
        made = stylize_frames([frames[0], bad])
        next(made)
        with pytest.raises(ValueError, match=r"^frames must be uint8 \[height, width, 3\], all of one size, but"):
            next(made)

    @pytest.mark.parametrize(
        ("options", "error", "message"),
        [
            ({"style_image": None}, ValueError, "style_image is missing"),
            ({"temporal_weight": -1}, ValueError, "temporal_weight"),
            ({"frame_steps": 0}, ValueError, "frame_steps"),
            ({"content_image": "a.png"}, ValueError, "content_image"),
            ({"image_size": 64}, ValueError, "image_size has no effect: pictures have the frames' size"),
            ({"preset": "texture"}, ValueError, "preset='texture' has the mode"),
            ({"flow": "dis"}, TypeError, "flow must be a function"),
        ],
    )
    def test_a_bad_option_is_told_at_once(self, frames, options, error, message):
        with pytest.raises(error, match=message):
            stylize_frames(frames, **options)


@pytest.mark.slow
def test_frames_through_the_network_with_a_flow_of_ones_own(frames):
    """Across the cut, and without OpenCV's search."""
    clip = sample_clips.get("cut", size=(36, 64))
    numbers = {clip.frame(number).tobytes(): number for number in range(len(clip))}
    asked = []

    def flow(first, second):
        asked.append((numbers[first.tobytes()], numbers[second.tobytes()]))
        return clip.flow(*asked[-1]) if asked[-1] not in ((12, 11), (11, 12)) else np.full((36, 64, 2), 100)

    made = list(stylize_frames(frames[3:8], flow=flow, frame_steps=4))
    assert [(picture.dtype, picture.shape) for picture in made] == [(np.uint8, (36, 64, 3))] * 5
    assert asked == [(10, 9), (9, 10), (11, 10), (10, 11), (12, 11), (11, 12), (13, 12), (12, 13)]
    with pytest.raises(TypeError, match=r"^flow must return finite numbers \[36, 64, 2\], but float64 \[36, 64\] was"):
        list(stylize_frames(frames[:2], flow=lambda first, second: np.zeros((36, 64))))
