import numpy as np
import PIL.Image
import pytest

from tools.drawing import swirls_night
from training import pictures


def test_crops_repeat_by_seed_and_epoch():
    groups = [[swirls_night.swirls(40)], [swirls_night.swirls(20)], []]

    def batch(**changed):
        settings = {"size": 32, "batch": 6, "steps": 3, "seed": 1, "epoch": 2, **changed}
        return pictures.Crops(groups, (0.5, 0.3, 0.2), **settings)[1][0]

    first = batch()
    assert first.shape == (6, 32, 32, 3)
    assert first.dtype == np.float32
    assert 0 <= first.min() < first.max() <= 255
    assert np.array_equal(first, batch())
    assert not np.array_equal(first, batch(epoch=3))
    assert not np.array_equal(first, batch(seed=2))


def test_small_pictures_are_tiled():
    square = pictures.crop([np.full((5, 7, 3), 9, np.uint8)], 16, np.random.default_rng(0))
    assert square.shape == (16, 16, 3)
    assert np.all(square == 9)


@pytest.fixture
def folder(tmp_path):
    PIL.Image.fromarray(swirls_night.swirls(40)).save(tmp_path / "first.png")
    PIL.Image.fromarray(swirls_night.swirls(20)).convert("L").save(tmp_path / "second.jpg")
    (tmp_path / "notes.txt").write_text("no picture")
    return tmp_path


def test_a_folder_is_read_at_several_sizes(folder):
    read = pictures.read(str(folder), (32, 16))
    assert [picture.shape for picture in read] == [(32, 32, 3), (16, 16, 3), (20, 20, 3), (16, 16, 3)]
    assert all(picture.dtype == np.uint8 for picture in read)


def test_pictures_are_held_out(folder):
    assert len(pictures.read(str(folder), (16,), hold_out=["first"])) == 1
    assert pictures.holds(str(folder), "first")
    assert not pictures.holds(str(folder), "notes")
    with pytest.raises(ValueError, match="holds out all pictures"):
        pictures.read(str(folder), (16,), hold_out=["first", "second"])


def test_a_folder_without_pictures_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"is no folder with .jpg or .png pictures"):
        pictures.read(str(tmp_path), (16,))
