"""Runs that go on from the picture of the one before."""

import keras
import numpy as np
import pytest

WEIGHTS = {"style_weight": 1.0, "content_weight": 0.02}


def fit(style_transfer, steps, **options):
    style_transfer.fit_style_transfer(1, steps, verbose=0, **{**WEIGHTS, **options})
    return style_transfer.generated_image.numpy()


@pytest.mark.parametrize("options", [{"optimizer": "adam"}, {"optimizer": "lbfgs"}, {"averaging": 0.9}], ids=str)
def test_the_same_loss_goes_on_to_the_bits_of_one_long_run(make_transfer, options):
    one, other = make_transfer(**options), make_transfer(**options)
    fit(one, 4)
    np.testing.assert_array_equal(fit(one, 5, warm_start=True), fit(other, 9))
    assert one.step == len(one.history.history["loss"]) == 5
    assert one.record()["without_flag"]["init"] == "the picture of an earlier run, after its step 4"


def test_another_loss_starts_at_the_picture_with_nothing_remembered(make_transfer):
    one = make_transfer(optimizer="lbfgs")
    start = fit(one, 4)
    again = fit(one, 3, warm_start=True, style_weight=5.0)
    expected = fit(make_transfer(optimizer="lbfgs", init=start[0]), 3, style_weight=5.0)
    np.testing.assert_array_equal(again, expected)


def test_it_goes_on_with_another_style_strength_and_size(make_transfer, style, content):
    one = make_transfer()
    fit(one, 4)
    one.set_images(style_image=style[::-1].copy(), image_size=30)
    assert fit(one, 2, warm_start=True, strength=0.5).shape == (1, 30, 25, 3)
    one.set_images(image_size=512)
    assert fit(one, 2, warm_start=True).shape == (1, *content.shape)


@pytest.mark.slow
def test_a_pyramid_is_not_gone_through_again(make_transfer):
    one = make_transfer(pyramid=2)
    fit(one, 6)
    start = one.generated_image.numpy()
    fit(one, 2, warm_start=True, learning_rate=1.0)
    assert one.stage_sizes == [(48, 40)]
    assert np.abs(one.generated_image.numpy() - start).max() < 5.0
    assert one.record()["settings"]["pyramid"] is None


def test_before_the_first_run_it_has_no_effect(make_transfer):
    np.testing.assert_array_equal(fit(make_transfer(), 2, warm_start=True), fit(make_transfer(), 2))


def test_it_does_not_mix_with_resume(make_transfer, tmp_path):
    with pytest.raises(ValueError, match="warm_start and resume would go on from different pictures. Give one of them"):
        fit(make_transfer(), 2, warm_start=True, resume=True, checkpoint_dir=tmp_path)


def test_after_an_error_the_optimizer_begins_anew(make_transfer):
    class Failing(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 2:
                raise RuntimeError("full")

    one = make_transfer(optimizer="lbfgs")
    with pytest.raises(RuntimeError, match="full"):
        fit(one, 5, callbacks=[Failing()])
    start = one.generated_image.numpy()
    expected = fit(make_transfer(optimizer="lbfgs", init=start[0]), 2)
    np.testing.assert_array_equal(fit(one, 2, warm_start=True), expected)
