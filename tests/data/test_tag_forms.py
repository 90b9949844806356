import pytest

from tagifai.data.columns import Columns
from tagifai.data.profiles import profile_rows
from tagifai.data.tag_forms import decide_tag_form
from tagifai.errors import TagifaiError


def decide(*cells, names=None, **given):
    profiles = profile_rows((row, {"tag": cell}) for row, cell in enumerate(cells, start=1))
    columns, description = decide_tag_form(
        profiles, Columns(tags=("tag",), **given), names or {}, "a.csv"
    )
    return columns.separator, columns.names, columns.multi_hot, description


@pytest.mark.parametrize(
    ("cells", "separator", "description"),
    [
        (("a;b", "a", ""), ";", "tag, separated by semicolons"),
        (("a, b", "a", "b"), ",", "tag, separated by commas"),
        (("<a><b>", "<c>"), "<>", "tag, as in <a><b>"),
        ((["a"], ["b", "c"]), "", "tag, lists"),
        (("['a']", "[]"), "", "tag, lists in the cells"),
        (("a", "b"), "none", "tag, each cell one tag"),
    ],
)
def test_the_form_is_told_by_the_cells(cells, separator, description):
    assert decide(*cells) == (separator, None, False, description)


def test_a_separator_that_is_given_is_taken():
    assert decide("a/b", separator="/") == ("/", None, False, "tag, separated by '/'")
    assert decide("a b", separator="none") == ("none", None, False, "tag, each cell one tag")


def test_numbers_stand_for_names():
    known = {"tag": ("x", "y")}
    assert decide("0", "1", names=known) == (
        "none", {0: "x", 1: "y"}, False,
        "tag, each cell one tag, numbers for 2 names (as the file says)",
    )  # fmt: skip
    assert decide([0, 1], [1, 1], names=known) == (
        "", {0: "x", 1: "y"}, True, "tag, lists of 2 times 0 or 1 for 2 names (as the file says)",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("cells", "question"),
    [
        ((True, False), "true and false, or yes and no, are seldom tags"),
        (("['a']", "b"), "1 cell with lists and 1 cell without"),
        (("[a b]", "c"), r"'\[a b\]' looks like a list, and cannot be read as one"),
        (("a;b|c",), "';' or '\\|' could stand between tags"),
        (("Food, Drink", "x"), "'Food, Drink' is one tag or several: --separator ','"),
        (("a b", "c"), "'a b' is one tag or several: --separator ' '"),
        (("a/b", "a", "b"), "'a/b' is one tag or several: --separator '/'"),
        (("3", "5"), "the tags are numbers from 3 to 5: --names FILE or --names a,b,c says"),
    ],
)
def test_where_two_readings_are_possible_the_flag_is_named(cells, question):
    with pytest.raises(TagifaiError, match=f"^a.csv: tag: {question}"):
        decide(*cells)
