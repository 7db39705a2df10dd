import pytest

from nst_keras.engine import compile_cost
from nst_keras.runtime import processors


@pytest.fixture
def with_processors(monkeypatch):
    def having(number, *, accelerator=False):
        monkeypatch.setattr(processors, "count", lambda: number)
        monkeypatch.setattr(processors, "has_accelerator", lambda: accelerator)

    return having


def least_steps(network, side):
    """The number of steps from which compiling pays."""
    return next(steps for steps in range(10**5) if compile_cost.pays(network, (side, side), steps))


def test_compiling_pays_where_steps_are_many_large_or_dear(with_processors):
    with_processors(2)
    assert not compile_cost.pays("vgg19", (256, 256), 0)
    assert least_steps("vgg19", 256) == pytest.approx(4 * least_steps("vgg19", 512), abs=4)
    assert least_steps("compact", 256) > 2 * least_steps("vgg19", 256)
    assert not compile_cost.pays("inception_v3", (1024, 1024), 10**6)
    for network in ("vgg16", "a network of one's own"):
        assert least_steps(network, 256) >= least_steps("vgg19", 256)


def test_a_step_saves_less_where_more_processors_share_it(with_processors):
    with_processors(2)
    on_two = least_steps("vgg19", 256)
    with_processors(8)
    assert least_steps("vgg19", 256) == pytest.approx(4 * on_two, abs=4)


def test_accelerators_always_compile(with_processors):
    with_processors(2, accelerator=True)
    assert compile_cost.pays("vgg19", (32, 32), 1)
