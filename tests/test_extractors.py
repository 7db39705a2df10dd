import keras
import numpy as np
import pytest
import tensorflow as tf

from nst_keras import architectures, extractors
from tests.conftest import centred, small_model


@pytest.fixture(scope="module")
def image():
    return tf.random.stateless_uniform([1, 33, 38, 3], (0, 0), 0, 255)


def test_features_are_those_of_the_model(model, image):
    extractor = extractors.FeatureExtractor(model, centred, layers=["conv3", "conv1"])
    features = extractor(image)
    assert list(features) == ["conv3", "conv1"]
    np.testing.assert_allclose(features["conv3"], model(centred(image)), rtol=1e-5, atol=1e-6)


def test_the_users_model_is_not_changed(image):
    model = small_model()
    before = ([w.copy() for w in model.get_weights()], model.to_json(), [len(x._inbound_nodes) for x in model.layers])
    extractors.FeatureExtractor(model, centred, pooling="avg")(image)
    after = (model.get_weights(), model.to_json(), [len(x._inbound_nodes) for x in model.layers])
    assert before[1:] == after[1:]
    assert all(np.array_equal(a, b) for a, b in zip(before[0], after[0], strict=True))
    assert all(w.trainable for w in model.weights)


def test_the_network_is_cut_after_the_last_layer(model):
    extractor = extractors.FeatureExtractor(model, centred).select(["conv1"])
    assert [layer.name for layer in extractor._network.layers][1:] == ["conv1"]


def test_average_pooling_rebuilds_the_graph(model, image):
    features = extractors.FeatureExtractor(model, centred, pooling="avg")(image)
    expected = keras.layers.AveragePooling2D(2)(features["conv1"])
    np.testing.assert_allclose(features["pool1"], expected, rtol=1e-6)


def test_a_model_of_a_fixed_size_with_its_top_takes_any_size(image):
    inputs = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(4, 3, padding="same", name="conv")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(x)))
    extractor = extractors.get(model, layers=["conv"], preprocess=centred)
    assert extractor(image)["conv"].shape == (1, 33, 38, 4)


@pytest.mark.parametrize(
    ("name", "mean"),
    [("vgg19", [103.939, 116.779, 123.68]), ("vgg16", [103.939, 116.779, 123.68]), ("inception_v3", None)],
)
def test_each_network_has_its_own_preprocessing(name, mean):
    image = tf.constant([[[[10.0, 20.0, 30.0]]]])
    expected = np.array([30.0, 20.0, 10.0]) - mean if mean else np.array([10.0, 20.0, 30.0]) / 127.5 - 1
    np.testing.assert_allclose(architectures.ARCHITECTURES[name].preprocess(image)[0, 0, 0], expected, rtol=1e-5)
    np.testing.assert_array_equal(image[0, 0, 0], [10, 20, 30])


def test_documented_vgg_layers_are_the_papers():
    vgg19 = architectures.ARCHITECTURES["vgg19"]
    assert vgg19.style_layers == ("block1_conv1", "block2_conv1", "block3_conv1", "block4_conv1", "block5_conv1")
    assert vgg19.content_layers[:2] == ("block5_conv2", "block4_conv2")


@pytest.fixture(scope="module")
def inception():
    keras.applications.InceptionV3(weights=None, include_top=False)  # Moves Keras's count of names on.
    names = architectures.ARCHITECTURES["inception_v3"].style_layers
    return extractors.get("inception_v3", layers=names, weights="random")


def test_inceptions_names_are_stable_and_its_features_post_activation(inception):
    features = inception(tf.random.stateless_uniform([1, 80, 90, 3], (0, 0), 0, 255))
    assert [features[name].shape[-1] for name in list(features)[:4]] == [32, 64, 192, 256]
    assert all(float(tf.reduce_min(values)) >= 0 for values in features.values())
    assert float(tf.reduce_min(features["conv2d_1a_3x3"])) == 0.0


def test_an_image_too_small_is_refused_with_the_least_size(inception):
    with pytest.raises(
        ValueError, match=r"style_image is 20x30 px, but inception_v3 with these layers needs at least \d+x\d+"
    ):
        inception.check_size("style_image", 30, 20)
    inception.check_size("style_image", 75, 75)


def test_sizes_are_those_of_the_features(inception):
    features = inception(tf.zeros([1, 91, 110, 3]))
    assert inception.sizes(91, 110) == {name: tuple(values.shape[1:3]) for name, values in features.items()}
    with pytest.raises(ValueError):  # noqa: PT011  Keras's own sentence.
        inception.sizes(30, 20)


def test_sizes_of_one_layer(model):
    """A single output comes bare from Keras, not in a list."""
    assert extractors.FeatureExtractor(model, centred, layers=["conv2"]).sizes(9, 21) == {"conv2": (4, 10)}


@pytest.mark.parametrize("name", ["vgg16", "vgg19"])
def test_both_spellings_name_one_layer(name):
    features = extractors.get(name, layers=["conv2_1", "block2_conv1"], weights="random")(tf.ones([1, 16, 16, 3]))
    np.testing.assert_array_equal(features["conv2_1"], features["block2_conv1"])


def test_a_known_model_brings_its_preprocessing(image):
    model = keras.applications.VGG16(weights=None, include_top=False)
    ours = extractors.get(model, layers=["block1_conv1"])(image)["block1_conv1"]
    expected = model.get_layer("block1_conv1")(keras.applications.vgg16.preprocess_input(tf.identity(image)))
    np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-3)


def test_an_unknown_model_needs_its_preprocessing(model):
    with pytest.raises(ValueError, match="preprocessing of the model 'small' is not known. Give preprocess="):
        extractors.get(model, layers=["conv1"])


@pytest.mark.parametrize(
    ("identifier", "options", "error", "message"),
    [
        ("vgg91", {}, ValueError, "extractor='vgg91' is not known. Did you mean 'vgg19'"),
        (7, {}, TypeError, "extractor must be one of vgg19"),
        (
            "vgg19",
            {"layers": ["block4_conv9"]},
            ValueError,
            "layer='block4_conv9' is not known. Did you mean 'block4_conv",
        ),
        ("vgg19", {"pooling": "median"}, ValueError, "pooling='median' is not known"),
        ("vgg19", {"weights": "nowhere.h5"}, FileNotFoundError, "weights: there is no file 'nowhere.h5'"),
    ],
)
def test_bad_arguments(identifier, options, error, message):
    with pytest.raises(error, match=message):
        extractors.get(identifier, **{"layers": ["conv1_1"], "weights": "random", **options})


def test_a_model_without_a_graph_is_refused():
    with pytest.raises(TypeError, match="functional keras.Model"):
        extractors.FeatureExtractor(keras.Sequential([keras.layers.Conv2D(3, 3)]), centred)


def test_weights_of_another_network_are_refused(tmp_path):
    path = tmp_path / "small.weights.h5"
    small_model().save_weights(path)
    with pytest.raises(ValueError, match=r"weights: .*small.weights.h5' does not fit vgg19"):
        extractors.get("vgg19", layers=["conv1_1"], weights=str(path))


def test_a_damaged_weights_file_is_refused(tmp_path):
    (tmp_path / "vgg19.h5").write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"weights: .*vgg19.h5' does not fit vgg19"):
        extractors.get("vgg19", layers=["conv1_1"], weights=str(tmp_path / "vgg19.h5"))


def test_the_environment_names_a_weights_file(tmp_path, monkeypatch):
    monkeypatch.setenv(architectures.WEIGHTS_VARIABLE, str(tmp_path))
    assert architectures.weights_file("vgg19") is None
    (tmp_path / "vgg19_some.h5").touch()
    (tmp_path / "vgg16_some.h5").touch()
    assert architectures.weights_file("vgg19") == str(tmp_path / "vgg19_some.h5")
    (tmp_path / "vgg19_other.weights.h5").touch()
    with pytest.raises(ValueError, match="several files for vgg19"):
        architectures.weights_file("vgg19")


def test_a_failed_download_says_what_to_do(monkeypatch):
    monkeypatch.delenv(architectures.WEIGHTS_VARIABLE, raising=False)

    def fail(weights):
        raise Exception("URL fetch failure")

    monkeypatch.setitem(architectures.ARCHITECTURES, "vgg19", architectures.ARCHITECTURES["vgg19"]._replace(build=fail))
    with pytest.raises(OSError, match="could not be downloaded .URL fetch failure.*weights=.*NST_KERAS_WEIGHTS_DIR"):
        extractors.get("vgg19", layers=["conv1_1"])


def test_keras_downloads_with_its_hash_check(monkeypatch):
    """The default asks Keras for "imagenet", which checks the file's hash itself."""
    monkeypatch.delenv(architectures.WEIGHTS_VARIABLE, raising=False)
    asked = []

    def build(weights):
        asked.append(weights)
        return keras.applications.VGG19(weights=None, include_top=False)

    monkeypatch.setitem(
        architectures.ARCHITECTURES, "vgg19", architectures.ARCHITECTURES["vgg19"]._replace(build=build)
    )
    extractors.get("vgg19", layers=["conv1_1"])
    assert asked == ["imagenet"]


def test_real_weights_load(vgg19_weights, image):
    features = extractors.get("vgg19", layers=["conv1_1", "conv3_1"], weights=vgg19_weights)(image)
    model = keras.applications.VGG19(weights=vgg19_weights, include_top=False)
    cut = keras.Model(model.input, model.get_layer("block3_conv1").output)
    expected = cut(keras.applications.vgg19.preprocess_input(tf.identity(image)))
    np.testing.assert_allclose(features["conv3_1"], expected, rtol=1e-4, atol=0.1)
