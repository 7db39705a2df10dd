"""The studio, served in this process, and a real browser that visits it."""

import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def free_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


@pytest.fixture(scope="package")
def uploads(tmp_path_factory):
    """The folder of Gradio's files."""
    return tmp_path_factory.mktemp("gradio").resolve()


@pytest.fixture(scope="package")
def address(uploads):
    """The address of a studio with tight limits, in a process of its own."""
    pytest.importorskip("gradio", reason="needs the extra `studio`")
    address = f"http://127.0.0.1:{free_port()}"
    limits = ["--largest_size=320", "--most_steps=400", "--upload_megabytes=2"]
    process = subprocess.Popen(
        [sys.executable, "-m", "nst_keras.studio", f"--port={address.rpartition(':')[2]}", *limits],
        env={**os.environ, "GRADIO_TEMP_DIR": str(uploads), "GRADIO_HEARTBEAT_INTERVAL": "0.3"},
    )
    try:
        for _ in range(600):
            with contextlib.suppress(OSError), urllib.request.urlopen(address):
                break
            time.sleep(0.1)
        yield address
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0


@pytest.fixture(scope="package")
def browser():
    """Chromium, without a window."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium: install Debian's chromium, or put a browser of its kind on the PATH")
    from playwright import sync_api

    from tools import studio_pages

    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=studio_pages.QUIET)
        yield launched
        launched.close()


@pytest.fixture
def files(tmp_path):
    """{name: file} of a photograph, a painting, and others."""
    import PIL.Image

    from nst_keras.images import samples

    made = {}
    for name, sample in {"photo": "landscape", "painting": "swirls", "other": "woodblock"}.items():
        made[name] = tmp_path / f"my {name}.png"
        picture = PIL.Image.fromarray(samples.read(sample))
        picture.thumbnail((128, 128))
        picture.save(made[name])
    return made


def left(uploads):
    """All files below a folder."""
    return [pathlib.Path(folder) / name for folder, _, names in os.walk(uploads) for name in names]


def until(condition):
    for _ in range(1000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come")
