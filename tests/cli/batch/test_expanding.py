import pytest

from nst_keras.cli.batch import expanding
from tests.cli.batch.conftest import folder, picture

__all__ = ["folder"]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("photos", ["photos/cat.png", "photos/dog.png", "photos/eel.png"]),
        ("photos/", ["photos/cat.png", "photos/dog.png", "photos/eel.png"]),
        ("photos/*", ["photos/cat.png", "photos/dog.png", "photos/eel.png"]),
        ("photos/[de]*.png", ["photos/dog.png", "photos/eel.png"]),
        ("photos/dog.png,paintings", ["photos/dog.png", "paintings/night.png", "paintings/wave.png"]),
        (["photos/dog.png", "photos/d*"], ["photos/dog.png"]),
        ('"photos/a, b.png",photos/cat.png', ["photos/a, b.png", "photos/cat.png"]),
        ("sample:swirls,https://host/a.png", ["sample:swirls", "https://host/a.png"]),
        ("photos/a[1].png", ["photos/a[1].png"]),
    ],
)
def test_names_stand_for_pictures(folder, given, found):
    if "a, b" in str(given):
        picture(folder / "photos" / "a, b.png")
    if "a[1]" in str(given):
        picture(folder / "photos" / "a[1].png")
    assert expanding.pictures("content_image", given, recursive=False) == found


def test_a_folder_is_looked_through_with_the_folders_inside_if_asked(folder):
    picture(folder / "photos" / "2024" / "ant.png")
    picture(folder / "photos" / ".hidden" / "bee.png")
    names = ["photos/cat.png", "photos/dog.png", "photos/eel.png"]
    assert expanding.pictures("content_image", "photos", recursive=False) == names
    assert expanding.pictures("content_image", "photos", recursive=True) == [*names, "photos/2024/ant.png"]
    assert expanding.pictures("content_image", "photos/**/ant*", recursive=False) == ["photos/2024/ant.png"]


@pytest.mark.parametrize(
    ("given", "error", "sentence"),
    [
        ("photo", FileNotFoundError, "content_image: there is no file 'photo'. Did you mean 'photos'?"),
        ("photos/*.jpg", ValueError, "content_image: 'photos/\\*.jpg' holds no picture .* add --recursive"),
        ("empty", ValueError, "content_image: 'empty' holds no picture"),
        ("a.png,,b.png", ValueError, "content_image: 'a.png,,b.png' holds an empty name."),
        (3, TypeError, "content_image must be names of pictures, but int was given."),
        ([b"a"], TypeError, "content_image must be names of pictures, but list was given."),
    ],
)
def test_names_without_pictures_are_one_sentence(folder, given, error, sentence):
    (folder / "empty").mkdir()
    with pytest.raises(error, match=sentence):
        expanding.pictures("content_image", given, recursive=False)
