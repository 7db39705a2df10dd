import keras
import numpy as np
import pytest

from nst_keras import losses
from nst_keras.networks import compact
from training import distillation, pictures, stylising

WIDTHS = ((3, 4), (5, 4), (6, 5), (7, 6), (8, 7))


@pytest.fixture
def random():
    return np.random.default_rng(0)


def test_gram_is_that_of_the_package(random):
    features = random.normal(size=(2, 3, 4, 5)).astype(np.float32)
    ours = keras.ops.convert_to_numpy(distillation.gram(keras.ops.convert_to_tensor(features)))
    np.testing.assert_allclose(ours, losses.gram_matrix(features, per_location=True), rtol=1e-5)


def test_relative_error_counts_flat_pictures_as_much_as_busy_ones(random):
    targets = random.normal(size=(2, 4, 4, 3)).astype(np.float32) * np.reshape([1, 10], (2, 1, 1, 1))
    values = targets * 1.1
    energy = np.square(targets).sum((1, 2, 3))
    expected = np.mean(0.01 * energy / (energy + 0.05 * energy.mean()))
    ours = distillation.relative_error(*(keras.ops.cast(a, "float32") for a in (values, targets)))
    np.testing.assert_allclose(ours, expected, rtol=1e-4)
    black = keras.ops.zeros((2, 4, 4, 3))
    assert float(distillation.relative_error(black, black)) == 0


def test_what_is_left_is_what_vgg19_finds_where_the_student_finds_none(random):
    def grams():
        return random.normal(size=(2, 4, 4)).astype(np.float32)

    pictures, styles, contents, crop = grams(), grams(), grams(), grams()[:1]
    seen = grams()  # The student's, of pictures and styles alike.
    ours = np.concatenate([crop, seen, seen, contents])
    found = distillation.left(ours, np.concatenate([crop, pictures, styles, contents]), 2)
    whole = np.square(contents - styles).sum((1, 2))
    expected = np.mean(np.square(pictures - styles).sum((1, 2)) / (whole + 0.05 * whole.mean()))
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    same_error = np.concatenate([crop, pictures + 3, styles + 3, contents])
    assert float(distillation.left(same_error, np.concatenate([crop, pictures, styles, contents]), 2)) < 1e-6


@pytest.fixture
def student():
    keras.utils.set_random_seed(0)
    return distillation.student(compact.thin_network(WIDTHS))


@pytest.mark.slow
def test_only_the_student_learns(student, random):
    keras.utils.set_random_seed(1)
    vgg19 = keras.applications.VGG19(weights=None, include_top=False)
    model = distillation.Distillation(distillation.teacher(vgg19, student.output), student, distillation.Losses(1.0))
    model.compile(keras.optimizers.Adam(1e-2))
    before = [w.copy() for w in vgg19.get_weights()]
    crops = random.uniform(0, 255, (2, 32, 32, 3)).astype(np.float32)
    history = model.fit(np.tile(crops, (16, 1, 1, 1)), np.zeros(32), batch_size=2, epochs=2, verbose=0).history
    assert history["loss"][-1] < 0.8 * history["loss"][0]
    assert all(np.array_equal(a, b) for a, b in zip(before, vgg19.get_weights(), strict=True))
    parts = [history[f"{kind}_{layer}"][-1] for kind in ("features", "gram") for layer in student.output]
    np.testing.assert_allclose(sum(parts), history["loss"][-1], rtol=1e-4)


@pytest.mark.slow
def test_pictures_are_stylised_by_the_student(student, random):
    stylist = stylising.Stylist(student, batch=2, size=32)
    contents, styles = (random.uniform(0, 255, (2, 32, 32, 3)).astype(np.float32) for _ in range(2))
    few, many, again = (stylist.stylise(student, contents, styles, contents, steps=n) for n in (1, 30, 30))
    assert many.shape == (2, 32, 32, 3)
    assert many.dtype == np.uint8
    assert np.array_equal(many, again)

    def loss(pictures):
        stylist.pictures.assign(pictures.astype(np.float32))
        return float(stylist.compute_loss(y_pred=stylist(np.zeros((1, 1), np.float32))))

    assert loss(many) < 0.9 * loss(few)


@pytest.mark.slow
def test_the_pool_repeats_and_keeps_to_its_capacity(student, tmp_path):
    sources = [np.random.default_rng(1).integers(0, 255, (40, 40, 3)).astype(np.uint8)]

    def pool():
        return stylising.Pool(sources, sources, capacity=6, batch=4, size=32, seed=0)

    first, second = pool(), pool()
    for epoch in range(2):
        first.renew(student, epoch)
        second.renew(student, epoch)
    assert first.squares.shape == (6, 32, 32, 3)
    assert np.array_equal(first.squares, second.squares)
    first.save(str(tmp_path / "pool.npy"))
    other = pool()
    other.load(str(tmp_path / "pool.npy"))
    assert np.array_equal(other.runs, first.runs)


@pytest.mark.slow
def test_what_the_student_leaves_is_learned(student, random):
    """Two runs, each picture with its style and its content, beside a crop."""
    keras.utils.set_random_seed(1)
    vgg19 = keras.applications.VGG19(weights=None, include_top=False)
    runs = random.uniform(0, 255, (2, 3, 32, 32, 3)).astype(np.uint8)
    batches = pictures.Crops(
        [[runs[0, 1]]], [1.0], size=32, batch=1, steps=8, seed=0, epoch=0, runs=runs, runs_per_batch=2
    )
    compare = distillation.Losses(0.0, runs=2, left_weight=10.0)
    model = distillation.Distillation(distillation.teacher(vgg19, student.output), student, compare)
    model.compile(keras.optimizers.Adam(1e-2))
    history = model.fit(batches, shuffle=False, epochs=3, verbose=0).history
    left = [name for name in history if name.startswith("left_")]
    assert left == [f"left_block{block}_conv1" for block in range(1, 6)]
    first, last = (sum(history[name][epoch] for name in left) for epoch in (0, -1))
    assert last < 0.8 * first
