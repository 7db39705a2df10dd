"""Takes the documentation's pictures of the studio, in each of its states, with a headless Chromium.

    pip install -e ".[studio,test]"
    python -m tools.studio_pages docs/studio [--only=phone]

The studio must be serving at ADDRESS: `nst-keras studio --port=7860`.
"""

from __future__ import annotations

import argparse
import io
import pathlib
import shutil
import sys
from collections.abc import Callable
from typing import Any

import PIL.Image
from playwright import sync_api

__all__ = ["DESKTOP", "PHONE", "STATES", "Visit", "main", "take"]

CONTENT, STYLE, SECOND = "landscape", "swirls", "stained glass"
DESKTOP, PHONE = (1280, 940), (390, 844)
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
QUALITY = 85


class Visit:
    """A page in a browser.

    Args:
        browser: The browser.
        address: The studio's address.
        size: Width and height of the window in pixels.
        scheme: `light` or `dark`.
    """

    def __init__(self, browser: Any, address: str, size: tuple[int, int] = DESKTOP, scheme: str = "light") -> None:
        viewport = {"width": size[0], "height": size[1]}
        self.page = browser.new_page(viewport=viewport, color_scheme=scheme)
        self.page.goto(address)
        self.page.get_by_role("button", name="Start", exact=True).wait_for()

    def choose(self, size: int = 320) -> None:
        """Chooses the samples and a size."""
        for place, name in ((0, CONTENT), (1, STYLE)):
            self.page.locator(".samples").nth(place).locator("button").filter(has_text=name).first.click()
            self.page.wait_for_timeout(1000)
        self.set("Size", size)

    def set(self, label: str, value: float) -> None:
        """Writes a number on a control."""
        field = self.page.get_by_label(f"number input for {label}").first
        field.fill(str(value))
        field.press("Enter")

    def start(self) -> None:
        """Presses Start, and waits until the picture has formed a little."""
        self.page.locator("#start").click()
        self.page.wait_for_function("/Step ([2-9]\\d)/.test(document.querySelector('#status').innerText)")

    def made(self) -> None:
        """Waits until the picture is made."""
        self.page.locator("#files a").first.wait_for(timeout=180_000)
        self.page.wait_for_timeout(1000)

    def paint(self, place: tuple[float, float, float, float]) -> None:
        """Paints a rectangle on the photograph: left, top, right and bottom as shares of the canvas."""
        canvas = self.page.locator(".editor canvas").first
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        left, top, right, bottom = place
        for row in range(14):
            y = box["y"] + box["height"] * (top + (bottom - top) * row / 13)
            self.page.mouse.move(box["x"] + left * box["width"], y)
            self.page.mouse.down()
            self.page.mouse.move(box["x"] + right * box["width"], y, steps=4)
            self.page.mouse.up()


def empty(visit: Visit) -> None:
    """The page as it opens."""


def forming(visit: Visit) -> None:
    """A picture that forms."""
    visit.choose()
    visit.start()


def paused(visit: Visit) -> None:
    """A picture that is halted."""
    forming(visit)
    visit.page.locator("#pause").click()
    visit.page.wait_for_timeout(1500)


def finished(visit: Visit) -> None:
    """A picture that is made, and what can be taken away."""
    visit.choose(256)
    visit.set("Steps", 40)
    visit.start()
    visit.made()
    visit.page.locator("#live").scroll_into_view_if_needed()


def masks(visit: Visit) -> None:
    """Two styles, each where it was painted."""
    visit.choose(320)
    visit.page.get_by_text("Second style, and masks to paint").click()
    visit.page.wait_for_timeout(1500)
    visit.page.locator(".samples").nth(2).locator("button").filter(has_text=SECOND).first.click()
    visit.page.wait_for_timeout(1500)
    visit.paint((0.2, 0.2, 0.8, 0.42))
    visit.start()
    visit.page.locator(".editor").scroll_into_view_if_needed()


def compare(visit: Visit) -> None:
    """Two settings side by side."""
    visit.choose(256)
    visit.page.get_by_role("tab", name="Compare").click()
    visit.page.locator("#compare_start").click()
    _done(visit, "compare")


def layers(visit: Visit) -> None:
    """What layers hold, and the ratio of the weights."""
    visit.page.get_by_role("tab", name="How it works").click()
    for name in ("content", "style", "ratio"):
        visit.page.locator(f"#{name}_start").click()
        _done(visit, name)


def refused(visit: Visit) -> None:
    """A file that is no picture."""
    block = visit.page.locator("input[type=file]").first
    block.set_input_files({"name": "holiday.jpg", "mimeType": "image/jpeg", "buffer": b"no picture at all"})
    visit.page.wait_for_timeout(1000)
    visit.page.locator("#start").click()
    visit.page.wait_for_timeout(2500)


def _done(visit: Visit, name: str) -> None:
    visit.page.wait_for_function(
        f"document.querySelector('#{name}_status').innerText.includes('Done')", timeout=180_000
    )
    visit.page.wait_for_timeout(500)


# {name of the picture: what is done, the window, the scheme, whether the whole page is shown}.
STATES: dict[str, tuple[Callable[[Visit], None], tuple[int, int], str, bool]] = {
    "forming": (forming, DESKTOP, "light", False),
    "paused": (paused, DESKTOP, "dark", False),
    "finished": (finished, DESKTOP, "light", True),
    "masks": (masks, DESKTOP, "light", True),
    "compare": (compare, DESKTOP, "light", False),
    "layers": (layers, DESKTOP, "light", True),
    "refused": (refused, DESKTOP, "light", False),
    "phone_empty": (empty, PHONE, "light", True),
    "phone": (finished, PHONE, "dark", True),
}


def main(argv: list[str] | None = None) -> int:
    """Takes the pictures, and returns the exit status.

    Args:
        argv: The arguments after the program's name. Default: those of the process.
    """
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=pathlib.Path, help="where the pictures are written")
    parser.add_argument("--address", default="http://127.0.0.1:7860", help="of the studio")
    parser.add_argument("--only", default=",".join(STATES), help="names of pictures, with commas between them")
    arguments = parser.parse_args(argv)
    arguments.folder.mkdir(exist_ok=True)
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=QUIET)
        for name in arguments.only.split(","):
            take(browser, arguments.address, arguments.folder, name)
    return 0


def take(browser: Any, address: str, folder: pathlib.Path, name: str) -> None:
    """Takes one picture.

    Args:
        browser: The browser.
        address: The studio's address.
        folder: Where the picture is written.
        name: A name in `STATES`.
    """
    act, size, scheme, whole = STATES[name]
    visit = Visit(browser, address, size, scheme)
    act(visit)
    picture = PIL.Image.open(io.BytesIO(visit.page.screenshot(full_page=whole)))
    picture.convert("RGB").save(folder / f"{name}.jpg", quality=QUALITY, optimize=True)
    visit.page.close()


if __name__ == "__main__":
    sys.exit(main())
