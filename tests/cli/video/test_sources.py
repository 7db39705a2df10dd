import fractions

import numpy as np
import pytest

from nst_keras import settings
from nst_keras.cli.video import sample_clips, sources

pytest.importorskip("imageio_ffmpeg", reason="needs ffmpeg, of the extra `video`")


def opened(video, image_size=None, **options):
    return sources.opened(settings.VideoSettings(video=str(video), **options), image_size)


def levels(frames):
    """Numbers of the frames of a `counted` clip."""
    return [round(float(frame.mean()) / 4) for frame in frames]


class TestSamples:
    def test_the_whole(self):
        source = opened("sample:pan", 64)
        assert (source.size, source.rate, source.count, source.sound) == ((36, 64), 24, 24, None)
        assert source.digest == "sample:pan"
        clip = sample_clips.get("pan", size=(36, 64))
        for number, frame in enumerate(source.frames()):
            assert np.array_equal(frame, clip.frame(number))
        assert number == 23

    def test_their_own_size(self):
        assert opened("sample:pan").size == sample_clips.SIZE
        assert opened("sample:pan", 5000).size == sample_clips.SIZE

    @pytest.mark.parametrize("image_size", [32, 33, 50, 101, 480])
    def test_sides_are_even(self, image_size):
        height, width = opened("sample:pan", image_size).size
        assert height % 2 == width % 2 == 0
        assert abs(width - image_size) <= 1
        assert next(iter(opened("sample:pan", image_size).frames())).shape == (height, width, 3)

    @pytest.mark.parametrize("image_size", [1, 2, 31])
    def test_tiny_ones_are_refused(self, image_size):
        with pytest.raises(ValueError, match=f"image_size must be 32 or more for a sample, but {image_size} was"):
            opened("sample:pan", image_size)

    @pytest.mark.parametrize(
        ("options", "numbers"),
        [
            ({"start": 0.5}, range(12, 24)),
            ({"end": 0.5}, range(12)),
            ({"start": 0.25, "end": 0.5, "every": 2}, range(6, 12, 2)),
            ({"every": 7}, range(0, 24, 7)),
            ({"every": 100, "end": 9.0}, [0]),
        ],
    )
    def test_a_part(self, options, numbers):
        source, clip = opened("sample:pan", 32, **options), sample_clips.get("pan", size=(18, 32))
        assert source.count == len(numbers)
        assert source.rate == fractions.Fraction(24, options.get("every", 1))
        whole = [clip.frame(number) for number in numbers]
        assert np.array_equal(list(source.frames()), whole)
        assert np.array_equal(list(source.frames(len(numbers) - 1)), whole[-1:])
        assert np.array_equal(list(source.backwards(len(numbers) - 1)), whole[::-1])

    @pytest.mark.parametrize("options", [{"start": 1.0}, {"start": 0.5, "end": 0.25}, {"start": 0.5, "end": 0.51}])
    def test_no_frame_is_left(self, options):
        with pytest.raises(ValueError, match=f"^start={options['start']:g} leaves no frame"):
            opened("sample:pan", **options)

    def test_an_unknown_one(self):
        with pytest.raises(ValueError, match="video: the sample='pann' is not known. Did you mean 'pan'"):
            opened("sample:pann")


class TestFiles:
    def test_frames_from_a_number_on_and_backwards(self, counted):
        source = opened(counted("clip.mp4"))
        assert (source.size, source.rate, source.count) == ((48, 64), 30, 60)
        assert levels(source.frames(55)) == list(range(55, 60))
        assert levels(source.backwards(59)) == list(range(59, -1, -1))
        assert levels(source.backwards(3)) == [3, 2, 1, 0]
        assert source.sound is None

    def test_a_part(self, counted):
        source = opened(counted("clip.mp4"), 32, start=0.5, end=1.0, every=4)
        assert (source.size, source.rate, source.count) == ((24, 32), fractions.Fraction(15, 2), 4)
        assert levels(source.frames()) == [15, 19, 23, 27]
        assert levels(source.backwards(2)) == [23, 19, 15]

    def test_sound_and_digest(self, flashing, counted):
        source = opened(flashing("clip.mp4"))
        assert source.sound is source.clip
        assert source.digest == opened(flashing("again.mp4")).digest != opened(counted("other.mp4")).digest

    def test_a_file_url_is_a_file(self, counted):
        assert opened(counted("clip.mp4").as_uri()).count == 60


def test_no_clip():
    with pytest.raises(ValueError, match="^video is missing. Give a clip"):
        sources.opened(settings.VideoSettings(), None)
