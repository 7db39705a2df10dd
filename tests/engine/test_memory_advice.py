import re
import warnings

import pytest
import tensorflow as tf

from nst_keras.engine import memory_advice, memory_estimate
from nst_keras.images import resizing
from nst_keras.runtime import memory

GIB = 2**30


@pytest.fixture(scope="module")
def networks():
    return {name: memory_estimate.extractor_of(name) for name in ("vgg19", "compact")}


def request_of(height, width, extractor="vgg19", optimizer="adam", **settings):
    return memory_estimate.MemoryRequest(
        height=height, width=width, extractor=extractor, optimizer=optimizer, **settings
    )


@pytest.fixture
def usable(monkeypatch):
    """Sets the usable memory in GiB, on a machine of 16; None for a machine that does not tell."""

    def set_to(gibibytes):
        found = None if gibibytes is None else memory.Available("this machine", 16 * GIB, int(gibibytes * GIB))
        monkeypatch.setattr(memory, "available_memory", lambda: found)

    return set_to


@pytest.mark.parametrize("jit_compile", ["true", "false"])
@pytest.mark.parametrize("size", [(512, 512), (384, 512), (700, 300)])
def test_the_largest_size_fits_and_the_next_does_not(networks, size, jit_compile):
    room = 3 * GIB
    request = request_of(*size, networks["vgg19"], "lbfgs", jit_compile=jit_compile, frames=9)
    largest = memory_advice.largest_image_size(room, request)
    totals = []
    for longest in (largest, largest + 1):
        resized = resizing.resize(tf.zeros([1, *size, 3]), longest, enlarge=True).shape[1:3]
        run = memory_estimate.estimate_memory(*resized, networks["vgg19"], "lbfgs", jit_compile=jit_compile, frames=9)
        totals.append(run.total)
    assert totals[0] <= room < totals[1]


@pytest.mark.slow
def test_the_style_image_is_reduced_with_the_size(networks):
    sizes = [
        memory_advice.largest_image_size(3 * GIB, request_of(512, 512, networks["vgg19"], style_size=style))
        for style in (None, (512, 512), (512, 2048), (64, 48))
    ]
    assert sizes[0] == memory_advice.largest_image_size(3 * GIB, request_of(100, 100, networks["vgg19"]))
    assert sizes[2] <= sizes[0] <= sizes[3]


def test_where_nothing_fits(networks):
    assert memory_advice.largest_image_size(GIB // 4, request_of(512, 512, networks["vgg19"])) is None


def test_the_first_line(networks, usable):
    usable(10)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        line = memory_advice.check_memory(request_of(384, 512, networks["vgg19"], "lbfgs"))
        assert re.fullmatch(
            r"512x384 px, vgg19 in float32, lbfgs: expected peak memory 2\.\d GiB of this machine's 16\.0 GiB\.", line
        )
        usable(None)
        assert re.fullmatch(
            r"96x96 px, compact, adam: .* memory 1\.\d GiB\.", memory_advice.check_memory(request_of(96, 96, "compact"))
        )


def test_a_run_that_does_not_fit_is_warned_of_with_all_that_would(networks, usable):
    usable(4)
    with pytest.warns(UserWarning, match="1200x1200 px, vgg19 in float32, adam: expected peak memory 5") as caught:
        memory_advice.check_memory(request_of(1200, 1200, networks["vgg19"]))
    message = str(caught[0].message)
    assert "this machine has only 4.0 GiB for it" in message
    assert 'At this size, jit_compile="false" or tile_size=128 or extractor="compact" would fit.' in message
    size = int(re.search(r"image_size=(\d+) would fit", message)[1])
    assert size < 1200
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        memory_advice.check_memory(request_of(size, size, networks["vgg19"]))


@pytest.mark.slow
def test_only_settings_that_suffice_and_apply_are_named(networks, extractor, usable):
    totals = [
        memory_estimate.estimate_memory(900, 900, networks["compact"], jit_compile=m).total for m in ("false", "true")
    ]
    usable(sum(totals) / 2 / GIB)
    with pytest.warns(UserWarning, match='would fit. At this size, jit_compile="false" or tile_size=128 would fit.$'):
        memory_advice.check_memory(request_of(900, 900, networks["compact"]))
    with pytest.warns(UserWarning, match=r"image_size=\d+ would fit.$"):
        memory_advice.check_memory(request_of(9000, 9000, networks["vgg19"], jit_compile=False))
    with pytest.warns(UserWarning, match=r"image_size=\d+ would fit.$"):
        memory_advice.check_memory(request_of(9000, 9000, extractor))  # Its layers are not those of compact.


def test_a_machine_too_small_for_any_picture(networks, usable):
    usable(0.7)
    with pytest.warns(UserWarning, match="No image size would fit: free some memory."):
        memory_advice.check_memory(request_of(512, 512, networks["vgg19"]))
    usable(1.05)
    with pytest.warns(UserWarning, match='it. At this size, jit_compile="false" would fit.'):
        memory_advice.check_memory(request_of(128, 128, networks["vgg19"]))


def resource_exhausted():
    return tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor with shape[1,64,4096,4096]")


@pytest.mark.parametrize(
    "error",
    [
        resource_exhausted(),
        MemoryError(),
        tf.errors.InternalError(None, None, "Out of memory allocating 1073741824 bytes."),
        RuntimeError("RESOURCE_EXHAUSTED: Failed to allocate request for 4.00GiB"),
    ],
)
def test_running_out_of_memory_names_a_size_that_fits(networks, usable, error):
    usable(3)
    message = memory_advice.out_of_memory_message(error, request_of(768, 1024, networks["vgg19"], "lbfgs"))
    assert re.match(r"1024x768 px, vgg19 in float32, lbfgs: out of memory. image_size=\d+ would fit.", message)
    assert "\n" not in message


@pytest.mark.parametrize("gibibytes", [100, None])
def test_an_estimate_that_the_run_refuted_is_no_guide(networks, usable, gibibytes):
    usable(gibibytes)
    message = memory_advice.out_of_memory_message(resource_exhausted(), request_of(1024, 1024, networks["vgg19"]))
    assert 600 < int(re.search(r"image_size=(\d+)", message)[1]) < 1000


@pytest.mark.parametrize(
    "error",
    [
        ValueError("out of memory"),
        tf.errors.InternalError(None, None, "no kernel"),
        tf.errors.ResourceExhaustedError(None, None, "/tmp/full/events; No space left on device"),
        tf.errors.ResourceExhaustedError(None, None, "/home/kept/state; Disk quota exceeded"),
        KeyError("x"),
    ],
)
def test_other_errors_are_left_alone(error):
    assert memory_advice.out_of_memory_message(error, request_of(512, 512)) is None
