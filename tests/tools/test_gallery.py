"""The program that makes the documentation's pictures; `tests/integration` runs its rows."""

import numpy as np
import PIL.Image
import pytest

from tools import previews, sheets

SHORT = ["--image_size=64", "--epochs=1", "--steps_per_epoch=2", "--jit_compile=false"]
PAIR = previews.Pair("sample:grace_hopper", "sample:swirls")


def grey(height, width, level=100):
    return np.full((height, width, 3), level, np.uint8)


def test_pictures_of_a_row_have_one_height_and_fill_the_width():
    sheet = sheets.wide([("a", grey(30, 40)), ("b", grey(90, 60, 200))], 200)
    assert sheet.shape[1] == 200
    pictures = sheet[-1].tolist()  # The lowest line of pixels crosses both pictures and the gap.
    assert [pictures.count([level] * 3) for level in (100, 255, 200)] == [125, sheets.GAP, 63]


def test_a_label_stands_above_its_picture():
    plain, named = (sheets.labelled(grey(20, 80), label) for label in ("", "quick"))
    assert np.all(plain[:-20] == 255)
    assert named[:-20].min() == 0
    assert np.array_equal(named[-20:], grey(20, 80))


def test_a_part_is_cut_by_shares():
    ramp = np.broadcast_to(np.arange(100, dtype=np.uint8)[None, :, None], (50, 100, 3))
    assert sheets.cropped(ramp, (0.25, 0.5, 0.75, 1.0)).shape == (25, 50, 3)
    assert sheets.cropped(ramp, (0.25, 0.5, 0.75, 1.0))[0, 0, 0] == 25


def test_pairs():
    assert previews.pairs_of(["a", "b", "c", "d"]) == [("a", "b"), ("c", "d")]
    with pytest.raises(ValueError, match="pairs has 3 pictures"):
        previews.pairs_of(["a", "b", "c"])


def test_previews_are_of_presets_that_exist():
    presets = {path.stem for path in previews.PRESETS.glob("*.flags")}
    assert {*previews.ARTISTS, *previews.SHORTER} <= presets


@pytest.mark.slow
def test_what_a_preset_made_is_found_again_and_made_anew_where_its_look_changed(tmp_path, monkeypatch):
    presets = tmp_path / "presets"
    presets.mkdir()
    look = (previews.PRESETS / "quick.flags").read_text()
    (presets / "quick.flags").write_text(look)
    monkeypatch.setattr(previews, "PRESETS", presets)
    make = previews.Maker(tmp_path / "parts", SHORT)
    first = make("quick", PAIR)
    assert first.shape == (64, 55, 3)
    (part,) = (tmp_path / "parts").glob("*.png")
    PIL.Image.fromarray(grey(64, 55)).save(part)
    assert np.array_equal(make("quick", PAIR), grey(64, 55))
    (presets / "quick.flags").write_text(f"# Another comment.\n{look}")
    assert np.array_equal(make("quick", PAIR), grey(64, 55))
    (presets / "quick.flags").write_text(f"{look}--style_scale=2\n")
    assert not np.array_equal(make("quick", PAIR), grey(64, 55))
