import numpy as np
import pytest
import scipy.linalg
import tensorflow as tf

from nst_keras.losses.statistics import matrix_root
from nst_keras.runtime import compilation


def matrix(random, values):
    """A symmetric matrix of these eigenvalues."""
    basis = np.linalg.qr(random.normal(size=(len(values), len(values))))[0]
    return (basis * values) @ basis.T


def batch(array):
    return tf.constant(array[np.newaxis], tf.float32)


def value_and_gradient(array, jit_compile="false"):
    def graph(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = matrix_root.trace_of_root(x)
        return value, tape.gradient(value, x)

    value, gradient = compilation.compiled(graph, jit_compile=jit_compile)(batch(array))
    return float(value[0]), gradient[0].numpy()


def test_the_root_is_scipys(random):
    array = matrix(random, np.geomspace(1e-3, 1e3, 8))
    np.testing.assert_allclose(matrix_root.root(batch(array))[0], scipy.linalg.sqrtm(array), rtol=1e-3, atol=1e-4)


def test_the_root_of_a_singular_matrix_is_finite(random):
    array = matrix(random, np.array([0.0, 0.0, 1.0, 4.0]))
    root = matrix_root.root(batch(array))[0].numpy()
    np.testing.assert_allclose(root @ root, array, atol=1e-5)


@pytest.mark.parametrize("jit_compile", ["true", "false"])
@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_trace_and_gradient_are_scipys(random, jit_compile, scale):
    """Over the six decades that are promised, whatever the unit."""
    array = matrix(random, np.geomspace(2e-6, 1, 40)) * scale
    value, gradient = value_and_gradient(array, jit_compile)
    root = scipy.linalg.sqrtm(array)
    assert value == pytest.approx(np.trace(root), rel=1e-3)
    np.testing.assert_allclose(gradient @ array, root / 2, rtol=0.01, atol=1e-3 * root.max())


def test_the_gradient_agrees_with_finite_differences(random):
    array = matrix(random, np.linspace(1, 5, 6))
    direction = random.normal(size=array.shape)
    direction += direction.T
    _, gradient = value_and_gradient(array)
    ahead, behind = (np.trace(scipy.linalg.sqrtm(array + e * direction)) for e in (1e-4, -1e-4))
    assert np.sum(gradient * direction) == pytest.approx((ahead - behind) / 2e-4, rel=1e-4)


def test_smaller_eigenvalues_count_for_less_and_stay_finite(random):
    array = matrix(random, np.geomspace(1e-14, 1, 60))
    value, gradient = value_and_gradient(array)
    assert 0.99 * np.sqrt(np.geomspace(1e-14, 1, 60)).sum() < value < 1.01 * np.sqrt(np.geomspace(1e-14, 1, 60)).sum()
    assert np.abs(gradient).max() < 1e4


def test_an_accelerator_computes_in_double_precision(random, monkeypatch):
    array = matrix(random, np.geomspace(2e-6, 1, 20))
    one = value_and_gradient(array)
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda: [tf.config.LogicalDevice("/device:GPU:0", "GPU")])
    two = value_and_gradient(array)
    assert matrix_root._type() == tf.float64
    assert one[0] == pytest.approx(two[0], rel=1e-4)
    np.testing.assert_allclose(one[1], two[1], rtol=0.02, atol=1e-3 * np.abs(two[1]).max())
