import dataclasses
import itertools
import threading
import time

import numpy as np
import pytest

from nst_keras import settings
from nst_keras.cli.studio import forming
from tests.cli.studio.conftest import until

pytestmark = pytest.mark.slow


def begin(style_transfer, steps=20, seconds=60.0, **options):
    asked = settings.FitSettings(epochs=1, steps_per_epoch=steps, learning_rate=5.0, verbose=0, **options)

    def make(watch):
        style_transfer.fit(dataclasses.replace(asked, callbacks=(watch,)))

    run = forming.Forming(make, steps=steps, seconds=seconds, frames=5)
    run.start()
    return run


def settled(value, seconds=0.5):
    """The value once it has stayed the same for some time."""
    before = None
    while before != (before := value()):
        time.sleep(seconds)
    return before


def test_it_makes_the_picture_of_a_plain_run(make_transfer):
    run = begin(make_transfer())
    views = list(run.views(every=0.0))
    plain = make_transfer()
    plain.fit_style_transfer(1, 20, 5.0, verbose=0)
    np.testing.assert_array_equal(views[-1].image, plain.image)
    assert (views[-1].step, views[-1].total, run.is_going) == (20, 20, False)
    assert [frame.step for frame in run.frames] == [0, 4, 8, 12, 16, 20]
    assert [one["step"] for one in run.losses] == [*range(1, 21)]
    np.testing.assert_allclose([one["loss"] for one in run.losses], plain.history.history["loss"], rtol=1e-6)
    layers = [value for name, value in run.losses[-1].items() if name.startswith("style/")]
    np.testing.assert_allclose(sum(layers), run.losses[-1]["style"], rtol=1e-5)


def test_a_pause_halts_it_and_shows_the_picture_of_its_step(make_transfer):
    run = begin(make_transfer(), steps=400)
    views = run.views(every=0.0)
    next(view for view in views if view.step >= 3)
    run.pause(paused=True)
    made = settled(lambda: len(run.losses))
    assert made < 400
    assert next(view for view in views if view.is_paused and view.step == made)
    time.sleep(0.2)
    assert len(run.losses) == made
    run.pause(paused=False)
    assert next(view for view in views if view.step > made)
    run.stop()
    assert list(views)[-1].step < 400


def test_it_is_steered_also_before_it_begins(make_transfer):
    style_transfer = make_transfer()
    run = begin(style_transfer, steps=30)
    run.change(lambda handle: handle.set_weights(style_weight=0.0))
    run.join(60)
    changes = dict(style_transfer.result.changes)
    assert "style_weight=0.0" in changes.values()
    assert run.losses[-1]["style"] == 0.0


def test_a_bad_change_is_told_to_the_one_who_asks(make_transfer):
    run = begin(make_transfer(), steps=400)
    until(lambda: len(run.losses) > 1)
    with pytest.raises(ValueError, match="strength must be a number from 0 to 1"):
        run.change(lambda handle: handle.set_strength(7.0))
    run.stop()
    run.join(60)


def test_time_that_is_up_ends_a_run_and_a_pause(make_transfer):
    run = begin(make_transfer(), steps=400, seconds=0.5)
    until(lambda: len(run.losses) > 0)
    run.pause(paused=True)
    run.join(30)
    assert not run.is_going
    assert 0 < len(run.losses) < 400


def test_an_error_reaches_the_one_who_watches(make_transfer):
    run = begin(make_transfer(), steps=3, checkpoint_dir="/dev/null/nowhere")
    with pytest.raises(OSError, match="checkpoint_dir"):
        list(run.views())


def test_it_ends_when_it_was_stopped_before_it_began(make_transfer):
    run = begin(make_transfer(), steps=400)
    run.stop()
    run.join(60)
    assert len(run.losses) <= 2
    assert not any(thread.name == "nst_keras studio" and thread.is_alive() for thread in threading.enumerate())


def test_views_are_no_more_often_than_asked_for(make_transfer):
    run = begin(make_transfer(), steps=100)
    times = [time.monotonic() for _ in run.views(every=0.1)]
    assert all(b - a >= 0.09 for a, b in itertools.pairwise(times[:-1]))


def test_a_stop_ends_a_pause_and_changes_after_it_do_no_harm(make_transfer):
    run = begin(make_transfer(), steps=400)
    run.stop()
    run.pause(paused=True)
    run.change(lambda handle: handle.set_strength(0.5))
    run.join(30)
    assert not run.is_going
    assert len(run.losses) <= 2
    assert list(run.views())[-1].step == len(run.losses)


def test_changes_are_made_in_the_order_in_which_they_came(make_transfer):
    style_transfer = make_transfer()
    run = begin(style_transfer, steps=30)
    for strength in (0.25, 0.5, 0.75):
        run.change(lambda handle, strength=strength: handle.set_strength(strength))
    run.join(60)
    assert [what for _, what in style_transfer.result.changes] == ["strength=0.25", "strength=0.5", "strength=0.75"]
