"""What the studio's page costs: seconds to the first picture, pace of the steps, memory and files after many runs.

    pip install -e ".[studio,test]"
    python benchmarks/studio.py [--image_size=256] [--steps=120] [--repeats=5] [--runs=50]

A real Chromium visits a studio in a process of its own. "First picture" is from the press of Start to the first picture
after a step, in a studio that has made none yet. "Pace" are the steps a second while the page shows them, against the
same steps without a page, in turn, with `compact` at one size. "Memory" is the studio's own, after runs that a visitor
makes one after the other. Files are counted before the visit, during it and afterwards.
"""

from __future__ import annotations

import contextlib
import math
import os
import pathlib
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from typing import Any, NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from absl import app, flags
from playwright import sync_api

SIZE = flags.DEFINE_integer("image_size", 256, "Longest side of the picture, in pixels.")
STEPS = flags.DEFINE_integer("steps", 120, "Steps of a run whose pace is measured.")
REPEATS = flags.DEFINE_integer("repeats", 5, "Runs with the page and without, in turn.")
RUNS = flags.DEFINE_integer("runs", 50, "Runs one after the other, whose memory is watched.")
BROWSER = flags.DEFINE_string("browser", shutil.which("chromium") or shutil.which("google-chrome"), "Chromium.")

QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
CONTENT, STYLE = "landscape", "swirls"
# The same steps without a page, in a process of their own: steps a second from the tenth on.
ALONE = """
import sys, time, keras, nst_keras
times = []
clock = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: times.append(time.perf_counter()))
size, steps, content, style = int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:]
style_transfer = nst_keras.NeuralStyleTransfer.from_preset(
    "quick", style, content, image_size=size, pyramid=None, frame_interval=10**9)
style_transfer.fit_style_transfer(epochs=1, steps_per_epoch=steps, callbacks=[clock], verbose=0)
print((steps - 10) / (times[-1] - times[9]))
"""
# What the page shows, seen from inside it: its status says how many steps are made.
WATCH = r"""() => {
  const seen = window.seen = {first: 0, tenth: 0, last: 0, shown: 0, ended: false};
  const now = () => performance.now() / 1000;
  let picture = document.querySelector('#live img')?.src, started = false;
  seen.pressed = now();
  const look = () => {
    const text = document.querySelector('#status').innerText, image = document.querySelector('#live img');
    const step = /Step (\d+) of/.exec(text);
    started ||= /Prepar|Step/.test(text);
    if (step && +step[1] > 0) {
      if (image && image.src !== picture) { picture = image.src; seen.shown += 1; seen.first ||= now(); }
      if (+step[1] >= 10 && !seen.tenth) { seen.tenth = now(); seen.tenthStep = +step[1]; }
      if (seen.lastStep !== +step[1]) { seen.lastStep = +step[1]; seen.last = now(); }
    }
    if (started && /made|onverged|lowers/.test(text)) { seen.ended = true; watch.disconnect(); }
  };
  const watch = new MutationObserver(look);
  watch.observe(document.body, {subtree: true, childList: true, characterData: true, attributes: true});
}"""


class Run(NamedTuple):
    """What a run took.

    Attributes:
        first: Seconds from the press of Start to the first picture after a step.
        steps: Steps a second, from the tenth on.
        pictures: Pictures shown a second.
    """

    first: float
    steps: float
    pictures: float


class Visit:
    """A page in a browser, with the two samples chosen and a single size."""

    def __init__(self, browser: Any, address: str) -> None:
        self.page = browser.new_page(viewport={"width": 1200, "height": 900})
        self.page.goto(address)
        self.page.get_by_role("button", name="Start", exact=True).wait_for()
        for name in (CONTENT, STYLE):
            self.page.locator(".samples button").filter(has_text=name).first.click()
            self.page.wait_for_timeout(500)
        self.set("Size", SIZE.value)
        for name in ("More", "Coarse to fine"):
            self.page.locator("button.label-wrap").filter(has_text=name).first.click()
        self.page.locator("#option_pyramid textarea, #option_pyramid input").fill("none")

    def set(self, label: str, value: int) -> None:
        """Writes a number."""
        field = self.page.get_by_label(f"number input for {label}").first
        field.fill(str(value))
        field.press("Enter")

    def run(self, steps: int) -> Run:
        """Makes a picture, and returns what it took."""
        self.set("Steps", steps)
        self.page.wait_for_timeout(300)
        self.page.evaluate(WATCH)
        self.page.get_by_role("button", name="Start", exact=True).click()
        self.page.wait_for_function("window.seen.ended", timeout=600_000, polling=100)
        seen = self.page.evaluate("window.seen")
        between, watched = seen["last"] - seen["tenth"], seen["last"] - seen["first"]
        return Run(
            seen["first"] - seen["pressed"],
            (seen["lastStep"] - seen["tenthStep"]) / between if between and seen["tenth"] else math.nan,
            seen["shown"] / watched if watched else math.nan,
        )


@contextlib.contextmanager
def studio(folder: str) -> Iterator[tuple[str, int]]:
    """A studio in a process of its own: its address and its process."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
    environment = {**os.environ, "GRADIO_TEMP_DIR": folder, "GRADIO_HEARTBEAT_INTERVAL": "1"}
    command = [sys.executable, "-m", "nst_keras.studio", f"--port={port}", "--most_steps=5000"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            with contextlib.suppress(OSError), urllib.request.urlopen(address):
                break
            time.sleep(0.1)
        yield address, process.pid
    finally:
        process.terminate()
        process.wait()


def resident(process: int) -> float:
    """Megabytes of memory that a process holds."""
    status = pathlib.Path(f"/proc/{process}/status").read_text()
    return int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1024


def alone(steps: int) -> float:
    """Steps a second without a page."""
    pictures = [f"sample:{CONTENT}", f"sample:{STYLE}"]
    command = [sys.executable, "-c", ALONE, str(SIZE.value), str(steps), *pictures]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1])


def pace(visit: Visit) -> None:
    """Prints the pace of the steps with the page and without, in turn."""
    shown, plain = [], []
    for _ in range(REPEATS.value):
        shown.append(visit.run(STEPS.value))
        plain.append(alone(STEPS.value))
    with_page, without = statistics.median(run.steps for run in shown), statistics.median(plain)
    print(f"pace: {with_page:.2f} steps a second with the page, {without:.2f} without: {with_page / without:.3f}")
    print(f"pictures shown a second: {statistics.median(run.pictures for run in shown):.1f}", flush=True)


def memory(visit: Visit, process: int) -> None:
    """Prints the studio's memory while one visitor makes picture after picture."""
    for place in range(1, RUNS.value + 1):
        visit.run(10)
        if place in (1, RUNS.value) or place % 10 == 0:
            print(f"memory: {resident(process):.0f} MB after {place} runs", flush=True)


def main(_: list[str]) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        studio(folder) as (address, process),
        sync_api.sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=BROWSER.value, args=QUIET)
        before = _files(folder)  # The samples' thumbnails.
        visit = Visit(browser, address)
        print(f"first picture: {visit.run(20).first:.1f} s after Start", flush=True)
        print(f"first picture: {visit.run(20).first:.1f} s after Start, of the next run", flush=True)
        pace(visit)
        memory(visit, process)
        print(f"files: {_files(folder)} while the visitor is there", flush=True)
        visit.page.context.close()
        time.sleep(3)
        print(f"files: {_files(folder)} once the visitor has gone, {before} before the visit")


def _files(folder: str) -> int:
    return sum(path.is_file() for path in pathlib.Path(folder).rglob("*"))


if __name__ == "__main__":
    app.run(main)
