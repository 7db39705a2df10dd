"""The tiles of a picture, for many sizes and networks."""

import itertools

import numpy as np
import pytest

from nst_keras.networks import receptive_field
from nst_keras.objectives.tiled import tiles

REACHES = [
    receptive_field.Reach(stride, halo * stride, alignment * stride)
    for stride, halo, alignment in itertools.product((1, 2, 6, 16), (0, 1, 5), (1, 2))
]
SIDES = [*range(1, 40), 67, 93, 96, 127, 128, 129, 333, 512, 517, 1000]


def many():
    for reach, side in itertools.product(REACHES, SIDES):
        for tile_size in {reach.stride, 3 * reach.stride, 50, 128, 1000}:
            if tile_size >= reach.stride:
                yield side, tile_size, reach, tiles.spans(side, tile_size, reach)


def test_the_tiles_share_out_the_picture():
    """Without gap or overlap, and none is empty."""
    for side, tile_size, reach, spans in many():
        ends = [end for span in spans for end in span.own]
        assert ends[0] == 0
        assert ends[-1] == side
        assert ends[1:-1:2] == ends[2::2], (side, tile_size, reach)
        assert all(span.own[0] < span.own[1] for span in spans)


def test_the_windows_are_of_one_length_and_aligned():
    for side, _, reach, spans in many():
        assert len({span.length for span in spans}) == 1
        assert all(span.start % reach.alignment == 0 for span in spans)
        assert all(0 <= span.start <= side - span.length for span in spans)
        assert (side - spans[0].length) % reach.alignment == 0


def test_each_window_shows_its_tile_and_the_halo():
    for side, _, reach, spans in many():
        for span in spans:
            first, end = span.own
            assert span.start <= max(0, first - reach.halo)
            assert span.start + span.length >= min(side, end + reach.halo)


def test_tiles_begin_at_multiples_of_the_stride():
    assert all(span.own[0] % reach.stride == 0 for _, _, reach, spans in many() for span in spans)


def test_there_are_as_many_tiles_as_asked_for_at_most():
    """And windows are not larger than need be: a shorter one would not do."""
    for side, tile_size, reach, spans in many():
        count = -(-side // tile_size)
        assert len(spans) <= count
        if len(spans) > 1 and (shorter := spans[0].length - reach.alignment) > 0:
            step = (shorter // reach.stride * reach.stride - 2 * reach.halo) // reach.alignment * reach.alignment
            assert (count - 1) * step < side - shorter


def test_a_tile_as_large_as_the_picture_is_the_picture():
    reach = receptive_field.Reach(16, 80, 32)
    for tile_size in (100, 1000):
        ((rows, columns),) = tiles.tiles(100, 60, tile_size, reach)
        assert (rows, columns) == (tiles.Span(0, 100, (0, 100)), tiles.Span(0, 60, (0, 60)))


def test_tiles_come_row_by_row():
    made = tiles.tiles(300, 200, 64, receptive_field.Reach(4, 8, 4))
    assert made == sorted(made, key=lambda tile: (tile.rows.start, tile.columns.start))
    covered = np.zeros([1, 300, 200, 3])
    for tile in made:
        assert covered[tile.window].shape == (1, made[0].rows.length, made[0].columns.length, 3)
        covered[:, slice(*tile.rows.own), slice(*tile.columns.own)] += 1
    assert np.all(covered == 1)


@pytest.mark.parametrize(("locations_of", "stride"), [((lambda n: n // 4), 4), ((lambda n: -(-n // 4)), 4)])
@pytest.mark.parametrize("side", [67, 93, 128, 333])
@pytest.mark.parametrize("missing", [0, 3])
def test_crops_share_out_the_locations_of_a_layer(locations_of, stride, side, missing):
    """With padding or without, which leaves a few locations fewer at the end, of the whole and of a window alike."""
    spans = tiles.spans(side, 40, receptive_field.Reach(8, 16, 8))
    locations, in_window = (locations_of(length) - missing for length in (side, spans[0].length))
    counted = np.zeros(locations)
    crops = [tiles.crop(span, spans, stride, locations=locations, in_window=in_window) for span in spans]
    assert len({len(crop.own) for crop in crops}) == 1
    for span, crop in zip(spans, crops, strict=True):
        assert crop.origin == crop.start + span.start // stride
        assert 0 <= crop.start <= in_window - len(crop.own)
        assert set(crop.own) <= {0, 1}
        assert crop.own.dtype == np.float32
        counted[crop.origin : crop.origin + len(crop.own)] += crop.own
    assert np.all(counted == 1)
