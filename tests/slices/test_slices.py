import json

import numpy as np
import pytest

from tagifai.data import Dataset, Project, Tag, load_dataset
from tagifai.errors import TagifaiError
from tagifai.slices import Conditions, Slice, load_slices, select_slices

PROJECTS = [
    Project("1", "Vision Transformers", "", ("computer-vision", "transformers")),
    Project("2", "A text", "one two three four five of six", ("transformers",)),
    Project("3", "The text", "one two three four five", ("computer-vision",)),
]


SLICES = {
    "cv_transformers": Slice(
        "cv_transformers", "", Conditions(("computer-vision", "transformers"))
    ),
    "short_text": Slice("", "", Conditions(max_words=6)),
}


def written(folder, rows):
    (folder / "slices.json").write_text(json.dumps(rows), encoding="utf-8")
    return folder


def test_projects_are_selected_by_tags_and_length():
    chosen = select_slices(PROJECTS, slices=SLICES)
    assert {name: rows.tolist() for name, rows in chosen.items()} == {
        "cv_transformers": [True, False, False],
        "short_text": [True, False, True],  # 2, 7 and 6 words are left of them
    }
    assert all(rows.dtype == np.bool_ for rows in chosen.values())


def test_preprocessing_decides_what_is_short():
    chosen = select_slices(PROJECTS, preprocess=lambda text: text[:3], slices=SLICES)
    assert chosen["short_text"].tolist() == [True, True, True]


def test_slice_by_a_function():
    titled = Slice("the", "", lambda project, words: project.title.startswith("The"))
    assert select_slices(PROJECTS, slices={"the": titled})["the"].tolist() == [False, False, True]


def test_no_projects():
    assert {name: rows.shape for name, rows in select_slices([], slices=SLICES).items()} == {
        "cv_transformers": (0,),
        "short_text": (0,),
    }


def test_no_slices():
    assert select_slices(PROJECTS) == {}


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        (Conditions(all_of=("a", "b")), True),
        (Conditions(all_of=("a", "c")), False),
        (Conditions(any_of=("c", "b")), True),
        (Conditions(any_of=("c",)), False),
        (Conditions(none_of=("c",)), True),
        (Conditions(none_of=("c", "b")), False),
        (Conditions(min_words=3, max_words=3), True),
        (Conditions(min_words=4), False),
        (Conditions(max_words=2), False),
        (Conditions(any_words=("cat", "Graph-Neural")), True),
        (Conditions(any_words=("neural",)), True),
        (Conditions(any_words=("neur", "graph nets")), False),
        (Conditions(any_words=("nets",), any_of=("c",)), False),
        (Conditions(all_words=("nets", "graph neural")), True),
        (Conditions(all_words=("nets", "cat")), False),
        (Conditions(columns={"year": ("2019", "2020")}), True),
        (Conditions(columns={"year": ("2019",)}), False),
        (Conditions(columns={"kind": ("None",)}), False),
        (Conditions(min_unseen=0.5), True),
        (Conditions(min_unseen=0.51), False),
    ],
)
def test_conditions(conditions, expected):
    project = Project("1", "", "", ("a", "b"), {"year": 2020})
    assert conditions(project, ["Graph", "Neural", "nets"], 0.5) is expected


def test_unseen_words_are_those_that_no_other_project_has():
    projects = [
        Project("1", "cats dogs", "", ()),
        Project("2", "cats", "", ()),
        Project("3", "", "", ()),
        Project("4", "dogs zebras", "", ()),
    ]
    slices = {"unseen": Slice("unseen", "", Conditions(min_unseen=0.5))}
    assert select_slices(projects[:3], slices=slices)["unseen"].tolist() == [True, False, False]
    among = select_slices(projects[:3], slices=slices, among=projects)["unseen"]
    assert among.tolist() == [False, False, False]
    assert select_slices(projects[3:], slices=slices, among=projects)["unseen"].tolist() == [True]


def test_conditions_are_kept_as_json_and_read_again():
    conditions = Conditions(all_words=("a b",), min_unseen=0.25, columns={"year": ("2020",)})
    given = conditions.given()
    assert given == {"all_words": ["a b"], "min_unseen": 0.25, "columns": {"year": ["2020"]}}
    assert Conditions.of(json.loads(json.dumps(given))) == conditions
    assert Conditions().given() == {}


def test_slices_are_those_of_the_data_folder_alone(tmp_path):
    assert load_slices(tmp_path) == {}
    rows = [
        {"name": "long", "description": "Long texts.", "min_words": 7},
        {"name": "not_cv", "none_of": ["computer-vision"]},
    ]
    slices = load_slices(written(tmp_path, rows))
    assert list(slices) == ["long", "not_cv"]
    assert slices["long"].description == "Long texts."
    chosen = select_slices(PROJECTS, slices=slices)
    assert chosen["long"].tolist() == [False, True, False]
    assert chosen["not_cv"].tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"name": "x"}, "row 1: no condition; give at least one of all_of, any_of"),
        ({"min_words": 3}, "row 1, name: Field required"),
        ({"name": "x", "all_of": "cv"}, "row 1, all_of: .*valid list, got 'cv'"),
        ({"name": "x", "all_of": []}, "row 1, all_of: .*at least 1 item"),
        ({"name": "x", "all_of": [3]}, "row 1, all_of.0: .*valid string, got 3"),
        ({"name": "x", "min_words": -1}, "row 1, min_words: .*greater than or equal to 0, got -1"),
        ({"name": "x", "min_words": True}, "row 1, min_words: .*valid integer, got True"),
        ({"name": "x", "min_unseen": 1.1}, "row 1, min_unseen: .*less than or equal to 1"),
        ({"name": "x", "min_unseen": "1"}, "row 1, min_unseen: .*valid number, got '1'"),
        ({"name": "x", "columns": {}}, "row 1, columns: .*at least 1 item"),
        ({"name": "x", "columns": {"year": "2020"}}, "row 1, columns.year: .*valid list"),
        ({"name": "x", "min_words": 4, "max_words": 3}, "row 1: min_words 4 is above max_words 3"),
        ({"name": "x", "most_words": 4}, "row 1, most_words: Extra inputs are not permitted"),
        ("x", "row 1: an object is needed, got 'x'"),
    ],
)
def test_malformed_row(tmp_path, row, message):
    with pytest.raises(TagifaiError, match=rf"slices\.json: {message}"):
        load_slices(written(tmp_path, [row]))


def test_name_that_comes_twice(tmp_path):
    rows = [{"name": "x", "min_words": 3}, {"name": "x", "min_words": 4}]
    with pytest.raises(TagifaiError, match="row 2, name: 'x' is an earlier row's; names are uniqu"):
        load_slices(written(tmp_path, rows))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{}", "a list of objects is needed, got dict"),
        (b"[", "not JSON: "),
        (b"[NaN]", "not JSON: NaN is not JSON"),
        (b"\xff", "not UTF-8 text"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_malformed_file(tmp_path, content, message):
    (tmp_path / "slices.json").write_bytes(content)
    with pytest.raises(TagifaiError, match=rf"slices\.json: {message}"):
        load_slices(tmp_path)


def test_unreadable_file(tmp_path):
    (tmp_path / "slices.json").mkdir()
    with pytest.raises(TagifaiError, match=r"slices\.json: cannot be read"):
        load_slices(tmp_path)


DATA = Dataset(
    (Project("1", "", "", ("apples", "time series"), {"year": 2020}),), {"boats": Tag("boats")}, ""
)


def test_tags_and_columns_that_the_data_has_are_read(tmp_path):
    rows = [{"name": "x", "all_of": [" apples"], "none_of": ["boats"], "columns": {"year": ["1"]}}]
    slices = load_slices(written(tmp_path, rows), DATA)
    assert slices["x"].predicate.all_of == ("apples",)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            {"all_of": ["Apples", "boat"]},
            "row 2, all_of: 2 unknown tags: 'Apples' (did you mean 'apples'?), "
            "'boat' (did you mean 'boats'?)",
        ),
        (
            {"any_of": ["time-series", "apples"]},
            "row 2, any_of: 1 unknown tag: 'time-series' (did you mean 'time series'?)",
        ),
        ({"none_of": ["Boats"]}, "row 2, none_of: 1 unknown tag: 'Boats' (did you mean 'boats'?)"),
        (
            {"columns": {"yaer": ["2020"]}},
            "row 2, columns: 1 unknown column: 'yaer' (did you mean 'year'?)",
        ),
    ],
)
def test_names_that_the_data_does_not_have_are_refused(tmp_path, row, message):
    rows = [{"name": "known", "all_of": ["apples"]}, {"name": "x", **row}]
    with pytest.raises(TagifaiError) as caught:
        load_slices(written(tmp_path, rows), DATA)
    assert str(caught.value) == f"{tmp_path}/slices.json: {message}"


def test_unknown_names_of_all_rows_are_told_at_once(tmp_path):
    rows = [
        {"name": "x", "all_of": ["Apples"], "none_of": ["boat"]},
        {"name": "y", "any_of": ["apples"]},
        {"name": "z", "any_of": ["Boats"]},
    ]
    with pytest.raises(TagifaiError) as caught:
        load_slices(written(tmp_path, rows), DATA)
    assert str(caught.value) == (
        f"{tmp_path}/slices.json: row 1, all_of: 1 unknown tag: 'Apples' (did you mean 'apples'?); "
        "row 1, none_of: 1 unknown tag: 'boat' (did you mean 'boats'?); "
        "row 3, any_of: 1 unknown tag: 'Boats' (did you mean 'boats'?)"
    )


def test_a_tag_of_another_unicode_form_is_the_same(tmp_path):
    data = Dataset((Project("1", "", "", ("caf\u00e9",)),), {}, "")
    slices = load_slices(written(tmp_path, [{"name": "x", "all_of": ["cafe\u0301"]}]), data)
    assert slices["x"].predicate(data.projects[0], [])


def test_the_demonstration_brings_its_own(embedded_data):
    data = load_dataset(embedded_data)
    slices = load_slices(embedded_data, data)
    assert list(slices) == ["cv_transformers", "short_text"]
    assert all(rows.any() for rows in select_slices(data.projects, slices=slices).values())
