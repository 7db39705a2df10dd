"""Many pictures in one process: nothing is traced again, and no memory stays with objects and runs that are gone."""

import gc
import os
import pathlib
import subprocess
import sys
import warnings
import weakref

import numpy as np
import pytest

from nst_keras import callbacks
from nst_keras.engine import layer_memory

ROOT = pathlib.Path(__file__).parents[2]

# A process of its own: what other tests have left is freed or taken at moments that nobody knows.
#
# TensorFlow never frees what it compiles. When each object compiled its own step, it left 22 MiB as a graph and 110 MiB
# with XLA; now it should leave nothing. The bound stands far from both: ten objects may leave 5 MiB each. The process
# is warmed up first, because the allocator and TensorFlow's thread pools take their memory within a few runs.
MEMORY = """
import gc, os, pathlib, sys

import numpy as np

from nst_keras import transfer

def resident():
    gc.collect()
    return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20

def picture():
    return random.integers(0, 256, (48, 48, 3), np.uint8)

def made():
    options = {"optimizer": "lbfgs", "jit_compile": sys.argv[1], "normalization": "relative", "seed": 0}
    style_transfer = transfer.NeuralStyleTransfer(picture(), picture(), "compact", **options)
    style_transfer.fit_style_transfer(1, 2, verbose=0)
    return style_transfer

random = np.random.default_rng(0)
for _ in range(3):
    kept = made()
before = resident()
for _ in range(10):
    kept = made()
after_objects = resident()
for _ in range(20):
    kept.set_images(content_image=picture(), style_image=picture())
    kept.fit_style_transfer(1, 2, verbose=0)
print(before, after_objects, resident(), kept.objective.tracing_count())
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the resident set from Linux's /proc")
@pytest.mark.parametrize("jit_compile", ["false", "true"])
def test_objects_and_swapped_pictures_leave_no_memory_behind(jit_compile):
    command = [sys.executable, "-c", MEMORY, jit_compile]
    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=True)
    before, after_objects, after_swaps, traced = map(float, done.stdout.split())
    assert after_objects - before < 10 * 5
    assert after_swaps - after_objects < 20 * 2
    assert traced == 1


@pytest.mark.parametrize("jit_compile", ["false", pytest.param("true", marks=pytest.mark.slow)])
def test_one_trace_serves_all_pictures_of_a_size(make_transfer, content, style, jit_compile):
    style_transfer = make_transfer(jit_compile=jit_compile, optimizer="lbfgs")
    style_transfer.fit_style_transfer(1, 2, verbose=0)
    traced = style_transfer.objective.tracing_count()
    for _ in range(3):
        content, style = content[:, ::-1], style[::-1]
        style_transfer.set_images(content_image=content, style_image=style)
        style_transfer.fit_style_transfer(1, 2, verbose=0)
    other = make_transfer(style, content, jit_compile=jit_compile, optimizer="lbfgs")
    other.fit_style_transfer(1, 2, verbose=0)
    np.testing.assert_array_equal(style_transfer.image, other.image)
    assert style_transfer.objective.tracing_count() == traced


def test_a_run_gives_way_to_the_next_without_a_garbage_collection(make_transfer):
    style_transfer = make_transfer(optimizer="lbfgs", frame_interval=1)
    frames = style_transfer.fit_style_transfer(1, 2, callbacks=[callbacks.FrameRecorder()], verbose=0)
    state = weakref.ref(style_transfer._session.state)
    frame = weakref.ref(frames[0])
    del frames
    gc.collect()
    gc.disable()
    try:
        style_transfer.fit_style_transfer(1, 1, verbose=0)
        assert state() is None, gc.get_referrers(state())
        assert frame() is None
    finally:
        gc.enable()


def test_what_is_held_of_an_earlier_run_still_tells_of_it(make_transfer, style):
    style_transfer, watch = make_transfer(), callbacks.StepHistory()
    style_transfer.fit_style_transfer(1, 2, callbacks=[watch], verbose=0)
    model, handle, image = watch.model, style_transfer.run, style_transfer.image
    style_transfer.set_images(style_image=style[::-1])
    style_transfer.fit_style_transfer(1, 3, verbose=0)
    np.testing.assert_array_equal(model.image, image)
    assert len(model.history.history["loss"]) == model.step == 2
    assert model.settings["steps_per_epoch"] == 2
    assert model.run is handle
    with pytest.raises(RuntimeError, match="style_weight=2.0 came after the run had ended"):
        handle.set_weights(style_weight=2.0)


def test_weights_are_checked_for_balance_once_for_all_pictures(make_transfer, style):
    style_transfer = make_transfer()

    def warned(**weights):
        style_transfer.set_images(style_image=style[::-1])
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            style_transfer.fit_style_transfer(1, 6, verbose=0, **weights)
        return ["would balance" in str(warning.message) for warning in caught]

    assert warned(content_weight=1e5) == [True]
    assert warned(content_weight=1e5) == []
    assert warned(content_weight=2e5) == [True]
    assert warned(content_weight=2e5, strength=0.5) == [True]


def test_a_run_of_its_own_digests_no_weights(make_transfer, extractor, monkeypatch):
    monkeypatch.setattr(type(extractor), "fingerprint", lambda _: pytest.fail("The network's weights were digested."))
    make_transfer().fit_style_transfer(1, 1, verbose=0)


def test_sizes_and_memory_of_layers_are_found_once_for_a_size(extractor, monkeypatch):
    small = extractor.select(["conv1"])
    expected = small.sizes(37, 41), small.sizes(20, 30), layer_memory.measure(small.network, 37, 41)
    monkeypatch.setattr(type(small), "_computed_sizes", lambda *_: pytest.fail("Keras was asked again."))
    monkeypatch.setattr(layer_memory, "_measured", lambda *_: pytest.fail("Keras was asked again."))
    assert (small.sizes(37, 41), small.sizes(20, 30), layer_memory.measure(small.network, 37, 41)) == expected
    small.sizes(37, 41).clear()
    assert small.sizes(37, 41) == expected[0] == {"conv1": (37, 41)}


def test_kept_memory_figures_keep_no_network(extractor):
    network = extractor.select(["conv1", "conv3"]).network
    layer_memory.measure(network, 37, 41)
    reference = weakref.ref(network)
    del network
    gc.collect()
    assert reference() is None
