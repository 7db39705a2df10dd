"""The stages of a run, made of pictures, layers, weights and a learning rate."""

import numpy as np
import pytest
import tensorflow as tf

from nst_keras import optimizers
from nst_keras.engine import memory_estimate, modes, plan, reading, tile_sizes
from nst_keras.objectives.tiled import evaluator
from nst_keras.runtime import devices, memory, strategies

WEIGHTS = {"style_weight": 1.0, "content_weight": 0.02, "var_weight": 0.0, "alpha_norm_weight": 0.0}
LAYERS = {"style_layers": {"conv1": 0.5, "conv2": 0.5}, "content_layers": {"conv3": 1.0}}


@pytest.fixture
def make(extractor, content, style):
    def build(pictures=None, **options):
        settings = {
            "mode": modes.MODES["transfer"],
            "comparison": {"normalization": "relative", "style_statistic": "gram", "variation": "l1"},
            "optimizer": "adam",
            "averaging": None,
            "lbfgs_history": None,
            "preconditioning": "auto",
            "tiled": tile_sizes.TileSizes(None, None, devices.Replicas(strategies.get("default"))),
            "stage_sizes": (20, 30, 48),
            "jit_compile": "false",
            **LAYERS,
            **options,
        }
        return plan.Problem(pictures or reading.read(style, content), extractor, **settings)

    return build


def test_stages_have_their_pictures_and_ends(make):
    stages = make().stages(None, 10, **WEIGHTS)
    assert [stage.end for stage in stages] == [3, 5, 10]
    assert [stage.pictures.size for stage in stages] == [(20, 17), (30, 25), (48, 40)]
    for stage in stages:
        image = stage.pictures.initial_image
        terms, gradient = stage.objective.value_and_gradient(image)
        assert gradient.shape == image.shape
        assert float(terms.content) == pytest.approx(0.0, abs=1e-9)  # The content image itself.


def test_style_is_compared_with_the_style_at_the_stages_size(make, extractor):
    for stage in make().stages(None, 3, **WEIGHTS):
        (style_image,) = stage.pictures.style_images
        terms, _ = stage.objective.value_and_gradient(stage.pictures.initial_image)
        alone = stage.objective._regions[0].layers["conv1"]["gram"]
        features = extractor(style_image)["conv1"].numpy()
        flat = features.reshape(-1, features.shape[-1])
        np.testing.assert_allclose(alone[0], flat.T @ flat / len(flat), rtol=1e-4)
        assert float(terms.style) > 0


def test_objectives_are_made_once_for_all_runs_that_they_fit(make):
    one = make()
    first = [stage.objective for stage in one.stages(None, 9, **WEIGHTS)]
    again = [stage.objective for stage in one.stages(2.0, 30, **{**WEIGHTS, "style_weight": 3.0})]
    assert first == again
    assert [objective.weights["style"] for objective in again] == [3.0] * 3
    without = [stage.objective for stage in one.stages(None, 9, **{**WEIGHTS, "content_weight": 0.0})]
    assert not set(without) & set(first)


def test_the_optimizer_of_a_single_stage_is_kept_and_those_of_several_are_new(make):
    single = make(stage_sizes=(48,))
    (first,), (again,), (other,) = (single.stages(rate, 9, **WEIGHTS) for rate in (None, None, 2.0))
    assert first.optimizer() is again.optimizer()
    assert first.optimizer() is not other.optimizer()
    stage = make().stages(None, 9, **WEIGHTS)[0]
    assert stage.optimizer() is not stage.optimizer()


@pytest.mark.parametrize(
    ("optimizer", "stage_sizes", "averaging"),
    [("adam", (48,), 0.0), ("adam", (24, 48), 0.99), ("lbfgs", (24, 48), 0.0)],
)
def test_averaging_is_usual_with_adam_in_stages(make, optimizer, stage_sizes, averaging):
    one = make(optimizer=optimizer, stage_sizes=stage_sizes)
    assert one.fingerprint(one.stages(None, 9, **WEIGHTS), None)["averaging"] == averaging


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"averaging": 1}, "averaging must be 0 or more and below 1, but 1 was given"),
        ({"averaging": -0.1}, "averaging must be 0 or more and below 1"),
        ({"averaging": "much"}, "averaging must be a finite number"),
        ({"averaging": 0.9, "optimizer": "lbfgs"}, "averaging=0.9 has no effect here: each of lbfgs's steps is better"),
        ({"stage_sizes": (1, 48)}, "pyramid: its stage of 1 px is too small for small. Take fewer stages"),
    ],
)
def test_bad_arguments(make, options, message):
    with pytest.raises(ValueError, match=message):
        make(**options)


def test_a_style_that_is_too_small_in_the_first_stage_is_named(make, content, style):
    with pytest.raises(ValueError, match="pyramid: its stage of 12 px is too small for small. Take fewer stages"):
        make(reading.read(style[:4, :4], content), stage_sizes=(12, 48))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 2}, "pyramid has 3 stages, but epochs and steps_per_epoch make 2 steps"),
        ({"style_weight": 0.0, "content_weight": 0.0}, "style_weight and content_weight are both 0"),
        ({"alpha_norm_weight": -1.0}, "alpha_norm_weight must be 0 or more"),
        ({"learning_rate": -1.0}, "learning_rate must be above 0"),
    ],
)
def test_bad_arguments_of_a_run(make, changes, message):
    with pytest.raises(ValueError, match=message):
        make().stages(**{"learning_rate": None, "steps": 9, **WEIGHTS, **changes})


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("transfer", (1.0, 0.02)),
        ("texture", (1.0, 0.0)),
        ("content_reconstruction", (0.0, 0.02)),
    ],
)
def test_the_usual_weights_are_those_of_the_modes_terms(make, style, content, mode, expected):
    has = modes.MODES[mode]
    pictures = reading.read(style if has.style else None, content if has.content else None, mode=mode)
    one = make(pictures, mode=has, stage_sizes=(max(pictures.size),))
    (stage,) = one.stages(None, 9, **dict.fromkeys(WEIGHTS))
    assert (stage.objective.weights["style"], stage.objective.weights["content"]) == expected


@pytest.mark.parametrize(
    ("mode", "preconditioning", "expected"),
    [
        ("transfer", "auto", 0.5),
        ("content_reconstruction", "auto", 0.5),
        ("texture", "auto", 0.0),
        ("style_reconstruction", "auto", 0.0),
        ("texture", 0.3, 0.3),
    ],
)
def test_what_has_no_content_is_preconditioned_only_if_asked_for(make, mode, preconditioning, expected):
    one = make(mode=modes.MODES[mode], optimizer="lbfgs", preconditioning=preconditioning)
    assert one.fingerprint(one.stages(None, 9, **dict.fromkeys(WEIGHTS)), None)["preconditioning"] == expected


def test_the_fingerprint_tells_a_pyramids_sizes_and_ends(make):
    one, single = make(), make(stage_sizes=(48,))
    assert one.fingerprint(one.stages(None, 10, **WEIGHTS), None)["pyramid"] == [[20, 3], [30, 5], [48, 10]]
    assert "pyramid" not in single.fingerprint(single.stages(None, 10, **WEIGHTS), None)


def test_short_stages_are_left_to_the_graph_and_a_single_one_is_not(make):
    """A compilation by XLA would take longer than the steps that it speeds up."""
    assert make(jit_compile="auto")._jit_mode(make().pictures, 100) == "false"
    assert make(jit_compile="auto")._jit_mode(make().pictures, 10**6) == "auto"
    assert make(jit_compile="auto", stage_sizes=(48,))._jit_mode(make().pictures, 100) == "auto"
    assert make(jit_compile="true")._jit_mode(make().pictures, 100) == "true"


def test_other_pictures_of_the_same_content_start_elsewhere(make):
    one = make()
    before = one.stages(None, 9, **WEIGHTS)
    one.take(one.pictures._replace(init="noise", seed=4))
    after = one.stages(None, 9, **WEIGHTS)
    assert [stage.objective for stage in before] == [stage.objective for stage in after]
    for old, new in zip(before, after, strict=True):
        assert float(tf.norm(old.pictures.initial_image - new.pictures.initial_image)) > 0


def test_the_memory_of_a_run_is_that_of_its_last_stage(make):
    need = make().need()
    assert (need.height, need.width, need.style_size) == (48, 40, (36, 44))
    assert isinstance(optimizers.get(need.optimizer), optimizers.KerasOptimizer)


def auto(count=1):
    replicas = devices.Replicas(strategies.get("default"))
    replicas.count = count
    return tile_sizes.TileSizes("auto", None, replicas)


def only_tiles_fit(monkeypatch, largest=None):
    monkeypatch.setattr(memory, "available_memory", lambda: memory.Available("this machine", 2**34, 2**30))

    def estimate(request):
        needs = 2**31 if request.tile_size is None or request.tile_size > (largest or 128) else 2**29
        return memory_estimate.MemoryEstimate(needs, 0, 0, 0, 0)

    monkeypatch.setattr(memory_estimate, "estimate", estimate)


def test_stages_are_taken_in_tiles_where_that_is_asked_for(make):
    """Each by an objective and an optimizer made for it."""
    tiled = tile_sizes.TileSizes(16, 4, devices.Replicas(strategies.get("default")))
    one = make(tiled=tiled)
    stages = one.stages(None, 9, **WEIGHTS)
    assert {type(stage.objective) for stage in stages} == {evaluator.TiledObjective}
    assert one.tile_sizes() == [16, 16, 16]
    assert (one.need().tile_size, one.need().halo) == (16, 4)
    fingerprint = one.fingerprint(stages, None)
    assert (fingerprint["tile_size"], fingerprint["halo"]) == ([16, 16, 16], 4)
    assert (make().need().tile_size, make().need().halo) == (None, None)


def test_a_stage_that_fits_is_taken_as_a_whole_and_one_that_does_not_in_tiles(make, monkeypatch):
    def estimate(request):
        is_too_large = request.height > 40 and request.tile_size is None
        return memory_estimate.MemoryEstimate(2**31 if is_too_large else 2**29, 0, 0, 0, 0)

    monkeypatch.setattr(memory, "available_memory", lambda: memory.Available("this machine", 2**34, 2**30))
    monkeypatch.setattr(memory_estimate, "estimate", estimate)
    one = make(tiled=auto())
    assert one.tile_sizes() == [None, None, 1024]
    kinds = [isinstance(stage.objective, evaluator.TiledObjective) for stage in one.stages(None, 9, **WEIGHTS)]
    assert kinds == [False, False, True]


def test_tiles_of_an_earlier_run_win_over_what_would_be_chosen_now(make, monkeypatch):
    one = make(tiled=auto())
    assert one.tile_sizes() == [None] * 3
    one.take_tile_sizes([None, 16, 32])
    only_tiles_fit(monkeypatch)
    assert one.tile_sizes() == [None, 16, 32]
    explicit = make(tiled=tile_sizes.TileSizes(16, None, devices.Replicas(strategies.get("default"))))
    explicit.take_tile_sizes([None, None, None])
    assert explicit.tile_sizes() == [16] * 3


@pytest.mark.parametrize(
    ("tile_size", "halo", "message"),
    [
        (1, None, "tile_size must be a whole number, 2 or more, but 1 was given"),
        (16, 3, "halo must be a multiple of 2, but 3 was given"),
        ("auto", 3, "halo must be a multiple of 2, but 3 was given"),
    ],
)
def test_tiles_that_do_not_go_with_the_network_are_refused_at_once(make, tile_size, halo, message):
    tiled = tile_sizes.TileSizes(tile_size, halo, devices.Replicas(strategies.get("default")))
    with pytest.raises(ValueError, match=message):
        make(tiled=tiled)
