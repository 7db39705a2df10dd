import imageio.v3
import numpy as np
import PIL.Image
import PIL.ImageSequence
import pytest

from nst_keras import export
from nst_keras.export import animations


@pytest.fixture
def frames():
    """A square that moves over a gradient, in 40 frames."""
    result = []
    for step in range(40):
        frame = np.zeros((48, 64, 3), np.uint8) + np.arange(64, dtype=np.uint8)[:, None] * 3
        frame[10:20, step : step + 10] = (250, 60, 20)
        result.append(frame)
    return result


def gif_durations(path):
    with PIL.Image.open(path) as gif:
        return [frame.info["duration"] for frame in PIL.ImageSequence.Iterator(gif)]


@pytest.mark.parametrize("seconds", [1.0, 4.0, 10.0])
def test_the_duration_means_the_same_for_gif_and_mp4(tmp_path, frames, seconds):
    export.save_animation(frames, tmp_path / "a.gif", seconds=seconds)
    export.save_animation(frames, tmp_path / "a.mp4", seconds=seconds)
    assert sum(gif_durations(tmp_path / "a.gif")) / 1000 == pytest.approx(seconds, abs=0.01)
    movie = imageio.v3.immeta(tmp_path / "a.mp4", plugin="FFMPEG")
    assert movie["duration"] == pytest.approx(seconds, abs=0.05)


def test_the_last_frame_is_held(tmp_path, frames):
    export.save_animation(frames, tmp_path / "a.gif", seconds=5.0)
    *others, last = gif_durations(tmp_path / "a.gif")
    assert last == 1000
    assert max(others) - min(others) <= 10


def test_long_runs_are_thinned_evenly_with_both_ends(tmp_path, frames):
    many = [frames[0]] * 500 + [frames[20]] * 499 + [frames[39]]
    export.save_animation(many, tmp_path / "a.gif", seconds=2.0)
    assert len(gif_durations(tmp_path / "a.gif")) <= 20
    chosen = animations._thinned(list(range(1000)), 20)
    assert (chosen[0], chosen[-1], len(chosen)) == (0, 999, 20)
    assert max(np.diff(chosen)) - min(np.diff(chosen)) <= 1


def test_frames_of_differing_size_are_brought_to_the_last_ones(tmp_path, frames):
    mixed = [frames[0][:30, :40], frames[1], frames[2]]
    export.save_animation(mixed, tmp_path / "a.gif", seconds=1.0)
    with PIL.Image.open(tmp_path / "a.gif") as gif:
        assert gif.size == (64, 48)


def test_large_frames_are_reduced_and_odd_sides_made_even(tmp_path):
    frames = [np.full((301, 1201, 3), value, np.uint8) for value in (0, 100)]
    for name in ("a.gif", "a.mp4"):
        export.save_animation(frames, tmp_path / name, seconds=1.0, longest_side=400)
        assert imageio.v3.imread(tmp_path / name, index=0).shape == (100, 400, 3)


def test_colours_of_a_still_part_do_not_flicker(tmp_path, frames):
    export.save_animation(frames, tmp_path / "a.gif", seconds=3.0)
    with PIL.Image.open(tmp_path / "a.gif") as gif:
        shown = np.stack([np.asarray(frame.convert("RGB"), float) for frame in PIL.ImageSequence.Iterator(gif)])
    assert np.ptp(shown[:, :10], axis=0).max() == 0  # Above the square that moves.
    assert np.ptp(shown[:, 20:], axis=0).max() < 10  # Below it, what dithering hands down.


def test_one_frame(tmp_path, frames):
    for name in ("a.gif", "a.mp4"):
        export.save_animation(frames[:1], tmp_path / name, seconds=1.0)
        np.testing.assert_allclose(imageio.v3.imread(tmp_path / name, index=0), frames[0], atol=40)


@pytest.mark.parametrize(
    ("frames", "name", "options", "message"),
    [
        ([], "a.gif", {}, "frames is empty"),
        ([np.zeros((4, 4, 3), np.uint8)], "a.avi", {}, "must end in one of .gif, .mp4"),
        ([np.zeros((4, 4, 3), np.uint8)], "a.gif", {"seconds": 0}, "seconds must be 0.1 or more"),
        ([np.zeros((4, 4, 3), np.uint8)], "a.gif", {"seconds": "long"}, "seconds must be a finite number"),
    ],
)
def test_bad_animations(tmp_path, frames, name, options, message):
    with pytest.raises(ValueError, match=message):
        export.save_animation(frames, tmp_path / name, **options)
    assert list(tmp_path.iterdir()) == []


def test_mp4_without_ffmpeg_says_what_to_install(tmp_path, frames, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"pip install imageio-ffmpeg"):
        export.save_animation(frames, tmp_path / "a.mp4")
    assert list(tmp_path.iterdir()) == []


def test_odd_sides_stay_in_a_gif(tmp_path, random):
    frames = [random.integers(0, 255, [17, 33, 3], np.uint8)] * 2
    export.save_animation(frames, tmp_path / "a.gif", seconds=1.0)
    assert imageio.v3.imread(tmp_path / "a.gif", index=0).shape == (17, 33, 3)


def test_odd_sides_of_an_mp4_repeat_the_edge(tmp_path):
    frame = np.zeros((301, 401, 3), np.uint8)
    frame[-1], frame[:, -1] = 200, 200
    export.save_animation([frame] * 2, tmp_path / "a.mp4", seconds=1.0)
    shown = imageio.v3.imread(tmp_path / "a.mp4", index=0)
    assert shown.shape == (302, 402, 3)
    np.testing.assert_allclose(shown[-2:, :-4], 200, atol=40)
