import pytest

from tagifai.data.tag_cells import UnlabelledError, clean_tags, parse_list, read_binary, read_tags


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ('["a", "b c"]', ["a", "b c"]),
        ("['a', 'b c']", ["a", "b c"]),
        ("['a' 'b c']", ["a", "b c"]),
        ("['a'\n 'b' \"c's\"]", ["a", "b", "c's"]),
        ("array(['a', 'b'], dtype=object)", ["a", "b"]),
        ("('a', 'b')", ["a", "b"]),
        ("('a',)", ["a"]),
        ("{'a', 'b'}", ["a", "b"]),
        ("{a,\"b c\"}", ["a", "b c"]),
        ("[a, b c]", ["a", "b c"]),
        ("[a]", ["a"]),
        ("['it\\'s', u'é']", ["it's", "é"]),
        ("[b'a' b'b']", ["a", "b"]),
        ("[0 2 10]", [0, 2, 10]),
        ("[0. 1.]", [0, 1]),
        ("[1, 2.5, -1]", [1, 2.5, -1]),
        (" [] ", []),
        ("{}", {}),
        ("[ ]", []),
        ('{"a": 1}', {"a": 1}),
        ("{'a': 1}", {"a": 1}),
        ("[{'id': 1, 'name': 'x'}]", [{"id": 1, "name": "x"}]),
        # no list, or one that could mean two things
        ("['a' 'b', 'c']", None),
        ("['a''b']", None),
        ("[a b]", None),
        ("['a' ... 'b']", None),
        ("['a', b]", None),
        ("[a, [b]]", None),
        ("(a, b)", None),
        ("[__import__('os').getcwd()]", None),
        ("[open('x')]", None),
        ("a, b", None),
        ("[", None),
        ("", None),
        ("[" * 5_000 + "]" * 5_000, None),
        ("[{" + "'a':" * 5_000 + "}]", None),
    ],
)  # fmt: skip
def test_lists_in_cells_are_parsed_and_never_run(cell, expected):
    assert parse_list(cell) == expected


@pytest.mark.parametrize(
    ("value", "options", "expected"),
    [
        (None, {}, []),
        (float("nan"), {}, []),
        (" ", {"separator": ";"}, []),
        ([], {}, []),
        ([""], {}, []),
        (["b", " a ", "b"], {}, ["b", "a"]),
        (("a", "b"), {}, ["a", "b"]),
        ([("a", 1), ("b", 0)], {}, ["a"]),
        ({"a": True, "b": 0.0, "c": 1}, {}, ["a", "c"]),
        ([{"label": "x"}, {"id": 3, "name": "y"}], {}, ["x", "y"]),
        ([b"a"], {}, ["a"]),
        (b"a", {}, ["a"]),
        ("word", {}, ["word"]),
        ("two words", {"separator": "none"}, ["two words"]),
        ("[a]; b", {"separator": "none"}, ["[a]; b"]),
        ("a ;; b;", {"separator": ";"}, ["a", "b"]),
        ("a||b", {"separator": "||"}, ["a", "b"]),
        ("<c++> <a b>", {"separator": "<>"}, ["c++", "a b"]),
        (3, {"names": {3: "x"}}, ["x"]),
        (3.0, {"names": "none"}, ["3"]),
        ("0, 2", {"separator": ",", "names": {0: "x", 2: "y"}}, ["x", "y"]),
        ("word", {"names": "none"}, ["word"]),
        ([0, 1, 1], {"names": {0: "x", 1: "y", 2: "z"}, "multi_hot": True}, ["y", "z"]),
        ("[0 1]", {"names": {1: "x", 2: "y"}, "multi_hot": True}, ["y"]),
        ("cafe\u0301", {}, ["cafe\u0301"]),
    ],
)
def test_tags_of_a_cell(value, options, expected):
    assert read_tags(value, **options) == expected


@pytest.mark.parametrize(
    ("value", "options", "message"),
    [
        ("a;b", {}, "'a;b' is one tag or several: `separator` says what stands between them"),
        ("a b", {}, "'a b' is one tag or several"),
        ("<a><b>", {}, "'<a><b>' is one tag or several"),
        ("[a b]", {}, r"no list that can be read, '\[a b\]'"),
        ("a", {"separator": "<>"}, "<a><b> is needed, got 'a'"),
        ("['a', 'b']", {"separator": ","}, "a list stands in the cell"),
        ([3], {}, "3 is a number: `names` says what it stands for"),
        ([True], {}, "a tag is text, got True"),
        ([None], {}, "a tag is text, got None"),
        ([["a"]], {}, r"a tag is text, got \['a'\]"),
        ([{"id": 1}], {}, "a tag is text, got {'id': 1}"),
        (["a", ""], {}, "a blank tag"),
        (["a\0"], {}, "no NUL character"),
        (4, {"names": {0: "x", 1: "y"}}, "4 has no name; the names are 0 x, 1 y"),
        ("x", {"names": {0: "x"}}, "a number that `names` names is needed, got 'x'"),
        ([0, 1], {"multi_hot": True}, "needs `names`"),
        ([0, 1], {"multi_hot": True, "names": {0: "x"}}, "2 numbers for 1 names"),
        ([0, 2], {"multi_hot": True, "names": {0: "x", 1: "y"}}, "0 or 1 is needed, got 2"),
        ([0, -1], {"multi_hot": True, "names": {0: "x", 1: "y"}}, "0 or 1 is needed in each"),
        ({"a": 1, "b": None}, {}, "neither 0 nor 1 for b"),
        ({"a": 0.5}, {}, "0 or 1 is needed, got 0.5"),
    ],
)
def test_what_is_no_tag_is_refused(value, options, message):
    with pytest.raises(ValueError, match=message):
        read_tags(value, **options)


@pytest.mark.parametrize(
    ("value", "options"),
    [
        (-1, {"names": {0: "x"}}),
        ({"a": -1, "b": -1}, {}),
        ([-1, -1], {"names": {0: "x", 1: "y"}, "multi_hot": True}),
    ],
)
def test_minus_one_says_that_nobody_labelled(value, options):
    with pytest.raises(UnlabelledError):
        read_tags(value, **options)


def test_one_hot_cells():
    cells = [1, 1.0, True, "1", "1.0", "TRUE", "yes", "x", 0, False, "0.", "no", -1, "-1.0"]
    assert [read_binary(cell) for cell in cells] == [1] * 8 + [0] * 4 + [-1] * 2
    assert [read_binary(cell) for cell in (None, "", " ", float("nan"))] == [None] * 4
    for cell in ("2", 0.5, "maybe", [1], float("inf")):
        with pytest.raises(ValueError, match="0 or 1 is needed"):
            read_binary(cell)
    assert clean_tags([" a", "a", "b "]) == ["a", "b"]
