import keras
import numpy as np
import pytest
import tensorflow as tf

from nst_keras import optimizers
from nst_keras.optimizers import lbfgs, spectral
from tests import reference
from tests.optimizers.test_optimizers import Function, descend, evaluations_to

SIZES = [(8, 8), (9, 12), (7, 5), (1, 6)]


def noise(height, width, seed=0, spread=1.0):
    return tf.random.stateless_normal([1, height, width, 3], (seed, 0), stddev=spread)


def naive_filter(values, exponent):
    """Frequency by frequency, over the whole spectrum."""
    height, width = values.shape[1:3]
    result = np.zeros(values.shape)
    rows, columns = np.fft.fftfreq(height), np.fft.fftfreq(width)
    for channel in range(3):
        spectrum = np.fft.fft2(values[0, :, :, channel])
        for i, row in enumerate(rows):
            for j, column in enumerate(columns):
                frequency = max(np.hypot(row, column), 1 / max(height, width))
                spectrum[i, j] *= (frequency / 0.1) ** -exponent
        result[0, :, :, channel] = np.fft.ifft2(spectrum).real
    return result


def in_coordinates(optimizer, goal, coordinates):
    """Value and gradient at coordinates."""
    return spectral._InCoordinates(goal, optimizer).value_and_gradient(coordinates)


def rough(image):
    """Curves as the losses of a network do: the more, the higher the frequency."""
    spectrum = tf.signal.rfft2d(tf.transpose(image - 100.0, [0, 3, 1, 2]))
    curvature = tf.constant(spectral.gains(*image.shape[1:3], 1.0) ** -2)
    return tf.reduce_sum(curvature * tf.square(tf.abs(spectrum))) / 1e3


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0])
def test_the_image_is_the_start_and_its_filtered_coordinates(size, exponent):
    optimizer = spectral.Spectral(lbfgs.LBFGS(bounds=None), exponent=exponent, bounds=None)
    optimizer.start(tf.fill([1, *size, 3], 100.0))
    seen = []
    coordinates = noise(*size)
    in_coordinates(optimizer, Function(lambda image: seen.append(image) or tf.reduce_sum(image)), coordinates)
    np.testing.assert_allclose(seen[0], 100.0 + naive_filter(coordinates.numpy(), exponent), atol=1e-4)


@pytest.mark.parametrize("size", SIZES)
def test_the_gradient_is_that_with_respect_to_the_coordinates(size):
    optimizer = spectral.Spectral(lbfgs.LBFGS(bounds=None), bounds=None)
    optimizer.start(tf.fill([1, *size, 3], 250.0))
    coordinates, slopes = noise(*size, spread=8.0), noise(*size, seed=1)
    goal = Function(lambda image: tf.reduce_sum(slopes * image**2))
    gradient = in_coordinates(optimizer, goal, coordinates)[1]
    with tf.GradientTape() as tape:
        tape.watch(coordinates)
        value = goal.function(250.0 + spectral.filtered(coordinates, optimizer._gains))
    expected = tape.gradient(value, coordinates)
    np.testing.assert_allclose(gradient, expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())


def test_what_a_bound_holds_does_not_count_in_the_gradient():
    optimizer = spectral.Spectral(lbfgs.LBFGS(bounds=None))
    image = tf.reshape(tf.constant([0.0, 0.0, 255.0, 255.0, 100.0, 100.0] * 3), [1, 2, 3, 3])
    slopes = tf.reshape(tf.constant([1.0, -1.0] * 9), [1, 2, 3, 3])
    optimizer.start(image)
    gradient = in_coordinates(optimizer, Function(lambda image: tf.reduce_sum(slopes * image)), tf.zeros_like(image))
    held = ((image == 0.0) & (slopes > 0)) | ((image == 255.0) & (slopes < 0))
    expected = naive_filter(tf.where(held, 0.0, slopes).numpy(), spectral.EXPONENT)
    np.testing.assert_allclose(gradient[1], expected, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("identifier", ["lbfgs", "adam"])
def test_pixels_come_back_from_bounds_that_steps_have_gone_beyond(identifier):
    target = tf.where(noise(16, 16) > 0, 250.0, 5.0) + noise(16, 16, seed=3)
    goal = Function(lambda image: rough(image - target + 100.0))
    optimizer = optimizers.get(identifier, preconditioning=0.5)
    losses = descend(optimizer, goal, tf.fill([1, 16, 16, 3], 128.0), {"lbfgs": 120, "adam": 600}[identifier])
    assert losses[-1] < {"lbfgs": 1e-7, "adam": 1e-2}[identifier] * losses[0]
    np.testing.assert_allclose(optimizer.result(), target, atol={"lbfgs": 0.5, "adam": 60}[identifier])


@pytest.mark.slow
@pytest.mark.parametrize("weight", [1.0, 30.0, 1000.0])
@pytest.mark.parametrize("exponent", [0.5, 1.0])
def test_pixels_that_bounds_hold_stay_there_and_the_others_come_to_the_minimum(weight, exponent):
    """Its steps would move them inwards with their neighbours, which raises the loss: a search would find no step."""
    chance, place = (tf.random.stateless_uniform([1, 16, 16, 3], (seed, 7)) for seed in (1, 2))
    beyond = tf.where(chance < 0.15, 295.0, -40.0)
    target = tf.where(chance < 0.3, beyond, 60 + 120 * place)
    weights = tf.where(chance < 0.3, weight, 1.0)
    goal = Function(lambda image: tf.reduce_sum(weights * tf.square(image - target)))
    optimizer = optimizers.get("lbfgs", preconditioning=exponent)
    losses = descend(optimizer, goal, tf.fill([1, 16, 16, 3], 128.0), 80)
    np.testing.assert_allclose(losses[-1], goal.function(tf.clip_by_value(target, 0.0, 255.0)), rtol=1e-5)
    np.testing.assert_array_equal(optimizer.result()[chance < 0.15], 255.0)


def test_the_average_is_of_the_images_also_where_pixels_meet_bounds():
    optimizer = optimizers.get("adam", preconditioning=0.5, averaging=0.9)
    goal = Function(lambda image: tf.reduce_mean(tf.square(image - 300.0 * noise(8, 8))))
    optimizer.start(tf.fill([1, 8, 8, 3], 240.0))
    images = []
    for _ in range(12):
        optimizer.step(goal)
        images.append(optimizer.image.numpy())
    assert np.max(images) == 255.0
    np.testing.assert_allclose(optimizer.result(), reference.average_of_iterates(images, 0.9), rtol=1e-5, atol=1e-3)


def test_an_optimizer_with_bounds_is_refused():
    with pytest.raises(ValueError, match=r"must have no bounds of its own, but \(0.0, 255.0\) was given"):
        spectral.Spectral(lbfgs.LBFGS())


@pytest.mark.slow
def test_what_curves_as_images_do_needs_fewer_evaluations():
    start = 100.0 + noise(32, 48, spread=20.0)
    plain, preconditioned = (
        descend(optimizers.get("lbfgs", preconditioning=exponent), Function(rough), start, 60) for exponent in (0, 1)
    )
    level = 1e-3 * plain[0]
    assert 2 * evaluations_to(preconditioned, level) < evaluations_to(plain, level)


@pytest.mark.parametrize("identifier", ["lbfgs", "adam", keras.optimizers.SGD(1.0)])
def test_the_picture_stays_within_bounds_and_has_the_loss_that_is_told(identifier):
    goal = Function(lambda image: tf.reduce_mean(tf.square(image - 300.0)))
    optimizer = optimizers.get(identifier, preconditioning=0.5)
    losses = descend(optimizer, goal, tf.fill([1, 8, 8, 3], 240.0), 30)
    picture = optimizer.result().numpy()
    assert picture.max() <= 255.0
    assert losses[-1] < losses[0]
    if identifier == "lbfgs":
        np.testing.assert_allclose(optimizer.image, picture)
        np.testing.assert_allclose(losses[-1], goal.function(picture), rtol=1e-6)
        np.testing.assert_allclose(picture, 255.0, atol=0.5)


@pytest.mark.slow
@pytest.mark.parametrize(("identifier", "settings"), [("lbfgs", {}), ("adam", {"averaging": 0.9})])
def test_a_run_goes_on_from_its_variables(identifier, settings):
    def made():
        return optimizers.get(identifier, preconditioning=0.5, **settings)

    start, goal = 100.0 + noise(12, 10, spread=20.0), Function(rough)
    unbroken = made()
    descend(unbroken, goal, start, 6)
    kept = {name: variable.numpy() for name, variable in unbroken.variables().items()}
    expected = [float(unbroken.step(goal).terms.total) for _ in range(4)]
    resumed = made()
    resumed.start(tf.zeros_like(start))
    for name, variable in resumed.variables().items():
        variable.assign(kept[name])
    resumed.resume(goal)
    assert [float(resumed.step(goal).terms.total) for _ in range(4)] == expected
    np.testing.assert_array_equal(resumed.result(), unbroken.result())


@pytest.mark.parametrize("identifier", ["lbfgs", "adam"])
def test_a_picture_that_a_callback_puts_in_its_place_is_gone_on_from(identifier):
    optimizer = optimizers.get(identifier, preconditioning=0.5)
    descend(optimizer, Function(rough), 100.0 + noise(12, 10, spread=20.0), 3)
    other = 100.0 + noise(12, 10, seed=5, spread=40.0)
    optimizer.move(other)
    np.testing.assert_allclose(optimizer.result(), other, atol=1e-4)
    for _ in range(5):
        optimizer.step(Function(rough))
    assert rough(optimizer.result()) < rough(other)


def test_moments_are_carried_over_to_another_size():
    small, large = (optimizers.get("adam", preconditioning=0.5) for _ in range(2))
    descend(small, Function(rough), 100.0 + noise(8, 8, spread=20.0), 5)
    large.start(tf.fill([1, 16, 16, 3], 100.0))
    large.carry_over(small)
    assert int(large.keras_optimizer.iterations) == 5
    assert float(tf.reduce_max(tf.abs(large.keras_optimizer.variables[2]))) > 0


def test_a_second_run_is_as_the_first_and_compiles_nothing():
    optimizer, start = optimizers.get("lbfgs"), 100.0 + noise(12, 10, spread=20.0)
    first = descend(optimizer, Function(rough), start, 5)
    assert descend(optimizer, Function(rough), start, 5) == first
    assert optimizer._paint.tracing_count() == optimizer._pull.tracing_count() == optimizer._settle.tracing_count() == 1


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_gradient_that_is_not_finite_is_told(bad):
    optimizer = optimizers.get("lbfgs")
    optimizer.start(tf.fill([1, 8, 8, 3], 100.0))

    class Broken:
        def value_and_gradient(self, image):
            terms, gradient = Function(rough).value_and_gradient(image)
            return terms, gradient + bad

    assert not np.isfinite(optimizer.step(Broken()).gradient_norm)


def test_a_stall_is_the_others():
    optimizer = optimizers.get("lbfgs")
    optimizer.start(tf.fill([1, 8, 8, 3], 100.0))
    flat = Function(lambda image: tf.reduce_sum(0.0 * image) + 1.0)
    assert not optimizer.stalled()
    for _ in range(40):
        optimizer.step(flat)
    assert optimizer.stalled()


def test_lbfgs_is_preconditioned_unless_told_otherwise():
    kinds = {
        ("lbfgs", "auto"): spectral.Spectral,
        ("lbfgs", 0): optimizers.LBFGS,
        ("adam", "auto"): optimizers.KerasOptimizer,
        ("adam", 0.3): spectral.Spectral,
    }
    for (identifier, preconditioning), kind in kinds.items():
        assert type(optimizers.get(identifier, preconditioning=preconditioning)) is kind
    sgd = optimizers.get(keras.optimizers.SGD(), preconditioning=0.5)
    assert isinstance(sgd.keras_optimizer, keras.optimizers.SGD)
    assert optimizers.state_images("lbfgs") == optimizers.state_images("lbfgs", preconditioning=0) + 8


@pytest.mark.parametrize("bad", [-0.1, 1.5, np.nan, "half", True, None])
def test_a_preconditioning_that_is_no_exponent_is_refused(bad):
    with pytest.raises(ValueError, match="preconditioning must be"):
        optimizers.get("lbfgs", preconditioning=bad)


def test_an_exponent_out_of_range_is_refused():
    with pytest.raises(ValueError, match=r"exponent must be from 0 to 1, but 2 was given\. 0\.5 is usual"):
        spectral.Spectral(lbfgs.LBFGS(bounds=None), exponent=2)
