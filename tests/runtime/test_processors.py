import pytest
import tensorflow as tf

from nst_keras.runtime import processors


@pytest.fixture
def processor(monkeypatch):
    """`processor(seconds, *devices)` makes this one take so long for half precision, and 1 for float32."""

    def having(seconds, *devices):
        processors.has_instructions_for.cache_clear()
        monkeypatch.setattr(processors, "_seconds", lambda dtype: 1.0 if dtype == "float32" else seconds)
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [kind] if kind in devices else [])

    yield having
    processors.has_instructions_for.cache_clear()


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize(("seconds", "expected"), [(0.5, True), (1.5, True), (7.0, False)])
def test_instructions_show_in_the_time(processor, dtype, seconds, expected):
    processor(seconds)
    assert processors.has_instructions_for(dtype) is expected


def test_there_are_none_for_what_is_no_half_precision(processor):
    processor(0.5)
    assert not processors.has_instructions_for("float32")
    assert not processors.has_instructions_for("float64")


@pytest.mark.parametrize("device", ["GPU", "TPU"])
def test_an_accelerator_does_the_work(processor, device):
    processor(0.5, device)
    assert not processors.has_instructions_for("bfloat16")


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_what_is_timed_is_of_the_type_asked_for(monkeypatch, dtype):
    seen, gradient = [], tf.nn.conv2d_transpose

    def watched(upstream, kernel, *arguments, **settings):
        seen.extend([upstream.dtype, kernel.dtype])
        return gradient(upstream, kernel, *arguments, **settings)

    monkeypatch.setattr(tf.nn, "conv2d_transpose", watched)
    assert processors._seconds(dtype) > 0
    assert set(seen) == {tf.as_dtype(dtype)}
