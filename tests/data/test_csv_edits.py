import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagifai.data.csv_edits import quotes_always, scan_cells, write_cell
from tagifai.errors import TagifaiError

QUOTING = {
    "standard": {},
    "none": {"quoting": csv.QUOTE_NONE, "quotechar": None},
}


def cells_of(text, delimiter, quoting):
    rows = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, strict=True, **QUOTING[quoting]
    )
    return [row for row in rows if any(cell and not cell.isspace() for cell in row)]


@given(
    st.text(alphabet='a ",;\t\r\n\\é', max_size=12),
    st.sampled_from(",;\t"),
    st.sampled_from(list(QUOTING)),
)
def test_cells_are_those_that_the_csv_module_reads(text, delimiter, quoting):
    try:
        expected = cells_of(text, delimiter, quoting)
    except csv.Error:
        with pytest.raises(TagifaiError):
            list(scan_cells(text, delimiter, quoting))
        return
    rows = list(scan_cells(text, delimiter, quoting))
    assert [[cell.text for cell in row] for row in rows] == expected
    for cell in (cell for row in rows for cell in row):
        held = text[slice(*cell.span)]
        assert held == (
            f'"{cell.text.replace(chr(34), chr(34) * 2)}"' if cell.quoted else cell.text
        )


@given(st.text(alphabet='a ",;\r\n\\[]é', max_size=12), st.booleans(), st.sampled_from(",;"))
def test_what_is_written_is_read(text, quoted, delimiter):
    written = write_cell(text, quoted=quoted, delimiter=delimiter)
    ((first, cell, last),) = cells_of(f"x{delimiter}{written}{delimiter}y", delimiter, "standard")
    assert (first, cell, last) == ("x", text, "y")
    assert written.startswith('"') or not quoted


def test_backslashes_escape_quotes_where_they_do():
    text = 'id,tags\r\n1,"[\\"a\\", \\"b\\\\\\"]"\r\n'
    rows = list(scan_cells(text, ",", "backslash"))
    assert rows[1][1].text == '["a", "b\\"]'
    assert write_cell('["a\\"]', quoted=True, quoting="backslash") == '"[\\"a\\\\\\"]"'


def test_a_cell_that_would_need_quotes_is_refused_where_there_are_none():
    assert write_cell('["a"]', quoted=True, delimiter="\t", quoting="none") == '["a"]'
    with pytest.raises(TagifaiError, match="cannot be written in a cell without quotes"):
        write_cell('["a", "b"]', quoted=False, quoting="none")


@pytest.mark.parametrize(
    ("text", "message"),
    [('a\n"b', "line 2: a quote that opens is never"), ('"a"b', "line 1: text")],
)
def test_the_line_of_a_stray_quote_is_named(text, message):
    with pytest.raises(TagifaiError, match=message):
        list(scan_cells(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('1,a,"[""b""]"\n2,c,[]\n', False),
        ('"1","a","[""b""]"\n"2","c","[]"\n', True),
        # Strings in quotes, numbers not.
        ('1,"a","[""b""]"\n2,"c","[]"\n', True),
        # Every cell of tags needs its quotes: the others tell.
        ('"1","a","[""b""]"\n', True),
        ('1,a,"[""b""]"\n', False),
    ],
)
def test_how_a_column_is_quoted_is_told_by_cells_that_need_no_quotes(text, expected):
    assert quotes_always(list(scan_cells(text)), 2) is expected
