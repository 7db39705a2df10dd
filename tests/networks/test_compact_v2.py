import keras
import numpy as np
import pytest
import tensorflow as tf

from nst_keras import transfer
from nst_keras.networks import architectures, compact, compact_v2, extractors

SMALL = {
    "block1_conv1": compact_v2.Factors(3),
    "block1_conv2": compact_v2.Factors(5, 2, 3),
    "block2_conv1": compact_v2.Factors(128, 4, 6),
}


@pytest.fixture(scope="module")
def image():
    return tf.random.stateless_uniform([1, 48, 64, 3], (0, 1), 0, 255)


def test_it_has_vgg19s_layers_and_sizes(image):
    ours = extractors.get("compact_v2", layers=list(compact_v2.CHANNELS))
    vgg19 = extractors.get("vgg19", layers=list(compact_v2.CHANNELS), weights="random")
    shapes = {name: f.shape[1:3] for name, f in ours(image).items()}
    assert shapes == {name: f.shape[1:3] for name, f in vgg19(image).items()}
    assert ours.channels == vgg19.channels == dict(compact_v2.CHANNELS)


def test_layers_with_fewer_channels_give_coordinates_and_others_features(image):
    extractor = extractors.get("compact_v2", layers=["conv1_1", "conv2_1", "conv2_2", "conv5_2"])
    assert extractor.coordinates == {"conv1_1": 25, "conv2_1": 97, "conv2_2": 128, "conv5_2": 512}
    features = extractor(image)
    assert all(float(tf.reduce_min(features[name])) == 0 for name in ("conv2_2", "conv5_2"))  # After ReLU.


def test_no_layer_comes_near_float16s_end():
    """65504. A board of 8 px, black and white, has the largest features."""
    board = 255.0 * ((np.indices((128, 128)) // 8).sum(0) % 2)
    network = compact_v2.network()
    layers = [layer.output for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]
    picture = np.broadcast_to(board[None, ..., None], (1, 128, 128, 3)).astype(np.float32)
    features = keras.Model(network.inputs[0], layers)(architectures.ARCHITECTURES["vgg19"].preprocess(picture))
    assert max(float(tf.reduce_max(tf.abs(one))) for one in features) < 2**15


def test_weights_of_another_network_are_refused_in_a_sentence_without_warnings(recwarn):
    with pytest.raises(ValueError, match="weights: .*compact.weights.h5' does not fit compact_v2"):
        extractors.get("compact_v2", layers=["block3_conv1"], weights=str(compact.WEIGHTS_FILE))
    assert not recwarn.list


def test_documented_layers_are_given():
    documented = architectures.ARCHITECTURES["compact_v2"]
    assert {*documented.style_layers, *documented.content_layers} <= set(compact_v2.CHANNELS)


def test_what_is_no_layer_of_vgg19s_is_refused():
    with pytest.raises(ValueError, match="compact_v2: .*block5_conv3.*block5_conv2") as caught:
        extractors.get("compact_v2", layers=["block5_conv3"])
    assert not any(word in str(caught.value) for word in ("thin", "core", "before", "block1_conv2"))


def test_the_factors_are_layers_and_their_last_has_relu():
    network = compact_v2.network(None, convolutions=SMALL)
    convolutions = [layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]
    found = {layer.name: (layer.kernel.shape[0], layer.filters, layer.activation.__name__) for layer in convolutions}
    assert found == {
        "thin1_conv1": (3, 3, "relu"),
        "block1_conv1": (1, 4, "linear"),
        "before1_conv2": (1, 2, "linear"),
        "core1_conv2": (3, 3, "linear"),
        "thin1_conv2": (1, 5, "relu"),
        "before2_conv1": (1, 4, "linear"),
        "core2_conv1": (3, 6, "linear"),
        "block2_conv1": (1, 128, "relu"),
    }


def test_the_file_is_small():
    assert compact_v2.WEIGHTS_FILE.stat().st_size <= 5_000_000


def test_a_damaged_file_of_the_package_is_refused(tmp_path, monkeypatch):
    damaged = tmp_path / "compact_v2.weights.h5"
    damaged.write_bytes(compact_v2.WEIGHTS_FILE.read_bytes()[:-1])
    monkeypatch.setattr(compact_v2, "WEIGHTS_FILE", damaged)
    with pytest.raises(OSError, match=r"compact_v2.weights.h5 should have the SHA-256 .* install nst_keras again"):
        extractors.get("compact_v2", layers=["block1_conv1"])


def test_a_users_file_of_another_network_is_refused(tmp_path):
    path = tmp_path / "mine.weights.h5"
    compact_v2.network(None, convolutions=SMALL).save_weights(path)
    with pytest.raises(ValueError, match=r"weights: .*mine.weights.h5.* does not fit compact_v2"):
        extractors.get("compact_v2", layers=["block1_conv1"], weights=str(path))


@pytest.mark.slow
def test_a_short_run_lowers_the_loss(image):
    transferred = transfer.NeuralStyleTransfer(
        tf.reverse(image, [2]), image, "compact_v2", normalization="relative", optimizer="lbfgs", image_size=48
    )
    transferred.fit_style_transfer(1, 8, verbose=0)
    history = transferred.history.history["loss"]
    assert history[-1] < 0.6 * history[0]
