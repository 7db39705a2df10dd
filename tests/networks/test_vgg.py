import keras
import pytest

from nst_keras.networks import vgg

KERAS = {"vgg16": keras.applications.VGG16, "vgg19": keras.applications.VGG19}


@pytest.mark.parametrize("name", KERAS)
def test_it_is_keras_own_network(name, monkeypatch):
    read = []
    monkeypatch.setattr(keras.Model, "load_weights", lambda model, path: read.append(path))
    own, made = KERAS[name](include_top=False, weights=None), vgg.network(name, "of_a_file.h5")
    assert (made.name, made.input_shape, made.output_shape) == (own.name, own.input_shape, own.output_shape)
    for of_own, of_made in zip(own.layers[1:], made.layers[1:], strict=True):
        assert type(of_own) is type(of_made)
        config, other = of_own.get_config(), of_made.get_config()
        assert {key for key in config if config[key] != other[key]} <= {"kernel_initializer"}
    assert read == ["of_a_file.h5"]
