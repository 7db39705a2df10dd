"""Whole commands, with the network and ffmpeg, that are killed and given again."""

import pathlib
import random
import subprocess
import sys
import time

import numpy as np
import pytest

from nst_keras import video
from nst_keras.cli.video import reading
from tests.conftest import ROOT

pytest.importorskip("cv2", reason="the extra video is not installed")
pytest.importorskip("imageio_ffmpeg", reason="the extra video is not installed")

LOOK = {
    "image_size": 96,
    "extractor": "compact",
    "normalization": "relative",
    "optimizer": "lbfgs",
    "epochs": 1,
    "steps_per_epoch": 6,
    "jit_compile": "false",
    "xla_cache": "none",
    "preserve_color": "luminance",
}
CLIP = {"video": "sample:cut", "style_image": "sample:swirls", "start": 0.25, "end": 0.75, "frame_steps": 3}


def command(output):
    options = {**LOOK, **CLIP, "output": output}
    return [sys.executable, "-m", "nst_keras.video", *(f"--{name}={value}" for name, value in options.items())]


def frames_of(path):
    return np.stack(list(reading.frames(reading.opened(path))))


def killed_after(output, frame):
    """Gives the command, and kills it once a frame is made, somewhere in the next one."""
    notes = pathlib.Path(f"{output}.frames") / "notes.jsonl"
    with subprocess.Popen(command(output), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        ends = time.monotonic() + 120
        while process.poll() is None and time.monotonic() < ends:
            if notes.exists() and len(notes.read_text().split()) and f'"frame": {frame},' in notes.read_text():
                time.sleep(random.Random(frame).uniform(0, 0.2))
                break
            time.sleep(0.01)
        process.kill()


@pytest.mark.slow
def test_a_command_that_is_killed_at_five_moments_makes_the_same_pixels(tmp_path):
    whole, often = str(tmp_path / "whole.mp4"), str(tmp_path / "often.mp4")
    subprocess.run(command(whole), cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    for frame in (0, 2, 5, 6, 9):
        killed_after(often, frame)
    assert not pathlib.Path(often).exists()
    subprocess.run(command(often), cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    np.testing.assert_array_equal(frames_of(often), frames_of(whole))
    assert {path.name for path in tmp_path.iterdir()} == {"whole.mp4", "often.mp4"}


@pytest.mark.slow
def test_styles_that_are_arrays_make_a_clip(tmp_path):
    style = np.random.default_rng(0).integers(0, 256, [48, 48, 3], np.uint8)
    asked = {name: value for name, value in LOOK.items() if name != "xla_cache"} | {"steps_per_epoch": 2}
    report = video.stylize("sample:still", style, tmp_path / "made.mp4", end=0.2, **asked)
    assert (report.frames, report.scenes, report.steps) == (5, [0], [2, 0, 0, 0, 0])
    assert reading.opened(report.output).count == 5
