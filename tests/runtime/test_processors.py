import pathlib
import types

import pytest
import tensorflow as tf

from nst_keras.runtime import processors

is_fast_in_bfloat16 = processors.is_fast_in_bfloat16  # Before a fixture for all tests replaces it.

ZEN_4 = "processor\t: 0\nflags\t\t: fpu avx512f avx512_bf16 avx512_vnni\nbogomips : 1\n"
SAPPHIRE_RAPIDS = "flags\t\t: fpu avx512f avx512_fp16 amx_bf16 amx_tile\n"
HASWELL = "model name : no avx512_bf16\nflags\t\t: fpu avx2\n"
GRAVITON = "Features\t: fp asimd bf16\n"


@pytest.fixture
def machine(monkeypatch):
    """`machine(text, gpus=..., tpus=...)` makes this one's /proc/cpuinfo hold a text, and gives it accelerators.

    A GPU is given by its compute capability, or None.
    """

    def having(text, *, gpus=(), tpus=0):
        devices = {"GPU": [types.SimpleNamespace(capability=one) for one in gpus], "TPU": [None] * tpus}
        monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: devices[kind])
        details = {"device_name": "a GPU"}
        monkeypatch.setattr(
            tf.config.experimental,
            "get_device_details",
            lambda gpu: {**details, "compute_capability": gpu.capability} if gpu.capability else details,
        )

        def read_text(path, **_):
            assert str(path) == "/proc/cpuinfo"
            if text is None:
                raise FileNotFoundError
            return text

        monkeypatch.setattr(pathlib.Path, "read_text", read_text)
        processors._flags.cache_clear()

    for variable in ("TF_ENABLE_ONEDNN_OPTS", "ONEDNN_MAX_CPU_ISA"):
        monkeypatch.delenv(variable, raising=False)
    yield having
    processors._flags.cache_clear()


@pytest.mark.parametrize(
    ("text", "bfloat16", "float16"),
    [
        (ZEN_4, True, False),
        (SAPPHIRE_RAPIDS, True, True),
        (HASWELL, False, False),
        (GRAVITON, False, False),
        (None, False, False),
    ],
)
def test_the_processors_own_flags_decide(machine, text, bfloat16, float16):
    machine(text)
    assert processors.has_instructions_for("bfloat16") is is_fast_in_bfloat16() is bfloat16
    assert processors.has_instructions_for("float16") is float16
    assert not processors.has_instructions_for("float32")


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("TF_ENABLE_ONEDNN_OPTS", "0", False),
        ("TF_ENABLE_ONEDNN_OPTS", "1", True),
        ("ONEDNN_MAX_CPU_ISA", "AVX512_CORE", False),
        ("ONEDNN_MAX_CPU_ISA", "AVX2", False),
        ("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_AMX", True),
        ("ONEDNN_MAX_CPU_ISA", "avx512_core_bf16", True),
        ("ONEDNN_MAX_CPU_ISA", "ALL", True),
    ],
)
def test_instructions_that_the_environment_forbids_do_not_count(machine, monkeypatch, variable, value, expected):
    machine(ZEN_4)
    monkeypatch.setenv(variable, value)
    assert processors.has_instructions_for("bfloat16") is expected


@pytest.mark.parametrize(
    ("accelerators", "expected"),
    [
        ({"gpus": [(8, 0)]}, True),
        ({"gpus": [(9, 0), (7, 5)]}, False),
        ({"gpus": [None]}, False),
        ({"tpus": 1}, True),
    ],
)
def test_accelerators_do_the_work_in_the_processors_place(machine, accelerators, expected):
    for text in (ZEN_4, HASWELL):
        machine(text, **accelerators)
        assert not processors.has_instructions_for("bfloat16")
        assert is_fast_in_bfloat16() is expected


def test_a_limit_may_leave_one_half_precision_alone(machine, monkeypatch):
    machine(SAPPHIRE_RAPIDS)
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_BF16")
    assert processors.has_instructions_for("bfloat16")
    assert not processors.has_instructions_for("float16")


def test_processors_are_counted():
    assert processors.count() >= 1
