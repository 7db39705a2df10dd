"""Clips that ffmpeg draws itself."""

import pathlib
import subprocess

import pytest

from nst_keras.cli.video import ffmpeg


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
