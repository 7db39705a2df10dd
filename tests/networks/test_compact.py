import keras
import numpy as np
import pytest
import tensorflow as tf

from nst_keras import losses, transfer
from nst_keras.losses import guidance
from nst_keras.networks import architectures, compact, extractors
from nst_keras.objectives import objective

WIDTHS = ((3, 4), (5, 4), (6, 5, 6, 4), (7, 6, 5), (8, 7))


@pytest.fixture(scope="module")
def extractor():
    return extractors.get("compact", layers=list(compact.CHANNELS))


@pytest.fixture(scope="module")
def image():
    return tf.random.stateless_uniform([1, 48, 64, 3], (0, 1), 0, 255)


def test_it_has_vgg19s_layers_and_sizes(extractor, image):
    vgg19 = extractors.get("vgg19", layers=list(compact.CHANNELS), weights="random")
    theirs, ours = vgg19(image), extractor(image)
    assert {name: f.shape[1:3] for name, f in theirs.items()} == {name: f.shape[1:3] for name, f in ours.items()}
    assert {name: f.shape[-1] for name, f in theirs.items()} == extractor.channels == dict(compact.CHANNELS)


def test_the_papers_names_are_understood(image):
    transferred = transfer.NeuralStyleTransfer(image, image, "compact", style_layers=["conv1_1"], image_size=48)
    assert transferred.extractor.channels == {"conv1_1": 64, "block5_conv2": 512}


def test_documented_layers_are_those_it_gives():
    documented = architectures.ARCHITECTURES["compact"]
    assert {*documented.style_layers, *documented.content_layers} == set(compact.CHANNELS)


def test_unknown_layers_are_refused_with_the_nearest():
    with pytest.raises(ValueError, match="compact: .*block5_conv3.*block5_conv2") as caught:
        extractors.get("compact", layers=["block5_conv3"])
    assert "thin" not in str(caught.value)


@pytest.mark.parametrize("normalization", losses.NORMALIZATIONS)
def test_losses_are_those_of_the_features_whose_coordinates_it_gives(normalization):
    """Coordinates z and features f = Q z, Q with orthonormal columns, have the same losses, in f's N channels."""
    random = np.random.default_rng(0)
    basis = np.linalg.qr(random.normal(size=(12, 5)))[0].astype(np.float32)
    few = [tf.constant(random.normal(size=(1, 4, 6, 5)), tf.float32) for _ in range(2)]
    many = [f @ basis.T for f in few]
    settings = {"normalization": normalization, "channels": 12}
    np.testing.assert_allclose(
        losses.content_loss(*few, **settings), losses.content_loss(*many, normalization=normalization), rtol=1e-5
    )
    grams = [[losses.gram_matrix(f, per_location=True) for f in features] for features in (few, many)]
    np.testing.assert_allclose(
        losses.style_loss(*grams[0], **settings), losses.style_loss(*grams[1], normalization=normalization), rtol=1e-5
    )


@pytest.mark.slow
def test_the_objective_counts_vgg19s_channels(extractor, image):
    weights = {"style_layers": {"block3_conv1": 1.0}, "content_layers": {"block4_conv2": 1.0}}
    other = tf.reverse(image, [1]) * 0.5
    terms, _ = objective.Objective(
        extractor, regions=guidance.everywhere([other]), content_image=other, normalization="mean", **weights
    ).value_and_gradient(image)
    ours, theirs = extractor(image), extractor(other)
    gram, target = (losses.gram_matrix(f["block3_conv1"], per_location=True) for f in (ours, theirs))
    np.testing.assert_allclose(terms.style, tf.reduce_sum((gram - target) ** 2) / 256**2, rtol=1e-4)
    distance = tf.reduce_sum((ours["block4_conv2"] - theirs["block4_conv2"]) ** 2)
    locations = ours["block4_conv2"].shape[1] * ours["block4_conv2"].shape[2]
    np.testing.assert_allclose(terms.content, distance / (512 * locations), rtol=1e-4)


def test_the_file_is_small():
    assert compact.WEIGHTS_FILE.stat().st_size <= 4_000_000


def test_a_damaged_file_of_the_package_is_refused(tmp_path, monkeypatch):
    contents = bytearray(compact.WEIGHTS_FILE.read_bytes())
    contents[len(contents) // 2] ^= 1  # One bit.
    damaged = tmp_path / "compact.weights.h5"
    damaged.write_bytes(contents)
    monkeypatch.setattr(compact, "WEIGHTS_FILE", damaged)
    with pytest.raises(OSError, match=r"compact.weights.h5 should have the SHA-256 .* install nst_keras again"):
        extractors.get("compact", layers=["block1_conv1"])
    damaged.unlink()
    with pytest.raises(OSError, match="is missing. Install nst_keras again"):
        extractors.get("compact", layers=["block1_conv1"])


def _other_network(path):
    compact.network(None, widths=WIDTHS).save_weights(path)


def _vgg19(path):
    keras.applications.VGG19(weights=None, include_top=False).save_weights(path)


def _truncated(path):
    path.write_bytes(compact.WEIGHTS_FILE.read_bytes()[:2_000_000])


def _damaged_inside(path):
    contents = bytearray(compact.WEIGHTS_FILE.read_bytes())
    middle = len(contents) // 2
    contents[middle : middle + 200] = bytes(200)
    path.write_bytes(contents)


def _text(path):
    path.write_text("not a weights file")


@pytest.mark.parametrize("write", [_other_network, _vgg19, _truncated, _damaged_inside, _text])
def test_a_users_file_that_is_wrong_or_damaged_is_refused(tmp_path, write):
    path = tmp_path / "mine.weights.h5"
    write(path)
    with pytest.raises(ValueError, match=r"weights: .*mine.weights.h5.* does not fit compact"):
        extractors.get("compact", layers=["block1_conv1"], weights=str(path))


def test_random_weights(image):
    assert extractors.get("compact", layers=["block5_conv1"], weights="random")(image)["block5_conv1"].shape[1:3] == (
        3,
        4,
    )


@pytest.mark.slow
def test_a_short_run_lowers_the_loss(image):
    transferred = transfer.NeuralStyleTransfer(
        tf.reverse(image, [2]), image, "compact", normalization="relative", optimizer="lbfgs", image_size=48
    )
    transferred.fit_style_transfer(1, 8, verbose=0)
    history = transferred.history.history["loss"]
    assert history[-1] < 0.6 * history[0]
