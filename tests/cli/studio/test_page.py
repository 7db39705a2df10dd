"""The page in a real browser: what a visitor does, sees and takes away."""

import io
import re
import time

import numpy as np
import PIL.Image
import pytest

pytest.importorskip("gradio", reason="needs the extra `studio`")
pytest.importorskip("playwright", reason="needs Playwright, of the extra `test`")

from nst_keras import run
from nst_keras.cli import provenance
from tests.cli.studio import conftest
from tests.conftest import ROOT
from tools import studio_pages

pytestmark = pytest.mark.slow

STARTED = re.compile(r"Step [1-9]\d* of")


class Visit:
    """A page in a browser, and what a visitor does there."""

    def __init__(self, context, address):
        self.page = context.new_page()
        self.page.goto(address)
        self.page.get_by_role("button", name="Start", exact=True).wait_for()

    def give(self, label, path):
        """Uploads a picture."""
        block = self.page.locator(".block").filter(has=self.page.get_by_text(label, exact=True)).first
        block.locator("input[type=file]").first.set_input_files(path)
        block.locator("img").first.wait_for()

    def set(self, label, value):
        """Writes a value on a control."""
        field = self.page.get_by_label(label, exact=True).first
        if field.count() == 0:
            field = self.page.get_by_label(f"number input for {label}").first
        field.fill(str(value))
        field.press("Enter")
        field.blur()

    def press(self, name):
        self.page.get_by_role("button", name=name, exact=True).first.click()

    def status(self):
        return self.page.locator("#status").inner_text()

    def picture(self):
        """The address of the picture that is shown, which holds it."""
        image = self.page.locator("#live img")
        return image.get_attribute("src") if image.count() else None

    def until(self, condition, seconds=60):
        end = time.monotonic() + seconds
        while not (found := condition()):
            assert time.monotonic() < end, f"it did not come; the page says {self.status()!r}"
            self.page.wait_for_timeout(50)
        return found

    def changes(self, before):
        return self.until(lambda: self.picture() not in (None, before) and self.picture())

    def until_made(self):
        self.page.locator("#files a").first.wait_for(timeout=120_000)

    def taken(self, suffix):
        """The bytes of a file that was made."""
        link = self.page.locator("#files tr").filter(has_text=re.compile(re.escape(suffix))).locator("a").first
        with self.page.expect_download() as download:
            link.click()
        return download.value.path().read_bytes(), download.value.suggested_filename


@pytest.fixture(scope="module")
def context(browser):
    """One cache for all pages. To the studio, each page is another visitor."""
    with browser.new_context(viewport={"width": 1200, "height": 900}, color_scheme="light") as context:
        yield context


@pytest.fixture
def visit(context, address, files):
    """A visitor with a photograph and a painting, and settings for many quick steps."""
    visit = Visit(context, address)
    visit.give("Photograph", files["photo"])
    visit.give("Painting", files["painting"])
    visit.set("Size", 96)
    visit.set("Steps", 400)
    yield visit
    visit.page.close()


def test_a_picture_forms_is_steered_halted_and_stopped(visit):
    visit.press("Start")
    visit.until(lambda: STARTED.search(visit.status()))
    first = visit.changes(None)
    visit.changes(first)
    visit.press("Pause")
    visit.until(lambda: "Paused after" in visit.status())
    visit.page.wait_for_timeout(600)
    halted, standing = visit.picture(), visit.status()
    visit.page.wait_for_timeout(900)
    assert (visit.picture(), visit.status()) == (halted, standing)
    visit.set("Strength", 0.2)
    visit.press("Go on")
    visit.changes(halted)
    visit.press("Stop")
    visit.until_made()
    assert re.fullmatch(r"Stopped after step \d+\.", visit.status().strip())
    made, _ = visit.taken(".flags")
    assert "after step" in made.decode()
    assert "strength=0.2" in made.decode()


def test_what_is_taken_away_makes_the_same_pixels(visit, files, tmp_path, monkeypatch):
    visit.set("Steps", 8)
    visit.press("Start")
    visit.until_made()
    data, name = visit.taken(".png")
    assert name == "my_photo_my_painting.png"
    (tmp_path / name).write_bytes(data)
    monkeypatch.chdir(files["photo"].parent)
    flagfile = provenance.flagfile(provenance.read(tmp_path / name))
    assert "/gradio" not in flagfile
    assert "--content_image=my photo.png" in flagfile
    (tmp_path / "given.flags").write_text(flagfile)
    assert run.main([f"--flagfile={tmp_path / 'given.flags'}", f"--output={tmp_path / 'again.png'}", "--quiet"]) == 0
    again, first = (np.asarray(PIL.Image.open(path)) for path in (tmp_path / "again.png", io.BytesIO(data)))
    np.testing.assert_array_equal(again, first)


def test_frames_losses_and_animations_follow(visit):
    visit.set("Steps", 12)
    visit.press("Start")
    visit.until_made()
    last = visit.picture()
    visit.set("Frames", 0)
    assert visit.changes(last) != last
    visit.press("Make a GIF")
    visit.until(lambda: ".gif" in visit.page.locator("#files").inner_text())
    gif = PIL.Image.open(io.BytesIO(visit.taken(".gif")[0]))
    assert gif.format == "GIF"
    assert gif.n_frames > 2
    for label in ("The command that makes this", "The Python that makes this", "The flagfile that makes this"):
        assert visit.page.get_by_text(label).first.is_visible()
    for term in ("style", "content"):
        assert visit.page.locator("#losses").get_by_text(term, exact=True).first.is_visible()
    visit.page.get_by_label("Layer by layer").check()
    visit.until(lambda: visit.page.get_by_text("style/block1_conv1").count())


def test_a_mask_painted_by_mouse_keeps_the_rest_of_the_photograph(visit, files):
    visit.page.get_by_text("Second style, and masks to paint").click()
    canvas = visit.page.locator(".editor canvas").first
    canvas.wait_for()
    visit.page.wait_for_timeout(1500)
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    for height in np.linspace(0.3, 0.7, 3):
        y = box["y"] + height * box["height"]
        visit.page.mouse.move(box["x"] + 0.2 * box["width"], y)
        visit.page.mouse.down()
        visit.page.mouse.move(box["x"] + 0.35 * box["width"], y, steps=2)
        visit.page.mouse.up()
    visit.set("Steps", 12)
    visit.press("Start")
    visit.until_made()
    names = visit.page.locator("#files").inner_text()
    assert "mask_first_style.png" in names.replace("\n", "")
    mask = np.asarray(PIL.Image.open(io.BytesIO(visit.taken("mask_first_style")[0])).convert("L").resize((96, 72)))
    made = PIL.Image.open(io.BytesIO(visit.taken("photo_my_painting")[0])).convert("RGB").resize((96, 72))
    photo = PIL.Image.open(files["photo"]).convert("RGB").resize((96, 72))
    moved = np.abs(np.asarray(made, float) - np.asarray(photo, float)).mean(-1)
    assert 0 < (mask > 127).mean() < 0.75
    assert moved[mask > 127].mean() > 2 * moved[mask < 128].mean()


def test_a_picture_made_before_gives_its_settings(visit, tmp_path):
    visit.set("Steps", 3)
    visit.set("Strength", 0.4)
    visit.press("Start")
    visit.until_made()
    (tmp_path / "before.png").write_bytes(visit.taken(".png")[0])
    visit.set("Steps", 77)
    visit.set("Strength", 0.9)
    visit.page.get_by_text("Settings of a picture made before").click()
    visit.page.locator("#remade input[type=file]").set_input_files(tmp_path / "before.png")
    visit.until(lambda: "The settings are taken over" in visit.status())
    assert visit.page.get_by_label("number input for Steps").input_value() == "3"
    assert visit.page.get_by_label("number input for Strength").input_value() == "0.4"
    assert visit.page.get_by_label("number input for Size").input_value() == "96"


def test_three_visitors_wait_their_turn_and_one_leaves(visit, context, address, files, uploads):
    visits = [visit]
    for _ in range(2):
        visits.append(Visit(context, address))
        visits[-1].give("Photograph", files["photo"])
        visits[-1].give("Painting", files["other"])
        visits[-1].set("Size", 96)
        visits[-1].set("Steps", 5)
    visit.press("Start")
    visit.changes(None)
    visits[1].press("Start")
    visits[2].press("Start")
    visits[1].until(lambda: "Waiting: you are next." in visits[1].status())
    visits[2].until(lambda: "Waiting: 2 before you." in visits[2].status())
    assert visits[1].picture() is None
    visit.page.close()
    visits[1].until_made()
    visits[2].until_made()
    for other in visits[1:]:
        other.page.close()
    end = time.monotonic() + 30
    while any(files["photo"].read_bytes() == path.read_bytes() for path in conftest.left(uploads) if path.is_file()):
        assert time.monotonic() < end, conftest.left(uploads)
        time.sleep(0.2)


def test_bad_input_is_answered_with_a_sentence(visit, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n but no picture")
    block = visit.page.locator("input[type=file]").nth(1)
    block.set_input_files(tmp_path / "broken.png")
    visit.page.wait_for_timeout(500)
    visit.press("Start")
    visit.until(lambda: "broken.png" in visit.status())
    assert "/" not in visit.status()


def test_a_file_that_is_no_picture_is_told_at_once(visit, tmp_path):
    (tmp_path / "notes.png").write_bytes(b"no picture")
    visit.page.locator("input[type=file]").first.set_input_files(tmp_path / "notes.png")
    visit.until(lambda: "notes.png" in visit.page.locator("body").inner_text())
    visit.page.get_by_text("Settings of a picture made before").click()
    visit.page.locator("#remade input[type=file]").set_input_files(tmp_path / "notes.png")
    visit.until(lambda: visit.page.locator("body").inner_text().count("notes.png") >= 2)


def test_two_settings_are_compared_and_layers_shown(visit):
    visit.set("Steps", 12)
    visit.page.get_by_role("tab", name="Compare").click()
    visit.set("Left", 0.02)
    visit.set("Right", 0.1)
    visit.press("Compare")
    row = visit.page.locator("#compare_row img")
    visit.until(lambda: row.count() == 2 and "Done" in visit.page.locator("#compare_status").inner_text())
    assert row.first.get_attribute("src") != row.last.get_attribute("src")
    visit.page.get_by_role("tab", name="How it works").click()
    visit.until(lambda: visit.page.locator(".katex").count() > 3)
    visit.press("Show the style")
    visit.until(lambda: visit.page.locator("#style_row img").count() >= 1)
    visit.page.locator("#style_stop").click()
    visit.until(lambda: visit.page.locator("#style_start").is_enabled())


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_and_every_control_has_a_name(browser, address, scheme):
    context = browser.new_context(viewport={"width": 390, "height": 900}, color_scheme=scheme)
    visit = Visit(context, address)
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= 390
    unnamed = visit.page.evaluate(
        """() => [...document.querySelectorAll('main input:not([type=file]), main textarea, main select')]
        .filter(one => one.offsetParent && !one.getAttribute('aria-label') && !(one.labels && one.labels.length))
        .map(one => one.outerHTML.slice(0, 200))"""
    )
    assert unnamed == []
    context.close()


def test_the_keyboard_alone_is_enough(visit):
    start = visit.page.get_by_role("button", name="Start", exact=True)
    start.focus()
    visit.page.keyboard.press("Enter")
    visit.changes(None)
    visit.page.keyboard.press("Tab")
    assert visit.page.evaluate("document.activeElement.textContent").strip() == "Pause"
    visit.page.keyboard.press("Tab")
    assert visit.page.evaluate("document.activeElement.textContent").strip() == "Stop"
    visit.page.keyboard.press("Enter")
    visit.until_made()


def test_the_pictures_of_the_documentation_can_be_taken(browser, address, tmp_path):
    assert {path.stem for path in (ROOT / "docs" / "studio").iterdir()} == studio_pages.STATES.keys()
    sizes = {}
    for name in ("phone_empty", "refused"):
        studio_pages.take(browser, address, tmp_path, name)
        with PIL.Image.open(tmp_path / f"{name}.jpg") as picture:
            sizes[name] = picture.size
    assert sizes["refused"] == studio_pages.DESKTOP
    assert sizes["phone_empty"][0] == studio_pages.PHONE[0]
