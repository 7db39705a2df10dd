"""What each mode needs and refuses, and a run in each."""

import numpy as np
import pytest

from nst_keras.images import loading, starts
from nst_keras.settings import modes

WITHOUT_CONTENT = ("texture", "style_reconstruction")


@pytest.fixture
def make(make_transfer, content, style):
    """A run of a mode, with no more than the mode needs."""

    def build(mode, **options):
        has = modes.MODES[mode]
        needs = {
            "style_image": style if has.style else None,
            "content_image": content if has.content else None,
            "style_layers": ("conv1", "conv2") if has.style else None,
            "content_layers": ("conv3",) if has.content else None,
        }
        return make_transfer(mode=mode, **{"optimizer": "lbfgs", **needs, **options})

    return build


def fit(style_transfer, steps=6, **options):
    return style_transfer.fit_style_transfer(1, steps, verbose=0, **options)


@pytest.mark.parametrize("mode", modes.MODES)
def test_each_mode_runs_and_lowers_its_loss(make, mode, content, style):
    style_transfer = make(mode)
    frames = fit(style_transfer)
    history, has = style_transfer.history.history, modes.MODES[mode]
    assert history["loss"][-1] < 0.7 * history["loss"][0]
    for there, term in ((has.style, "style_loss"), (has.content, "content_loss")):
        assert (max(history[term]) > 0) == there
    assert frames[-1].shape == (content if has.content else style).shape


@pytest.mark.parametrize(("given", "shape"), [("31x23", (23, 31)), ("8x60", (60, 8))])
def test_a_texture_of_any_size(make, given, shape):
    style_transfer = make("texture", texture_size=given)
    frames = fit(style_transfer, 3)
    assert frames[-1].shape == (*shape, 3)
    assert style_transfer.content_image is None


@pytest.mark.parametrize("mode", modes.MODES)
def test_the_start_of_each_mode_is_its_own(make, mode):
    style_transfer = make(mode)
    noise = starts.white_noise(*style_transfer.optimized_image.shape[1:3], seed=0)
    expected = style_transfer.content_image if modes.MODES[mode].init == "content" else noise
    np.testing.assert_array_equal(style_transfer.optimized_image, expected)


@pytest.mark.parametrize("mode", modes.MODES)
@pytest.mark.parametrize("init", starts.STARTS)
def test_every_start_in_every_mode_or_a_clear_refusal(make, mode, init):
    has = modes.MODES[mode]
    if {"content": has.content, "style": has.style, "noise": True}[init]:
        fit(make(mode, init=init), 1)
    else:
        with pytest.raises(ValueError, match=f"init='{init}', but there is no {init} image here. Start from 'noise'"):
            make(mode, init=init)


def test_a_picture_of_ones_own_to_start_from(make):
    style_transfer = make("texture", texture_size="20x30", init=np.full([10, 40, 3], 77, np.uint8))
    np.testing.assert_allclose(style_transfer.optimized_image, np.full([1, 30, 20, 3], 77), atol=1e-3)


GIVEN = {
    "style": {
        "style_image": np.zeros([20, 20, 3], np.uint8),
        "style_blend": [1.0],
        "style_scale": 0.5,
        "style_mask": [np.zeros([48, 40, 3], np.uint8)],
        "style_layers": ["conv1"],
        "style_layer_scheme": "fine",
        "style_statistic": "covariance",
    },
    "content": {
        "content_image": np.zeros([20, 20, 3], np.uint8),
        "content_mask": np.zeros([36, 44, 3], np.uint8),
        "preserve_color": "luminance",
        "content_layers": ["conv3"],
    },
}
UNUSED = [
    (mode, term, argument)
    for mode, has in modes.MODES.items()
    for term, arguments in GIVEN.items()
    if not getattr(has, term)
    for argument in arguments
]


@pytest.mark.parametrize(("mode", "term", "argument"), UNUSED)
def test_what_a_mode_does_not_use_is_refused(make, mode, term, argument):
    with pytest.raises(ValueError, match=f"^{argument} has no effect in mode='{mode}', which has no {term} term"):
        make(mode, **{argument: GIVEN[term][argument]})


@pytest.mark.parametrize("mode", ["transfer", "style_reconstruction", "content_reconstruction"])
def test_only_a_texture_has_a_size_of_its_own(make, mode):
    with pytest.raises(ValueError, match=f"texture_size has no effect in mode='{mode}'"):
        make(mode, texture_size="20x20")


@pytest.mark.parametrize(
    ("mode", "weights", "message"),
    [
        ("texture", {"content_weight": 1.0}, "content_weight has no effect in mode='texture'"),
        ("content_reconstruction", {"style_weight": 1.0}, "style_weight has no effect in mode='content_reconstruc"),
        ("texture", {"style_weight": 0.0}, "style_weight and content_weight are both 0"),
    ],
)
def test_weights_that_go_with_no_term_are_refused(make, mode, weights, message):
    with pytest.raises(ValueError, match=message):
        fit(make(mode), **weights)


def test_a_weight_of_0_for_a_term_that_is_not_there_says_nothing(make):
    assert len(fit(make("texture"), 1, content_weight=0.0)) == 1


@pytest.mark.parametrize(
    ("mode", "missing"),
    [
        ("transfer", "content_image"),
        ("transfer", "style_image"),
        ("texture", "style_image"),
        ("content_reconstruction", "content_image"),
    ],
)
def test_a_picture_that_is_missing_is_named(make, mode, missing):
    with pytest.raises(ValueError, match=f"{missing} must be given: mode='{mode}' needs one"):
        make(mode, **{missing: None})


def test_an_unknown_mode():
    with pytest.raises(ValueError, match="mode='textur' is not known. Did you mean 'texture'"):
        modes.get("textur", {})


def test_layers_of_a_term_that_is_not_there_do_not_lengthen_the_network(make, style):
    """Nor do they ask for a larger picture, or for a name where the network has none documented."""
    style_transfer = make("texture", network="vgg16", weights="random", style_layers=("conv1_1",))
    assert style_transfer.extractor.layers == ("conv1_1",)
    fit(make("texture", texture_size="1x1", style_layers=["conv1"]), 1)


@pytest.mark.parametrize("mode", WITHOUT_CONTENT)
def test_without_content_the_rest_goes_on(make, mode, tmp_path, style):
    style_transfer = make(mode)
    fit(style_transfer, 2, tensorboard=tmp_path / "events", preview=tmp_path / "preview.png")
    sheet = style_transfer.plot_frames(tmp_path / "sheet.png")
    labels = [text.get_text() for text in sheet.findobj(match=lambda artist: hasattr(artist, "get_text"))]
    assert "content" not in labels
    assert {"style", "result"} <= set(labels)
    style_transfer.plot_history(tmp_path / "history.png")
    style_transfer.save(tmp_path / "made.png", output_size="content", alpha=True)
    np.testing.assert_array_equal(loading.load(tmp_path / "made.png")[0], style_transfer.image)
    assert style_transfer.record()["settings"]["mode"] == mode


def test_without_style_the_rest_goes_on(make, tmp_path):
    style_transfer = make("content_reconstruction")
    fit(style_transfer, 2, tensorboard=tmp_path / "events")
    style_transfer.plot_frames(tmp_path / "sheet.png")
    style_transfer.save(tmp_path / "made.png", output_size="content", alpha=True)
    assert style_transfer.style_images == []


@pytest.mark.slow
@pytest.mark.parametrize("mode", modes.MODES)
def test_every_mode_goes_coarse_to_fine(make, mode):
    style_transfer = make(mode, pyramid=2)
    frames = fit(style_transfer, 6)
    assert {frame.shape for frame in frames} == {frames[-1].shape}
    assert style_transfer.stage == 1
