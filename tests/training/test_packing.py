import keras
import numpy as np
import pytest

from nst_keras.networks import compact
from training import distillation, packing

WIDTHS = ((3, 4), (5, 4), (6, 5), (7, 6), (8, 7))


def test_coordinates_keep_inner_products():
    random = np.random.default_rng(0)
    head, bias = random.normal(size=(6, 20)).astype(np.float32), random.normal(size=20).astype(np.float32)
    features = random.normal(size=(30, 6)).astype(np.float32)
    matrix = packing.coordinates(head, bias)
    predicted, coordinates = features @ head + bias, features @ matrix[:-1] + matrix[-1]
    np.testing.assert_allclose(coordinates @ coordinates.T, predicted @ predicted.T, atol=1e-3)


def test_rounding_is_small_and_exact_in_half_precision():
    kernel = np.random.default_rng(0).normal(size=(3, 3, 8, 8)).astype(np.float32) * 0.03
    rounded = packing.rounded(kernel)
    assert np.square(rounded - kernel).sum() < 1e-3 * np.square(kernel).sum()
    assert np.array_equal(rounded, rounded.astype(np.float16))


def test_a_packed_student_is_read_by_the_package(tmp_path):
    keras.utils.set_random_seed(0)
    student = distillation.student(compact.thin_network(WIDTHS))
    path = tmp_path / "small.weights.h5"
    assert packing.pack(student, str(path)) == path.stat().st_size
    assert [p.name for p in tmp_path.iterdir()] == ["small.weights.h5"]
    network = compact.network(str(path), widths=WIDTHS)
    image = np.random.default_rng(0).uniform(-100, 100, (1, 32, 32, 3)).astype(np.float32)
    coordinates = dict(zip(student.output, network(image), strict=True))
    for name, features in student(image).items():
        ours, theirs = (
            keras.ops.convert_to_numpy(f)[0].reshape(-1, f.shape[-1]) for f in (coordinates[name], features)
        )
        theirs_products = theirs @ theirs.T
        error = np.square(ours @ ours.T - theirs_products).sum() / np.square(theirs_products).sum()
        assert error < 0.01  # Rounding, which adds up over layers of so few channels.


def test_values_that_half_precision_does_not_hold_are_refused(tmp_path):
    student = distillation.student(compact.thin_network(WIDTHS))
    layer = student.get_layer("thin1_conv1")
    layer.set_weights([np.full(layer.kernel.shape, 1e6, np.float32), np.zeros(3, np.float32)])
    with pytest.raises(ValueError, match="float16 does not hold"):
        packing.pack(student, str(tmp_path / "large.weights.h5"))
    assert not list(tmp_path.iterdir())
