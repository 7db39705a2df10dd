import functools
import inspect

import numpy as np
import PIL.Image
import pytest

from nst_keras.images import loading, samples
from tools import draw_samples
from tools.drawing import canvas, landscape_sky

# Odd small sizes of the pictures that are drawn, by name: one lies, one stands.
DRAWN = {"landscape": (29, 53), "stained_glass": (41,), "swirls": (37,), "woodblock": (51, 33)}
DRAWN |= {"landscape_ground": (29, 53), "landscape_sky": (29, 53)}


def fresh(name, size, seed):
    return draw_samples.DRAWN[name](*size, seed=seed)


draw = functools.cache(fresh)


def difference(first, second):
    return np.mean(np.abs(first.astype(float) - second))


def reduced(picture, like):
    height, width = like.shape[:2]
    return np.asarray(PIL.Image.fromarray(picture).resize((width, height), PIL.Image.Resampling.LANCZOS))


@pytest.mark.parametrize("name", samples.SAMPLES)
def test_samples_are_pictures_by_name(name):
    picture = loading.load(f"sample:{name}")
    assert picture.shape[0::3] == (1, 3)
    assert min(picture.shape[1:3]) >= 500
    assert np.std(picture) > 30


@pytest.mark.slow
def test_the_samples_are_what_the_program_draws(tmp_path):
    assert set(samples.SAMPLES) == {"grace_hopper", *draw_samples.DRAWN}
    draw_samples.main([str(tmp_path)])
    for name in draw_samples.DRAWN:
        with PIL.Image.open(tmp_path / f"{name}.webp") as picture:
            assert difference(np.asarray(picture.convert("RGB")), samples.read(name)) < 0.5
    kept = [path.stat().st_size for path in samples.FOLDER.iterdir()]
    assert len(kept) == len(draw_samples.DRAWN)
    assert sum(kept) < 1_000_000


def test_a_reader_cannot_change_a_sample_for_others():
    samples.read("swirls")[:] = 0
    assert samples.read("swirls").any()


@pytest.mark.parametrize(("name", "size"), DRAWN.items())
def test_a_drawn_sample_repeats_with_its_seed(name, size):
    picture = draw(name, size, 3)
    assert picture.dtype == np.uint8
    assert picture.shape == (size[0], size[-1], 3)
    assert np.std(picture) > 30
    np.testing.assert_array_equal(fresh(name, size, 3), picture)


@pytest.mark.parametrize(("name", "size"), DRAWN.items())
def test_a_drawn_sample_has_one_composition_at_every_size(name, size):
    small = draw(name, size, 3)
    large = fresh(name, tuple(6 * side for side in size), 3)
    same = difference(reduced(large, small), small)
    other = difference(draw(name, size, 4), small)
    assert same < 5
    assert other > 2 * same


@pytest.mark.parametrize(("name", "size"), DRAWN.items())
def test_sizes_and_seeds_that_are_none_are_refused(name, size):
    first = next(iter(inspect.signature(draw_samples.DRAWN[name]).parameters))
    for wrong in (0, -3, 2.5, True, "64"):
        with pytest.raises(ValueError, match=f"{first} must be a whole number, 1 or more, but {wrong!r} was given"):
            fresh(name, (wrong, *size[1:]), 0)
    for wrong in (-1, 0.5, None):
        with pytest.raises(ValueError, match=f"seed must be a whole number, 0 or more, but {wrong!r} was given"):
            fresh(name, size, wrong)


def test_a_width_that_is_none_is_refused():
    for name in ("landscape", "woodblock"):
        with pytest.raises(ValueError, match="width must be a whole number, 1 or more, but 0 was given"):
            fresh(name, (48, 0), 0)


def test_the_masks_of_the_landscape_share_it():
    sky, ground = (draw(f"landscape_{part}", DRAWN["landscape"], 3) for part in ("sky", "ground"))
    assert np.all(sky.astype(int) + ground == 255)
    assert np.all(sky == sky[..., :1])
    assert {0, 255} <= set(np.unique(sky))


def test_the_mask_of_the_sky_is_where_another_sky_changes_the_landscape(monkeypatch):
    """With what stands before it, and nothing of what the lake mirrors of it."""
    # Pixels as they are drawn, which reducing them would mix.
    monkeypatch.setattr(canvas, "finished", lambda picture, height, width: (picture * 255 + 0.5).astype(np.uint8))
    seed, drawn = 3, landscape_sky.sky
    picture, mask = (
        draw_samples.DRAWN["landscape"](*DRAWN["landscape"], seed=seed),
        draw_samples.DRAWN["landscape_sky"](29, 53, seed=seed),
    )
    monkeypatch.setattr(landscape_sky, "sky", lambda *arguments: np.full_like(drawn(*arguments), [0, 9, 0]))
    changed = np.any(fresh("landscape", DRAWN["landscape"], seed) != picture, axis=-1)
    above = round(len(mask) * 0.56)  # Where the horizon lies.
    np.testing.assert_array_equal(mask[:above, :, 0] == 255, changed[:above])
    assert not mask[above:].any()
    assert 0.3 < np.mean(changed[:above]) < 0.95


def test_an_unknown_sample():
    with pytest.raises(ValueError, match="sample='swirl' is not known. Did you mean 'swirls'"):
        loading.load("sample:swirl")
