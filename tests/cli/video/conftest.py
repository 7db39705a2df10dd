"""Clips that ffmpeg draws itself, and a stand-in for the network that makes their frames."""

import pathlib
import subprocess

import numpy as np
import pytest

from nst_keras import settings
from nst_keras.cli.video import asking, ffmpeg, following, making, stylising, writing
from nst_keras.cli.video import folder as folder_lib
from nst_keras.export import files


@pytest.fixture
def drawn(tmp_path):
    """Makes a file in `tmp_path` by ffmpeg's options before its name, and returns its path."""

    def make(name, *options):
        path = tmp_path / name
        subprocess.run([ffmpeg.program(), "-v", "error", "-y", *map(str, options), str(path)], check=True)
        return path

    return make


@pytest.fixture
def counted(drawn):
    """Makes a clip whose frame `k` is grey of level 4 k; `options` come before its name."""

    def make(name, *options, rate="30", seconds=2, size="64x48", filters="null", codec="libx264"):
        source = f"color=black:s={size}:r={rate}:d={seconds},format=gray,geq=lum='4*N',{filters}"
        return drawn(name, "-f", "lavfi", "-i", source, "-c:v", codec, "-pix_fmt", "yuv420p", *options)

    return make


@pytest.fixture
def flashing(drawn):
    """Makes a clip with a flash, and a tone that begins with it, at second 1. Its sound begins `late` seconds late."""

    def make(name, *options, rate="30", late=0.0, audio="aac"):
        flash = f"color=black:s=64x48:r={rate}:d=2.5,drawbox=c=white:t=fill:enable='between(t,0.999,1.2)'"
        tone = f"aevalsrc='0.8*sin(2*PI*1000*t)*gte(t,{1 - late})':s=48000:d=2.5"
        inputs = ["-f", "lavfi", "-i", flash, "-itsoffset", late, "-f", "lavfi", "-i", tone]
        return drawn(name, *inputs, "-map", 0, "-map", 1, "-c:v", "libx264", "-c:a", audio, *options)

    return make


@pytest.fixture
def cut():
    """Cuts a file off after a share of its bytes."""

    def shorten(path: pathlib.Path, share: float):
        data = path.read_bytes()
        path.write_bytes(data[: int(len(data) * share)])
        return path

    return shorten


class Painter:
    """Stands in for `stylising.Stylizer`: a picture at once, which depends on all that a real one depends on."""

    CUT = 30  # Levels by which a frame differs on average from the frame before, where a scene begins.

    def __init__(self, given, fit, video, *, flow=None, count=None):
        self.fit, self.flow = fit, flow

    def first(self, source):
        """A frame that is begun anew."""
        old = np.full(source.shape[:2], following.OLD, np.uint8)
        picture = 255 - source
        return stylising.Made(picture, old, picture, is_new_scene=True, steps=12, losses={"loss": 7.5})

    def next(self, source, earlier, *, loss, own=None):
        """A frame that goes on from earlier ones."""
        near = earlier[0]
        if own is None and np.array_equal(near.source, source):
            return stylising.Made(near.picture, near.age, near.picture, is_new_scene=False, steps=0, losses={})
        is_new_scene = np.abs(source.astype(float) - near.source).mean() > self.CUT
        if is_new_scene and own is None:
            return self.first(source)
        mixed = source.astype(np.int64) + round(8 * loss) + (0 if own is None else 5 * own.astype(np.int64))
        for place, one in enumerate(earlier, 1):
            mixed += place * (3 * one.source.astype(np.int64) + 7 * one.picture + 11 * one.age[..., None])
        age = (earlier[-1].age + 1) % 13
        picture = (mixed % 256).astype(np.uint8)
        losses = {"loss": float(mixed.mean())}
        return stylising.Made(picture, age, picture // 2, is_new_scene=bool(is_new_scene), steps=4, losses=losses)

    def kept(self, source, own):
        """A frame as an earlier pass has made it."""
        old = np.full(own.shape[:2], following.OLD, np.uint8)
        return stylising.Made(own, old, own, is_new_scene=True, steps=0, losses={})


@pytest.fixture
def painter(monkeypatch):
    """Makes frames at once, without a network."""
    pytest.importorskip("cv2", reason="needs OpenCV, of the extra `video`")
    monkeypatch.setattr(stylising, "Stylizer", Painter)
    return Painter


@pytest.fixture
def in_arrays(monkeypatch):
    """Writes parts and clips as arrays, without ffmpeg, and the parts of four frames."""

    def write_part(path, frames, *, rate):
        with files.replacing(path) as temporary, open(temporary, "wb") as file:
            np.save(file, np.stack(list(frames)))

    def join(parts, output, *, sound, comment):
        with files.replacing(output) as temporary, open(temporary, "wb") as file:
            np.save(file, np.concatenate([np.load(part) for part in parts]))

    monkeypatch.setattr(writing, "write_part", write_part)
    monkeypatch.setattr(writing, "join", join)
    monkeypatch.setattr(folder_lib, "PART", 4)


def asked_of(style_image="sample:swirls", **options):
    """The look and the process of a small, quick clip."""
    look = {"extractor": "compact", "epochs": 1, "steps_per_epoch": 12, "jit_compile": "false", "image_size": 64}
    return asking.settings_of({"style_image": style_image, "quiet": True, **look, **options})


@pytest.fixture
def made(tmp_path):
    """Begins a clip in `tmp_path` by its options, and in `look` those of its frames. Default: 12 frames of a pan."""

    def make(look=None, flow=None, **options):
        options = {"video": "sample:pan", "every": 2, "output": str(tmp_path / "made.mp4"), **options}
        given = {} if flow is None else {"flow": flow}
        return making.Making(asked_of(**(look or {})), settings.VideoSettings(**options), **given)

    return make
