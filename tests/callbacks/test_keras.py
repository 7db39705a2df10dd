"""Keras's own callbacks, each in a real run."""

import csv

import keras
import numpy as np
import pytest
import tensorflow as tf


@pytest.fixture(params=["adam", "lbfgs"])
def style_transfer(make_transfer, request):
    return make_transfer(optimizer=request.param)


def fit(style_transfer, *extra, epochs=2, steps=3, **options):
    return style_transfer.fit_style_transfer(epochs, steps, verbose=0, callbacks=extra, **options)


def tags(folder):
    files = [str(path) for path in folder.rglob("events.out.tfevents.*")]
    events = [tf.compat.v1.Event.FromString(record.numpy()) for record in tf.data.TFRecordDataset(files)]
    return {value.tag for event in events for value in event.summary.value}


class Spoils(keras.callbacks.Callback):
    """Puts another picture in the place of the present one, after a step."""

    def __init__(self, step, level):
        super().__init__()
        self.at, self.level = step, level

    def on_train_batch_end(self, batch, logs=None):
        if self.model.step == self.at:
            self.model.set_weights([np.full_like(self.model.generated_image, self.level)])


class Fails(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if self.model.step == 8:
            raise RuntimeError("the power went out")


@pytest.mark.slow
def test_csv_logger(style_transfer, tmp_path):
    fit(style_transfer, keras.callbacks.CSVLogger(tmp_path / "log.csv"))
    with open(tmp_path / "log.csv") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["0", "1"]
    losses = style_transfer.history.history["style_loss"]
    np.testing.assert_allclose([float(row["style_loss"]) for row in rows], [losses[2], losses[5]], rtol=1e-6)


@pytest.mark.slow
def test_early_stopping(style_transfer):
    stop = keras.callbacks.EarlyStopping("loss", min_delta=1e9, patience=1)
    fit(style_transfer, stop, epochs=5)
    assert style_transfer.step == 6
    assert style_transfer.stop_reason == "a callback stopped it after step 6"
    assert not style_transfer.completed


def test_early_stopping_puts_back_the_best_picture(style_transfer):
    stop = keras.callbacks.EarlyStopping("loss", restore_best_weights=True)
    frames = fit(style_transfer, Spoils(5, level=3.0), stop, epochs=5, steps=2)
    assert style_transfer.step == 6
    assert not np.array_equal(frames[4], frames[3])
    np.testing.assert_array_equal(style_transfer.image, frames[3])


def test_learning_rate_scheduler(make_transfer):
    style_transfer = make_transfer()
    fit(style_transfer, keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5), learning_rate=4.0)
    assert float(style_transfer.optimizer.learning_rate.numpy()) == 1.0


def test_reduce_learning_rate_on_plateau(make_transfer):
    style_transfer = make_transfer()
    reduce = keras.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=1e9)
    frames = fit(style_transfer, reduce, epochs=4, steps=2, learning_rate=4.0)
    assert float(style_transfer.optimizer.learning_rate.numpy()) == 0.5  # After each epoch but the first.
    plain = fit(style_transfer, epochs=4, steps=2, learning_rate=4.0)
    np.testing.assert_array_equal(frames[3], plain[3])
    assert not np.array_equal(frames[4], plain[4])


@pytest.mark.parametrize("name", ["LearningRateScheduler", "ReduceLROnPlateau"])
def test_lbfgs_has_no_rate_to_change(make_transfer, name):
    argument = {"LearningRateScheduler": lambda epoch: 1.0, "ReduceLROnPlateau": "loss"}[name]
    with pytest.raises((AttributeError, ValueError), match="learning_rate"):
        fit(make_transfer(optimizer="lbfgs"), getattr(keras.callbacks, name)(argument))


def test_terminate_on_nan_lets_a_finite_run_be(style_transfer):
    assert len(fit(style_transfer, keras.callbacks.TerminateOnNaN())) == 6


def test_terminate_on_nan_where_the_loss_turns_nan(style_transfer, content):
    with pytest.warns(RuntimeWarning, match="the loss was nan in step 3; the last good picture is kept"):
        frames = fit(style_transfer, Spoils(2, level=np.nan), keras.callbacks.TerminateOnNaN())
    assert style_transfer.step == 2
    assert not style_transfer.completed
    assert np.isfinite(style_transfer.generated_image).all()
    assert frames


def test_lambda_callback(style_transfer):
    seen = {}
    fit(style_transfer, keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.update({epoch: logs})))
    assert [set(logs) for logs in seen.values()] == [set(style_transfer.history.history)] * 2


def test_progress_bar(style_transfer, capsys):
    style_transfer.fit_style_transfer(2, 3, verbose=1, callbacks=[keras.callbacks.ProgbarLogger()])
    assert "Epoch 2/2" in capsys.readouterr().out


def test_tensorboard(style_transfer, tmp_path):
    pytest.importorskip("tensorboard")
    fit(style_transfer, keras.callbacks.TensorBoard(tmp_path, histogram_freq=1, update_freq="batch"))
    assert {"epoch_loss", "epoch_style_loss", "batch_loss"} <= tags(tmp_path)


def test_model_checkpoint_keeps_the_best_picture(style_transfer, tmp_path):
    path = tmp_path / "best.weights.h5"
    best = keras.callbacks.ModelCheckpoint(path, monitor="loss", save_weights_only=True, save_best_only=True)
    frames = fit(style_transfer, Spoils(5, level=3.0), best, epochs=3, steps=2)
    style_transfer.load_weights(path)
    np.testing.assert_array_equal(style_transfer.image, frames[3])


@pytest.mark.slow
def test_backup_and_restore(style_transfer, tmp_path):
    def backup():
        return keras.callbacks.BackupAndRestore(tmp_path / "backup", delete_checkpoint=False)

    whole = fit(style_transfer, epochs=4)[-1]
    with pytest.raises(RuntimeError, match="the power went out"):
        fit(style_transfer, backup(), Fails(), epochs=4)
    assert len(fit(style_transfer, backup(), epochs=4)) == 6  # Of the two epochs that were not whole.
    assert style_transfer.step == 12
    np.testing.assert_array_equal(style_transfer.image, whole)
