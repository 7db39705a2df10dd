"""What a feature sees, as told by its network's graph, and as found by trying."""

import keras
import numpy as np
import pytest

from nst_keras.networks import extractors, receptive_field
from tests import small_networks

ALL = [*small_networks.NETWORKS, *range(30)]


def made(kind):
    return small_networks.network(kind) if isinstance(kind, str) else small_networks.random_network(kind)


def along(axis, values):
    """With the axis of interest, of an image or of features, in the place of the height."""
    return np.swapaxes(values, 1, axis)


def shown(field, place, side):
    """What a feature sees, 1 or 0 for each pixel of a side."""
    pixels = np.arange(side)
    return (pixels >= field.stride * place - field.before) & (pixels <= field.stride * place + field.after)


@pytest.mark.parametrize("kind", ALL)
def test_no_feature_sees_beyond_its_field(random, kind):
    """Whatever the pixels there are. For each place along an axis, a picture that is another but for its field."""
    network = made(kind)
    for axis, side in ((1, 41), (2, 46)):
        ((*both,),) = receptive_field.fields(network)
        field = both[axis - 1]
        size = (side, 43) if axis == 1 else (43, side)
        image, other = along(axis, random.normal(size=(2, *size, 3)).astype(np.float32))[:, np.newaxis]
        whole = along(axis, network(along(axis, image)).numpy())
        places = range(whole.shape[1])
        batch = [np.where(shown(field, place, side)[:, np.newaxis, np.newaxis], image[0], other[0]) for place in places]
        found = along(axis, network(along(axis, np.stack(batch))).numpy())
        for place in places:
            np.testing.assert_allclose(found[place, place], whole[0, place], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["vgg", "valid", "branches", "dilated"])
def test_a_feature_sees_to_the_ends_of_its_field(kind):
    """With weights that let nothing get lost; maxima are replaced by averages, of the same windows."""
    network = extractors.FeatureExtractor(made(kind), lambda image: image, pooling="avg").network
    network = keras.Model(network.inputs[0], network.outputs[-1])
    network.set_weights([np.full_like(weights, 0.1) for weights in network.get_weights()])
    ((*both,),) = receptive_field.fields(network)
    for axis, field in enumerate(both, 1):
        image = np.ones([1, 66, 66, 3], np.float32)
        before = along(axis, network(image).numpy())
        place = before.shape[1] // 2
        for end in (field.stride * place - field.before, field.stride * place + field.after):
            changed = image.copy()
            along(axis, changed)[:, end] += 100.0
            after = along(axis, network(changed).numpy())
            assert np.all(after[0, place] != before[0, place])


@pytest.mark.parametrize("pooling", ["max", "avg", "avg_scaled", "l2"])
@pytest.mark.parametrize("for_xla", [True, False])
def test_layers_that_are_put_in_see_as_far_as_those_whose_place_they_take(pooling, for_xla):
    expected = receptive_field.reach(made("vgg"))
    swapped = extractors.FeatureExtractor(made("vgg"), lambda image: image, pooling=pooling, for_xla=for_xla)
    assert receptive_field.reach(swapped.network)[:2] == expected[:2]


def test_the_reach_of_a_network_is_a_multiple_of_its_stride_that_covers_every_field():
    for kind in ALL:
        network = made(kind)
        reach = receptive_field.reach(network)
        assert reach.halo % reach.stride == reach.alignment % reach.stride == 0
        (both,) = receptive_field.fields(network)
        assert all(reach.stride % field.stride == 0 for field in both)
        needed = max(max(field.before, field.after - field.stride + 1) for field in both)
        assert reach.halo >= needed > reach.halo - reach.stride


def test_several_outputs_have_the_largest_halo_and_a_common_stride():
    whole = small_networks.network("vgg")
    early = keras.Model(whole.inputs[0], [whole.layers[2].output, whole.layers[5].output, whole.output])
    assert receptive_field.reach(early) == receptive_field.reach(whole)
    assert [axes[0].stride for axes in receptive_field.fields(early)] == [1, 2, 8]


@pytest.mark.parametrize("kind", small_networks.UNCUTTABLE)
def test_what_is_not_known_is_refused(kind):
    network = small_networks.uncuttable(kind)
    with pytest.raises(ValueError, match=rf"^'{kind}' cannot be evaluated in tiles: .*\. Use tile_size=None\.$"):
        receptive_field.reach(network)


def test_winograds_tiles_are_aligned_where_a_maximum_follows():
    """A last layer's rounding moves no maximum."""
    image = keras.Input((None, None, 3))
    x = small_networks.conv(128, name="first")(image)
    x = small_networks.conv(128, name="second")(x)
    x = small_networks.conv(128, name="third")(keras.layers.MaxPooling2D(2)(x))
    model = keras.Model(image, x)
    reaches = [
        receptive_field.reach(extractors.FeatureExtractor(model, abs, layers=["third"], for_xla=xla).network)
        for xla in (True, False)
    ]
    assert [reach.alignment for reach in reaches] == [4, 2]
    assert reaches[0][:2] == reaches[1][:2] == (2, 4)
