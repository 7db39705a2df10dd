import os

import numpy as np
import PIL.Image
import pytest

from nst_keras.export import plots

HISTORY = {
    "loss": [3.0, 2.0, 1.5],
    "style_loss": [2.9, 1.6, 1.0],
    "content_loss": [1e-9, 0.4, 0.5],
    "var_loss": [0.0, 0.0, 0.0],
    "learning_rate": [5.0],
}


def curves(figure):
    return {line.get_label(): line for line in figure.axes[0].lines}


def labels(figure):
    return [axes.get_title(loc="left") for axes in figure.axes]


def boxes(figure):
    """Left, bottom, right and top of each picture, in inches."""
    width, height = figure.get_size_inches()
    return [axes.get_position().extents * [width, height, width, height] for axes in figure.axes]


def test_the_history_is_drawn_on_a_logarithmic_axis():
    figure = plots.plot_history(HISTORY, title="a run")
    assert list(curves(figure)) == ["total", "style", "content"]  # What is 0, and what is no loss, is left out.
    axes = figure.axes[0]
    assert axes.get_yscale() == "log"
    assert axes.get_title() == "a run"
    np.testing.assert_array_equal(curves(figure)["style"].get_data(), [[1, 2, 3], HISTORY["style_loss"]])
    assert len({line.get_color() for line in curves(figure).values()}) == 3


def test_what_is_zero_but_for_rounding_does_not_stretch_the_axis():
    figure = plots.plot_history(HISTORY)
    np.testing.assert_array_equal(curves(figure)["content"].get_ydata(), [np.nan, 0.4, 0.5])
    assert figure.axes[0].get_ylim()[0] > 0.1


def test_steps_and_layers_and_values_that_are_not_finite():
    history = {"loss": [1.0, np.nan], "style_loss/conv1": [0.5, np.inf]}
    figure = plots.plot_history(history, steps=[31, 32])
    np.testing.assert_array_equal(curves(figure)["total"].get_data(), [[31, 32], [1.0, np.nan]])
    np.testing.assert_array_equal(curves(figure)["style_loss/conv1"].get_ydata(), [0.5, np.nan])


def test_one_step_is_seen_too():
    assert curves(plots.plot_history({"loss": [1.0]}))["total"].get_marker() == "o"


def test_the_history_of_a_run(make_transfer):
    style_transfer = make_transfer()
    style_transfer.fit_style_transfer(1, 3, verbose=0)
    figure = plots.plot_history(style_transfer.history.history, steps=style_transfer.history.epoch)
    assert list(curves(figure)) == ["total", "style", "content"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"history": {}}, "history holds no losses above 0"),
        ({"history": {"loss": [0.0]}}, "history holds no losses above 0"),
        ({"history": HISTORY, "steps": [1]}, "steps has 1 entries, which is not the length of history"),
    ],
)
def test_histories_that_cannot_be_drawn(arguments, message):
    with pytest.raises(ValueError, match=message):
        plots.plot_history(**arguments)


def test_a_contact_sheet(make_transfer, style):
    style_transfer = make_transfer(style_image=[style, style[:, :20]])
    frames = style_transfer.fit_style_transfer(1, 9, verbose=0)
    pictures = (style_transfer.content_image, style_transfer.style_images, frames, style_transfer.image)
    figure = plots.plot_frames(*pictures, columns=3)
    assert labels(figure) == ["content", "style 1", "style 2", "result", "frame 1", "frame 5", "frame 9"]
    np.testing.assert_array_equal(figure.axes[3].images[0].get_array(), style_transfer.image)
    np.testing.assert_array_equal(figure.axes[5].images[0].get_array(), frames[4])
    figure = plots.plot_frames(*pictures, steps=range(10, 100, 10), rows=2, columns=2)
    assert labels(figure)[4:] == ["step 10", "step 40", "step 60", "step 90"]


@pytest.mark.parametrize("shape", [(40, 30, 3), (30, 40, 3), (10, 90, 3), (90, 10, 3)])
@pytest.mark.parametrize("count", [0, 1, 4, 5, 6])
def test_pictures_keep_their_shape_and_fill_the_width(shape, count, style):
    picture = np.zeros(shape, np.uint8)
    figure = plots.plot_frames(picture, [style], [picture] * count, picture, rows=2, columns=3)
    extents = boxes(figure)
    for axes, (left, bottom, right, top) in zip(figure.axes, extents, strict=True):
        height, width = axes.images[0].get_array().shape[:2]
        assert (right - left) / (top - bottom) == pytest.approx(width / height, rel=1e-3)
        assert bottom > 0
    assert extents[2][2] == pytest.approx(extents[0][0] + 10 - 2 * extents[0][0])
    assert all(box[2] <= extents[2][2] + 1e-6 for box in extents)
    drawn_over = [(a, b) for a in extents for b in extents if a is not b and overlap(a, b)]
    assert not drawn_over


def overlap(a, b):
    return min(a[2], b[2]) > max(a[0], b[0]) and min(a[3], b[3]) > max(a[1], b[1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": [1, 2]}, "steps has 2 entries, but frames has 1"),
        ({"rows": 0}, "rows must be a whole number"),
        ({"columns": 0.5}, "columns must be a whole number"),
    ],
)
def test_sheets_that_cannot_be_laid_out(options, message):
    picture = np.zeros((4, 4, 3), np.uint8)
    with pytest.raises(ValueError, match=message):
        plots.plot_frames(picture, [picture], [picture], picture, **options)


def test_figures_are_saved(tmp_path):
    for suffix in plots.FIGURE_OPTIONS:
        path = tmp_path / f"history{suffix}"
        plots.plot_history(HISTORY, path=path)
        assert path.stat().st_size > 1000
    with PIL.Image.open(tmp_path / "history.png") as picture:
        assert picture.size == (864, 504)
    picture = np.zeros((4, 4, 3), np.uint8)
    plots.plot_frames(picture, [picture], [], picture, path=tmp_path / "history.svg")
    assert sorted(os.listdir(tmp_path)) == ["history.pdf", "history.png", "history.svg"]
    for bad, message in (
        ("history.gif", "must end in one of .png, .pdf, .svg"),
        ("none/history.png", "does not exist"),
    ):
        with pytest.raises((ValueError, OSError), match=message):
            plots.save(plots.plot_history(HISTORY), tmp_path / bad)


def test_a_notebook_shows_a_figure_that_is_returned():
    from IPython.core.formatters import DisplayFormatter

    shown, _ = DisplayFormatter().format(plots.plot_history(HISTORY))
    assert shown["image/png"]


def test_nothing_is_left_open():
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    plots.plot_history(HISTORY)
    assert plt.get_fignums() == before
