import base64
import io
import os
import warnings

import keras
import numpy as np
import PIL.Image
import pytest

from nst_keras import callbacks, export


def fit(style_transfer, *extra, steps=6, **options):
    return style_transfer.fit_style_transfer(1, steps, verbose=0, callbacks=extra, **options)


def test_without_a_screen_showing_warns_once(make_transfer):
    with pytest.warns(UserWarning, match=r"no screen and no notebook\. Give preview=PATH to show") as caught:
        fit(make_transfer(), show_image=True, show_interval=1)
    assert len(caught) == 1


def test_a_toolkit_that_cannot_start_is_no_screen(make_transfer, monkeypatch):
    import matplotlib.pyplot as plt

    def refuse(*_, **__):
        raise ImportError("Cannot load backend 'TkAgg'")

    monkeypatch.setattr(plt, "figure", refuse)
    with pytest.warns(UserWarning, match="no screen"):
        fit(make_transfer(), callbacks.ImageDisplay(3))


def test_a_notebook_shows_the_picture_in_place(make_transfer, notebook):
    style_transfer = make_transfer()
    fit(style_transfer, callbacks.ImageDisplay(4))
    (shown,) = notebook
    assert [bundle["text/plain"] for bundle in shown] == ["step 0", "step 4", "step 6"]
    pixels = [np.asarray(PIL.Image.open(io.BytesIO(base64.b64decode(bundle["image/png"])))) for bundle in shown]
    np.testing.assert_array_equal(pixels[-1], style_transfer.image)
    assert not np.array_equal(pixels[0], pixels[1])


def test_a_window_is_drawn_with_matplotlib(make_transfer, monkeypatch):
    import matplotlib.pyplot as plt
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    monkeypatch.setattr(FigureCanvasAgg, "required_interactive_framework", "pretended")
    monkeypatch.setattr(Figure, "show", lambda self: None)
    was_interactive = plt.isinteractive()
    style_transfer = make_transfer()
    fit(style_transfer, show_image=True, show_interval=4)
    axes = plt.figure("nst_keras").axes[0]
    np.testing.assert_array_equal(axes.images[0].get_array(), style_transfer.image)
    assert axes.get_title() == "step 6"
    assert plt.isinteractive() == was_interactive
    plt.close("all")

    class Closes(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            plt.close("all")

    fit(style_transfer, callbacks.ImageDisplay(1), Closes())
    assert style_transfer.completed
    assert not plt.get_fignums()


def test_a_preview_is_rewritten_whole_at_each_interval(make_transfer, tmp_path):
    seen = []

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(np.asarray(PIL.Image.open(tmp_path / "preview.png")))

    style_transfer = make_transfer()
    with warnings.catch_warnings():  # A preview is a place to show it in.
        warnings.simplefilter("error")
        frames = fit(style_transfer, callbacks.ImageDisplay(2, preview=tmp_path / "preview.png"), Watch())
    np.testing.assert_array_equal(seen[0], style_transfer.content_image[0].numpy().round())
    for place in (1, 3, 5):
        np.testing.assert_array_equal(seen[place], frames[place])
    np.testing.assert_array_equal(seen[2], frames[1])
    assert os.listdir(tmp_path) == ["preview.png"]


def test_the_end_is_shown_where_a_callback_puts_back_a_better_picture(make_transfer, tmp_path):
    restored = []

    class Restores(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            restored.append(self.model.content_image.numpy())
            self.model.set_weights(restored)

    fit(make_transfer(), Restores(), callbacks.ImageDisplay(2, preview=tmp_path / "preview.png"))
    np.testing.assert_array_equal(PIL.Image.open(tmp_path / "preview.png"), restored[0][0].round())


def test_a_preview_that_cannot_be_written_is_told_once(make_transfer, tmp_path, monkeypatch):
    def full(image, path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export, "save_image", full)
    style_transfer = make_transfer()
    with pytest.warns(UserWarning, match=r"preview: .*preview.png' cannot be written .*No space.* goes on") as caught:
        fit(style_transfer, callbacks.ImageDisplay(1, preview=tmp_path / "preview.png"))
    assert len(caught) == 1
    assert style_transfer.completed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"interval": 0}, "show_interval must be a whole number, 1 or more, but 0 was given"),
        ({"preview": "preview.gif"}, r"preview: 'preview\.gif' must end in one of \.png"),
        ({"preview": "nowhere/preview.png"}, r"preview: the folder of 'nowhere/preview\.png' does not exist"),
    ],
)
def test_bad_arguments_are_refused_at_once(arguments, message):
    with pytest.raises((ValueError, OSError), match=message):
        callbacks.ImageDisplay(**arguments)
