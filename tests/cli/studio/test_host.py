"""What the studio makes for a visitor, without a page: pictures, files, and texts that make them again."""

import re
import shlex
import shutil

import numpy as np
import PIL.Image
import pytest

from nst_keras import run, settings
from nst_keras.cli import provenance
from nst_keras.cli.studio import asked as asked_lib
from nst_keras.cli.studio import forming, painted, strips
from nst_keras.cli.studio import host as host_lib

pytestmark = pytest.mark.slow

SMALL = {"image_size": 64, "steps_per_epoch": 6, "epochs": 1, "pyramid": None, "jit_compile": "false"}


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("studio")))
        yield host_lib.Host(settings.StudioSettings(largest_size=128))


@pytest.fixture
def visitor(host):
    yield host.visitors.of("one")
    host.visitors.leave("one")


def asked(files, **options):
    pictures = {"content_image": str(files["photo"]), "style_image": str(files["painting"])}
    return asked_lib.Asked("quick", pictures, {**SMALL, **options})


def pixels(path):
    with PIL.Image.open(path) as picture:
        return np.asarray(picture)


def test_each_text_makes_the_same_pixels_beside_the_same_pictures(host, visitor, files, monkeypatch, tmp_path):
    views = list(host.run(visitor.ask(), asked(files, content_weight=0.02)))
    assert views[-1].step == 6
    made = visitor.order.made
    first = pixels(made.picture)
    np.testing.assert_array_equal(first, views[-1].image)
    monkeypatch.chdir(files["photo"].parent)
    _, _, *flags = shlex.split(made.command.replace("\\\n", " "))
    assert run.main(flags[1:]) == 0
    (tmp_path / "my_photo_my_painting_again.png").rename("command.png")
    (tmp_path / "my_photo_my_painting_again.flags").unlink()
    exec(made.python, {})
    (tmp_path / "my_photo_my_painting_again.png").rename("python.png")
    (tmp_path / "given.flags").write_text(made.flagfile)
    assert run.main([f"--flagfile={tmp_path / 'given.flags'}", "--overwrite"]) == 0
    for name in ("command.png", "python.png", "my_photo_my_painting_again.png"):
        np.testing.assert_array_equal(pixels(name), first)


def test_nothing_that_is_taken_away_names_a_folder_of_the_machine(host, visitor, files):
    list(host.run(visitor.ask(), asked(files)))
    made = visitor.order.made
    record = provenance.read(made.picture)
    assert record["settings"]["content_image"] == "my photo.png"
    for text in (made.command, made.python, made.flagfile, str(record)):
        assert str(files["photo"].parent) not in text
        assert str(visitor.folder) not in text
    assert [path.name for path in made.files] == ["my_photo_my_painting.png", "my_photo_my_painting.flags"]


def test_masks_are_among_the_files_and_in_the_command(host, visitor, files):
    drawing = PIL.Image.new("RGBA", (128, 85))
    drawing.paste(painted.COLOURS["first style"], (0, 0, 60, 85))
    masks = host.masks(visitor.fresh("masks"), [drawing], 1)
    given = asked(files)
    views = list(host.run(visitor.ask(), asked_lib.Asked("quick", {**given.pictures, **masks}, given.options)))
    photo = np.asarray(PIL.Image.open(files["photo"]).convert("RGB").resize(views[-1].image.shape[1::-1]), float)
    moved = np.abs(views[-1].image - photo).mean(axis=(0, 2))
    assert moved[:25].mean() > 2 * moved[-25:].mean()
    assert [path.name for path in visitor.order.made.files][2:] == ["mask_first_style.png"]
    assert "--style_mask=mask_first_style.png" in visitor.order.made.command


def test_what_was_steered_is_told_in_every_text(host, visitor, files):
    other = shutil.copy(files["other"], visitor.fresh("uploads"))  # Where uploads lie.
    steered = False
    for view in host.run(visitor.ask(), asked(files, steps_per_epoch=60)):
        if not steered and view.image is not None:
            steered = True
            visitor.order.forming.change(lambda handle: handle.set_strength(0.5))
            visitor.order.forming.change(lambda handle: handle.set_style(other))
    made = visitor.order.made
    for text in (made.command, made.python):
        assert text.startswith("# This cannot be repeated: it was steered, after step")
        assert "strength=0.5" in text
        assert "my other.png" in text
        assert str(visitor.folder) not in text


def test_another_picture_of_the_size_needs_no_tracing(host, visitor, files):
    list(host.run(visitor.ask(), asked(files)))
    (_, first), *_ = host._engines._idle
    traces = first.objective.tracing_count()
    given = asked(files)
    others = {**given.pictures, "style_image": str(files["other"])}
    list(host.run(visitor.ask(), asked_lib.Asked("quick", others, given.options)))
    (_, second), *_ = host._engines._idle
    assert second is first
    assert second.objective.tracing_count() == traces


def test_a_visitor_who_goes_ends_the_run(host, files):
    visitor = host.visitors.of("two")
    views = host.run(visitor.ask(), asked(files, steps_per_epoch=900))
    next(view for view in views if view.step > 0)
    host.visitors.leave("two")
    assert list(views)[-1].step < 900
    assert not visitor.order.forming.is_going
    assert not visitor.folder.exists()


def test_a_run_that_no_one_watches_any_more_ends_and_gives_its_turn_away(host, visitor, files):
    views = host.run(visitor.ask(), asked(files, steps_per_epoch=900))
    next(view for view in views if view.step > 0)
    views.close()
    other = host.visitors.of("three")
    assert isinstance(list(host.run(other.ask(), asked(files)))[-1], forming.View)
    assert not visitor.order.forming.is_going
    host.visitors.leave("three")


def test_a_row_is_made_from_one_start(host, visitor, files):
    found = strips.varied(asked(files, init="noise"), "content_weight", ["0.01", " 0.1"])
    assert [caption for caption, _ in found] == ["content_weight=0.01", "content_weight=0.1"]
    starts = []
    for _, one in found:
        list(host.run(visitor.ask(), strips.seeded(one)))
        starts.append(visitor.order.forming.frames[0].image)
    np.testing.assert_array_equal(*starts)
    *_, (row, sentence) = strips.formed(host, visitor, found)
    assert sentence == "Done."
    assert row.count("<img") == 2
    first, second = (part.partition('"')[0] for part in row.split('src="')[1:])
    assert first != second


def test_errors_that_are_not_for_visitors_are_printed_and_told_without_detail(host, capsys):
    assert host.sentence(ValueError("strength must be ...")) == "strength must be ..."
    assert host.sentence(KeyError("secret")) == "The picture could not be made. The studio's own window says why."
    assert "secret" in capsys.readouterr().err


def test_a_stop_while_the_network_is_prepared_is_not_lost(host, visitor, files):
    order = visitor.ask()
    views = host.run(order, asked(files, steps_per_epoch=900, seed=7))  # A transfer that no one has made yet.
    next(views)
    order.end()
    order.forming.join(60)
    assert len(order.forming.losses) <= 1
    list(views)


def test_an_order_that_was_ended_before_its_turn_makes_no_run(host, visitor, files):
    order = visitor.ask()
    order.end()
    assert list(host.run(order, asked(files))) == []
    assert order.run is None
    assert [view.step for view in host.run(visitor.ask(), asked(files))][-1] == 6


def test_a_bad_picture_costs_no_transfer(host, visitor, files, tmp_path):
    list(host.run(visitor.ask(), asked(files)))
    (_, first), *_ = host._engines._idle
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match="broken.png"):
        list(host.run(visitor.ask(), asked({**files, "photo": tmp_path / "broken.png"})))
    list(host.run(visitor.ask(), asked(files)))
    assert host._engines._idle[0][1] is first


def test_a_picture_that_was_stopped_is_made_again_with_the_steps_that_were_made(host, visitor, files, monkeypatch):
    for view in host.run(visitor.ask(), asked(files, steps_per_epoch=900)):
        if view.step > 2:
            visitor.order.end()
    made = visitor.order.made
    first = pixels(made.picture)
    assert made.sentence.startswith("Stopped after step ")
    monkeypatch.chdir(files["photo"].parent)
    _, _, *flags = shlex.split(made.command.replace("\\\n", " "))
    assert run.main(flags[1:]) == 0
    np.testing.assert_array_equal(pixels("my_photo_my_painting_again.png"), first)


def test_a_pyramid_that_was_stopped_says_so(host, visitor, files):
    for view in host.run(visitor.ask(), asked(files, pyramid=2, steps_per_epoch=60)):
        if view.step > 2:
            visitor.order.end()
    for text in (visitor.order.made.command, visitor.order.made.python):
        assert text.startswith("# This cannot be repeated: it was stopped after step")


def test_a_stop_keeps_what_was_chosen_for_all_steps(host, visitor, files):
    """Fewer steps might be compiled in another way, to other pixels."""
    for view in host.run(visitor.ask(), asked(files, steps_per_epoch=900, jit_compile="auto")):
        if view.step > 2:
            visitor.order.end()
    made = visitor.order.made
    assert re.search(r"--jit_compile=(true|false)", made.command)
    assert re.search(r"jit_compile='(true|false)'", made.python)
