"""Terms of one's own in the loss."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from nst_keras import losses
from nst_keras.losses import terms

WEIGHTS = {"style_weight": 1.0, "content_weight": 0.02}


def darkness(image, features):
    return tf.reduce_mean(image) / 255.0


def quiet(image, features):
    return tf.reduce_mean(tf.square(features["pool1"]))


def fit(style_transfer, steps=6, **options):
    style_transfer.fit_style_transfer(1, steps, verbose=0, **{**WEIGHTS, **options})
    return style_transfer


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_a_term_of_the_picture_and_one_of_features_are_lowered(make_transfer, optimizer):
    own = [losses.Term("darkness", darkness, weight=100.0), losses.Term("quiet", quiet, 50.0, layers=["pool1"])]
    one, plain = fit(make_transfer(optimizer=optimizer, losses=own)), fit(make_transfer(optimizer=optimizer))
    history = one.history.history
    for name in ("darkness_loss", "quiet_loss"):
        assert history[name][-1] < history[name][0]
    assert float(np.mean(one.image)) < float(np.mean(plain.image))
    total = sum(history[f"{name}_loss"][2] for name in ("style", "content", "var", "darkness", "quiet"))
    assert history["loss"][2] == pytest.approx(total, rel=1e-5)
    assert float(one.terms.further["darkness"]) == pytest.approx(history["darkness_loss"][-1])


def test_the_gradient_is_that_of_finite_differences(make_transfer):
    one = fit(
        make_transfer(losses=[losses.Term("quiet", quiet, 3.0, ["pool1"]), losses.Term("dark", darkness, 9.0)]), 1
    )
    goal, image = one.objective, tf.identity(one.optimized_image)
    goal.set_weights(style_weight=0.0, content_weight=0.0, var_weight=0.0)
    terms_there, gradient = goal.value_and_gradient(image)
    direction = gradient / tf.reduce_max(tf.abs(gradient))
    ahead, behind = (goal.value_and_gradient(image + step * direction)[0].total for step in (0.5, -0.5))
    assert float(ahead - behind) == pytest.approx(float(tf.reduce_sum(gradient * direction)), rel=1e-2)
    assert float(terms_there.total) == pytest.approx(float(sum(terms_there.further.values())), rel=1e-6)


def test_a_weight_of_its_own_is_changed_in_mid_run(make_transfer):
    one = make_transfer(losses=[losses.Term("darkness", darkness)])

    class Change(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 1:
                self.model.run.set_weights(darkness=0.0)

    history = fit(one, 4, callbacks=[Change()]).history.history["darkness_loss"]
    assert [value > 0 for value in history] == [True, True, False, False]
    assert one.record()["without_flag"]["changes"] == "after step 2: darkness=0.0"


def test_it_is_recorded_as_what_no_flag_can_say(make_transfer):
    one = fit(make_transfer(losses=[losses.Term("darkness", darkness, 2.0)]), 1)
    assert "Term" in one.record()["without_flag"]["losses"]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: terms.Term("style", darkness), ValueError, "a term cannot be called 'style'"),
        (lambda: terms.Term("style_weight", darkness), ValueError, "a term cannot be called 'style_weight'"),
        (lambda: terms.Term("self", darkness), ValueError, "a term cannot be called 'self'"),
        (
            lambda: terms.Term("dark", darkness, layers="conv1"),
            TypeError,
            "layers of term 'dark' must be a list of layer names, but 'conv1' was given",
        ),
        (lambda: terms.Term("two words", darkness), ValueError, "a term cannot be called 'two words'"),
        (lambda: terms.Term("dark", 3.0), TypeError, "function of term 'dark' must be a function, but 3.0 was given"),
        (lambda: terms.Term("dark", darkness, -1.0), ValueError, "weight of term 'dark' must be 0 or more"),
        (lambda: terms.checked("losses", [darkness]), TypeError, "losses must be a list of nst_keras.losses.Term"),
        (lambda: terms.checked("losses", darkness), TypeError, "losses must be a list of nst_keras.losses.Term"),
        (
            lambda: terms.checked("losses", [terms.Term("dark", darkness), terms.Term("dark", darkness)]),
            ValueError,
            "losses has two terms of one name: dark, dark",
        ),
    ],
)
def test_wrong_terms_are_one_clear_line(make, error, message):
    with pytest.raises(error) as raised:
        make()
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda image, features: image[0, 0, 0], "must return a scalar, but returned float32 of shape (3,)"),
        (lambda image, features: "dark", "must return a scalar, but returned string of shape ()"),
        (lambda image, features: None, "raised ValueError"),
        (lambda image, features: features["pool1"], "raised KeyError: 'pool1'. It is called with the picture and"),
        (lambda image: 1.0, "raised TypeError"),
    ],
)
def test_a_function_that_gives_no_scalar_is_one_clear_line(make_transfer, function, message):
    one = make_transfer(losses=[losses.Term("dark", function)])
    with pytest.raises(ValueError, match="losses: the function of term 'dark'") as raised:
        fit(one, 1)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("value", [0.5, np.float16(0.5), tf.constant(0.5, tf.float64)])
def test_a_scalar_of_any_type_will_do(make_transfer, value):
    one = fit(make_transfer(losses=[losses.Term("half", lambda image, features: value, 3.0)]), 1)
    assert one.history.history["half_loss"] == [1.5]


def test_a_term_named_as_an_option_hides_none_from_a_checkpoint(make_transfer, tmp_path):
    own = [losses.Term("variation", darkness)]
    fit(make_transfer(losses=own), 2, checkpoint_dir=tmp_path)
    with pytest.raises(ValueError, match="variation"):
        fit(make_transfer(losses=own, variation="l2"), 3, checkpoint_dir=tmp_path, resume=True)


def test_tiles_refuse_a_term_at_once(make_transfer):
    with pytest.raises(ValueError, match="losses: further terms need the whole picture, but tile_size=16"):
        make_transfer(losses=[losses.Term("darkness", darkness)], tile_size=16)


def test_an_unknown_layer_of_a_term_is_named(make_transfer):
    with pytest.raises(ValueError, match="pool9"):
        make_transfer(losses=[losses.Term("quiet", quiet, layers=["pool9"])])
