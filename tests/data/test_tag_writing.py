import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagifai.data.edits import JsonStyle
from tagifai.data.tag_cells import read_tags
from tagifai.data.tag_writing import CellForm, Wanted, edit_cell, flip, form_of, take_apart
from tagifai.errors import TagifaiError

NAMES = st.text(alphabet="abcé -/", min_size=1, max_size=5).filter(
    lambda name: name == name.strip()
)
FORMS = {
    ";": lambda tags: "; ".join(tags),
    "|": lambda tags: "|".join(tags),
    "<>": lambda tags: "".join(f"<{tag}>" for tag in tags),
    "": str,
}


@given(
    st.lists(NAMES, unique=True, max_size=4),
    st.sets(NAMES, max_size=2),
    st.lists(st.booleans(), min_size=4, max_size=4),
    st.sampled_from(list(FORMS)),
)
def test_what_is_written_reads_as_what_was_wanted(tags, more, stays, separator):
    cell = FORMS[separator](tags)
    removed = frozenset(tag for tag, kept in zip(tags, stays, strict=False) if not kept)
    added = tuple(sorted(more - set(tags)))
    form = form_of([FORMS[separator](["x", "y"])], JsonStyle(), separator)
    written = edit_cell(cell, Wanted(removed, added), form)
    assert read_tags(written, separator) == [t for t in tags if t not in removed] + list(added)
    # As if it had been written so from the beginning.
    assert written == FORMS[separator]([t for t in tags if t not in removed] + list(added))


@pytest.mark.parametrize(
    ("cell", "separator", "items"),
    [
        (" a ;b;; c;", ";", ("a", "b", "c")),
        ("<a> <b c>", "<>", ("<a>", "<b c>")),
        ("array(['a', 'b'], dtype=object)", "", ("'a'", "'b'")),
        ("{a, b c}", "", ("a", "b c")),
        ("(1, 'x')", "", ("1", "'x'")),
        ("[ ]", "", ()),
        (" one ", "", ("one",)),
        ("a;b", "none", ("a;b",)),
    ],
)
def test_a_cell_is_taken_apart_without_losing_anything(cell, separator, items):
    found = take_apart(cell, separator)
    assert found.items == items
    parts = [found.opening, found.lead]
    for number, item in enumerate(found.items):
        parts += [item, *found.separators[number : number + 1]]
    written = "".join([*parts, found.tail, found.closing])
    assert written == (cell if items else "[]")


@pytest.mark.parametrize("cell", ["{'a': 1}", "[{'name': 'a'}]", "[a b]", "[[1]]", "['a' + 'b']"])
def test_what_cannot_be_taken_apart_is_refused(cell):
    with pytest.raises(TagifaiError, match=r"no list of tags that can be changed in place: "):
        take_apart(cell)


def test_an_empty_cell_is_filled_as_the_others_are():
    for others, expected in (
        (['["x", "y"]'], '["n"]'), (["['x','y']"], "['n']"), (["{x, y}"], "{n}"), (["x"], "n"),
        ([], "n"), (["[]"], '["n"]'),
    ):  # fmt: skip
        assert edit_cell("", Wanted(added=("n",)), form_of(others, JsonStyle())) == expected
    two = Wanted(added=("n", "m"))
    assert edit_cell("", two, form_of(["['x','y']"], JsonStyle())) == "['n','m']"
    assert edit_cell(" ", two, CellForm()) == '["n", "m"]'
    assert edit_cell("", two, form_of(["a , b"], JsonStyle(), ",")) == "n , m"


@pytest.mark.parametrize(
    ("cell", "value", "others", "expected"),
    [
        ("1", 0, [], "0"),
        ("TRUE", 0, [], "FALSE"),
        ("false", 1, [], "true"),
        ("Y", 0, [], "N"),
        (" 1.0 ", 0, [], " 0.0 "),
        ("", 1, ["x", "x", "1"], "x"),
        ("x", 0, ["", "x"], ""),
        ("-1", 1, [], "1"),
    ],
)
def test_a_one_hot_cell_is_turned_as_the_column_writes_it(cell, value, others, expected):
    assert flip(cell, value, others, blank=True) == expected
