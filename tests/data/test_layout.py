import pytest

from tagifai.data.columns import Columns
from tagifai.data.layout import decide_layout
from tagifai.data.profiles import profile_rows
from tagifai.errors import TagifaiError

A, B = "The first text is here.", "A second one is there."


def decide(*rows, names=None, **given):
    profiles = profile_rows(enumerate(rows, start=1))
    return decide_layout(profiles, Columns(**given), names or {}, "a.csv")


def test_parts_say_what_each_column_is():
    first = {
        "Unnamed: 0": "0", "doc_id": "x", "Headline": "h", "body": A, "topics": "a;b",
        "set": "train", "raw": b"1", "year": "2020", "title": "t",
    }  # fmt: skip
    second = first | {"Unnamed: 0": "1", "doc_id": "y", "body": B, "topics": "b", "set": "dev"}
    found = decide(first, second, title="Headline")
    assert dict(found.parts) == {
        "id": "doc_id", "title": "Headline (as told)", "text": "body",
        "tags": "topics, separated by semicolons", "split": "set",
        "kept": "year, title as original_title",
        "left out": "Unnamed: 0 (numbers of the rows), raw (bytes)",
    }  # fmt: skip
    assert found.columns == Columns(
        id="doc_id", title="Headline", text="body", tags=("topics",), separator=";", split="set",
        unlabelled="whole", leave_out=("Unnamed: 0", "raw"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("cells", "separator", "said"),
    [
        (["a;b", "c"], ";", "separated by semicolons"),
        (["a|b", "c"], "|", "separated by vertical bars"),
        (["a, b", "c d"], ",", "separated by commas"),
        (["a\tb", "c"], "\t", "separated by tabs"),
        (["<a><b c>", "<d>"], "<>", "as in <a><b>"),
        (['["a"]', "[]"], "", "lists in the cells"),
        (["a", "b"], "none", "each cell one tag"),
        (["c#", "node.js"], "none", "each cell one tag"),
        (["tcp/ip", "ip"], "none", "each cell one tag"),
    ],
)
def test_separators_of_tags(cells, separator, said):
    found = decide({"text": A, "tags": cells[0]}, {"text": B, "tags": cells[1]})
    assert (found.columns.separator, found.parts["tags"]) == (separator, f"tags, {said}")


def test_commas_in_a_column_of_one():
    again = decide({"text": A, "label": "a, b"}, {"text": B, "label": "b"})
    assert again.columns.separator == ","
    rows = [{"text": A, "label": "Food, Drink"}, {"text": B, "label": "Arts"}] * 50
    with pytest.raises(TagifaiError, match="'Food, Drink' is one tag or several: --separator ','"):
        decide(*rows)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"toxic": "1", "obscene": "0"}, ("toxic", "obscene")),
        ({"is_toxic": "1", "is_obscene": "0"}, ("is_toxic", "is_obscene")),
        ({"0": 1, "1": 0}, ("0", "1")),
        ({"tag1": "1", "tag2": "0", "tag3": "0"}, ("tag1", "tag2", "tag3")),
        ({"lang": "en", "a": True, "b": False, "year": "2020"}, ("a", "b")),
    ],
)
def test_columns_that_are_tags(columns, expected):
    assert decide({"text": A, **columns}).columns.one_hot == expected


@pytest.mark.parametrize(
    ("columns", "doubt"),
    [
        ({"is_reply": "1", "has_link": "0"}, "is_reply, has_link may be no tags"),
        ({"toxic": "1", "verified": "0"}, "verified may be no tags"),
        ({"toxic": "1", "obscene": "0", "likes": "1"}, "likes may be no tags"),
        ({"toxic": 1, "obscene": 0.0}, "are of several types"),
        ({"toxic": "1", "lang": "en", "obscene": "0"}, "do not stand side by side (lang between"),
    ],
)
def test_columns_that_may_be_no_tags(columns, doubt):
    with pytest.raises(TagifaiError) as caught:
        decide({"text": A, **columns})
    assert doubt in str(caught.value)
    assert "--one-hot COL,COL,… names those that are tags" in str(caught.value)


def test_flags_beside_a_column_of_tags_are_kept():
    found = decide({"text": A, "label": "a", "is_reply": 1, "has_link": 0, "spam": 1})
    assert (found.columns.tags, found.parts["kept"]) == (("label",), "is_reply, has_link, spam")


def test_lists_are_tags_where_no_column_is_called_so():
    row = {"text": A, "authors": ["x", "y"], "cats": ["a"]}
    assert decide({**row, "labels": ["b"]}).columns.tags == ("labels",)
    del row["authors"]
    assert decide(row).columns.tags == ("cats",)
    with pytest.raises(TagifaiError, match=r"tags could be in cats or authors: --tags COL"):
        decide({**row, "authors": ["x"]} | {"cats": ["a"]})


def test_texts_by_name_and_by_content():
    assert decide({"text": A, "notes_on_it": B, "tag": "a"}).columns.text == "text"
    assert decide({"nr": "1", "utt": A, "tag": "a"}).columns.text == "utt"
    assert decide({"title": A, "tag": "a"}).columns == Columns(
        id="none", title="none", text="title", tags=("tag",), separator="none", unlabelled="whole"
    )
    with pytest.raises(TagifaiError, match="texts could be in comment, answer: --text COL"):
        decide({"comment": A, "answer": B, "tag": "a"})


def test_lists_that_cannot_be_read_are_no_sentences():
    row = {"abstract": A, "label": "a", "tree": "[['D13, one and two'], ['B01, three and four']]"}
    assert decide(row, row | {"abstract": B}).columns.text == "abstract"


def test_numbers_need_names_unless_the_file_has_them():
    row = {"text": A, "label": 1}
    assert decide(row, names={"label": ("a", "b")}).columns.names == {0: "a", 1: "b"}
    with pytest.raises(TagifaiError, match="numbers from 1 to 1: --names FILE"):
        decide(row)
    with pytest.raises(TagifaiError, match="numbers from 1 to 5: --names FILE"):
        decide({"text": A, "labels": "1;5"})


def test_lists_of_zeros_and_ones_are_places():
    rows = [{"text": A, "labels": [0, 1, 0]}, {"text": B, "labels": [0, 0, 0]}]
    profiles = profile_rows(enumerate(rows, start=1))
    given = Columns(names={0: "a", 1: "b", 2: "c"})
    found = decide_layout(profiles, given, {}, "a.csv")
    assert found.columns.multi_hot
    assert found.parts["tags"] == "labels, lists of 3 times 0 or 1 for 3 names (as told)"
    indices = [{"text": A, "labels": [0, 1]}, {"text": B, "labels": [2]}]
    found = decide_layout(profile_rows(enumerate(indices, start=1)), given, {}, "a.csv")
    assert not found.columns.multi_hot
