import keras

from nst_keras import callbacks

NAMES = {name for name in vars(callbacks.RunView) if not name.startswith("_")} | set(callbacks.RunView.__annotations__)


def test_a_run_has_all_that_callbacks_may_read(make_transfer):
    missing = []

    class Reads(callbacks.RunCallback):
        def on_train_begin(self, logs=None):
            assert self.run is self.model
            missing.extend(name for name in NAMES if not hasattr(self.run, name))

        def on_train_batch_end(self, batch, logs=None):
            missing.extend(name for name in NAMES if getattr(self.run, name) is None)

    make_transfer().fit_style_transfer(1, 1, verbose=0, callbacks=[Reads()])
    assert len(NAMES) >= 18
    assert missing == []


def test_a_callback_may_stop_the_run(make_transfer):
    class Stops(callbacks.RunCallback):
        def on_train_batch_end(self, batch, logs=None):
            self.run.stop_training = self.run.step == 2

    style_transfer = make_transfer()
    style_transfer.fit_style_transfer(1, 5, verbose=0, callbacks=[Stops()])
    assert style_transfer.step == 2


def test_the_callbacks_here_are_keras_callbacks_that_know_their_run():
    made = [callbacks.BalanceCheck(), callbacks.FrameRecorder(), callbacks.Progress(), callbacks.StepHistory()]
    assert all(isinstance(callback, callbacks.RunCallback) for callback in made)
    assert all(isinstance(callback, keras.callbacks.Callback) for callback in made)
    assert [callback.keeps for callback in made] == [False, True, False, True]
