import fractions
import itertools
import os
import sys

import numpy as np
import PIL.Image
import pytest

from nst_keras.cli.video import ffmpeg, reading

NTSC = fractions.Fraction(30000, 1001)
HDR = "setparams=color_primaries=bt2020:color_trc={0}:colorspace=bt2020nc:range=tv"


def levels_of(clip, **options):
    """The number that each frame of a `counted` clip shows."""
    return [round(float(frame.mean()) / 4) for frame in reading.frames(clip, **options)]


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.flv", "a.mov", "a.avi"])
def test_every_frame_is_read_once_at_the_exact_rate(counted, name):
    clip = reading.opened(counted(name, rate="30000/1001" if name != "a.flv" else "30"))
    assert (clip.rate, clip.count, clip.size) == (NTSC if name != "a.flv" else 30, 60, (48, 64))
    assert (clip.start, clip.end, clip.has_sound, clip.is_hdr) == (0.0, None, False, False)
    assert levels_of(clip) == list(range(60))
    assert levels_of(clip, first=41) == levels_of(clip)[41:]


@pytest.mark.parametrize(
    ("said", "rate"), [("24000/1001", fractions.Fraction(24000, 1001)), ("60", 60), ("12.5", 12.5)]
)
def test_rates_are_exact_where_times_are_rounded(counted, said, rate):
    clip = reading.opened(counted("a.mkv", rate=said, seconds=1))
    assert clip.rate == rate
    assert clip.count == len(levels_of(clip))


def test_a_part_has_the_frames_between_its_ends(counted):
    path = counted("a.mp4", "-g", 7, rate="30000/1001")
    clip = reading.opened(os.path.relpath(path), start=0.5, end=1.2)
    assert (clip.start, clip.end) == pytest.approx((15 / NTSC, 36 / NTSC))
    assert levels_of(clip) == list(range(15, 36))
    assert levels_of(clip, first=20) == [35]
    assert levels_of(clip, first=21) == []
    assert reading.opened(path, start=1.0, end=99).end is None
    assert reading.opened(path, start=1.0, end=99).count == 30


def test_every_takes_each_nth_frame_for_the_same_time(counted):
    clip = reading.opened(counted("a.mp4"), every=4, start=0.1)
    assert (clip.rate, clip.count) == (fractions.Fraction(30, 4), 15)
    assert levels_of(clip) == list(range(3, 60, 4))
    assert levels_of(clip, first=5) == list(range(23, 60, 4))


def test_variable_rates_become_their_average_and_stay_in_step(counted):
    thinned = "select='lt(n,20)+not(mod(n,3))',geq=lum=120*T"
    clip = reading.opened(counted("a.mp4", "-fps_mode", "vfr", filters=thinned))
    levels = levels_of(clip)
    assert len(levels) == clip.count
    assert clip.count / clip.rate == pytest.approx(2.0, abs=0.07)
    shown = [place / float(clip.rate) for place in range(clip.count)]
    assert [level / 30 for level in levels] == pytest.approx(shown, abs=0.13)  # Frames stand for 0.1 seconds.
    assert levels_of(clip, first=25) == levels[25:]


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_a_variable_rate_gives_the_same_frames_from_any_of_them_on(counted, name):
    """A command that goes on reads from where it is, and must find the frames that it would have read."""
    dropped = "+".join(f"eq(n,{number})" for number in (3, 4, 9, 17, 18, 19, 26, 33, 40, 41, 52, 53, 54))
    clip = reading.opened(counted(name, "-fps_mode", "vfr", filters=f"select='not({dropped})'"))
    levels = levels_of(clip)
    for first in range(1, clip.count, 4):
        assert levels_of(clip, first=first) == levels[first:], first


def test_a_few_dropped_frames_leave_the_rate(counted):
    clip = reading.opened(counted("a.mp4", "-fps_mode", "vfr", filters="select='not(eq(n,20)+eq(n,41))'"))
    assert (clip.rate, clip.count) == (30, 60)


def test_animated_gifs_are_clips(drawn):
    path = drawn("a.gif", "-f", "lavfi", "-i", "testsrc=s=101x57:r=10:d=1")
    clip = reading.opened(path)
    assert (clip.rate, clip.count, clip.size) == (10, 10, (56, 100))
    assert len(list(reading.frames(clip))) == 10


def test_a_last_frame_that_is_held_is_read_as_long(tmp_path):
    pictures = [PIL.Image.new("RGB", (16, 16), (level, 0, 0)) for level in (40, 120, 200)]
    pictures[0].save(tmp_path / "a.gif", save_all=True, append_images=pictures[1:], duration=[100, 100, 800])
    clip = reading.opened(tmp_path / "a.gif")
    frames = list(reading.frames(clip))
    assert len(frames) == clip.count
    assert clip.count / clip.rate == 1
    assert frames[-1][0, 0, 0] == 200


@pytest.mark.parametrize(
    ("size", "options", "image_size", "expected"),
    [
        ("102x58", [], None, (58, 102)),
        ("102x58", [], 51, (28, 50)),
        ("102x58", [], 500, (58, 102)),
        ("64x48", ["-vf", "setsar=2/1"], None, (48, 128)),
        ("64x48", ["-vf", "setsar=2/1"], 64, (24, 64)),
    ],
)
def test_sides_are_even_reduced_and_of_square_pixels(drawn, size, options, image_size, expected):
    clip = reading.opened(
        drawn("a.mkv", "-f", "lavfi", "-i", f"testsrc=s={size}:d=0.2", *options), image_size=image_size
    )
    assert clip.size == expected
    assert {frame.shape for frame in reading.frames(clip)} == {(*expected, 3)}


def test_odd_sides_lose_a_pixel(drawn):
    clip = reading.opened(drawn("a.mkv", "-f", "lavfi", "-i", "testsrc=s=101x57:d=0.2", "-pix_fmt", "yuv444p"))
    assert clip.size == (56, 100)


def test_a_turned_phone_films_upright(drawn):
    half = "color=black:s=64x32:d=0.2,drawbox=w=32:c=white:t=fill"
    flat = drawn("a.mp4", "-f", "lavfi", "-i", half, "-pix_fmt", "yuv420p")
    clip = reading.opened(drawn("b.mp4", "-display_rotation", 90, "-i", flat, "-c", "copy"))
    frame = next(reading.frames(clip))
    assert clip.size == (64, 32) == frame.shape[:2]
    assert frame[:24].mean() < 10  # The left side, turned against the clock, is at the bottom.
    assert frame[40:].mean() > 245


@pytest.mark.parametrize(
    ("size", "filters"),
    [
        ("64x48", "scale=out_color_matrix=bt601:out_range=tv,format=yuv420p,setparams=colorspace=smpte170m"),
        ("64x48", "scale=out_color_matrix=bt601:out_range=tv,format=yuv420p,setparams=colorspace=unknown"),
        ("1280x720", "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p,setparams=colorspace=unknown"),
        ("64x48", "scale=out_color_matrix=bt709:out_range=pc,format=yuv420p,setparams=colorspace=bt709:range=pc"),
        ("64x48", "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p10,setparams=colorspace=bt709:range=tv"),
    ],
)
def test_colours_are_right_whatever_their_matrix_and_range(drawn, size, filters):
    source = f"color=0xC87828:s={size}:d=0.1,format=rgb24"
    path = drawn("a.mp4", "-f", "lavfi", "-i", source, "-vf", filters, "-c:v", "libx264", "-crf", 4)
    frame = next(reading.frames(reading.opened(path)))
    np.testing.assert_allclose(frame[9, 9], [200, 120, 40], atol=3)


@pytest.mark.parametrize("transfer", ["smpte2084", "arib-std-b67"])
def test_high_dynamic_range_is_mapped_to_a_screen(drawn, transfer):
    hundred_nits = f"zscale=tin=iec61966-2-1:min=gbr:pin=bt709:t={transfer}:p=bt2020:m=bt2020nc:r=limited:npl=100"
    filters = f"format=gbrp,{hundred_nits},format=yuv420p10le,{HDR.format(transfer)}"
    source = "color=white:s=64x48:d=0.1"
    coding = ["-c:v", "libx265", "-x265-params", "log-level=none"]
    clip = reading.opened(drawn("a.mp4", "-f", "lavfi", "-i", source, "-vf", filters, *coding), image_size=32)
    assert clip.is_hdr
    assert clip.size == (24, 32)
    frame = next(reading.frames(clip))
    np.testing.assert_allclose(frame, 152, atol=4)  # Hable's curve: a screen's white among what is ten times as bright.


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_a_file_that_is_cut_off_is_read_with_an_end(drawn, cut, name):
    noise = "testsrc2=s=64x48:r=30:d=4,noise=c0s=60:c0f=t"
    index_first = ["-movflags", "+faststart"] if name == "a.mp4" else []
    whole = drawn(name, "-f", "lavfi", "-i", noise, "-c:v", "libx264", *index_first)
    path = cut(whole, 0.6)
    with pytest.raises(
        ValueError, match=r"^video: .* is cut off: it ends at .* s, but 4.00 s are announced\."
    ) as caught:
        reading.opened(path)
    end = float(str(caught.value).partition("--end=")[2].split()[0])
    assert 1.5 < end < 3.0
    clip = reading.opened(path, end=end)
    assert len(list(reading.frames(clip))) == clip.count == round(end * 30)


def test_reading_that_ends_early_is_an_error(counted, cut):
    clip = reading.opened(counted("a.ts", "-g", 5))
    cut(type(counted("b.ts"))(clip.path), 0.5)
    with pytest.raises(OSError, match=r"^video: .* ends at .* s, after \d+ of 60 frames .*--end="):
        list(reading.frames(clip))


def test_a_stream_without_its_beginning_is_read_from_its_first_whole_picture(counted):
    path = counted("a.ts", "-x264-params", "open-gop=1:keyint=10:bframes=3")
    data = path.read_bytes()
    path.write_bytes(data[188 * (len(data) // 188 // 4) :])
    clip = reading.opened(path)
    levels = levels_of(clip)
    assert len(levels) == clip.count < 60
    assert levels[-20:] == list(range(40, 60))
    assert levels_of(clip, first=5) == levels[5:]


def test_closing_ends_the_program(counted):
    iterator = reading.frames(reading.opened(counted("a.mp4", size="640x480")))
    next(iterator)
    iterator.close()
    assert list(iterator) == []


def bad_files(folder, drawn, cut):
    """Makes files that are no clips: {name: what is said about each}."""
    (folder / "empty.mp4").touch()
    (folder / "text.mp4").write_text("Once upon a time")
    (folder / "text.txt").write_text("Once upon a time")
    drawn("whole.mp4", "-f", "lavfi", "-i", "testsrc2=d=0.2:s=64x48")
    (folder / "list.mp4").write_text("ffconcat version 1.0\nfile whole.mp4\n")
    for suffix in ("png", "jpg", "webp", "gif", "tif"):
        PIL.Image.new("RGB", (16, 16), "red").save(folder / f"still.{suffix}")
    drawn("sound.m4a", "-f", "lavfi", "-i", "sine=d=0.2")
    cut(drawn("no_index.mp4", "-f", "lavfi", "-i", "testsrc2=d=0.5"), 0.7)
    codec = drawn("codec.avi", "-f", "lavfi", "-i", "testsrc2=d=0.2:s=64x48", "-c:v", "mpeg4", "-vtag", "XVID")
    codec.write_bytes(codec.read_bytes().replace(b"XVID", b"QQQQ").replace(b"xvid", b"QQQQ"))
    return {
        "missing.mp4": "does not exist",
        ".": "is a folder",
        "empty.mp4": "is empty",
        "text.mp4": "cannot be read as a clip",
        "text.txt": "cannot be read as a clip|is a text",
        "list.mp4": "is a list of other files",
        "sound.m4a": "holds sound alone, without pictures",
        "no_index.mp4": "is cut off: its index is missing .moov atom not found.",
        "codec.avi": "cannot be read as a clip|cannot be decoded",
    } | {f"still.{suffix}": "is a picture.*--content_image" for suffix in ("png", "jpg", "webp", "gif", "tif")}


def test_what_is_no_clip_is_refused_in_one_sentence(tmp_path, drawn, cut):
    for name, said in bad_files(tmp_path, drawn, cut).items():
        with pytest.raises((ValueError, OSError), match=rf"(?s)^video: .*({said})") as caught:
            reading.opened(tmp_path / name)
        assert "\n" not in str(caught.value), name


def test_urls_and_other_things_are_refused():
    with pytest.raises(ValueError, match="is a URL. Download it"):
        reading.opened("https://host/a.mp4")
    for thing in (None, 3, ""):
        with pytest.raises(TypeError, match="video must be a path"):
            reading.opened(thing)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"start": -1}, "start must be 0 or more"),
        ({"start": "1"}, "start must be a finite number"),
        ({"start": 2, "end": 2}, "end must be more than start=2"),
        ({"end": float("nan")}, "end must be a finite number"),
        ({"start": 7.5}, r"start=7\.5 must lie before the clip's end, but the clip lasts 2\.00 s"),
        ({"every": 0}, "every must be a whole number"),
        ({"image_size": 1}, "image_size must be a whole number"),
    ],
)
def test_numbers_out_of_range_are_refused(counted, options, said):
    with pytest.raises(ValueError, match=said):
        reading.opened(counted("a.mp4"), **options)


def test_without_ffmpeg_the_extra_is_named(monkeypatch, counted):
    path = counted("a.mp4")
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(ImportError, match=r'clips need ffmpeg. Install it with `pip install "nst_keras\[video\]"`'):
        reading.opened(path)


def test_odd_names_are_read(counted, monkeypatch):
    path = counted("a.mp4")
    odd = path.rename(path.with_name("-it's %d: a,b.mp4"))
    monkeypatch.chdir(odd.parent)
    monkeypatch.setenv("HOME", str(odd.parent))
    for name in (odd, odd.name, f"~/{odd.name}"):
        assert len(list(itertools.islice(reading.frames(reading.opened(name)), 3))) == 3


def test_a_failure_is_told_by_its_last_telling_line():
    said = "[mov @ 0x1] reached eof, corrupted CTTS atom\n[in#0 @ 0x2] Error opening input: End of file\n"
    assert ffmpeg.reason(said) == "reached eof, corrupted CTTS atom"
    assert ffmpeg.reason("Error opening input files: Invalid data found") == "Invalid data found"
    assert ffmpeg.reason("") == "ffmpeg does not say why"
