import keras
import numpy as np
import pytest
import tensorflow as tf

from nst_keras.networks import surgery
from nst_keras.networks.layers import substitutes, xla_forms
from tests.conftest import small_model


def kinds(model):
    """{layer: its kind}, without the input, which is named anew."""
    return {layer.name: type(layer) for layer in model.layers[1:]}


@pytest.mark.parametrize(
    ("pooling", "kind"),
    [
        ("max", keras.layers.MaxPooling2D),
        ("avg", keras.layers.AveragePooling2D),
        ("avg_scaled", substitutes.ScaledAveragePooling2D),
        ("l2", substitutes.L2Pooling2D),
    ],
)
def test_each_pooling_stands_in_the_place_of_the_networks(model, pooling, kind):
    twin = surgery.rebuilt(model, pooling=pooling)
    assert kinds(twin) == {**kinds(model), "pool1": kind}
    assert not twin.trainable_weights
    assert all(np.array_equal(a, b) for a, b in zip(twin.get_weights(), model.get_weights(), strict=True))


def test_a_swap_sees_what_the_one_before_made(model):
    twin = surgery.rebuilt(model, pooling="l2", for_xla=True)
    assert kinds(twin)["pool1"] is xla_forms.WindowL2Pooling2D


def test_the_first_convolution_alone_is_padded_by_edges(model):
    twin = surgery.rebuilt(model, padding="replicate")
    assert kinds(twin) == {**kinds(model), "conv1": substitutes.EdgePaddedConv2D}


def test_a_layer_that_pads_for_the_first_convolution_pads_by_edges():
    image = keras.Input((None, None, 3))
    x = keras.layers.ZeroPadding2D(3, name="pad")(image)
    x = keras.layers.Conv2D(4, 7, strides=2, name="conv")(x)
    x = keras.layers.ZeroPadding2D(1, name="later_pad")(x)
    model = keras.Model(image, keras.layers.Conv2D(4, 3, padding="same", name="later")(x))
    twin = surgery.rebuilt(model, padding="replicate")
    assert kinds(twin) == {**kinds(model), "pad": substitutes.EdgePadding2D}
    values = tf.random.stateless_uniform([1, 12, 13, 3], (0, 0))
    assert twin(values).shape == model(values).shape


def test_each_output_is_smoothed(model):
    twin = surgery.rebuilt(
        keras.Model(model.input, [model.get_layer("conv2").output, model.output]), smoothing="softmax"
    )
    assert [type(layer) for layer in twin.layers[-2:]] == [substitutes.ActivationSmoothing] * 2
    assert all(np.allclose(tf.reduce_mean(values, -1), 1) for values in twin(tf.ones([1, 8, 8, 3])))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"pooling": "avg_scale"}, "pooling='avg_scale' is not known. Did you mean 'avg_scaled'"),
        ({"padding": "edge"}, "padding='edge' is not known. Choose one of: zeros, replicate"),
        ({"smoothing": "auto"}, "smoothing='auto' is not known. Choose one of: none, softmax"),
    ],
)
def test_unknown_names(settings, message):
    with pytest.raises(ValueError, match=message):
        surgery.rebuilt(small_model(), **settings)


def test_a_network_without_convolutions_pads_nothing():
    image = keras.Input((None, None, 3))
    model = keras.Model(image, keras.layers.MaxPooling2D()(image), name="pools")
    with pytest.raises(ValueError, match="padding='replicate' has no effect: pools pads nothing at its first conv"):
        surgery.rebuilt(model, padding="replicate")


def test_an_unknown_layer_is_named():
    with pytest.raises(ValueError, match="small: layer='conv9' is not known. Did you mean 'conv"):
        surgery.cut(small_model(), ["conv9"], {"conv1": "conv1", "conv2": "conv2"})


def test_edges_cannot_be_continued_where_the_first_convolution_has_strides():
    image = keras.Input((None, None, 3))
    model = keras.Model(image, keras.layers.Conv2D(4, 3, strides=2, padding="same")(image), name="strided")
    with pytest.raises(
        ValueError, match=r"padding='replicate' needs a first convolution of stride 1, but strided's has"
    ):
        surgery.rebuilt(model, pooling="max", padding="replicate", smoothing="none", for_xla=False)
