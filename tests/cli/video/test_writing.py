import fractions
import subprocess

import numpy as np
import pytest

from nst_keras.cli.video import ffmpeg, probing, reading, writing

NTSC = fractions.Fraction(30000, 1001)
COLOURS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (128, 128, 128), (200, 120, 40)]


def greys(first, count, size=(48, 64)):
    """Frames, each of which shows its number as a level of grey."""
    return [np.full((*size, 3), number, np.uint8) for number in range(first, first + count)]


def parts_of(frames, folder, rate, length):
    """Writes frames as parts of a length, and returns their paths."""
    paths = [folder / f"part{first:03}.mp4" for first in range(0, len(frames), length)]
    for place, path in enumerate(paths):
        writing.write_part(path, iter(frames[place * length : (place + 1) * length]), rate=rate)
    return paths


def onsets(path):
    """Seconds at which the flash and the tone of a `flashing` clip begin, and how long its sound lasts."""
    clip = reading.opened(path)
    flash = np.argmax([frame.mean() > 128 for frame in reading.frames(clip)]) / clip.rate
    inputs = ["-copyts", "-itsoffset", str(-clip.origin), "-i", str(path), "-map", "0:a"]
    raw = ["-af", "atrim=start=0,aresample=async=1:first_pts=0", "-ac", "1", "-ar", "48000", "-f", "f32le", "-"]
    done = subprocess.run([ffmpeg.program(), "-v", "error", *inputs, *raw], capture_output=True, check=True)
    samples = np.abs(np.frombuffer(done.stdout, np.float32))
    return float(flash), np.argmax(samples > 0.2) / 48000, len(samples) / 48000


@pytest.mark.parametrize("size", [(48, 64), (240, 320)])
def test_colours_survive(tmp_path, size):
    height, width = size
    frame = np.repeat(np.linspace(0, 255, width).round().astype(np.uint8)[None, :, None], height, 0).repeat(3, 2)
    flats = [np.full((*size, 3), colour, np.uint8) for colour in COLOURS]
    parts = parts_of([frame, *flats], tmp_path, fractions.Fraction(24), 3)
    for suffix in writing.SUFFIXES:
        writing.join(parts, tmp_path / f"out{suffix}", sound=None)
        read = list(reading.frames(reading.opened(tmp_path / f"out{suffix}")))
        np.testing.assert_allclose(read[0].astype(int), frame, atol=4)
        for flat, found in zip(flats, read[1:], strict=True):
            np.testing.assert_allclose(found.astype(int), flat, atol=4)


@pytest.mark.parametrize("rate", [NTSC / 4, fractions.Fraction(100, 7)])
@pytest.mark.parametrize("suffix", writing.SUFFIXES)
def test_joined_parts_have_exact_times(tmp_path, rate, suffix):
    parts = parts_of(greys(0, 99), tmp_path, rate, 48)
    writing.join(parts, tmp_path / f"out{suffix}", sound=None)
    source, _ = probing.probed(ffmpeg.file_name(tmp_path / f"out{suffix}"))
    assert source.announced == pytest.approx(float(99 / rate), abs=0.02)
    exact = [place / rate for place in range(99)]
    assert source.times == (tuple(exact) if suffix != ".mkv" else pytest.approx(exact, abs=0.001))
    clip = reading.opened(tmp_path / f"out{suffix}")
    assert (clip.count, clip.has_sound) == (99, False)
    assert clip.rate == (rate if suffix != ".mkv" else pytest.approx(rate, rel=1e-4))
    assert [round(float(frame.mean())) for frame in reading.frames(clip)] == pytest.approx(range(99), abs=1)


def test_parts_of_one_frame_are_joined(tmp_path):
    parts = parts_of(greys(50, 3), tmp_path, NTSC, 1)
    writing.join(parts, tmp_path / "out.mp4", sound=None)
    clip = reading.opened(tmp_path / "out.mp4")
    assert (clip.rate, clip.count) == (NTSC, 3)


CLIPS = {
    "aac.mp4": {},
    "ntsc.mkv": {"rate": "30000/1001"},
    "fast.mp4": {"rate": "60"},
    "opus.mkv": {"audio": "libopus"},
    "mp3.mp4": {"audio": "libmp3lame"},
    "pcm.mov": {"audio": "pcm_s16le"},
    "stream.ts": {},
    "flash.flv": {},
    "late.mp4": {"late": 0.3},
    "early.mkv": {"late": -0.3},
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name == "aac.mp4" else pytest.mark.slow) for name in CLIPS]
)
def test_sound_is_in_step_with_pictures(tmp_path, flashing, name):
    path = flashing(name, **CLIPS[name])
    for start, suffix in ((0.0, ".mp4"), (0.5, ".mp4"), (0.5, ".mkv")):
        clip = reading.opened(path, start=start, end=2.0)
        parts = parts_of(list(reading.frames(clip)), tmp_path, clip.rate, 40)
        writing.join(parts, tmp_path / f"out{suffix}", sound=clip)
        flash, tone, lasts = onsets(tmp_path / f"out{suffix}")
        assert flash == pytest.approx(1 - clip.start, abs=0.51 / float(clip.rate))
        assert tone == pytest.approx(flash, abs=0.012)
        assert lasts == pytest.approx(float(clip.count / clip.rate), abs=0.03)


def test_the_comment_is_kept_and_the_target_is_replaced(tmp_path, flashing):
    parts = parts_of(greys(0, 3), tmp_path, NTSC, 3)
    for suffix in writing.SUFFIXES:
        output = tmp_path / f"it's out{suffix}"
        output.write_text("old")
        writing.join(parts, output, sound=None, comment="a = 'b' \\ ; # ü")
        assert "a = 'b' \\ ; # ü" in ffmpeg.run(["-i", str(output)]).errors
    assert not [path for path in tmp_path.iterdir() if ".tmp" in path.name]


def test_frames_that_fail_leave_what_was_there(tmp_path):
    def failing():
        yield greys(0, 1)[0]
        raise RuntimeError("stop")

    path = tmp_path / "part.mp4"
    path.write_text("old")
    with pytest.raises(RuntimeError, match="stop"):
        writing.write_part(path, failing(), rate=NTSC)
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["part.mp4"]


@pytest.mark.parametrize(
    ("frames", "said"),
    [
        ([], "frames is empty"),
        (greys(0, 1, (47, 64)), r"even sides, but one is uint8 \[47, 64, 3\]"),
        ([np.zeros((48, 64, 3))], r"uint8 arrays .* but one is float64 \[48, 64, 3\]"),
        (greys(0, 1) + greys(0, 1, (64, 48)), r"one size, but \[64, 48, 3\] came after \[48, 64, 3\]"),
    ],
)
def test_frames_that_cannot_be_written_are_refused(tmp_path, frames, said):
    with pytest.raises(ValueError, match=said):
        writing.write_part(tmp_path / "part.mp4", frames, rate=NTSC)
    assert not list(tmp_path.iterdir())


def test_files_that_cannot_be_written_are_refused(tmp_path):
    (part,) = parts_of(greys(0, 2), tmp_path, NTSC, 2)
    with pytest.raises(ValueError, match=r"output: .* must end in one of .mp4, .mov, .mkv"):
        writing.join([part], tmp_path / "out.avi", sound=None)
    with pytest.raises(ValueError, match=r"path: .* must end in one of .mp4"):
        writing.write_part(tmp_path / "part.mkv", greys(0, 2), rate=NTSC)
    with pytest.raises(ValueError, match="parts is empty"):
        writing.join([], tmp_path / "out.mp4", sound=None)
    with pytest.raises(OSError, match=r"^parts: .*none.mp4' cannot be read"):
        writing.join([part, tmp_path / "none.mp4"], tmp_path / "out.mp4", sound=None)
    with pytest.raises(OSError, match=r"^path: .*part.mp4' cannot be written"):
        writing.write_part(tmp_path / "none" / "part.mp4", greys(0, 2), rate=NTSC)
