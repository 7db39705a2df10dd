import functools
import os
import signal
import threading

import keras
import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from nst_keras import optimizers, transfer
from nst_keras.engine import memory_estimate, tile_sizes
from nst_keras.losses import statistics
from nst_keras.networks import extractors
from nst_keras.runtime import memory
from tests import inputs, small_networks
from tests.conftest import centred

WEIGHTS = {"style_weight": 1.0, "content_weight": 0.02}


@pytest.fixture
def make(make_transfer):
    return functools.partial(make_transfer, optimizer="lbfgs")


def fit(style_transfer, steps=4, epochs=1, **options):
    return style_transfer.fit_style_transfer(epochs, steps, verbose=0, **{**WEIGHTS, **options})


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:One step from here")  # Random weights may be out of balance.
def test_todays_call_runs_as_written(tmp_path, content, style):
    """With a network by name; the real one is tried in the integration tests."""
    PIL.Image.fromarray(content).save(tmp_path / "golden_gate.jpg")
    PIL.Image.fromarray(style).save(tmp_path / "starry_night.jpg")
    style_transfer = transfer.NeuralStyleTransfer(
        style_image=tmp_path / "starry_night.jpg",
        content_image=tmp_path / "golden_gate.jpg",
        extractor="vgg19",
        n_style_layers=5,
        n_content_layers=1,
        weights="random",
        seed=0,
    )
    frames = style_transfer.fit_style_transfer(
        epochs=2,
        steps_per_epoch=3,
        learning_rate=80.0,
        style_weight=1e-2,
        content_weight=1e4,
        var_weight=2,
        show_image=False,
        show_interval=90,
    )
    assert len(frames) == 6
    assert frames[-1].dtype == np.uint8
    assert frames[-1].shape == content.shape
    np.testing.assert_array_equal(style_transfer.image, frames[-1])
    assert sorted(style_transfer.history.history) == ["content_loss", "loss", "style_loss", "var_loss"]
    assert all(len(values) == 6 for values in style_transfer.history.history.values())


def test_the_style_comes_nearer_and_the_run_says_how_it_ended(make):
    style_transfer = make()
    fit(style_transfer, 30)
    losses = style_transfer.history.history["style_loss"]
    assert losses[-1] < 0.1 * losses[0]
    assert style_transfer.stop_reason == "all 30 steps made"
    assert style_transfer.completed
    assert style_transfer.step == 30


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs", keras.optimizers.RMSprop(2.0)])
def test_a_second_fit_gives_what_the_first_gave(make, optimizer):
    style_transfer = make(optimizer=optimizer, init="noise")
    first, second = fit(style_transfer, 5), fit(style_transfer, 5)
    np.testing.assert_array_equal(first, second)


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_the_same_seed_gives_the_same_pixels(make, optimizer):
    runs = [fit(make(optimizer=optimizer, init="noise", seed=seed), 5)[-1] for seed in (7, 7, 8)]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert np.any(runs[0] != runs[2])


@pytest.mark.slow
def test_the_same_seed_gives_the_same_random_weights(make, content, style):
    layers = {"style_layers": ["conv1_1"], "content_layers": ["conv1_2"]}
    runs = [fit(make(network="vgg16", weights="random", seed=seed, **layers))[-1] for seed in (7, 7, 8)]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert np.any(runs[0] != runs[2])


def test_a_seed_is_drawn_and_kept(make):
    seeds = {make(seed=None).seed for _ in range(3)}
    assert len(seeds) == 3


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_one_trace_for_a_whole_run(make, optimizer):
    style_transfer = make(optimizer=optimizer)
    fit(style_transfer, 8)
    fit(style_transfer, 8, style_weight=2.0)
    assert style_transfer.objective.tracing_count() == 1


def test_starts(make, content, style):
    starts = {init: make(init=init).setup.pictures.initial_image for init in ("content", "noise", "style")}
    np.testing.assert_array_equal(starts["content"][0], content)
    assert all(image.shape == (1, *content.shape) for image in starts.values())
    own = np.full((24, 20, 3), 99, np.uint8)
    np.testing.assert_allclose(make(init=own).setup.pictures.initial_image, np.full((1, *content.shape), 99), atol=1e-3)


def test_the_style_image_keeps_its_aspect(make, style):
    style_transfer = make(image_size=20)
    assert style_transfer.content_image.shape == (1, 20, 17, 3)
    assert style_transfer.style_images[0].shape == (1, round(20 * 36 / 44), 20, 3)


def test_several_styles(make, style):
    frames = fit(make(style_image=[style, style[:, ::-1]]))
    assert len(frames) == 4


def test_frames_at_intervals_and_the_last(make):
    style_transfer = make(frame_interval=3)
    frames = fit(style_transfer, 7)
    assert len(frames) == 3
    np.testing.assert_array_equal(frames[-1], style_transfer.image)


def test_frames_are_not_stretched(make, content):
    """A grey picture stays grey: each frame has the image's own values."""
    style_transfer = make(content_image=np.full_like(content, 100), optimizer="adam")
    frames = fit(style_transfer, 1, learning_rate=0.01, style_weight=0.0)
    assert frames[0].min() >= 99
    assert frames[0].max() <= 101


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*expected peak memory")  # Told too, and rightly.
def test_frames_beyond_memory_are_told_beforehand(make, monkeypatch):
    monkeypatch.setattr(memory, "machine_memory", lambda: 48 * 40 * 3 * 40)
    with pytest.warns(UserWarning, match="frame_interval=1 keeps frames .* frame_interval=2 keeps them"):
        fit(make(), 20)
    with pytest.raises(ValueError, match="frame_interval=10 keeps them"):
        fit(make(), 100)
    fit(make(frame_interval=2), 20)


def test_a_weight_of_0_leaves_the_term_out_and_cuts_the_network(make):
    style_transfer = make()
    fit(style_transfer, content_weight=0.0)
    assert style_transfer.history.history["content_loss"] == [0.0] * 4
    assert style_transfer.objective.evaluator.comparison.extractor.layers == ("conv1", "conv2")


@pytest.mark.slow
def test_the_usual_weights_belong_to_the_normalization(make):
    for normalization, weights in {"mean": (1e-2, 1e4), "relative": (1.0, 0.02), "gatys2015": (1e3, 1.0)}.items():
        style_transfer = make(normalization=normalization)
        fit(style_transfer, 1, style_weight=None, content_weight=None)
        assert (style_transfer.objective.weights["style"], style_transfer.objective.weights["content"]) == weights


class Poison(keras.callbacks.Callback):
    """Makes the objective give a loss or a gradient that is not finite from some step on."""

    def __init__(self, after, gradient_only):
        super().__init__()
        self.after, self.gradient_only = after, gradient_only

    def on_train_batch_end(self, batch, logs=None):
        if self.model.step == self.after:
            inner = self.model.objective.value_and_gradient

            def value_and_gradient(image):
                terms, gradient = inner(image)
                terms = terms if self.gradient_only else terms._replace(total=tf.constant(float("nan")))
                return terms, gradient * float("nan")

            self.model.objective.value_and_gradient = value_and_gradient


@pytest.mark.parametrize("gradient_only", [False, True])
def test_a_run_that_is_not_finite_keeps_the_last_good_image(make, gradient_only):
    good = fit(make(optimizer="adam"), 3)
    style_transfer = make(optimizer="adam")
    with pytest.warns(RuntimeWarning, match="The run stopped: .*in step 4; the last good picture is kept"):
        frames = fit(style_transfer, 10, callbacks=[Poison(3, gradient_only)])
    np.testing.assert_array_equal(style_transfer.image, good[2 if gradient_only else 1])
    np.testing.assert_array_equal(frames[-1], style_transfer.image)
    assert style_transfer.step == 3
    assert not style_transfer.completed
    assert len(style_transfer.history.history["loss"]) == 3


def test_lbfgs_survives_a_trial_that_is_not_finite(make):
    style_transfer = make()
    fit(style_transfer, 60, callbacks=[Poison(5, False)])
    assert "no step lowers the loss any further" in style_transfer.stop_reason
    assert np.all(np.isfinite(style_transfer.history.history["loss"]))


def test_ctrl_c_keeps_the_image_and_the_frames(make):
    style_transfer = make()

    class Interrupt(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if self.model.step == 3:
                os.kill(os.getpid(), signal.SIGINT)
                threading.Event().wait(5)

    frames = fit(style_transfer, 10, callbacks=[Interrupt()])
    assert len(frames) == 3
    assert style_transfer.interrupted
    assert style_transfer.stop_reason == "Interrupted after step 3; the picture of that step is kept."
    np.testing.assert_array_equal(frames[-1], style_transfer.image)


def test_a_run_that_has_nothing_left_to_do_stops(make, content):
    """The content image is the best reconstruction of itself."""
    style_transfer = make()
    fit(style_transfer, 80, style_weight=0.0, content_weight=1.0)
    assert "no step lowers the loss any further" in style_transfer.stop_reason
    assert style_transfer.completed


def test_a_model_of_ones_own(make, model):
    frames = fit(make(network=model, preprocess=centred))
    assert len(frames) == 4
    with pytest.raises(ValueError, match="Give preprocess="):
        make(network=model)


@pytest.mark.parametrize("layers", [{"conv1": 0.25, "conv2": 4.0}, ["conv1", "conv2"], "conv1"])
def test_layers_by_name_or_by_weight(make, layers):
    expected = (
        layers if isinstance(layers, dict) else {"conv1": 0.5, "conv2": 0.5} if len(layers) == 2 else {"conv1": 1.0}
    )
    assert make(style_layers=layers).setup.style_layers == expected


BAD = [
    ({"n_style_layers": 9, "style_layers": None, "network": "vgg19"}, "n_style_layers=9, but this network has 5"),
    (
        {"n_style_layers": 0, "style_layers": None, "network": "vgg19"},
        "n_style_layers must be a whole number, 1 or more",
    ),
    ({"style_layers": None}, "style_layers must be given for an extractor of your own"),
    ({"style_layers": []}, "style_layers={} leaves no layer"),
    ({"style_layers": {"conv1": 0.0}}, "style_weight=0 leaves the term out"),
    ({"style_layers": ["conv1", "conv1"]}, "names a layer twice"),
    ({"weights": "random"}, "weights has no effect: a FeatureExtractor has its own"),
    ({"pooling": "avg"}, "pooling has no effect"),
    ({"style_layers": {"conv1": -1.0}}, r"style_layers\['conv1'\] must be 0 or more"),
    ({"style_layers": ["conv7"]}, "layer='conv7' is not known. Did you mean 'conv"),
    ({"normalization": "means"}, "Did you mean 'mean'"),
    ({"style_statistic": "wassertein"}, "Did you mean 'wasserstein'"),
    (
        {"style_statistic": "covariance", "normalization": "gatys2015"},
        "is not defined for style_statistic='covariance'",
    ),
    ({"optimizer": "lbgfs"}, "optimizer='lbgfs' is not known. Did you mean 'lbfgs'"),
    ({"init": "nosie"}, "init='nosie' is not known. Did you mean 'noise'.*or give an image"),
    ({"seed": -1}, "seed must be a whole number, 0 to 9223372036854775807"),
    ({"frame_interval": 0}, "frame_interval must be a whole number, 1 or more"),
    ({"image_size": 0}, "image_size must be a whole number"),
    ({"jit_compile": "fast"}, "jit_compile='fast' is not known"),
    ({"style_image": []}, "style_image is an empty list"),
    (
        {"content_image": np.zeros((1, 1, 3), np.uint8)},
        "content_image is 1x1 px, but small with these layers needs at least 2",
    ),
    ({"style_image": np.zeros((1, 9, 3), np.uint8)}, "style_image is 9x1 px"),
]


@pytest.mark.parametrize(("options", "message"), BAD)
def test_bad_arguments(make, options, message):
    with pytest.raises(ValueError, match=message):
        make(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 0}, "epochs must be a whole number, 1 or more, but 0"),
        ({"steps": 1.5}, "steps_per_epoch must be a whole number"),
        ({"style_weight": -1}, "style_weight must be 0 or more, but -1"),
        ({"content_weight": float("inf")}, "content_weight must be a finite number"),
        ({"var_weight": "much"}, "var_weight must be a finite number"),
        ({"show_interval": 0}, "show_interval"),
        ({"learning_rate": 1.0}, "lbfgs chooses its own steps"),
        ({"style_weight": 0, "content_weight": 0}, "style_weight and content_weight are both 0"),
    ],
)
def test_bad_arguments_of_a_run(make, options, message):
    with pytest.raises(ValueError, match=message):
        fit(make(), **options)


def test_an_unknown_extractor(make):
    with pytest.raises(ValueError, match="extractor='vgg91' is not known. Did you mean 'vgg19'"):
        make(network="vgg91")


@pytest.mark.slow
def test_jit_compile_takes_a_bool(make):
    on, off = fit(make(jit_compile=True)), fit(make(jit_compile=False))
    np.testing.assert_allclose(on[-1].astype(float), off[-1], atol=2)


def test_the_image_is_that_of_the_start_before_a_run(make, content):
    np.testing.assert_array_equal(make().image, content)


@pytest.mark.slow
def test_an_error_in_a_run_keeps_the_image_the_frames_and_the_reason(make):
    style_transfer = make()

    class Break(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if self.model.step == 3:
                raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        fit(style_transfer, 9, callbacks=Break())
    assert style_transfer.stop_reason == "Failed after step 3, whose picture is kept: broken"
    np.testing.assert_array_equal(style_transfer.frames[-1], style_transfer.image)


def test_the_optimizer_is_compiled_once_for_runs_that_are_alike(make):
    style_transfer = make()
    fit(style_transfer)
    compiled = style_transfer.optimizer._optimizer._aim
    fit(style_transfer, style_weight=3.0)
    assert style_transfer.optimizer._optimizer._aim is compiled
    assert compiled.tracing_count() == 1


def test_other_arguments_change_a_second_fit_and_leave_nothing_behind(make):
    style_transfer = make(optimizer="adam")
    first = fit(style_transfer, learning_rate=2.0)
    other = fit(style_transfer, learning_rate=5.0, content_weight=0.0)
    assert np.any(first[-1] != other[-1])
    np.testing.assert_array_equal(fit(style_transfer, learning_rate=2.0), first)


def test_a_run_that_was_refused_leaves_no_trace(make):
    style_transfer = make(optimizer="adam")
    first = fit(style_transfer, learning_rate=2.0)
    with pytest.raises(ValueError, match="style_weight"):
        fit(style_transfer, learning_rate=5.0, style_weight=-1.0)
    np.testing.assert_array_equal(
        fit(make(optimizer="adam"), learning_rate=5.0), fit(style_transfer, learning_rate=5.0)
    )
    np.testing.assert_array_equal(fit(style_transfer, learning_rate=2.0), first)


@pytest.mark.slow
def test_an_extractor_of_a_known_network_takes_its_aliases(make):
    vgg = keras.applications.VGG16(weights=None, include_top=False)
    own = extractors.FeatureExtractor(vgg, keras.applications.vgg16.preprocess_input)
    frames = fit(make(network=own, style_layers=["conv1_1", "block2_conv1"], content_layers=None))
    assert len(frames) == 4


def mask_of(columns, height=48, width=40):
    """White in its first columns, uint8 [height, width, 3]."""
    mask = np.zeros([height, width, 3], np.uint8)
    mask[:, :columns] = 255
    return mask


KEPT = [
    {"optimizer": "lbfgs"},
    {"optimizer": "adam", "init": "noise"},
    {"optimizer": "adam", "preserve_color": "luminance", "init": "noise"},
    {"optimizer": "adam", "preserve_color": "match"},
    {"optimizer": "lbfgs", "pyramid": [20, 30], "init": "noise"},
    {"optimizer": "adam", "pyramid": [20, 30], "preserve_color": "luminance"},
]


@pytest.mark.slow
@pytest.mark.parametrize("options", KEPT)
def test_what_a_mask_keeps_is_the_content_image_and_the_rest_is_stylised(make, content, options):
    style_transfer = make(content_mask=mask_of(15), **options)
    frames = fit(style_transfer, 9, var_weight=1.0)
    for picture in (style_transfer.image, *frames):
        assert np.abs(picture[:, :15].astype(int) - content[:, :15]).max() <= 1
    painted = np.abs(style_transfer.image[:, 16:].astype(int) - content[:, 16:])
    assert painted.mean() > 3


def test_a_style_stays_within_its_mask(make, content, style):
    """Beyond what the network sees of it; with the content's weight at 0, nothing else moves the picture."""
    style_transfer = make(style_mask=mask_of(15), optimizer="adam")
    fit(style_transfer, 4, content_weight=0.0)
    moved = np.abs(style_transfer.image.astype(int) - content).max(axis=(0, 2))
    assert moved[:15].min() > 0
    assert moved[25:].max() == 0


@pytest.mark.slow
def test_two_styles_each_in_its_place(make, content):
    """Red in the left half, blue in the right."""
    red, blue = np.full([2, 30, 30, 3], [[[[220, 20, 20]]], [[[20, 20, 220]]]], np.uint8)
    masks = [mask_of(20), 255 - mask_of(20)]
    style_transfer = make(style_image=[red, blue], style_mask=masks, init="noise")
    fit(style_transfer, 25, content_weight=0.0)
    left, right = (half.reshape(-1, 3).mean(0) for half in (style_transfer.image[:, :18], style_transfer.image[:, 22:]))
    assert left[0] - left[2] > 30
    assert right[2] - right[0] > 30


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"pyramid": [20, 30]}, {"pyramid": 3, "optimizer": "adam", "init": "noise"}])
def test_a_luminance_transfer_leaves_the_chrominance(make, content, options):
    """Where RGB holds the colour; out of it, it loses saturation, see `colour`."""
    style_transfer = make(preserve_color="luminance", **options)
    fit(style_transfer, 9)
    made, wanted = (picture.astype(float) - luminance_of(picture) for picture in (style_transfer.image, content))
    possible = wanted + luminance_of(style_transfer.image)
    inside = np.all((possible > 1) & (possible < 254), axis=-1)
    assert inside.mean() > 0.3
    assert np.abs(made - wanted)[inside].max() <= 1.0
    assert np.abs(luminance_of(style_transfer.image) - luminance_of(content)).mean() > 1


def luminance_of(picture):
    return (picture.astype(float) @ [0.299, 0.587, 0.114])[..., np.newaxis]


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_a_share_of_nothing_leaves_the_other_style_alone(make, style, optimizer):
    blended = make(style_image=[style, 255 - style[:20]], style_blend=[1, 0], optimizer=optimizer)
    np.testing.assert_array_equal(fit(blended)[-1], fit(make(optimizer=optimizer))[-1])


@pytest.mark.slow
def test_an_averaging_of_0_is_no_averaging(make):
    frames = fit(make(optimizer="adam"), 6)
    for averaging in (0, 0.0):
        np.testing.assert_array_equal(fit(make(optimizer="adam", averaging=averaging), 6), frames)


def test_the_alpha_norm_is_logged_where_it_has_a_weight(make):
    style_transfer = make()
    fit(style_transfer, 2, alpha_norm_weight=0.5)
    history = style_transfer.history.history
    assert len(history["alpha_norm_loss"]) == 2
    names = ("style_loss", "content_loss", "var_loss", "alpha_norm_loss")
    assert history["loss"][0] == pytest.approx(sum(history[name][0] for name in names), rel=1e-5)
    fit(style_transfer, 2)
    assert "alpha_norm_loss" not in style_transfer.history.history


TEXTURE = {"mode": "texture", "content_image": None, "content_layers": None}
WRONG = [
    ({"style_mask": mask_of(5, 40, 48)}, "style_mask[0] is 48x40 px, and the picture 40x48: a mask must have"),
    ({"content_mask": mask_of(5, 48, 48)}, "content_mask is 48x48 px, and the picture 40x48"),
    ({"style_blend": [1, 2]}, "style_blend has 2 entries for 1 style images"),
    ({"style_blend": -1}, "style_blend must be 0 or more, but -1 was given"),
    ({"style_blend": 0}, "style_blend=[0] adds up to 0"),
    ({"style_scale": 0}, "style_scale must be above 0, up to 1e+09, but 0 was given"),
    ({"style_statistic": "gramm"}, "style_statistic='gramm' is not known. Did you mean 'gram'"),
    ({"mode": "texturing"}, "mode='texturing' is not known. Did you mean 'texture'"),
    ({"variation": "9point"}, "variation='9point' is not known. Did you mean '9_point'"),
    ({"style_image": np.zeros([1, 1, 3], np.uint8)}, "style_image is 1x1 px, but small with these layers needs at"),
    ({"style_scale": 0.01}, "style_image is 1x1 px"),
    ({"pyramid": [1]}, "pyramid: its stage of 1 px is too small"),
    ({"pyramid": [30, 20]}, "pyramid=[30, 20] must be sizes in pixels that grow to the picture's longest side, 48"),
    ({"pyramid": [64]}, "pyramid=[64] must be sizes in pixels that grow to the picture's longest side, 48"),
    ({"pyramid": 99}, "pyramid=99 is too many stages for a picture of 48 px"),
    ({"pyramid": 0}, "pyramid must be a whole number, 1 or more, but 0 was given"),
    ({"averaging": 1, "optimizer": "adam"}, "averaging must be 0 or more and below 1, but 1 was given"),
    ({"averaging": 0.9}, "averaging=0.9 has no effect here"),
    ({**TEXTURE, "texture_size": "400"}, "texture_size must be WIDTHxHEIGHT in pixels, such as '640x480', but "),
    ({**TEXTURE, "texture_size": "0x10"}, "texture_size must be WIDTHxHEIGHT in pixels, such as '640x480', but "),
    ({**TEXTURE, "texture_size": (3,)}, "texture_size must be WIDTHxHEIGHT in pixels, such as '640x480', but "),
    ({**TEXTURE, "init": "content"}, "init='content', but there is no content image here"),
    ({**TEXTURE, "content_mask": mask_of(5)}, "content_mask has no effect in mode='texture'"),
    ({"texture_size": "9x9"}, "texture_size has no effect in mode='transfer'"),
    ({"content_image": None}, "content_image must be given: mode='transfer' needs one"),
    ({"style_image": None}, "style_image must be given: mode='transfer' needs one"),
    ({"preserve_color": "colour"}, "preserve_color='colour' is not known"),
    ({"style_layer_scheme": "finest"}, "style_layer_scheme='finest' is not known. Did you mean 'fine'"),
]


@pytest.mark.parametrize(("options", "message"), WRONG)
def test_a_wrong_use_is_one_clear_line_that_names_the_argument(make, options, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011  The message is compared as it is.
        make(**options)
    assert str(caught.value).startswith(message)
    assert len(str(caught.value).splitlines()) == 1


def test_an_empty_folder_of_styles(make, tmp_path):
    with pytest.raises(ValueError, match="^style_image: there is no picture .* in the folder .*"):
        make(style_image=str(tmp_path))


@pytest.mark.parametrize(
    ("options", "run", "message"),
    [
        (TEXTURE, {"content_weight": 1.0}, "content_weight has no effect in mode='texture', which has no content term"),
        (TEXTURE, {"style_weight": 0.0}, "style_weight and content_weight are both 0"),
        ({"pyramid": [20, 30]}, {"steps_per_epoch": 2}, "pyramid has 3 stages, but epochs and steps_per_epoch make 2"),
        ({}, {"alpha_norm_weight": -1}, "alpha_norm_weight must be 0 or more, but -1 was given"),
    ],
)
def test_a_wrong_use_of_a_run_is_one_clear_line(make, options, run, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011  Likewise.
        make(**options).fit_style_transfer(**{"epochs": 1, "steps_per_epoch": 4, "verbose": 0, **run})
    assert str(caught.value).startswith(message)
    assert len(str(caught.value).splitlines()) == 1


def test_a_pyramid_is_recorded_by_its_number_or_its_sizes(make_transfer):
    assert make_transfer(pyramid=[24]).settings["pyramid"] == [24, 48]
    assert make_transfer(pyramid=np.int64(2)).settings["pyramid"] == 2
    assert make_transfer(pyramid=np.array([20, 30])).settings["pyramid"] == [20, 30, 48]
    assert make_transfer(pyramid=[48]).settings["pyramid"] is None
    assert make_transfer(pyramid=2).stage_size == (48, 40)  # Before a run.


def test_numbers_may_be_numpys(make_transfer, style):
    style_transfer = make_transfer([style, style], style_blend=np.array([3, 1]), style_scale=np.array([1.0, 0.5]))
    assert style_transfer.setup.pictures.blend == [0.75, 0.25]
    assert [max(image.shape[1:3]) for image in style_transfer.style_images] == [48, 24]


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_a_run_in_tiles_makes_the_picture_of_one_that_is_whole(make_transfer, optimizer):
    """With what the user can add to it: two stages, a mask, regions, a smoothed picture."""
    mask = np.zeros([48, 40], np.uint8)
    mask[:, 20:] = 255
    options = {"optimizer": optimizer, "pyramid": 2, "content_mask": mask, "averaging": 0.0}
    pictures, histories = [], []
    for tile_size in (None, 16):
        style_transfer = make_transfer(tile_size=tile_size, **options)
        pictures.append(fit(style_transfer, 6, var_weight=1e-3)[-1].astype(int))
        histories.append(style_transfer.history.history["loss"])
        assert inputs.tile_sizes(style_transfer) == [tile_size, tile_size]
    np.testing.assert_allclose(histories[0], histories[1], rtol=1e-4)
    assert np.max(np.abs(pictures[0] - pictures[1])) <= 1


@pytest.mark.slow
def test_a_texture_larger_than_its_style_is_made_in_tiles(make_transfer):
    options = {"mode": "texture", "texture_size": "67x51", "content_image": None, "content_layers": None}
    whole, tiled = (make_transfer(tile_size=size, optimizer="lbfgs", **options) for size in (None, 16))
    for style_transfer in (whole, tiled):
        style_transfer.fit_style_transfer(1, 5, verbose=0)
    np.testing.assert_allclose(tiled.history.history["loss"], whole.history.history["loss"], rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_takes_a_run_about_as_far(make_transfer, model, precision):
    ends = []
    for name in ("float32", precision):
        style_transfer = make_transfer(network=model, preprocess=centred, precision=name, optimizer="lbfgs")
        fit(style_transfer, 12)
        ends.append(style_transfer.history.history["loss"][-1])
        assert style_transfer.history.history["loss"][0] > 3 * ends[-1]
    assert ends[1] == pytest.approx(ends[0], rel=0.3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"tile_size": 16, "style_statistic": "sliced_wasserstein"},
            "'sliced_wasserstein' is no sum over the picture's locations",
        ),
        ({"tile_size": 1}, "tile_size must be a whole number, 2 or more"),
        ({"tile_size": "automatic"}, "tile_size must be a number of pixels, 'auto' or None"),
        ({"tile_size": 16, "halo": 3}, "halo must be a multiple of 2"),
        ({"tile_size": None, "halo": 4}, "halo=4 has no effect with tile_size=None"),
        ({"strategy": "mirorred"}, "strategy='mirorred' is not known. Did you mean 'mirrored'"),
        ({"precision": "mixed_float16"}, "precision has no effect: a FeatureExtractor has its own"),
        ({"lbfgs_history": 3}, "lbfgs_history=3 has no effect here: adam has none"),
    ],
)
def test_tiles_and_devices_that_do_not_fit_are_refused_at_once(make_transfer, options, message):
    with pytest.raises(ValueError, match=message):
        make_transfer(**options)


def test_an_explicit_size_is_refused_where_the_network_sees_everything(make_transfer):
    """And by itself such a picture is taken whole, as is one whose locations are sorted."""
    network = small_networks.uncuttable("global_pooling")
    options = {"preprocess": centred, "style_layers": ["first"], "content_layers": ["last"]}
    with pytest.raises(ValueError, match=r"^'global_pooling' cannot be evaluated in tiles: .* Use tile_size=None\.$"):
        make_transfer(network=network, tile_size=16, **options)
    assert inputs.tile_sizes(make_transfer(network=network, **options)) == [None]
    assert inputs.tile_sizes(make_transfer(style_statistic="sliced_wasserstein")) == [None]


def test_a_picture_too_large_for_the_memory_is_taken_in_tiles_without_being_asked(make_transfer, monkeypatch):
    monkeypatch.setattr(tile_sizes, "SIZES", (32, 16))
    monkeypatch.setattr(
        memory_estimate,
        "estimate",
        lambda request: memory_estimate.MemoryEstimate(2**30 if request.tile_size == 16 else 2**34, 0, 0, 0, 0),
    )
    monkeypatch.setattr(memory, "available_memory", lambda: memory.Available("this machine", 2**35, 2**31))
    style_transfer = make_transfer()
    fit(style_transfer, 2)
    assert inputs.tile_sizes(style_transfer) == [16]
    assert style_transfer.objective.tracing_count() == 4


@pytest.mark.slow
@pytest.mark.parametrize("pyramid", [None, 2])
def test_an_optimizer_and_a_statistic_are_given_as_objects(make_transfer, pyramid):
    """To the same pixels as by their names; each stage has an optimizer of its own, and each run too."""
    objects = {
        "optimizer": optimizers.LBFGS(history=3, jit_compile="false"),
        "style_statistic": statistics.Covariance(),
    }
    names = {"optimizer": "lbfgs", "lbfgs_history": 3, "preconditioning": 0, "style_statistic": "covariance"}
    by_object, by_name = (make_transfer(pyramid=pyramid, **given) for given in (objects, names))
    expected = fit(by_name, 4)[-1]
    np.testing.assert_array_equal(fit(by_object, 4)[-1], expected)
    np.testing.assert_array_equal(fit(by_object, 4)[-1], expected)
    described = by_object.record()["without_flag"]
    assert described["optimizer"].startswith("LBFGS {")
    assert '"history": 3' in described["optimizer"]
    assert described["style_statistic"] == "Covariance"


def test_what_a_run_has_made_cannot_be_set(make_transfer):
    style_transfer = make_transfer()
    for name in ("image", "step", "optimized_image", "frames"):
        with pytest.raises(AttributeError, match=f"{name} is what the run has made, and cannot be set"):
            setattr(style_transfer, name, None)
    style_transfer.note = "mine"
    assert style_transfer.note == "mine"


def test_a_callback_reads_and_says_what_it_could_before(make_transfer):
    def stop(batch, logs):
        model = watch.model
        seen.append((model.is_chief, model.seed, model.extractor, model.settings["optimizer"]))
        weights = model.get_weights()
        weights[0] *= 0.5  # A copy, which may be changed.
        with pytest.raises(AttributeError, match="optimized_image is what the run has made"):
            model.optimized_image = None
        model.stop_reason, model.stop_training = "the target is met", True

    seen, style_transfer = [], make_transfer()
    watch = keras.callbacks.LambdaCallback(on_train_batch_end=stop)
    fit(style_transfer, 5, callbacks=[watch])
    assert seen == [(True, 0, style_transfer.extractor, "adam")]
    assert style_transfer.stop_reason == "the target is met"
    assert style_transfer.step == 1


def test_the_end_is_told_the_last_epochs_terms_after_ctrl_c_too(make_transfer):
    def interrupt(epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt

    told = []
    end = keras.callbacks.LambdaCallback(on_epoch_begin=interrupt, on_train_end=lambda logs: told.append(logs["loss"]))
    style_transfer = make_transfer()
    style_transfer.fit_style_transfer(3, 2, verbose=0, callbacks=[end])
    assert told == [style_transfer.history.history["loss"][-1]]


def test_a_subclass_may_set_what_is_its_own_first(make_transfer):
    class Named(transfer.NeuralStyleTransfer):
        def __init__(self, *arguments, **options):
            self.name = "mine"
            super().__init__(*arguments, **options)

    whole = make_transfer()
    content, style = (image[0].numpy() for image in (whole.content_image, whole.style_images[0]))
    options = {"style_layers": ["conv1"], "content_layers": ["conv3"], "jit_compile": "false"}
    assert Named(style, content, whole.extractor, **options).name == "mine"


def test_before_a_run_the_start_is_saved_and_no_tiles_are_chosen(make_transfer, tmp_path, monkeypatch):
    """Hosts would have to choose them together."""
    style_transfer = make_transfer()
    monkeypatch.setattr(tile_sizes.TileSizes, "of", lambda self, request: pytest.fail("chose tiles"))
    style_transfer.save(tmp_path / "start.png")
    assert (tmp_path / "start.png").exists()


@pytest.mark.parametrize("options", [{"optimizer": "adam"}, {"optimizer": "lbfgs"}])
def test_a_run_goes_on_by_the_numbers_of_its_record(make_transfer, tmp_path, options):
    """Which stand there in the place of None; and by None where numbers were given."""
    first = make_transfer(**options)
    fit(first, 2, checkpoint_dir=tmp_path)
    told = first.record()["settings"]
    history = {"lbfgs_history": told["lbfgs_history"]} if options["optimizer"] == "lbfgs" else {}
    resumed = make_transfer(**options, **history)
    rate = told["learning_rate"] if options["optimizer"] == "adam" else None
    resumed.fit_style_transfer(2, 2, verbose=0, learning_rate=rate, checkpoint_dir=tmp_path, resume=True)
    assert (resumed.first_step, resumed.step) == (2, 4)
    back = make_transfer(**options)
    back.fit_style_transfer(3, 2, verbose=0, checkpoint_dir=tmp_path, resume=True)
    assert back.step == 6


def test_a_record_with_a_halo_is_made_again(make_transfer):
    first = make_transfer(halo=4)
    fit(first, 2)
    told = first.record()["settings"]
    assert (told["tile_size"], told["halo"]) == ("auto", 4)
    np.testing.assert_array_equal(
        fit(make_transfer(halo=told["halo"], tile_size=told["tile_size"]), 2)[-1], first.image
    )
