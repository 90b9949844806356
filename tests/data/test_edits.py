import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagifai.data.edits import (
    JsonStyle,
    Replacement,
    Retag,
    append_record,
    edit_list,
    find_members,
    parse_list,
    replace_spans,
    style_of,
)
from tagifai.errors import TagifaiError


def edited(text, remove=(), add=(), around=""):
    found = parse_list(text)
    change = Retag(tuple(value not in remove for value in found.values), tuple(add))
    return edit_list(found, change, style_of(around or text, [found]))


@pytest.mark.parametrize(
    ("text", "remove", "add", "expected"),
    [
        ('["a", "b", "c"]', "b", "", '["a", "c"]'),
        ('["a", "b", "c"]', "a", "", '["b", "c"]'),
        ('["a", "b", "c"]', "c", "", '["a", "b"]'),
        ('["a","b"]', "a", "d", '["b","d"]'),
        ('[ "a" , "b" ]', "", "d", '[ "a" , "b" , "d" ]'),
        ('["a"]', "a", "", "[]"),
        ('["a"]', "a", "d", '["d"]'),
        ('["a"]', "", "d", '["a", "d"]'),
        ("[]", "", "de", '["d", "e"]'),
        ("[ ]", "", "d", '["d"]'),
        ('[\n  "a",\n  "b"\n ]', "a", "d", '[\n  "b",\n  "d"\n ]'),
        ('[\r\n\t"a"\r\n]', "", "d", '[\r\n\t"a",\r\n\t"d"\r\n]'),
        ('["a", "b",\n "c"]', "b", "d", '["a",\n "c",\n "d"]'),
        ('["\\u0061", "\\/"]', "a", "", '["\\/"]'),
        ('["a", "a", "b"]', "a", "", '["b"]'),
    ],
)
def test_what_stays_stands_as_it_stood_and_what_is_new_comes_last(text, remove, add, expected):
    assert edited(text, remove, add) == expected


@pytest.mark.parametrize(
    ("around", "expected"),
    [
        ('{"title": "é"}', '"ü/😀"'),
        ('{"title": "\\u00e9"}', '"\\u00fc/\\ud83d\\ude00"'),
        ('{"title": "\\u00E9"}', '"\\u00FC/\\uD83D\\uDE00"'),
        ('{"title": "\\u00e9\\/"}', '"\\u00fc\\/\\ud83d\\ude00"'),
        ('{"title": "a/b\\/c é"}', '"ü/😀"'),
        ('{"title": "plain"}', '"\\u00fc/\\ud83d\\ude00"'),
    ],
)
def test_a_new_tag_is_escaped_as_the_file_escapes(around, expected):
    assert style_of(around, []).quote("ü/😀") == expected


def test_half_a_surrogate_stays_an_escape():
    assert JsonStyle().quote("\ud800") == '"\\ud800"'


@pytest.mark.parametrize("text", ['"a"', "{}", "3", "[1]", '["a", null]', '[["a"]]'])
def test_what_is_no_list_of_strings_is_refused(text):
    with pytest.raises(TagifaiError, match="a JSON list of strings is needed"):
        parse_list(text)


def test_of_a_name_that_comes_twice_the_last_value_is_found():
    text = ' [ {"tags": ["a"], "\\u0074ags": ["b"] , "x": {"tags": []}} ] \n'
    (members,) = find_members(text)
    assert text[slice(*members["tags"])] == '["b"]'


def test_records_are_found_in_json_lines():
    text = '\x0b\r\n{"a": 1}\r\r\n \u2003\n{"a": [2, "}"]}'
    assert [text[slice(*m["a"])] for m in find_members(text, lines=True)] == ["1", '[2, "}"]']


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[{"tag":"a"},{"tag":"b"}]', '[{"tag":"a"},{"tag":"b"},{"tag":"n"}]'),
        ('[\n {"tag": "a"}\n]\n', '[\n {"tag": "a"},\n {"tag": "n"}\n]\n'),
        ('[{"aliases": [], "tag": "a"}]', '[{"aliases": [], "tag": "a"}, {"tag": "n"}]'),
        (
            '[\n  {\n    "tag": "a",\n    "aliases": []\n  }\n]',
            '[\n  {\n    "tag": "a",\n    "aliases": []\n  },\n  {\n    "tag": "n"\n  }\n]',
        ),
    ],
)
def test_an_object_is_added_as_the_last_one_is_written(text, expected):
    assert append_record(text, "tag", "n") == expected


BLANKS = st.text(alphabet=" \t\r\n", max_size=3)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=4,
)
NUMBERS = st.sampled_from(["1.0", "1e5", "-0", "123456789012345678901234567890", "0.10"])


@st.composite
def written(draw, value):
    """Write a value as JSON in any way that means it."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=draw(st.booleans()))
    gap = lambda: draw(BLANKS)  # noqa: E731
    if isinstance(value, list):
        items = [f"{gap()}{draw(written(item))}{gap()}" for item in value]
        return f"[{','.join(items) or gap()}]"
    if isinstance(value, dict):
        items = [
            f"{gap()}{draw(written(name))}{gap()}:{gap()}{draw(written(item))}{gap()}"
            for name, item in value.items()
        ]
        return f"{{{','.join(items) or gap()}}}"
    return json.dumps(value) if not isinstance(value, float) else repr(value)


NAMES = st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)


@st.composite
def files(draw):
    """Write records in any form: the stretches around each list of tags, and the lists."""
    lines = draw(st.booleans())
    around, lists, opening = [], [], "" if lines else f"{draw(BLANKS)}[{draw(BLANKS)}"
    for _ in range(draw(st.integers(1, 4))):
        tags = draw(st.lists(NAMES, unique=True, max_size=4))
        before = draw(st.dictionaries(st.text(max_size=4).filter(lambda n: n != "tags"), VALUES))
        one = [f"{draw(written(name))}:{draw(written(v))}" for name, v in before.items()]
        one.append(f'"n"{draw(BLANKS)}:{draw(NUMBERS)}{draw(BLANKS)}')
        around.append(f'{opening}{{{", ".join(one)},{draw(BLANKS)}"tags":{draw(BLANKS)}')
        lists.append((tags, draw(written(tags))))
        opening = f"{draw(BLANKS)}}}" + ("\r\n" if lines else f"{draw(BLANKS)},{draw(BLANKS)}")
    ending = f"{draw(BLANKS)}}}" + ("" if lines else f"{draw(BLANKS)}]{draw(BLANKS)}")
    return lines, around, lists, ending


@given(files(), st.data())
def test_nothing_but_the_lists_of_tags_changes_in_any_json(file, data):
    lines, around, lists, ending = file
    text = "".join(a + b for a, (_, b) in zip(around, lists, strict=True)) + ending
    spans = [members["tags"] for members in find_members(text, lines)]
    assert [text[slice(*span)] for span in spans] == [listed for _, listed in lists]
    found = [parse_list(text[slice(*span)]) for span in spans]
    style = style_of(text, found)
    expected, replacements = [], []
    for (tags, _), span, one in zip(lists, spans, found, strict=True):
        keep = tuple(data.draw(st.booleans()) for _ in tags)
        added = tuple(data.draw(st.lists(NAMES, max_size=2)))
        expected.append([t for t, stays in zip(tags, keep, strict=True) if stays] + [*added])
        replacements.append(Replacement(span, edit_list(one, Retag(keep, added), style)))
    result, at = replace_spans(text, replacements), 0
    for before, tags in zip(around, expected, strict=True):
        assert result.startswith(before, at)
        value, at = json.JSONDecoder().raw_decode(result, at + len(before))
        assert value == tags
    assert result[at:] == ending
