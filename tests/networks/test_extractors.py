import keras
import numpy as np
import pytest
import tensorflow as tf

from nst_keras.networks import architectures, extractors
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
    settings = {"pooling": "l2", "padding": "replicate", "smoothing": "softmax"}
    extractors.FeatureExtractor(model, centred, for_xla=True, **settings)(image)
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


@pytest.mark.parametrize("for_xla", [True, False])
def test_a_constant_image_gives_constant_features_with_edge_padding(model, for_xla):
    image = tf.fill([1, 12, 15, 3], 200.0)
    spreads = {}
    for padding in ("zeros", "replicate"):
        features = extractors.FeatureExtractor(model, centred, padding=padding, for_xla=for_xla)(image)
        spreads[padding] = {name: float(tf.reduce_max(tf.math.reduce_std(features[name], (1, 2)))) for name in features}
    assert spreads["replicate"]["conv1"] < 1e-5
    assert spreads["zeros"]["conv1"] > 0.01
    assert spreads["replicate"]["conv2"] > 0.01  # The first convolution alone.


def test_edge_padding_of_the_compact_network_changes_the_border_alone():
    image = tf.random.stateless_uniform([1, 24, 24, 3], (0, 0), 0, 255)
    zeros, edges = (
        extractors.get("compact", layers=["block1_conv1"], padding=padding)(image)["block1_conv1"]
        for padding in ("zeros", "replicate")
    )
    np.testing.assert_allclose(zeros[:, 1:-1, 1:-1], edges[:, 1:-1, 1:-1], rtol=1e-4, atol=1e-3)
    assert float(tf.reduce_max(tf.abs(zeros - edges))) > 1


def test_a_network_that_pads_nothing_first_refuses_edge_padding():
    message = "padding='replicate' has no effect: inception_v3 pads nothing at its first convolution. Leave padding out"
    with pytest.raises(ValueError, match=message):
        extractors.get("inception_v3", layers=["conv2d_1a_3x3"], weights="random", padding="replicate")


def test_smoothed_features_are_a_softmax_of_mean_1(model, image):
    plain = extractors.FeatureExtractor(model, centred, smoothing="none")(image)
    smoothed = extractors.FeatureExtractor(model, centred, smoothing="softmax")(image)
    for name, features in plain.items():
        expected = features.shape[-1] * tf.nn.softmax(features)
        np.testing.assert_allclose(smoothed[name], expected, rtol=1e-5)
        np.testing.assert_allclose(tf.reduce_mean(smoothed[name], -1), 1, rtol=1e-5)


def test_nothing_is_smoothed_unless_asked_and_auto_is_nothing(model, image):
    given = [{"smoothing": "auto"}, {"smoothing": "none"}, {}]
    auto, none, default = (extractors.FeatureExtractor(model, centred, **options)(image) for options in given)
    np.testing.assert_array_equal(auto["conv3"], none["conv3"])
    np.testing.assert_array_equal(default["conv3"], none["conv3"])
    made = extractors.FeatureExtractor(model, centred, layers=["conv3"])
    assert extractors.get(made, layers=["conv3"], smoothing="auto").layers == ("conv3",)


def test_smoothing_has_no_meaning_for_coordinates():
    with pytest.raises(ValueError, match="smoothing='softmax' has no meaning for compact, which gives coordinates"):
        extractors.get("compact", layers=["block1_conv1"], smoothing="softmax")
    extractors.get("compact", layers=["block1_conv1"], smoothing="none")


@pytest.mark.slow
@pytest.mark.parametrize("jit_compile", [True, False])
def test_a_residual_network_of_ones_own(jit_compile):
    keras.utils.set_random_seed(0)
    network = keras.applications.ResNet50(weights=None, include_top=False)
    layers = ["conv1_relu", "conv2_block3_out"]
    settings = {"pooling": "l2", "padding": "replicate", "smoothing": "softmax", "for_xla": jit_compile}
    extractor = extractors.get(network, layers=layers, preprocess=centred, **settings)

    @tf.function(autograph=False, jit_compile=jit_compile)
    def gradient(image):
        with tf.GradientTape() as tape:
            tape.watch(image)
            loss = sum(tf.reduce_sum(features**2) for features in extractor(image).values())
        return tape.gradient(loss, image)

    assert extractor.sizes(37, 40) == {"conv1_relu": (19, 20), "conv2_block3_out": (10, 10)}
    values = gradient(tf.random.stateless_uniform([1, 37, 40, 3], (0, 0), 0, 255)).numpy()
    assert np.isfinite(values).all()
    assert np.any(values)
    assert np.isfinite(gradient(tf.zeros([1, 37, 40, 3]))).all()


def test_the_fingerprint_tells_the_settings_apart(model):
    settings = [{}, {"pooling": "avg"}, {"pooling": "avg_scaled"}, {"pooling": "l2"}, {"padding": "replicate"}]
    settings += [{"smoothing": "softmax"}, {"smoothing": "softmax", "pooling": "l2"}]
    fingerprints = [extractors.FeatureExtractor(model, centred, **chosen).fingerprint() for chosen in settings]
    assert len(set(fingerprints)) == len(settings)
    assert extractors.FeatureExtractor(model, centred, smoothing="none").fingerprint() == fingerprints[0]


def test_fewer_layers_stay_smoothed(model, image):
    extractor = extractors.FeatureExtractor(model, centred, smoothing="softmax")
    np.testing.assert_array_equal(extractor.select(["conv2"])(image)["conv2"], extractor(image)["conv2"])
    assert extractor.channels["conv2"] == 12


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
    return extractors.get("inception_v3", layers=names, weights="random", smoothing="none")


@pytest.mark.slow
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
        ("vgg19", {"pooling": "avg_scale"}, ValueError, "pooling='avg_scale' is not known. Did you mean 'avg_scaled'"),
        ("vgg19", {"padding": "replicat"}, ValueError, "padding='replicat' is not known. Did you mean 'replicate'"),
        ("vgg19", {"smoothing": "soft_max"}, ValueError, "smoothing='soft_max' is not known. Did you mean 'softmax'"),
        ("vgg19", {"precision": "float16"}, ValueError, "precision='float16' is not known.* mixed_float16"),
        ("vgg19", {"weights": "nowhere.h5"}, FileNotFoundError, "weights: there is no file 'nowhere.h5'"),
    ],
)
def test_bad_arguments(identifier, options, error, message):
    with pytest.raises(error, match=message):
        extractors.get(identifier, **{"layers": ["conv1_1"], "weights": "random", **options})


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("weights", "random"),
        ("pooling", "l2"),
        ("padding", "replicate"),
        ("smoothing", "softmax"),
        ("precision", "mixed_float16"),
        ("preprocess", centred),
    ],
)
def test_what_an_extractor_has_of_its_own_is_refused(extractor, argument, value):
    with pytest.raises(ValueError, match=f"{argument} has no effect: a FeatureExtractor has its own. Leave {argument}"):
        extractors.get(extractor, layers=["conv1"], **{argument: value})


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


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            Exception("URL fetch failure"),
            r"downloaded \(URL fetch failure\)\. What Keras has kept may be damaged: delete",
        ),
        (ValueError("Incomplete or corrupted file detected."), "downloaded .*may be damaged: delete"),
        (
            OSError("Unable to open file (truncated file)"),
            r"could not be read \(Unable.*\)\)\. What Keras has kept .*delete",
        ),
    ],
)
def test_a_half_file_that_keras_keeps_is_named(tmp_path, monkeypatch, error, message):
    monkeypatch.delenv(architectures.WEIGHTS_VARIABLE, raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    half = tmp_path / "models" / "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5"
    half.parent.mkdir()
    half.touch()

    def fail(weights):
        raise error

    monkeypatch.setitem(architectures.ARCHITECTURES, "vgg19", architectures.ARCHITECTURES["vgg19"]._replace(build=fail))
    with pytest.raises(OSError, match=f"{message} {half}. Give the path"):
        architectures.build("vgg19", "imagenet")


def test_the_environments_folder_may_begin_with_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv(architectures.WEIGHTS_VARIABLE, "~/x")
    with pytest.raises(ValueError, match=f"names '{tmp_path}/x', which is no folder. Correct or unset it"):
        architectures.weights_file("vgg19")
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "vgg19.h5").touch()
    assert architectures.weights_file("vgg19") == str(tmp_path / "x" / "vgg19.h5")


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


@pytest.mark.parametrize(
    ("precision", "short_range"), [("float32", False), ("mixed_bfloat16", False), ("mixed_float16", True)]
)
@pytest.mark.parametrize("for_xla", [True, False])
def test_a_network_computes_in_the_precision_asked_for(model, image, precision, short_range, for_xla):
    """Its weights are rounded to it, those of the model it is made from are not; features are near float32's."""
    half = extractors.FeatureExtractor(model, centred, precision=precision, for_xla=for_xla, pooling="l2")
    exact = extractors.FeatureExtractor(model, centred, pooling="l2")
    assert half.has_short_range is half.select(["conv1"]).has_short_range is short_range
    assert {weight.dtype for weight in half.network.weights} == {precision.removeprefix("mixed_")}
    assert {weight.dtype for weight in model.weights} == {"float32"}
    for name, features in half(image).items():
        assert features.dtype == precision.removeprefix("mixed_")
        np.testing.assert_allclose(tf.cast(features, tf.float32), exact(image)[name], atol=0.1, rtol=0.05)
    assert (half.fingerprint() == exact.fingerprint()) is (precision == "float32" and not for_xla)
    assert all(layer.compute_dtype == "float32" for layer in model.layers)


def test_winograds_convolutions_are_of_float32_alone():
    kinds = {
        precision: {
            type(layer).__name__
            for layer in extractors.get(
                "vgg19", layers=["block3_conv1"], weights="random", precision=precision, for_xla=True
            ).network.layers
        }
        for precision in ("float32", "mixed_float16")
    }
    assert "WinogradConv2D" in kinds["float32"]
    assert "WinogradConv2D" not in kinds["mixed_float16"]
