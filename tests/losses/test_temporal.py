import numpy as np
import pytest
import tensorflow as tf

from nst_keras.losses import statistics, temporal
from tests import reference

SIZE = (6, 5)
GRAM = statistics.get("gram", normalization="mean")


@pytest.fixture
def pictures(random):
    """A frame, and an earlier one that was moved along."""
    return random.uniform(0, 255, [2, 1, *SIZE, 3]).astype(np.float32)


def features_of(random, *size, channels=4):
    return random.normal(1.0, 1.0, [1, *size, channels]).astype(np.float32)


def naive_temporal(image, omega, weights):
    """L_temporal as the paper writes it: 1 / D sum_k c_k (x_k - omega_k) ** 2, where D is all pixels and channels."""
    height, width, channels = image.shape
    total = 0.0
    for y in range(height):
        for x in range(width):
            for k in range(channels):
                total += weights[y, x] * (float(image[y, x, k]) - float(omega[y, x, k])) ** 2
    return total / image.size


def naive_newcomers(features, young):
    """The newcomers' loss of one layer: their Gram matrix against that of the rest, by their share of the frame."""
    _, height, width, channels = features.shape

    def gram(weights):
        found = np.zeros((channels, channels))
        for y in range(height):
            for x in range(width):
                found += weights[y, x] * np.outer(features[0, y, x], features[0, y, x])
        return found / max(weights.sum(), 1e-12)

    difference = gram(young) - gram(1 - young)
    return np.square(difference).sum() / channels**2


def test_the_temporal_loss_is_the_papers(pictures, random):
    image, omega = pictures
    weights = random.uniform(0, 2, [1, *SIZE, 1]).astype(np.float32)
    loss = temporal.temporal_loss(*map(tf.constant, (image, omega, weights)))
    expected = naive_temporal(image[0], omega[0], weights[0, ..., 0])
    assert float(loss) == pytest.approx(expected, rel=reference.TOLERANCE["float32"])


def test_what_was_not_seen_has_no_temporal_loss_and_no_gradient(pictures):
    image, omega = map(tf.constant, pictures)
    weights = np.zeros([1, *SIZE, 1], np.float32)
    weights[0, 2, 3] = 1.0
    with tf.GradientTape() as tape:
        tape.watch(image)
        loss = temporal.temporal_loss(image, omega, tf.constant(weights))
    gradient = tape.gradient(loss, image).numpy()[0]
    assert (gradient != 0).any(-1).sum() == 1
    np.testing.assert_allclose(gradient[2, 3], 2 * (pictures[0] - pictures[1])[0, 2, 3] / pictures[0].size, rtol=1e-5)


@pytest.mark.parametrize("share", [0.02, 0.3])
def test_newcomers_are_compared_with_the_rest_of_the_frame(random, share):
    features = features_of(random, *SIZE)
    young = (random.uniform(size=SIZE) < share).astype(np.float32)
    young[1, 1] = 1.0
    loss = temporal.newcomers_loss(
        *map(tf.constant, (features, young[None, ..., None], np.float32(share))),
        statistic=GRAM,
        normalization="mean",
        channels=4,
    )
    assert float(loss) == pytest.approx(share * naive_newcomers(features, young), rel=1e-4)


def test_only_newcomers_are_moved_by_their_loss(random):
    features = tf.constant(features_of(random, *SIZE))
    young = np.zeros([1, *SIZE, 1], np.float32)
    young[0, :2] = 1.0
    with tf.GradientTape() as tape:
        tape.watch(features)
        share = tf.constant(0.3)
        options = {"statistic": GRAM, "normalization": "mean", "channels": 4}
        loss = temporal.newcomers_loss(features, tf.constant(young), share, **options)
    gradient = tape.gradient(loss, features).numpy()[0]
    assert np.abs(gradient[:2]).min() > 0
    assert not gradient[2:].any()


def test_each_pixel_goes_to_the_nearest_frame_that_shows_it(random):
    found = [
        (random.uniform(0, 255, [*SIZE, 3]).astype(np.float32), random.integers(0, 3, SIZE).astype(np.float32))
        for _ in range(3)
    ]
    before = [(picture.copy(), weights.copy()) for picture, weights in found]
    picture, weights = temporal.combined(found)
    for y in range(SIZE[0]):
        for x in range(SIZE[1]):
            shown = [one for one in found if one[1][y, x] > 0] or [(found[0][0], np.zeros(SIZE))]
            assert np.array_equal(picture[y, x], shown[0][0][y, x])
            assert weights[y, x] == shown[0][1][y, x]
    for one, other in zip(found, before, strict=True):  # What was given is unchanged.
        assert all(map(np.array_equal, one, other))


def test_the_sum_of_the_papers_long_term_losses_is_the_loss_of_the_combined(pictures, random):
    """c_long of the j-th frame is max(c_j - sum of c of the nearer frames, 0): section 4, of weights 0 and 1."""
    image = pictures[0][0]
    omegas = [random.uniform(0, 255, [*SIZE, 3]).astype(np.float32) for _ in range(3)]
    seen = [random.integers(0, 2, SIZE).astype(np.float32) for _ in range(3)]
    losses = [
        naive_temporal(image, omega, np.maximum(seen[place] - sum(seen[:place], np.zeros(SIZE)), 0))
        for place, omega in enumerate(omegas)
    ]
    combined, weights = temporal.combined(list(zip(omegas, seen, strict=True)))
    assert naive_temporal(image, combined, weights) == pytest.approx(sum(losses))


def test_the_terms_know_what_they_were_told_last(pictures, random):
    layers = {"one": (6, 5), "two": (3, 3)}
    known = temporal.Temporal(
        SIZE,
        layers,
        {"one": 0.25, "two": 0.75},
        style_weight=3.0,
        statistic=GRAM,
        normalization="mean",
        channels={"one": 4, "two": 2},
    )
    assert [(term.name, term.weight) for term in known.terms] == [("temporal", 1.0), ("newcomers", 3.0)]
    features = {"one": features_of(random, 6, 5), "two": features_of(random, 3, 3, channels=2)}
    image, omega = pictures

    @tf.function
    def values():
        return [term.function(tf.constant(image), features) for term in known.terms]

    assert [float(value) for value in values()] == [0.0, 0.0]
    weights = random.uniform(0, 1, [1, *SIZE, 1]).astype(np.float32)
    young = np.zeros([1, *SIZE, 1], np.float32)
    young[0, 3:] = 1.0
    known.compare_with(*map(tf.constant, (omega, weights, young)))
    of_pixels, of_newcomers = map(float, values())
    assert of_pixels == pytest.approx(naive_temporal(image[0], omega[0], weights[0, ..., 0]), rel=1e-4)
    guides = {name: reference.area_means(young[0, ..., 0], *size) for name, size in layers.items()}
    expected = sum(
        weight * naive_newcomers(features[name], guides[name]) for name, weight in (("one", 0.25), ("two", 0.75))
    )
    assert of_newcomers == pytest.approx(0.5 * expected, rel=1e-4)
    assert values.experimental_get_tracing_count() == 1
