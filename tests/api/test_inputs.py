import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from tagifai.api.inputs import (
    class_names,
    read_each,
    read_probabilities,
    read_tags,
    read_texts,
    read_truth,
    take_column,
)
from tagifai.errors import TagifaiError

MATRIX = [[1, 0], [0, 1], [1, 1]]
TAGS = ("cv", "nlp")


class Table:
    """As `datasets.Dataset`: columns by name, and not a DataFrame."""

    def __init__(self, columns):
        self.columns_by_name = columns

    @property
    def column_names(self):
        return list(self.columns_by_name)

    def __getitem__(self, name):
        return self.columns_by_name[name]

    def __len__(self):
        return len(next(iter(self.columns_by_name.values())))


@pytest.mark.parametrize(
    "texts",
    [
        ["a", "b"],
        ("a", "b"),
        np.array(["a", "b"]),
        pd.Series(["a", "b"], index=[5, 9]),
        pd.DataFrame({"text": ["a", "b"], "year": [1, 2]}),
        pd.DataFrame({"title": ["a", "b"]}),
        Table({"text": ["a", "b"], "label": [0, 1]}),
    ],
)
def test_texts_come_in_many_forms(texts):
    assert read_texts(texts) == ["a", "b"]


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ([], "texts: at least one text is needed, got shape (0,)"),
        (["a", None], "texts: row 1: a text is needed, got None"),
        (["a", float("nan")], "texts: row 1: a text is needed, got nan"),
        ("abc", "texts: a list or an array is needed, got a str"),
        (pd.DataFrame({"x": ["a"], "y": ["b"]}), "texts: one column is needed, got a table of 2"),
    ],
)
def test_texts_that_are_none(texts, message):
    with pytest.raises(TagifaiError, match="texts") as error:
        read_texts(texts)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(
    "y_true",
    [
        MATRIX,
        np.array(MATRIX, bool),
        np.array(MATRIX, float),
        sparse.csr_matrix(MATRIX),
        pd.DataFrame(MATRIX, columns=TAGS),
        pd.DataFrame(np.array(MATRIX)[:, ::-1], columns=TAGS[::-1]),
        Table({"cv": [1, 0, 1], "nlp": [0, 1, 1]}),
        [["cv"], ["nlp"], ["nlp", "cv"]],
        [("cv",), {"nlp"}, np.array(["cv", "nlp"])],
        pd.Series([["cv"], ["nlp"], ["cv", "nlp"]]),
        [[0], [1], [0, 1]],
    ],
)
def test_labels_come_in_many_forms(y_true):
    tags, truth, _ = read_truth(y_true, 3, TAGS)
    assert tags == TAGS
    assert truth.tolist() == MATRIX
    assert truth.dtype == np.uint8


def test_one_name_for_each_text():
    assert read_truth(["nlp", "cv"], 2, TAGS)[1].tolist() == [[0, 1], [1, 0]]


def test_texts_without_a_tag_have_empty_lists():
    assert read_truth([[], ["nlp"]], 2, TAGS)[1].tolist() == [[0, 0], [0, 1]]
    assert read_truth([[], []], 2, TAGS)[1].tolist() == [[0, 0], [0, 0]]


def test_columns_without_names_are_counted():
    assert read_truth(MATRIX, 3, None)[0] == ("tag 0", "tag 1")


@pytest.mark.parametrize(
    ("y_true", "message"),
    [
        (
            MATRIX[:2],
            "y_true: shape (3, 2) is needed (one row a text, one column a tag), got (2, 2)",
        ),
        (np.ones((3, 4)), "y_true: shape (3, 2) is needed"),
        (np.ones((3, 2, 2)), "y_true: shape (3, 2) is needed"),
        ([[1, 0, 0], [0, 1, 0], [1, 1, 1]], "y_true: shape (3, 2) is needed"),
        ([[1, 0], [0, 2], [1, 1]], "y_true: row 1, tag 'nlp': only 0 and 1 are allowed, got 2"),
        (
            [[1, 0], [0, float("nan")], [1, 1]],
            "y_true: row 1, tag 'nlp': a number is needed, got NaN",
        ),
        ([["cv"], ["nlq"], []], "y_true: row 1: unknown tag 'nlq': did you mean 'nlp'?"),
        (
            [["cv"], ["nlp"]],
            "y_true: shape (3,) is needed (a list of tags for each text), got (2,)",
        ),
        ([[0], [2], []], "y_true: row 1: a tag's name or a place from 0 to 1 is needed, got 2"),
        ([[0, 1], [1, 2], [0, 1]], "y_true: row 1, tag 'nlp': only 0 and 1"),
        ([["cv"], [None], []], "y_true: row 1: a tag's name"),
        (pd.DataFrame(MATRIX, columns=["cv", "nlq"]), "y_true: unknown tag 'nlq'"),
        (np.zeros((0, 2)), "y_true: shape (3, 2) is needed"),
        ([0, 1, 1], "y_true: shape (3, 2) is needed (one row a text, one column a tag), got (3,)"),
    ],
)
def test_labels_that_do_not_fit(y_true, message):
    with pytest.raises(TagifaiError) as error:
        read_truth(y_true, 3, TAGS)
    assert str(error.value).startswith(message)


PROBS = [[0.75, 0.25], [0.0, 1.0], [0.5, 0.5]]


@pytest.mark.parametrize(
    "y_prob",
    [
        PROBS,
        np.array(PROBS, np.float16),
        sparse.csr_matrix(PROBS),
        pd.DataFrame(PROBS, columns=TAGS),
        pd.DataFrame(np.array(PROBS)[:, ::-1], columns=TAGS[::-1]),
        [np.array([[1 - p, p] for p in column]) for column in zip(*PROBS, strict=True)],
        [dict(zip(TAGS, row, strict=True)) for row in PROBS],
    ],
)
def test_probabilities_come_in_many_forms(y_prob):
    found = read_probabilities(y_prob, "y_prob", 3, TAGS)
    assert found.tolist() == PROBS
    assert found.dtype == np.float32


@pytest.mark.parametrize(
    ("y_prob", "message"),
    [
        (
            PROBS[:2],
            "y_prob: shape (3, 2) is needed (one row a text, one column a tag), got (2, 2)",
        ),
        ([[0.5]] * 3, "y_prob: shape (3, 2) is needed"),
        (
            [[0.5, 0.5], [1.5, 0], [0, 0]],
            "y_prob: row 1, tag 'cv': a probability from 0 to 1 is needed, got 1.5 "
            "(shape received: (3, 2); needed: (3, 2))",
        ),
        ([[0.5, -0.1], [0, 0], [0, 0]], "y_prob: row 0, tag 'nlp': a probability from 0 to 1"),
        ([[0.5, float("nan")], [0, 0], [0, 0]], "y_prob: row 0, tag 'nlp': a number is needed"),
        ([[0.5, float("inf")], [0, 0], [0, 0]], "y_prob: row 0, tag 'nlp': a number is needed"),
        ([["a", "b"]] * 3, "y_prob: rows of numbers"),
        ([[0.5, 0.5], [0.5], [0, 0]], "y_prob: rows of numbers"),
        ([{"cv": 0.5}, {"nlq": 0.5}, {}], "y_prob: row 1: unknown tag 'nlq'"),
        (pd.DataFrame(PROBS, columns=["cv", "x"]), "y_prob: unknown tag 'x'"),
        ([], "y_prob: shape (3, 2) is needed"),
        (pd.DataFrame({"cv": [0.5] * 3}), "y_prob: 2 columns are needed, one for each tag, got 1"),
    ],
)
def test_probabilities_that_do_not_fit(y_prob, message):
    with pytest.raises(TagifaiError) as error:
        read_probabilities(y_prob, "y_prob", 3, TAGS)
    assert str(error.value).startswith(message)


def test_columns_that_could_be_any_tag_are_refused():
    with pytest.raises(TagifaiError, match="nobody knows which column is which tag"):
        read_probabilities(PROBS, "y_prob", 3, TAGS, ordered=False)
    table = pd.DataFrame(PROBS, columns=TAGS)
    assert read_probabilities(table, "y_prob", 3, TAGS, ordered=False).tolist() == PROBS


def test_tags_are_stripped_and_come_once():
    assert read_tags([" cv", "cafe\u0301"]) == ("cv", "caf\u00e9")
    assert read_tags(range(2)) == ("0", "1")
    for bad in ([], ["cv", "cv "], ["cv", ""], [None], "cv"):
        with pytest.raises(TagifaiError, match=r"^tags: "):
            read_tags(bad)


def test_a_column_by_its_name():
    frame = pd.DataFrame({"text": ["a"]})
    assert take_column("text", frame, "texts").tolist() == ["a"]
    with pytest.raises(TagifaiError, match="unknown column of data for texts 'txt'"):
        take_column("txt", frame, "texts")
    with pytest.raises(TagifaiError, match="goes with data="):
        take_column("text", None, "texts")


def test_one_value_for_each_text():
    assert read_each(pd.Series([1, 2]), 2, "group", str) == ["1", "2"]
    with pytest.raises(TagifaiError, match=r"group: shape \(3,\) is needed .*, got \(2,\)"):
        read_each(["a", "b"], 3, "group", str)


def test_a_row_of_probabilities_in_each_cell():
    column = pd.Series([np.array(row) for row in PROBS])
    assert read_probabilities(column, "y_prob", 3, TAGS).tolist() == PROBS
    assert read_probabilities(pd.Series(PROBS), "y_prob", 3, TAGS).tolist() == PROBS
    with pytest.raises(TagifaiError, match="y_prob: rows of numbers"):
        read_probabilities(pd.Series([[0.5, 0.5], [0.5], None]), "y_prob", 3, TAGS)


def test_flags_that_were_read_as_text_are_flags():
    written = [["1", "0"], ["0", "1"], ["1", "1"]]
    assert read_truth(written, 3, TAGS)[1].tolist() == MATRIX
    assert read_truth(written, 3, None)[0] == ("tag 0", "tag 1")
    assert read_truth(pd.DataFrame(written, columns=TAGS), 3, None)[1].tolist() == MATRIX


def test_what_has_no_order_is_refused():
    for read in (read_tags, read_texts):
        with pytest.raises(TagifaiError, match="got a set, which has no order"):
            read({"a", "b"})


class Feature:
    """As `datasets.ClassLabel`, and as a list of them."""

    def __init__(self, names=None, feature=None):
        if feature is not None:
            self.feature = feature
        if names is not None:
            self.names = names


def test_names_of_classes():
    table = Table({"labels": [[0], [1]], "text": ["a", "b"]})
    assert class_names(table, "labels") is None
    table.features = {
        "labels": Feature(feature=Feature(["cv", "nlp"])), "kind": Feature(["a"]), "text": Feature()
    }  # fmt: skip
    assert class_names(table, "labels") == ["cv", "nlp"]
    assert class_names(table, "kind") == ["a"]
    assert class_names(table, "text") is None
    assert class_names(table, [[0], [1]]) is None
