import numpy as np
import PIL.Image
import pytest

from nst_keras.images import loading, pixels, resizing


@pytest.fixture(scope="module")
def run_once(request):
    return {}


@pytest.fixture
def finished(make_transfer, run_once, content):
    """One run for all tests here, of a picture with a transparent corner, reduced."""
    if not run_once:
        alpha = np.full(content.shape[:2], 255, np.uint8)
        alpha[:20, :20] = 0
        style_transfer = make_transfer(content_image=np.dstack([content, alpha]), image_size=32, frame_interval=3)
        style_transfer.fit_style_transfer(1, 8, verbose=0)
        run_once["transfer"] = style_transfer
    return run_once["transfer"]


def pixels_of(path):
    with PIL.Image.open(path) as picture:
        return np.asarray(picture)


def test_the_picture_is_saved_as_it_is(finished, tmp_path):
    finished.save(tmp_path / "made.png")
    np.testing.assert_array_equal(pixels_of(tmp_path / "made.png"), finished.image)


@pytest.mark.parametrize(("size", "saved"), [("content", (40, 48)), (96, (81, 96)), (16, (14, 16))])
def test_other_sizes(finished, tmp_path, size, saved):
    finished.save(tmp_path / "made.png", output_size=size)
    resized = resizing.resize_to(finished.generated_image, *saved[::-1])
    np.testing.assert_array_equal(pixels_of(tmp_path / "made.png"), pixels.to_uint8(resized))


def test_sixteen_bits_hold_the_picture_before_it_is_rounded(finished, tmp_path):
    finished.save(tmp_path / "made.tiff", bit_depth=16)
    np.testing.assert_allclose(loading.load(tmp_path / "made.tiff"), finished.generated_image, atol=0.5 / 257 + 1e-4)


def test_alpha_is_the_content_images(finished, tmp_path):
    finished.save(tmp_path / "made.png", alpha=True, output_size="content")
    alpha = pixels_of(tmp_path / "made.png")[..., 3]
    assert (alpha[:20, :20] == 0).all()
    assert (alpha[20:] == 255).all()
    finished.save(tmp_path / "opaque.png")
    assert pixels_of(tmp_path / "opaque.png").shape[-1] == 3


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("a.png", {"output_size": "contents"}, "output_size must be"),
        ("a.png", {"output_size": 0}, "output_size must be"),
        ("a.jpg", {"bit_depth": 16}, "bit_depth"),
        ("a.jpg", {"alpha": True}, "cannot hold transparency"),
        ("a.gif", {}, "must end in one of"),
    ],
)
def test_what_cannot_be_saved_is_refused(finished, tmp_path, name, options, message):
    with pytest.raises(ValueError, match=message):
        finished.save(tmp_path / name, **options)
    assert not list(tmp_path.iterdir())


def test_plots_are_drawn_and_saved(finished, tmp_path):
    figure = finished.plot_history(tmp_path / "losses.png")
    assert list(figure.axes[0].lines[0].get_xdata()) == list(range(1, 9))
    sheet = finished.plot_frames(tmp_path / "sheet.svg", columns=2)
    labels = [text.get_text() for text in sheet.findobj(match=lambda artist: hasattr(artist, "get_text"))]
    assert {"content", "style", "result", "step 3", "step 8"} <= set(labels)
    assert pixels_of(tmp_path / "losses.png").shape[1] > 300
    assert (tmp_path / "sheet.svg").read_text().startswith("<?xml")
