import pytest

from nst_keras.cli.batch import rows, table

OPTIONS = list(rows.OPTIONS)


@pytest.fixture
def write(tmp_path):
    """Writes a table, and returns its path as text."""

    def written(text, encoding="utf-8"):
        path = tmp_path / "pairs.csv"
        path.write_bytes(text.encode(encoding) if isinstance(text, str) else text)
        return str(path)

    return written


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_row_gives_values_as_the_options_own_flags_read_them(write, separator, encoding):
    text = "content,style,strength,pyramid,output\nété.jpg,wave.jpg,0.5,,a.png\n\n,wave.jpg,,3,\n"
    rows = table.read(write(text.replace(",", separator), encoding), OPTIONS)
    first = {"content_image": "été.jpg", "style_image": "wave.jpg", "strength": 0.5, "output": "a.png"}
    assert [row.values for row in rows] == [first, {"style_image": "wave.jpg", "pyramid": 3}]
    assert [row.problem for row in rows] == ["", ""]


def test_a_cell_with_commas_in_quotes_is_several_styles(write):
    (row,) = table.read(write('content,style\r\ndog.jpg,"night.jpg,wave.jpg"\r\n'), OPTIONS)
    assert row.values["style_image"] == ["night.jpg", "wave.jpg"]


def test_a_bad_row_costs_no_other(write):
    text = "content,style,strength,output\na.jpg,b.jpg,much,x.png\na.jpg,b.jpg,1,y.png,z\na.jpg,b.jpg,1,w.png"
    bad, longer, good = table.read(write(text), OPTIONS)
    assert bad.problem == "strength: 'much' is not a number."
    assert bad.texts == {"content_image": "a.jpg", "style_image": "b.jpg", "strength": "much", "output": "x.png"}
    assert longer.problem == "pairs: this row has 5 cells for 4 columns. Put commas in quotes."
    assert good.problem == ""


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "has no rows"),
        ("content,style\n", "has no rows"),
        ("content,stile\na,b", "has the column 'stile', which is no option. Did you mean 'style'?"),
        ("content,content_image\na,b", "has the column 'content_image' twice"),
        ("content,resume\na,true", "has the column 'resume', which is no option"),
        ('content,style\n"a,b', "is no table"),
        (b"\xff\xfe\x00a", "is no text in UTF-8"),
    ],
)
def test_what_is_no_table_is_one_sentence(write, text, sentence):
    with pytest.raises(ValueError, match=f"^pairs: .*({sentence})"):
        table.read(write(text), OPTIONS)


def test_a_missing_table_is_one_sentence(tmp_path):
    with pytest.raises(OSError, match="^pairs: 'nowhere.csv' cannot be read \\(No such file or directory\\)"):
        table.read("nowhere.csv", OPTIONS)
