import gc
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf

from nst_keras.networks import extractors
from nst_keras.networks.layers import substitutes, winograd, xla_forms


def test_max_pooling_and_its_gradient_are_those_of_keras():
    values = tf.random.stateless_uniform([1, 7, 8, 3], (1, 1))
    gradients = []
    for layer in (xla_forms.WindowMaxPooling2D(), keras.layers.MaxPooling2D(2)):
        with tf.GradientTape() as tape:
            tape.watch(values)
            pooled = layer(values)
        gradients.append((pooled, tape.gradient(pooled, values, tf.sin(10 * pooled))))
    np.testing.assert_array_equal(gradients[0][0], gradients[1][0])
    np.testing.assert_array_equal(gradients[0][1], gradients[1][1])


def test_max_pooling_shares_its_gradient_on_a_flat_patch():
    values = tf.ones([1, 2, 2, 1])
    with tf.GradientTape() as tape:
        tape.watch(values)
        pooled = xla_forms.WindowMaxPooling2D()(values)
    np.testing.assert_array_equal(tape.gradient(pooled, values), np.full((1, 2, 2, 1), 0.25))


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_l2_pooling_and_its_gradient_are_those_of_its_plain_form(dtype):
    values = tf.nn.relu(tf.random.stateless_normal([1, 7, 8, 3], (1, 1), dtype=dtype))
    layers = (xla_forms.WindowL2Pooling2D(dtype=dtype), substitutes.L2Pooling2D(2, dtype=dtype))
    results = [value_and_gradient(layer, values, None) for layer in layers]
    rtol = {"float32": 2e-5, "float16": 5e-3}[dtype]
    for one, other in zip(*results, strict=True):
        assert one.dtype == dtype
        np.testing.assert_allclose(one, other, rtol=rtol, atol=1e-5)


def value_and_gradient(function, inputs, upstream):
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = function(inputs)
    return outputs, tape.gradient(outputs, inputs, upstream)


@pytest.mark.parametrize("size", [(1, 1), (4, 4), (7, 9), (16, 13), (33, 18)])
def test_winograd_and_its_gradient_are_those_of_the_convolution(random, size):
    kernel = random.normal(size=(3, 3, 5, 6)).astype(np.float32)
    inputs, upstream = (tf.constant(random.normal(size=(1, *size, c)), tf.float32) for c in (5, 6))
    transformed = tf.constant(winograd.transformed_kernel(kernel))
    ours = value_and_gradient(lambda x: winograd.convolution(x, transformed), inputs, upstream)
    theirs = value_and_gradient(lambda x: tf.nn.conv2d(x, kernel, 1, "SAME"), inputs, upstream)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5 * np.abs(other).max())


def wide_model(channels=128):
    keras.utils.set_random_seed(2)
    image = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(channels, 3, padding="same", activation="relu", name="narrow")(image)
    x = keras.layers.Conv2D(channels, 3, padding="same", activation="relu", name="wide")(x)
    x = keras.layers.MaxPooling2D(name="pool")(x)
    x = keras.layers.Conv2D(channels, 3, padding="same", strides=2, name="strided")(x)
    return keras.Model(image, keras.layers.Conv2D(channels, 3, padding="valid", name="valid")(x), name="wide_model")


def test_only_what_has_a_faster_form_is_replaced():
    replaced = {layer.name: xla_forms.replacement(layer) for layer in wide_model().layers[1:]}
    kinds = {name: type(layer) for name, layer in replaced.items() if layer is not None}
    of_few, pool = xla_forms.PatchConv2D, xla_forms.WindowMaxPooling2D
    assert kinds == {"narrow": of_few, "wide": xla_forms.WinogradConv2D, "pool": pool}
    replaced = {layer.name: type(xla_forms.replacement(layer)) for layer in wide_model(64).layers[1:]}
    assert replaced["wide"] is type(None)


@pytest.mark.parametrize(("size", "pays"), [((128, 128), True), ((128, 132), False)])
def test_a_narrow_factor_has_winograds_form_where_the_caches_hold_it(size, pays):
    factor = keras.layers.Conv2D(48, 3, padding="same", name="factor")
    factor.build((1, *size, 48))
    form = xla_forms.replacement(factor)
    assert isinstance(form, xla_forms.WinogradConv2D)
    form.build((1, *size, 48))
    assert form.pays(*size) is pays
    narrower = keras.layers.Conv2D(40, 3, padding="same", name="factor")
    narrower.build((1, *size, 48))
    assert xla_forms.replacement(narrower) is None


@pytest.mark.parametrize("size", [(1, 1), (7, 9), (16, 13)])
def test_patches_and_their_gradient_are_those_of_the_convolution(random, size):
    plain = keras.layers.Conv2D(5, 3, padding="same", activation="relu", bias_initializer="normal", name="narrow")
    inputs, upstream = (tf.constant(random.normal(size=(1, *size, c)), tf.float32) for c in (3, 5))
    plain.build(inputs.shape)
    patches = xla_forms.replacement(plain)
    patches.build(inputs.shape)
    patches.set_weights(plain.get_weights())
    compiled = tf.function(lambda values: value_and_gradient(patches, values, upstream), jit_compile=True)
    for one, other in zip(compiled(inputs), value_and_gradient(plain, inputs, upstream), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("size", "tiles"), [((8, 12), 0), ((12, 12), 1), ((3, 29), 1)])
def test_winograds_form_is_for_pictures_of_several_tiles(random, monkeypatch, size, tiles):
    used = []
    form = winograd.convolution
    monkeypatch.setattr(winograd, "convolution", lambda *arguments: used.append(1) or form(*arguments))
    plain = keras.layers.Conv2D(8, 3, padding="same", activation="relu", bias_initializer="normal", name="wide")
    inputs = tf.constant(random.normal(size=(1, *size, 6)), tf.float32)
    plain.build(inputs.shape)
    layer = xla_forms.WinogradConv2D.from_config(plain.get_config())
    layer.build(inputs.shape)
    layer.set_weights(plain.get_weights())
    compiled = tf.function(layer, jit_compile=True)(inputs)
    np.testing.assert_allclose(compiled, plain(inputs), rtol=1e-4, atol=1e-5)
    assert len(used) == tiles


def test_l2_pooling_has_a_faster_form_of_2x2_windows_alone():
    plain, wide = (substitutes.L2Pooling2D(window, name="pool") for window in (2, 3))
    assert isinstance(xla_forms.replacement(plain), xla_forms.WindowL2Pooling2D)
    assert xla_forms.replacement(plain).name == "pool"
    assert xla_forms.replacement(wide) is None


def test_an_accelerator_keeps_its_own_forms(monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["one"] if kind == "GPU" else [])
    assert all(xla_forms.replacement(layer) is None for layer in wide_model().layers)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("jit_compile", "settings"),
    [(True, {}), (False, {}), (True, {"pooling": "l2", "padding": "replicate"})],
)
def test_the_network_computes_the_same_with_the_faster_forms(jit_compile, settings):
    image = tf.random.stateless_uniform([1, 21, 18, 3], (0, 0), 0, 255)
    results = []
    for for_xla in (True, False):
        network = extractors.FeatureExtractor(
            wide_model(), lambda x: x / 128 - 1, layers=["valid"], for_xla=for_xla, **settings
        )
        step = tf.function(
            lambda x, network=network: value_and_gradient(network, x, None)[1], autograph=False, jit_compile=jit_compile
        )
        results.append((network(image)["valid"], step(image)))
    np.testing.assert_allclose(results[0][0], results[1][0], rtol=1e-5, atol=1e-6)  # Eagerly, the plain convolutions.
    np.testing.assert_allclose(results[0][1], results[1][1], rtol=1e-3, atol=1e-4 * np.abs(results[1][1]).max())


def test_a_traced_step_is_freed_though_tensorflow_keeps_custom_gradients():
    kernel = tf.constant(winograd.transformed_kernel(np.ones([3, 3, 2, 2])))

    def traced():
        """Traces a step with a convolution and its gradient, and returns a weak reference to its graph."""

        def step(values):
            with tf.GradientTape() as tape:
                tape.watch(values)
                loss = tf.reduce_sum(winograd.convolution(values, kernel))
            return tape.gradient(loss, values)

        function = tf.function(step, autograph=False).get_concrete_function(tf.TensorSpec([1, 8, 8, 2]))
        return weakref.ref(function.graph)

    graph = traced()
    gc.collect()
    assert graph() is None
