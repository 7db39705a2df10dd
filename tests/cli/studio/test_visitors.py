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
        visitor.begin()
        (visitor.work / "made.png").write_text("x")
        assert visitor.work.is_relative_to(tmp_path)
    visitors.leave("../../etc")
    assert not one.folder.exists()
    assert (other.work / "made.png").exists()
    assert not one.is_there
    assert visitors.of("../../etc") is not one


def test_the_files_of_the_last_picture_go_with_the_next(visitors):
    visitor = visitors.of("a")
    visitor.begin()
    first = visitor.work / "made.png"
    first.write_text("x")
    visitor.begin()
    assert not first.exists()
    assert visitor.work.is_dir()


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


def test_the_first_who_came_is_forgotten_for_one_too_many(visitors):
    first = visitors.of("a")
    for name in "bcd":
        visitors.of(name)
    assert not first.is_there
    assert visitors.of("b").is_there


def test_sentences_name_no_folder_of_this_machine(visitors, tmp_path):
    path = tmp_path / "0123abcd" / "my photo.png"
    assert visitors.hidden(f"content_image: '{path}' is no picture.") == "content_image: 'my photo.png' is no picture."
    assert visitors.hidden(f'{{"style_image": "{tmp_path}/9/painting.png"}}') == '{"style_image": "painting.png"}'
    assert visitors.hidden("'/etc/passwd'") == "'/etc/passwd'"
