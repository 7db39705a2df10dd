"""The plan of a run, and its stages made ready: of pictures, layers, weights and a learning rate."""

import numpy as np
import pytest
import tensorflow as tf

from nst_keras import optimizers, settings
from nst_keras.engine import choices, compiled, memory_estimate, memory_requests, plan, setup
from nst_keras.runtime import devices, memory, strategies

WEIGHTS = {"style_weight": 1.0, "content_weight": 0.02}


class Runs:
    """Runs of one setup."""

    def __init__(self, given):
        replicas = devices.Replicas(strategies.get("default"))
        self.setup = setup.prepare(choices.made(given, replicas), replicas)
        self.compiled = compiled.Compiled()

    def plan(self, steps=9, **options):
        return plan.make(self.setup, settings.FitSettings(epochs=1, steps_per_epoch=steps, **{**WEIGHTS, **options}))

    def objectives(self, steps=9, **options):
        """Yields the stages, each with its objective, which the next stage may use in its turn."""
        made = self.plan(steps, **options)
        for stage in made.stages:
            yield stage, self.compiled.objective(made, stage)

    def optimizer(self, **options):
        made = self.plan(**options)
        return self.compiled.optimizer(made, made.stages[0])

    def tile_sizes(self):
        return [stage.tile_size for stage in self.plan().stages]

    def request(self):
        pictures = self.setup.pictures
        return memory_requests.of(self.setup, pictures, tile_size=self.tile_sizes()[-1])


@pytest.fixture
def make(extractor, content, style):
    """Makes runs of the small network and pictures, of any options."""

    def build(**options):
        given = {
            "style_image": style,
            "content_image": content,
            "extractor": extractor,
            "style_layers": {"conv1": 0.5, "conv2": 0.5},
            "content_layers": {"conv3": 1.0},
            "normalization": "relative",
            "tile_size": None,
            "pyramid": [20, 30],
            "jit_compile": "false",
            "seed": 0,
            **options,
        }
        defaults = {field.name: field.default for field in settings.fields(settings.TransferSettings)}
        return Runs(settings.built(settings.TransferSettings, lambda name: {**defaults, **given}[name]))

    return build


def test_stages_have_their_pictures_and_ends(make):
    stages = make().plan(10).stages
    assert [stage.end for stage in stages] == [3, 5, 10]
    assert [stage.pictures.size for stage in stages] == [(20, 17), (30, 25), (48, 40)]
    for stage, objective in make().objectives(10):
        image = stage.pictures.initial_image
        terms, gradient = objective.value_and_gradient(image)
        assert gradient.shape == image.shape
        assert float(terms.content) == pytest.approx(0.0, abs=1e-9)  # The content image itself.


def test_style_is_compared_with_the_style_at_the_stages_size(make, extractor):
    for stage, objective in make().objectives(3):
        (style_image,) = stage.pictures.style_images
        terms, _ = objective.value_and_gradient(stage.pictures.initial_image)
        alone = objective.targets.style[0].layers["conv1"]["gram"]
        features = extractor(style_image)["conv1"].numpy()
        flat = features.reshape(-1, features.shape[-1])
        np.testing.assert_allclose(alone[0], flat.T @ flat / len(flat), rtol=1e-4)
        assert float(terms.style) > 0


def test_objectives_are_made_once_for_all_runs_that_they_fit(make):
    one = make()
    first = [objective for _, objective in one.objectives()]
    again = [objective for _, objective in one.objectives(30, learning_rate=2.0, style_weight=3.0)]
    assert first == again
    assert len(set(first)) == 1  # A graph takes pictures of any size.
    assert [objective.weights["style"] for objective in again] == [3.0] * 3
    without = [objective for _, objective in one.objectives(content_weight=0.0)]
    assert not set(without) & set(first)


def test_the_optimizer_of_a_single_stage_is_kept_and_those_of_several_are_new(make):
    single = make(pyramid=None)
    first, again, other = (single.optimizer(learning_rate=rate) for rate in (None, None, 2.0))
    assert first is again
    assert first is not other
    several = make()
    assert several.optimizer() is not several.optimizer()


@pytest.mark.parametrize(
    ("optimizer", "pyramid", "averaging"),
    [("adam", None, 0.0), ("adam", [24], 0.99), ("lbfgs", [24], 0.0)],
)
def test_averaging_is_usual_with_adam_in_stages(make, optimizer, pyramid, averaging):
    one = make(optimizer=optimizer, pyramid=pyramid)
    assert plan.fingerprint(one.plan())["averaging"] == averaging


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"averaging": 1}, "averaging must be 0 or more and below 1, but 1 was given"),
        ({"averaging": -0.1}, "averaging must be 0 or more and below 1"),
        ({"averaging": "much"}, "averaging must be a finite number"),
        ({"averaging": 0.9, "optimizer": "lbfgs"}, "averaging=0.9 has no effect here: each of lbfgs's steps is better"),
        ({"pyramid": [1]}, "pyramid: its stage of 1 px is too small for small. Take fewer stages"),
    ],
)
def test_bad_arguments(make, options, message):
    with pytest.raises(ValueError, match=message):
        make(**options)


def test_a_style_that_is_too_small_in_the_first_stage_is_named(make, content, style):
    with pytest.raises(ValueError, match="pyramid: its stage of 12 px is too small for small. Take fewer stages"):
        make(style_image=style[:4, :4], pyramid=[12])


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
        make().optimizer(**changes)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("transfer", (1.0, 0.02)),
        ("texture", (1.0, 0.0)),
        ("content_reconstruction", (0.0, 0.02)),
    ],
)
def test_the_usual_weights_are_those_of_the_modes_terms(make, mode, expected):
    options = {
        "transfer": {},
        "texture": {"content_image": None, "content_layers": None},
        "content_reconstruction": {"style_image": None, "style_layers": None},
    }
    one = make(mode=mode, pyramid=None, **options[mode])
    ((_, objective),) = one.objectives(style_weight=None, content_weight=None)
    assert (objective.weights["style"], objective.weights["content"]) == expected


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
    term = {"transfer": None, "content_reconstruction": "style"}.get(mode, "content")
    without = {} if term is None else {f"{term}_image": None, f"{term}_layers": None}
    one = make(mode=mode, optimizer="lbfgs", preconditioning=preconditioning, **without)
    assert one.setup.optimization.preconditioning == expected


def test_the_fingerprint_tells_a_pyramids_sizes_and_ends(make):
    assert plan.fingerprint(make().plan(10))["pyramid"] == [[20, 3], [30, 5], [48, 10]]
    assert "pyramid" not in plan.fingerprint(make(pyramid=None).plan(10))


@pytest.mark.parametrize("pyramid", [None, [20, 30]])
def test_stages_too_short_to_win_back_the_compiling_are_left_to_the_graph(make, pyramid):
    assert make(jit_compile="auto", pyramid=pyramid).plan(100).stages[-1].jit_compile == "false"
    assert make(jit_compile="auto", pyramid=pyramid).plan(10**8).stages[-1].jit_compile == "auto"
    assert make(jit_compile="true").plan(100).stages[-1].jit_compile == "true"


def test_another_seed_starts_elsewhere_and_compiles_nothing_again(make):
    one = make(init="noise")
    before = list(one.objectives())
    one.setup = setup.with_seed(one.setup, 4)
    after = list(one.objectives())
    for (old, objective), (new, again) in zip(before, after, strict=True):
        assert objective is again
        assert float(tf.norm(old.pictures.initial_image - new.pictures.initial_image)) > 0


def test_a_term_of_weight_0_by_mode_stays_0_if_said_so(make):
    with pytest.raises(ValueError, match="style_weight and content_weight are both 0"):
        make(mode="texture", content_image=None, content_layers=None).plan(style_weight=0.0, content_weight=None)


def test_the_numbers_used_stand_in_the_place_of_none(make, style):
    one = make(optimizer="lbfgs", style_image=[style, style], init=None)
    used = plan.used(one.plan(style_weight=None, content_weight=None))
    expected = {
        "style_weight": 1.0,
        "content_weight": 0.02,
        "averaging": 0.0,
        "lbfgs_history": optimizers.HISTORY,
        "preconditioning": 0.5,
        "pyramid": [20, 30, 48],
        "init": "content",
        "learning_rate": None,
    }
    assert {name: used[name] for name in expected} == expected
    assert plan.used(make(pyramid=2).plan())["pyramid"] == 2
    assert plan.used(make().plan())["learning_rate"] == optimizers.LEARNING_RATE


def test_the_memory_of_a_run_is_that_of_its_last_stage(make):
    need = make().request()
    assert (need.height, need.width, need.style_size) == (48, 40, (36, 44))
    assert isinstance(optimizers.get(need.optimizer), optimizers.KerasOptimizer)


def only_tiles_fit(monkeypatch, largest=None):
    monkeypatch.setattr(memory, "available_memory", lambda: memory.Available("this machine", 2**34, 2**30))

    def estimate(request):
        needs = 2**31 if request.tile_size is None or request.tile_size > (largest or 128) else 2**29
        return memory_estimate.MemoryEstimate(needs, 0, 0, 0, 0)

    monkeypatch.setattr(memory_estimate, "estimate", estimate)


def test_stages_are_taken_in_tiles_where_that_is_asked_for(make):
    """Each by an objective and an optimizer made for it."""
    one = make(tile_size=16, halo=4)
    assert one.tile_sizes() == [16, 16, 16]
    assert (one.request().tile_size, one.request().halo) == (16, 4)
    found = plan.fingerprint(one.plan())
    assert (found["tile_size"], found["halo"]) == ([16, 16, 16], 4)
    assert (make().request().tile_size, make().request().halo) == (None, None)


def test_a_stage_that_fits_is_taken_as_a_whole_and_one_that_does_not_in_tiles(make, monkeypatch):
    def estimate(request):
        is_too_large = request.height > 40 and request.tile_size is None
        return memory_estimate.MemoryEstimate(2**31 if is_too_large else 2**29, 0, 0, 0, 0)

    monkeypatch.setattr(memory, "available_memory", lambda: memory.Available("this machine", 2**34, 2**30))
    monkeypatch.setattr(memory_estimate, "estimate", estimate)
    one = make(tile_size="auto")
    assert one.tile_sizes() == [None, None, 1024]
    assert [stage.tile_size for stage in one.plan().stages] == [None, None, 1024]


def test_tiles_of_an_earlier_run_win_over_what_would_be_chosen_now(make, monkeypatch):
    sizes = [(20, 17), (30, 25), (48, 40)]
    one = make(tile_size="auto")
    assert one.tile_sizes() == [None] * 3
    one.setup.tiles.take(dict(zip(sizes, [None, 16, 32], strict=True)))
    only_tiles_fit(monkeypatch)
    assert one.tile_sizes() == [None, 16, 32]
    explicit = make(tile_size=16)
    explicit.setup.tiles.take(dict.fromkeys(sizes))
    assert explicit.tile_sizes() == [16] * 3


@pytest.mark.parametrize(
    ("tile_size", "halo", "message"),
    [
        (1, None, "tile_size must be a whole number, 2 or more, but 1 was given"),
        (16, 3, "halo must be a multiple of 2, the stride of small, but 3 was given"),
        ("auto", 3, "halo must be a multiple of 2, the stride of small, but 3 was given"),
    ],
)
def test_tiles_that_do_not_go_with_the_network_are_refused_at_once(make, tile_size, halo, message):
    with pytest.raises(ValueError, match=message):
        make(tile_size=tile_size, halo=halo)


def test_a_run_too_short_for_xla_has_an_optimizer_without_it(make):
    runs = make(jit_compile="auto", pyramid=None, optimizer="lbfgs", preconditioning=0)
    assert runs.optimizer(steps=9)._jit_compile == "false"
    assert runs.optimizer(steps=10**8)._jit_compile == "auto"
