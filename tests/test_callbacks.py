import csv
import re
import sys
import types
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


def test_keras_progress_bar(make, capsys):
    make().fit_style_transfer(2, 3, verbose=2)
    printed = capsys.readouterr().out
    assert "Epoch 2/2" in printed
    assert "3/3" in printed
    assert "style_loss" in printed
    make().fit_style_transfer(1, 2, verbose=0)
    assert capsys.readouterr().out == ""


def test_csv_logger(make, tmp_path):
    fit(make(), keras.callbacks.CSVLogger(tmp_path / "log.csv"))
    with open(tmp_path / "log.csv") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["0", "1"]
    assert float(rows[1]["loss"]) < float(rows[0]["loss"])


def test_early_stopping(make):
    style_transfer = make()
    stop = keras.callbacks.EarlyStopping("loss", min_delta=1e9, patience=1)
    fit(style_transfer, stop, epochs=5)
    assert style_transfer.step == 6
    assert style_transfer.stop_reason == "a callback stopped it after step 6"
    assert not style_transfer.completed


def test_learning_rate_scheduler(make):
    style_transfer = make()
    fit(style_transfer, keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5), learning_rate=4.0)
    assert float(style_transfer.optimizer.learning_rate) == 1.0


def test_terminate_on_nan_lets_a_finite_run_be(make):
    assert len(fit(make(), keras.callbacks.TerminateOnNaN())) == 6


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


def test_without_a_screen_showing_warns_once(make):
    with pytest.warns(UserWarning, match="show_image: there is no screen") as caught:
        fit(make(), show_image=True, show_interval=1)
    assert len(caught) == 1


def test_a_notebook_shows_the_picture_in_place(make, monkeypatch):
    shown, updates = [], []
    handle = types.SimpleNamespace(update=lambda picture: updates.append(picture.size))
    display = types.SimpleNamespace(display=lambda picture, display_id: shown.append(picture.size) or handle)
    shell = type("ZMQInteractiveShell", (), {})()
    ipython = types.SimpleNamespace(get_ipython=lambda: shell, display=display)
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    fit(make(), show_image=True, show_interval=2)
    assert shown == [(40, 48)]
    assert updates == [(40, 48)] * 3  # Steps 4 and 6, and the end.


def test_a_window_is_drawn_with_matplotlib(make, monkeypatch):
    import matplotlib.pyplot as plt

    monkeypatch.setattr(plt, "get_backend", lambda: "pretended")
    style_transfer = make()
    fit(style_transfer, show_image=True, show_interval=4)
    axes = plt.figure("nst_keras").axes[0]
    np.testing.assert_array_equal(axes.images[0].get_array(), style_transfer.image)
    assert axes.get_title() == "step 6"
    plt.close("all")


def test_frame_recorder_keeps_copies(make):
    recorder = callbacks.FrameRecorder(2)
    fit(make(), recorder)
    assert len(recorder.frames) == 3
    assert len({frame.tobytes() for frame in recorder.frames}) == 3
