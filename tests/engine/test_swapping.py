"""One object, picture after picture: the bits of a fresh one, and nothing traced again."""

import dataclasses
import hashlib
import random

import numpy as np
import PIL.Image
import pytest

from nst_keras.losses import statistics

WEIGHTS = {"style_weight": 1.0, "content_weight": 0.02}


def fit(style_transfer, steps=3, **options):
    style_transfer.fit_style_transfer(1, steps, verbose=0, **{**WEIGHTS, **options})
    return style_transfer.generated_image.numpy()


@pytest.fixture
def others(content, style):
    """Another photograph of the same size, and another painting of another size."""
    return content[::-1].copy(), style[:30, ::-1].copy()


def swapped_and_fresh(make_transfer, changes, *, before=(), **options):
    """The pictures of an object whose images are changed after a run, and of one that is made with them."""
    one = make_transfer(**{**options, **dict(before)})
    fit(one)
    one.set_images(**changes)
    traced = one.objective.tracing_count()
    again = fit(one)
    return again, fit(make_transfer(**{**options, **dict(before), **changes})), one, traced


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_swapped_and_fresh_objects_give_the_same_bits_and_nothing_is_traced(make_transfer, others, optimizer):
    changes = {"content_image": others[0], "style_image": others[1]}
    again, fresh, one, traced = swapped_and_fresh(make_transfer, changes, optimizer=optimizer)
    np.testing.assert_array_equal(again, fresh)
    assert one.objective.tracing_count() == traced
    np.testing.assert_array_equal(one.content_image[0], others[0])
    np.testing.assert_array_equal(one.style_images[0][0], others[1])


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        *({"style_statistic": name} for name in statistics.STATISTICS if name != "gram"),
        {"normalization": "mean"},
        {"normalization": "gatys2015"},
        {"tile_size": 16},
        {"pyramid": 2},
        {"pyramid": 2, "optimizer": "lbfgs"},
        {"preserve_color": "luminance"},
        {"preserve_color": "match"},
        {"averaging": 0.9},
        {"init": "noise"},
        {"style_scale": 0.8},
        {"jit_compile": "true"},
    ],
    ids=str,
)
def test_swapped_is_fresh_whatever_the_options(make_transfer, others, options):
    changes = {"content_image": others[0], "style_image": others[1]}
    again, fresh, *_ = swapped_and_fresh(make_transfer, changes, **options)
    np.testing.assert_array_equal(again, fresh)


@pytest.mark.slow
def test_masks_come_and_go(make_transfer, content, style, others):
    mask = np.tile(np.linspace(0, 1, content.shape[1]), (content.shape[0], 1))
    masked = {"style_image": [style, others[1]], "style_mask": [mask, 1 - mask], "content_mask": mask > 0.9}
    again, fresh, one, _ = swapped_and_fresh(make_transfer, masked)
    np.testing.assert_array_equal(again, fresh)
    one.set_images(style_image=style, style_mask=None, content_mask=None)
    np.testing.assert_array_equal(fit(one), fit(make_transfer()))


@pytest.mark.slow
def test_changes_at_random_give_what_a_fresh_object_gives(make_transfer, content, style, others):
    """A property: whatever the order of changes, only the images that stand count."""
    chance = random.Random(0)
    choices = {
        "content_image": [content, others[0], content[:, :30], content[4:44]],
        "style_image": [style, others[1], [style, others[1]]],
        "preserve_color": ["none", "luminance"],
        "image_size": [512, 36],
        "init": [None, "noise", "style"],
    }
    given = {"content_image": content, "style_image": style}
    one = make_transfer()
    for _ in range(12):
        names = chance.sample(list(choices), chance.randint(1, 3))
        changes = {name: chance.choice(choices[name]) for name in names}
        given |= changes
        one.set_images(**changes)
        np.testing.assert_array_equal(fit(one, 2), fit(make_transfer(**given), 2), err_msg=str(list(changes)))


def test_an_array_that_was_changed_in_place_is_read_again(make_transfer, content):
    own = content.copy()
    one = make_transfer(content_image=own)
    own[:] = 7
    one.set_images(content_image=own)
    assert float(np.ptp(one.content_image)) == 0.0


def test_what_is_not_named_is_not_read_again(make_transfer, content, style, tmp_path):
    path = tmp_path / "content.png"
    PIL.Image.fromarray(content).save(path)
    one = make_transfer(content_image=path)
    path.unlink()
    one.set_images(style_image=style[::-1].copy())
    np.testing.assert_array_equal(one.content_image[0], content)
    assert set(one.input_digests) == {"content_image", "style_image"}


def test_the_result_of_the_last_run_stays_until_the_next(make_transfer, others, content):
    one = make_transfer()
    fit(one)
    before, record = one.image, one.record()
    one.set_images(content_image=others[0][:40], style_image=others[1])
    np.testing.assert_array_equal(one.image, before)
    assert one.record()["without_flag"]["content_image"] == record["without_flag"]["content_image"]
    fit(one)
    assert one.image.shape == (40, content.shape[1], 3)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        (
            {"content_imag": 1},
            ValueError,
            "set_images: the option='content_imag' is not known. Did you mean 'content_image'",
        ),
        ({"optimizer": "adam"}, ValueError, "set_images: the option='optimizer' is not known"),
        ({"content_image": None}, ValueError, "content_image must be given: mode='transfer' needs one"),
        ({"content_image": "nowhere.png"}, OSError, "nowhere.png"),
        ({"content_image": 3.0}, TypeError, "content_image"),
        ({"style_image": []}, ValueError, "style_image is an empty list"),
        ({"style_blend": [0.5, 0.5]}, ValueError, "style_blend has 2 entries for 1 style images"),
        ({"image_size": 0}, ValueError, "image_size must be a whole number, 1 or more"),
    ],
)
def test_bad_changes_are_one_clear_line_and_change_nothing(make_transfer, content, changes, error, message):
    one = make_transfer()
    with pytest.raises(error) as raised:
        one.set_images(**changes)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)
    np.testing.assert_array_equal(one.content_image[0], content)
    assert one.settings["image_size"] == 512


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("content_image", r"content_image cannot be set. Call set_images\(content_image=...\)"),
        ("style_image", r"style_image cannot be set. Call set_images\(style_image=...\)"),
        ("style_mask", r"style_mask cannot be set. Call set_images\(style_mask=...\)"),
        ("strength", "strength cannot be set. Give it to fit_style_transfer"),
        ("optimizer", "optimizer cannot be set. Give it to another NeuralStyleTransfer"),
        ("image", "image is what the run has made, and cannot be set"),
    ],
)
def test_an_attribute_that_would_have_no_effect_cannot_be_set(make_transfer, content, name, message):
    with pytest.raises(AttributeError, match=message):
        setattr(make_transfer(), name, content)


def test_the_record_of_the_last_run_keeps_its_digests(make_transfer, others):
    one = make_transfer()
    fit(one)
    before = one.record()
    one.set_images(content_image=others[0])
    assert one.record() == before
    assert one.input_digests["content_image"] != before["inputs"]["content_image"]


def test_a_seed_taken_from_a_checkpoint_stays(make_transfer, others, tmp_path):
    drawn, one = make_transfer(seed=None, init="noise"), make_transfer(seed=None, init="noise")
    fit(drawn, checkpoint_dir=tmp_path)
    fit(one, checkpoint_dir=tmp_path, resume=True)
    one.set_images(style_image=others[1])
    assert one.seed == drawn.seed


@dataclasses.dataclass
class Doubled(statistics.Gram):
    """Without a hash, as every dataclass that compares its fields and may change."""

    factor: float = 2.0

    def score(self, *args, **options):
        return self.factor * super().score(*args, **options)


@dataclasses.dataclass
class Scaled:
    by: float

    def __call__(self, image):
        return (image - 127.5) / self.by


def test_objects_without_a_hash_are_taken_as_they_are_now(make_transfer):
    """None is taken for another one that was equal at first."""
    doubled = Doubled()
    before, after = make_transfer(style_statistic=doubled), make_transfer(style_statistic=doubled)
    fit(before, 1)
    doubled.factor = 4.0
    fit(after, 1)
    (once,), (twice,) = (one.history.history["style_loss"] for one in (before, after))
    assert twice == pytest.approx(2.0 * once)
    named = {"network": "compact", "style_layers": ["block1_conv1"], "content_layers": ["block2_conv1"]}
    scaled = make_transfer(preprocess=Scaled(64.0), **named)
    assert scaled.extractor is not make_transfer(preprocess=Scaled(64.0), **named).extractor


def test_a_file_that_has_changed_under_its_name_is_read_again(make_transfer, content, style, tmp_path):
    path = tmp_path / "content.png"
    PIL.Image.fromarray(content).save(path)
    one = make_transfer(content_image=path.as_uri())
    before = one.record()["inputs"]["content_image"]
    PIL.Image.fromarray(content[::-1]).save(path)
    one.set_images(style_image=style[::-1].copy())
    np.testing.assert_array_equal(one.content_image[0], content[::-1])
    assert one.record()["inputs"]["content_image"] == hashlib.sha256(path.read_bytes()).hexdigest() != before
    path.unlink()
    one.set_images(style_image=style)  # The content was read: its file is not needed.
    np.testing.assert_array_equal(one.content_image[0], content[::-1])
