import dataclasses
import inspect
import itertools

import keras
import pytest

from nst_keras.engine import memory_estimate
from nst_keras.networks import extractors
from nst_keras.networks.layers import xla_forms
from tests.conftest import centred

LAYERS = ("block1_conv1", "block2_conv1", "block3_conv1")


@pytest.fixture(scope="module")
def compact():
    return memory_estimate.extractor_of("compact")


def estimate(network, height=256, width=256, optimizer="adam", **settings):
    return memory_estimate.estimate_memory(height, width, network, optimizer, on_gpu=False, **settings)


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
@pytest.mark.parametrize("jit_compile", ["true", "false"])
def test_it_grows_linearly_with_the_pixels(compact, optimizer, jit_compile):
    totals = [estimate(compact, 256 * n, 256, optimizer, jit_compile=jit_compile, frames=3).total for n in (1, 2, 3, 4)]
    growths = [after - before for before, after in itertools.pairwise(totals)]
    assert growths[0] > 0
    assert growths == pytest.approx([growths[0]] * 3, rel=1e-6)


def test_it_never_falls_from_one_size_to_the_next(compact):
    totals = [estimate(compact, side, side).total for side in range(64, 100)]
    assert totals == sorted(totals)


def test_height_and_width_count_alike(compact):
    assert estimate(compact, 384, 512) == estimate(compact, 512, 384)


def test_what_backpropagation_keeps_of_a_small_network(extractor):
    """The network: conv1 of 8 channels; pool1; conv2 and conv3 of 12, at a quarter of the pixels; all float32."""
    cut = extractor.select(["conv1", "conv3"])
    pixels, quarter = 40 * 60, 20 * 30
    kept = 8 * pixels * 2 + 8 * quarter + 12 * quarter + 12 * quarter * 2  # Outputs count twice.
    graph = estimate(cut, 40, 60, jit_compile="false")
    assert graph.features == int(1.25 * 4 * kept)
    targets = 3 * pixels + 2 * 8 * pixels
    assert estimate(cut, 40, 60, jit_compile="true").features == 4 * (kept + targets)


@pytest.mark.parametrize(
    ("pooling", "with_xla", "without"), [("max", 2, 1), ("avg", 0, 0), ("avg_scaled", 0, 0), ("l2", 2, 2)]
)
def test_what_backpropagation_keeps_of_a_pooling(model, pooling, with_xla, without):
    """pool1 has 8 channels at a quarter of the pixels; beside it stand conv1, conv2 and conv3, the output."""
    pixels, quarter = 40 * 60, 20 * 30
    features = {}
    for mode in ("true", "false"):
        cut = extractors.FeatureExtractor(model, centred, layers=["conv3"], pooling=pooling, for_xla=mode == "true")
        features[mode] = estimate(cut, 40, 60, jit_compile=mode).features
    others = 8 * pixels + 12 * quarter * 3
    assert features["false"] == int(1.25 * 4 * (others + without * 8 * quarter))
    targets = 3 * pixels + 2 * 8 * pixels
    assert features["true"] == 4 * (others + with_xla * 8 * quarter + targets)


def test_winograd_counts_with_xla_alone(compact):
    kernels = 4 * sum(
        36 * layer.kernel.shape[2] * layer.filters
        for layer in compact.network.layers
        if isinstance(layer, xla_forms.WinogradConv2D)
    )
    with_xla, without = (estimate(compact, jit_compile=mode) for mode in ("auto", "false"))
    assert kernels > 0
    assert with_xla.network - without.network == kernels
    assert with_xla.process > without.process


def test_fewer_layers_take_less(compact):
    assert estimate(compact, layers=LAYERS).total < estimate(compact).total


def test_a_network_by_name_is_that_of_the_extractor(compact):
    assert estimate("compact") == estimate(compact)


def test_compact_takes_less_than_vgg19(compact):
    assert estimate(compact, layers=LAYERS).total < estimate("vgg19", layers=LAYERS).total


def test_a_larger_style_image_counts(compact):
    same, larger = (estimate(compact, style_size=size) for size in ((256, 256), (2000, 2000)))
    assert same == estimate(compact)
    assert larger.features > same.features


def test_frames_and_the_history_count(compact):
    assert estimate(compact, frames=10).total - estimate(compact).total == 10 * 256 * 256 * 3
    assert estimate(compact, optimizer="lbfgs").images > estimate(compact, optimizer="adam").images
    assert estimate(compact, optimizer=keras.optimizers.SGD()) == estimate(compact, optimizer="adam")


def test_a_gpu_holds_neither_the_process_nor_the_frames(compact):
    on_gpu = memory_estimate.estimate_memory(256, 256, compact, on_gpu=True, frames=10)
    assert (on_gpu.process, on_gpu.frames) == (0, 0)
    assert on_gpu.total < estimate(compact).total


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 256, "compact"), "height must be a whole number"),
        ((256, 256, "compct"), "Did you mean 'compact'"),
        ((256, 256, "compact", "adm"), "Did you mean 'adam'"),
        ((8, 256, "compact"), "the image is 256x8 px, but compact with these layers needs at least 16x16 px"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        memory_estimate.estimate_memory(*arguments)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"jit_compile": "yes"}, "jit_compile='yes' is not known"),
        ({"frames": -1}, "frames must be a whole number"),
        ({"layers": ["block9_conv1"]}, "block9_conv1"),
    ],
)
def test_bad_settings(compact, settings, message):
    with pytest.raises(ValueError, match=message):
        estimate(compact, **settings)


def test_a_style_image_too_small_is_named(compact):
    with pytest.raises(ValueError, match="the style image is 256x8 px"):
        estimate(compact, style_size=(8, 256))


def test_a_request_has_the_arguments_of_the_public_function():
    parameters = inspect.signature(memory_estimate.estimate_memory).parameters.values()
    fields = dataclasses.fields(memory_estimate.MemoryRequest)
    assert [field.name for field in fields] == [parameter.name for parameter in parameters]
    missing = {dataclasses.MISSING: inspect.Parameter.empty}
    defaults = [missing.get(field.default, field.default) for field in fields]
    assert defaults == [parameter.default for parameter in parameters]


def test_a_request_is_checked_once_and_stays(compact):
    request = memory_estimate.MemoryRequest(height=256, width=256, extractor=compact, on_gpu=False, frames=3)
    assert memory_estimate.estimate(request) == estimate(compact, frames=3)
    with pytest.raises(dataclasses.FrozenInstanceError):
        request.frames = 4
    with pytest.raises(ValueError, match="width must be a whole number, 1 or more, but 0 was given"):
        dataclasses.replace(request, width=0)


def test_layers_may_be_any_iterable(compact):
    assert estimate(compact, layers=iter(LAYERS)) == estimate(compact, layers=LAYERS)


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_in_tiles_memory_grows_by_the_pictures_own_images_alone(compact, optimizer):
    """The windows of all these sizes have one shape, because each image has inner tiles."""
    sizes, settings = (1024, 2048, 4096), {"tile_size": 256, "style_size": (512, 512)}
    estimates = [estimate(compact, side, side, optimizer, **settings) for side in sizes]
    images = [of_size.images / side**2 for of_size, side in zip(estimates, sizes, strict=True)]
    assert images == pytest.approx([images[0]] * 3)
    assert max(of_size.features for of_size in estimates) < 1.2 * min(of_size.features for of_size in estimates)
    assert {(of_size.process, of_size.network) for of_size in estimates} == {estimates[0][:2]}
    whole = estimate(compact, 4096, 4096, optimizer, style_size=(512, 512))
    assert estimates[-1].features < whole.features / 50
    assert estimates[-1].total < whole.total / 2


def test_smaller_tiles_and_less_halo_take_less(compact):
    sizes = [{"tile_size": 512}, {"tile_size": 256}, {"tile_size": 128}, {"tile_size": 128, "halo": 16}]
    features = [estimate(compact, 2048, 2048, **size).features for size in sizes]
    assert features == sorted(features, reverse=True)
    assert len(set(features)) == 4


def test_style_images_are_taken_in_tiles_too(compact):
    settings = {"tile_size": 256, "style_size": (4096, 4096)}
    assert estimate(compact, 512, 512, **settings).features < estimate(compact, 512, 512).features


def test_fewer_pairs_to_remember_take_less(compact):
    few, usual = (estimate(compact, optimizer="lbfgs", lbfgs_history=history) for history in (3, None))
    assert usual.images - few.images == 7 * 2 * 256 * 256 * 3 * 4


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"tile_size": 8}, "tile_size must be a whole number, 16 or more, but 8 was given"),
        ({"tile_size": 128, "halo": 20}, "halo must be a multiple of 16, the stride of compact, but 20 was given"),
        ({"tile_size": 128, "lbfgs_history": 0}, "lbfgs_history must be a whole number"),
    ],
)
def test_bad_tiles(compact, settings, message):
    with pytest.raises(ValueError, match=message):
        estimate(compact, optimizer="lbfgs", **settings)
