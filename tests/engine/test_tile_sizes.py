"""Tests the choice of tile sizes."""

import pytest

from nst_keras.engine import memory_estimate, tile_sizes
from nst_keras.networks import extractors, receptive_field
from nst_keras.objectives.tiled import tiles
from nst_keras.runtime import devices, memory, strategies
from tests import small_networks

NEED = {"optimizer": "adam", "jit_compile": "false"}


class Some(devices.Replicas):
    """A stand-in for `count` replicas on one host; `others` holds what other hosts add to each sum."""

    def __init__(self, count=1, others=()):
        super().__init__(strategies.get("default"))
        self.count, self._others = count, list(others)

    def total_of_array(self, array):
        return array + self._others.pop(0) if self._others else array


@pytest.fixture(scope="module")
def compact():
    return memory_estimate.extractor_of("compact", jit_compile="false")


@pytest.fixture
def room(monkeypatch):
    """Sets the usable bytes; None for a machine that does not tell."""

    def set_to(usable):
        found = None if usable is None else memory.Available("this machine", 2**40, int(usable))
        monkeypatch.setattr(memory, "available_memory", lambda: found)

    return set_to


def request_of(extractor, height, width, **settings):
    return memory_estimate.MemoryRequest(height=height, width=width, extractor=extractor, **NEED, **settings)


def chosen(extractor, height, width, tile_size="auto", halo=None, replicas=None):
    return tile_sizes.TileSizes(tile_size, halo, replicas or Some()).of(request_of(extractor, height, width))


def total(extractor, side, tile_size=None, halo=None):
    return memory_estimate.estimate(request_of(extractor, side, side, tile_size=tile_size, halo=halo)).total


@pytest.mark.parametrize("tile_size", [None, 64])
def test_what_is_asked_for_is_taken(compact, tile_size, room):
    room(1)
    assert chosen(compact, 512, 512, tile_size) == tile_size


def test_a_picture_that_fits_is_taken_as_a_whole(compact, room):
    for usable in (None, total(compact, 1024)):
        room(usable)
        assert chosen(compact, 1024, 1024) is None


@pytest.mark.parametrize("size", [s for s in tile_sizes.SIZES if s < 1024])
def test_a_picture_that_does_not_is_taken_in_the_largest_tiles_that_do(compact, room, size):
    room(total(compact, 2048, size))
    assert chosen(compact, 2048, 2048) == size


def test_where_none_fits_the_smallest_are_taken(compact, room):
    room(1)
    assert chosen(compact, 2048, 2048) == tile_sizes.SIZES[-1]


def test_less_halo_lets_larger_tiles_fit(compact, room):
    room(total(compact, 2048, 256, halo=0))
    assert chosen(compact, 2048, 2048, halo=0) == 256
    assert chosen(compact, 2048, 2048) < 256


def test_the_choice_stays(compact, room):
    """Later changes of memory do not alter it, and a choice taken over from an earlier run is kept."""
    sizes = tile_sizes.TileSizes("auto", None, Some())
    sizes.take({(2048, 1024): 384})
    room(total(compact, 1024))
    assert sizes.of(request_of(compact, 1024, 1024)) is None
    room(1)
    assert sizes.of(request_of(compact, 1024, 1024)) is None
    assert sizes.of(request_of(compact, 2048, 1024)) == 384


def test_a_network_that_cannot_be_cut_is_taken_as_a_whole(room):
    room(1)
    network = small_networks.uncuttable("global_pooling")
    extractor = extractors.FeatureExtractor(network, lambda image: image, layers=["first", "last"])
    for replicas in (Some(), Some(4)):
        assert chosen(extractor, 512, 512, replicas=replicas) is None


@pytest.mark.parametrize("count", [2, 4, 8, 16])
@pytest.mark.parametrize("side", [256, 512, 1024, 4096])
def test_several_replicas_have_tiles_enough(compact, room, count, side):
    """On average more than half of them work, unless the image is too small to be shared."""
    room(None)
    size = chosen(compact, side, side, replicas=Some(count))
    if size is None:
        assert side < 1024
        return
    reach = receptive_field.reach(compact.network)
    number = len(tiles.tiles(side, side, size, reach))
    assert number > 1
    if side >= 1024:
        assert number >= count
        assert -(-number // count) * count < 2 * number


def test_hosts_choose_the_same_though_one_has_less_memory(compact, room):
    """A size that does not fit on another host is not chosen here: the first 0 to 3 choices are refused there."""
    room(None)
    choices = [chosen(compact, 2048, 2048, replicas=Some(4, others=[1.0] * refused)) for refused in range(4)]
    assert len(set(choices)) == 4


@pytest.mark.parametrize(
    ("tile_size", "halo", "message"),
    [
        ("Auto", None, "tile_size must be a number of pixels, 'auto' or None, but 'Auto' was given"),
        (0, None, "tile_size must be a whole number, 1 or more, but 0 was given"),
        (12.5, None, "tile_size must be a whole number"),
        (True, None, "tile_size must be a whole number"),
        (None, 16, "halo=16 has no effect with tile_size=None"),
    ],
)
def test_bad_arguments(tile_size, halo, message):
    with pytest.raises(ValueError, match=message):
        tile_sizes.TileSizes(tile_size, halo, Some())
