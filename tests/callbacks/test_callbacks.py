import re
import warnings

import keras
import numpy as np
import pytest

from nst_keras import callbacks


@pytest.fixture
def make(make_transfer):
    return make_transfer


def fit(style_transfer, *extra, epochs=2, steps=3, **options):
    return style_transfer.fit_style_transfer(epochs, steps, verbose=0, callbacks=extra, **options)


def test_keras_history_has_an_entry_a_step(make):
    style_transfer = make()
    fit(style_transfer)
    assert isinstance(style_transfer.history, keras.callbacks.History)
    assert style_transfer.history.epoch == [1, 2, 3, 4, 5, 6]
    losses = style_transfer.history.history
    parts = np.add(np.add(losses["style_loss"], losses["content_loss"]), losses["var_loss"])
    np.testing.assert_allclose(losses["loss"], parts, rtol=1e-5)
    assert all(isinstance(value, float) for value in losses["loss"])


def test_the_step_count_runs_through_all_epochs(make):
    seen = []

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append((self.model.step, batch))

    fit(make(), Watch())
    assert seen == [(1, 0), (2, 1), (3, 2), (4, 0), (5, 1), (6, 2)]


def test_keras_calls_come_in_its_order(make):
    order = []
    names = ["train", "epoch", "train_batch"]
    hooks = {
        f"on_{n}_{end}": (lambda self, *_, key=f"{n}_{end}", logs=None: order.append(key))
        for n in names
        for end in ("begin", "end")
    }
    fit(make(), type("Watch", (keras.callbacks.Callback,), hooks)(), epochs=1, steps=2)
    batch = ["train_batch_begin", "train_batch_end"]
    assert order == ["train_begin", "epoch_begin", *batch, *batch, "epoch_end", "train_end"]


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"content_weight": 1e5}, r"content term pulls back .* as hard .* will hardly be stylised\. style_weight="),
        (
            {"style_weight": 1e6},
            r"style term pulls .* as hard .* nothing of the content will be kept\. content_weight=",
        ),
    ],
)
@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
@pytest.mark.parametrize("init", ["content", "noise"])
def test_weights_out_of_balance_are_told_once(make, optimizer, init, weights, message):
    style_transfer = make(init=init, optimizer=optimizer)
    with pytest.warns(UserWarning, match=message) as caught:
        fit(style_transfer, epochs=3, **{"style_weight": 1.0, "content_weight": 0.02, **weights})
    assert len(caught) == 1
    argument, value = re.search(r"\. (\w+)=(\S+) would balance", str(caught[0].message)).groups()
    assert float(value) > 10 * {"style_weight": 1.0, "content_weight": 0.02, **weights}[argument]


def test_balanced_weights_are_not_told(make):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(make(), epochs=3)


def test_frame_recorder_keeps_copies(make):
    recorder = callbacks.FrameRecorder(2)
    fit(make(), recorder)
    assert len(recorder.frames) == 3
    assert len({frame.tobytes() for frame in recorder.frames}) == 3
