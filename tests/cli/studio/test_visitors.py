import pytest

from nst_keras.cli.studio import visitors as visitors_lib


@pytest.fixture
def visitors(tmp_path):
    return visitors_lib.Visitors(tmp_path, most=3)


def test_a_visitor_has_files_that_no_other_can_name_and_that_go_with_the_visit(visitors, tmp_path):
    one, other = visitors.of("../../etc"), visitors.of("b")
    assert one is visitors.of("../../etc")
    assert one is not other
    for visitor in (one, other):
        order = visitor.ask()
        (order.work / "made.png").write_text("x")
        (visitor.fresh("painting") / "photograph.png").write_text("x")
        assert order.work.is_relative_to(tmp_path)
    visitors.leave("../../etc")
    assert not one.folder.exists()
    assert one.order.is_ended
    assert (other.order.work / "made.png").exists()
    assert visitors.known("../../etc") is None


def test_the_files_of_the_last_picture_go_with_the_next_but_no_others(visitors):
    visitor = visitors.of("a")
    first = visitor.ask()
    photograph = visitor.fresh("painting")
    second = visitor.ask()
    assert first.is_ended
    assert not first.work.exists()
    assert second.work.is_dir()
    visitor.ask_in_row()
    assert not second.is_ended
    assert photograph.is_dir()
    visitor.fresh("painting")
    assert not photograph.exists()


def test_an_upload_goes_unless_another_visitor_has_it_too(visitors, tmp_path):
    for name in ("own", "shared"):
        (tmp_path / name).write_text("x")
    visitors.of("a").uploads |= {str(tmp_path / "own"), str(tmp_path / "shared")}
    visitors.of("b").uploads.add(str(tmp_path / "shared"))
    visitors.leave("a")
    assert not (tmp_path / "own").exists()
    assert (tmp_path / "shared").exists()
    visitors.leave("b")
    assert not (tmp_path / "shared").exists()


def test_no_other_file_goes_whatever_a_visitor_names(visitors, tmp_path_factory):
    secret = tmp_path_factory.mktemp("host") / "secret.txt"
    secret.write_text("x")
    visitors.of("a").uploads |= {str(secret), str(secret.parent), "/none", "\0"}
    visitors.leave("a")
    assert secret.exists()


def test_only_files_that_were_uploaded_are_uploads(visitors, tmp_path, tmp_path_factory):
    (tmp_path / "photo.png").write_text("x")
    secret = tmp_path_factory.mktemp("host") / "secret.txt"
    secret.write_text("x")
    (tmp_path / "link.png").symlink_to(secret)
    assert visitors.upload(str(tmp_path / "photo.png")) == tmp_path / "photo.png"
    for path in (secret, tmp_path / "link.png", tmp_path / ".." / "x", tmp_path, "photo.png", "/etc/passwd"):
        with pytest.raises(ValueError, match="no file that was uploaded"):
            visitors.upload(str(path))


def test_of_too_many_the_first_who_has_no_picture_going_is_forgotten(visitors):
    busy, idle = visitors.of("busy"), visitors.of("idle")
    busy.ask()
    visitors.of("c").ask()
    visitors.of("d").ask()
    assert visitors.known("idle") is None
    assert not idle.folder.exists()
    assert visitors.known("busy") is busy
    with pytest.raises(RuntimeError, match="The studio is full. Come back in a few minutes."):
        visitors.of("e")
    busy.end()
    assert visitors.of("e")


def test_sentences_name_no_folder_of_this_machine(visitors, tmp_path):
    path = tmp_path / "0123abcd" / "my photo.png"
    assert visitors.hidden(f"content_image: '{path}' is no picture.") == "content_image: 'my photo.png' is no picture."
    assert visitors.hidden(f'{{"style_image": "{tmp_path}/9/painting.png"}}') == '{"style_image": "painting.png"}'
    assert visitors.hidden("'/etc/passwd'") == "'/etc/passwd'"
