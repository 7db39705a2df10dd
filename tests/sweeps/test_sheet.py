import numpy as np
import pytest
from matplotlib.backends import backend_agg

from nst_keras.sweeps import sheet

TEXTS = ["style_layer_scheme=coarse", "content_image=a_very_long_name_of_a_photograph_of_the_alps.jpg, seed=1", "$x$"]


def picture(height, width):
    return np.full((height, width, 3), 90, np.uint8)


def boxes(figure):
    """Boxes in pixels of all texts and of all pictures of a figure."""
    canvas = backend_agg.FigureCanvasAgg(figure)
    canvas.draw()
    texts = [text.get_window_extent(canvas.get_renderer()) for text in figure.texts if text.get_text()]
    return texts, [axes.get_window_extent() for axes in figure.axes]


def sheets():
    wide, tall = picture(40, 60), picture(90, 30)
    yield sheet.Grid([[sheet.Cell(wide, text) for text in TEXTS]])
    yield sheet.Grid([[sheet.Cell(tall, text)] * 5 for text in TEXTS])
    yield sheet.Grid([[sheet.Cell(wide, ""), sheet.Cell(None, "")], [sheet.Cell(tall, TEXTS[0])] * 2], TEXTS[:2], TEXTS)
    yield sheet.Grid([[sheet.Cell(wide, "")] * 12] * 2, [f"style_layer_scheme={n / 7}" for n in range(12)], TEXTS[:2])


@pytest.mark.slow
@pytest.mark.parametrize("grid", [*sheets()])
def test_nothing_overlaps_and_nothing_is_cut(grid):
    figure = sheet.draw(grid)
    texts, pictures = boxes(figure)
    every = [*texts, *pictures]
    for place, box in enumerate(every):
        assert not [other for other in every[place + 1 :] if box.overlaps(other)]
        assert min(box.x0, box.y0) >= 0
        assert box.x1 <= figure.bbox.width
        assert box.y1 <= figure.bbox.height


@pytest.mark.parametrize("size", [(40, 60), (90, 30), (50, 50)])
def test_pictures_keep_their_shape(size):
    figure = sheet.draw(sheet.Grid([[sheet.Cell(picture(*size), "a"), sheet.Cell(picture(30, 60), "b")]]))
    for axes, (height, width) in zip(figure.axes, (size, (30, 60)), strict=True):
        box = axes.get_window_extent()
        assert box.height / box.width == pytest.approx(height / width, rel=1e-3)
        assert axes.images[0].get_array().shape[:2] == (height, width)


def test_a_missing_picture_says_so():
    figure = sheet.draw(sheet.Grid([[sheet.Cell(None, "a")]]))
    assert [text.get_text() for text in figure.axes[0].texts] == ["not made"]


def test_large_pictures_make_a_finer_sheet():
    assert sheet.draw(sheet.Grid([[sheet.Cell(picture(40, 60), "")]])).dpi == 100
    assert sheet.draw(sheet.Grid([[sheet.Cell(picture(400, 520), "")]])).dpi == 200


def test_texts_are_wrapped_where_they_may_break():
    assert sheet.wrapped("", 1.0) == []
    assert sheet.wrapped("seed=1, mode=texture", 9.0) == ["seed=1, mode=texture"]
    lines = sheet.wrapped("content_image=a_very_long_name_of_a_photograph.jpg", 1.5)
    assert "".join(lines) == "content_image=a_very_long_name_of_a_photograph.jpg"
    assert all(line[-1] in "_=" for line in lines[:-1])
    assert sheet.wrapped("style_image=sample:swirls,sample:woodblock", 2.6) == [
        "style_image=sample:swirls,",
        "sample:woodblock",
    ]
    assert sheet.wrapped("word " * 100, 1.0)[5].endswith("…")
