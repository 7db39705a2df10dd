import io

import imageio.v3
import numpy as np
import PIL.Image
import PIL.ImageCms
import PIL.ImageSequence
import pytest
import tensorflow as tf

from nst_keras import export, images


@pytest.fixture
def picture(random):
    return random.integers(0, 256, (20, 30, 3), np.uint8)


@pytest.fixture
def frames():
    """A square that moves over a gradient, in 40 frames."""
    result = []
    for step in range(40):
        frame = np.zeros((48, 64, 3), np.uint8) + np.arange(64, dtype=np.uint8)[:, None] * 3
        frame[10:20, step : step + 10] = (250, 60, 20)
        result.append(frame)
    return result


@pytest.mark.parametrize("suffix", [".png", ".tif", ".tiff"])
def test_lossless_stills_keep_their_pixels(tmp_path, picture, suffix):
    export.save_image(picture, tmp_path / f"a{suffix}")
    np.testing.assert_array_equal(images.load(tmp_path / f"a{suffix}")[0], picture)


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".webp", ".JPG"])
def test_lossy_stills_are_near(tmp_path, suffix):
    smooth = np.tile(np.arange(0, 240, 4, dtype=np.uint8)[:, None], (40, 1, 3))
    export.save_image(smooth, tmp_path / f"a{suffix}")
    np.testing.assert_allclose(images.load(tmp_path / f"a{suffix}")[0], smooth, atol=8)


@pytest.mark.parametrize("suffix", list(export.STILL_OPTIONS))
def test_every_still_carries_an_srgb_profile(tmp_path, picture, suffix):
    export.save_image(picture, tmp_path / f"a{suffix}")
    with PIL.Image.open(tmp_path / f"a{suffix}") as saved:
        profile = PIL.ImageCms.ImageCmsProfile(io.BytesIO(saved.info["icc_profile"]))
        assert "sRGB" in PIL.ImageCms.getProfileDescription(profile)


def test_a_float_image_is_rounded(tmp_path):
    export.save_image(tf.fill([1, 4, 4, 3], 99.6), tmp_path / "a.png")
    np.testing.assert_array_equal(images.load(tmp_path / "a.png"), np.full((1, 4, 4, 3), 100))


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
    chosen = export._thinned(list(range(1000)), 20)
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


def test_bad_still(tmp_path, picture):
    with pytest.raises(ValueError, match="must end in one of .png"):
        export.save_image(picture, tmp_path / "a.xyz")


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def write_half():
        with export.replacing(path) as temporary, open(temporary, "w") as file:
            file.write("ne")
            raise RuntimeError("half")

    with pytest.raises(RuntimeError, match="half"):
        write_half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_destinations_are_checked_beforehand(tmp_path):
    taken = tmp_path / "taken.png"
    taken.touch()
    export.check_destination("output", tmp_path / "new.png", [".png"], overwrite=False)
    export.check_destination("output", taken, [".png"], overwrite=True)
    with pytest.raises(FileExistsError, match=r"output: .*taken\.png' exists already"):
        export.check_destination("output", taken, [".png"], overwrite=False)
    with pytest.raises(OSError, match=r"output: the folder of .* does not exist"):
        export.check_destination("output", tmp_path / "nowhere" / "a.png", [".png"], overwrite=False)
    (tmp_path / "dir.png").mkdir()
    with pytest.raises(IsADirectoryError, match="is a folder"):
        export.check_destination("output", tmp_path / "dir.png", [".png"], overwrite=True)
    assert taken.stat().st_size == 0


def test_a_folder_that_may_not_be_written_to(tmp_path, monkeypatch):
    def refuse(dir):
        raise PermissionError(13, "Permission denied", str(dir))

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)  # The tests may run as root, whom no folder refuses.
    with pytest.raises(OSError, match="may not be written to"):
        export.check_destination("output", tmp_path / "a.png", [".png"], overwrite=False)
