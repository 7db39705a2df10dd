import pytest

from nst_keras.settings import paths


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("file:///a/b.jpg", "/a/b.jpg"),
        ("FILE://LOCALHOST/a/b.jpg", "/a/b.jpg"),
        ("file:///a/my%20dog%20%231,%C3%BC.jpg", "/a/my dog #1,ü.jpg"),
        ("file:///a/b#1.jpg?c", "/a/b#1.jpg?c"),
    ],
)
def test_a_file_url_is_a_path(url, path):
    assert paths.local(url) == path


@pytest.mark.parametrize("name", ["a.jpg", "~/a%20b.jpg", "https://localhost/a.jpg", "file://host/a.jpg", 3, None])
def test_anything_else_is_unchanged(name):
    assert paths.local(name) is name


def test_what_a_path_says_of_itself_is_its_path_again(tmp_path):
    for name in ("plain.png", "50%.png", "a b+ü.png"):
        assert paths.local((tmp_path / name).as_uri()) == str(tmp_path / name)


def test_several_names_in_a_text(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a.jpg", "one,two.jpg"):
        (tmp_path / name).touch()
    a = (tmp_path / "a.jpg").as_uri()
    for text in (
        "a.jpg,b.jpg",
        "b.jpg, a.jpg",
        "http://host/a.jpg,http://host/b.jpg",
        f"{a},{a}",
        "sample:swirls,b.jpg",
    ):
        assert paths.several(text), text
    for text in ("a.jpg", "one,two.jpg", "three,four.jpg", "http://host/b,a.jpg", "sample:swirls"):
        assert not paths.several(text), text


def test_a_password_is_left_out():
    for url, shown in (
        ("https://me:secret@host/a.png", "https://me@host/a.png"),
        ("http://:secret@host:80/", "http://@host:80/"),
        ("https://me:a:b@c@host", "https://me@host"),
        ("https://host/a:b@c.png", "https://host/a:b@c.png"),
        ("a:b@c.png", "a:b@c.png"),
    ):
        assert paths.without_password(url) == shown


@pytest.mark.parametrize("name", ["a" * 5000, "a\0b", "~nobody_of_this_name", "caf\udce9", "\ud800"])
def test_texts_that_no_file_can_have_as_a_name(name):
    assert not paths.exists(name)
    assert not paths.is_folder(name)
    assert paths.is_missing(name)
    assert len(paths.missing("photo", name)) < 300
