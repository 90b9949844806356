import json

import numpy as np
import pandas as pd
import pytest

from tagifai.api.material import read_material, read_versions, write_data
from tagifai.data import load_dataset
from tagifai.errors import TagifaiError


def test_a_table_with_names_of_columns(tmp_path):
    table = pd.DataFrame(
        {
            "body": ["a cat", "a dog"],
            "labels": [["cats"], []],
            "part": ["train", "Validation"],
            "author": ["ann", "ben"],
            "year": [2020, 2021],
            "score": [0.5, float("nan")],
            "title": ["x", "y"],
        }
    )
    material = read_material(
        "body", "labels", tags=["cats", "dogs"], split="part", group="author", data=table
    )
    write_data(tmp_path, material)
    dataset = load_dataset(tmp_path)
    first, second = dataset.projects
    assert (first.id, first.text, first.tags) == ("0", "a cat", ("cats",))
    assert dataset.splits == {"0": "train", "1": "val"}
    assert first.extra["year"] == 2020
    assert second.extra["score"] is None
    assert second.extra["title_"] == "y"
    assert first.extra["group"] == "ann"
    assert sorted(dataset.tags) == ["cats", "dogs"]


def test_texts_stay_as_they_are(tmp_path):
    texts = ["", "line\nbreak", 'quo"te', "\u2028 \U0001f600", "x" * 100_000]
    write_data(tmp_path, read_material(texts, np.zeros((5, 1)), tags=["a"]))
    lines = (tmp_path / "projects.jsonl").read_bytes().split(b"\n")[:-1]
    assert [json.loads(line)["description"] for line in lines] == texts


def test_ids_are_unique():
    with pytest.raises(TagifaiError, match="ids: 'a' comes twice"):
        read_material(["x", "y"], [[1], [0]], ids=["a", "a"])
    with pytest.raises(TagifaiError, match="ids: row 1: an id is needed"):
        read_material(["x", "y"], [[1], [0]], ids=["a", ""])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"split": ["test"]}, r"split: shape \(2,\) is needed"),
        ({"split": ["test", "later"]}, "split: 'later' is not a split"),
        ({"group": ["a"]}, r"group: shape \(2,\) is needed"),
        ({"data": {"year": [1]}}, r"data: column 'year': shape \(2,\) is needed"),
        ({"data": [1, 2]}, "data: a DataFrame, a datasets.Dataset or a mapping"),
    ],
)
def test_what_does_not_fit(arguments, message):
    with pytest.raises(TagifaiError, match=f"^{message}"):
        read_material(["x", "y"], [[1], [0]], **arguments)


def test_versions_by_name():
    material = read_material(["x", "y"], [[1], [0]], tags=["a"])
    assert read_versions(None, material, "model") == {}
    assert read_versions([[0.5], [0.25]], material, "mine")["mine"].tolist() == [[0.5], [0.25]]
    assert list(read_versions({"v1": [[0], [1]], "v2": [[1], [0]]}, material, "x")) == ["v1", "v2"]
    with pytest.raises(TagifaiError, match=r"^y_prob\['v2'\]: shape \(2, 1\) is needed"):
        read_versions({"v1": [[0], [1]], "v2": [[1]]}, material, "x")
    with pytest.raises(TagifaiError, match="y_prob: at least one version"):
        read_versions({}, material, "x")


class Classes:
    """As a `datasets.Dataset` whose labels are numbers of classes."""

    def __init__(self, labels, names):
        self.found = {"text": ["x", "y", "z"], "labels": labels}
        single = type("ClassLabel", (), {"names": names})()
        several = type("List", (), {"feature": single})()
        self.features = {"labels": several if isinstance(labels[0], list) else single}

    @property
    def column_names(self):
        return list(self.found)

    def __getitem__(self, name):
        return self.found[name]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([[0, 1], [1, 0], [1]], [[1, 1, 0], [1, 1, 0], [0, 1, 0]]),
        ([[0], [1], [2]], [[1, 0, 0], [0, 1, 0], [0, 0, 1]]),
        ([2, 0, 1], [[0, 0, 1], [1, 0, 0], [0, 1, 0]]),
    ],
)
def test_numbers_of_classes_get_their_names(labels, expected):
    material = read_material("text", "labels", data=Classes(labels, ["cv", "nlp", "rl"]))
    assert material.tags == ("cv", "nlp", "rl")
    assert material.y_true.tolist() == expected
    with pytest.raises(TagifaiError, match="y_true: row 1: a tag's name or a place from 0"):
        read_material("text", "labels", data=Classes([0, -1, 1], ["cv", "nlp", "rl"]))


def test_columns_of_probabilities_are_not_shown_beside_the_texts():
    table = pd.DataFrame(
        {"text": ["x", "y"], "tags": [["a"], []], "p": [[0.75], [0.25]], "q": [[0.5], [0.5]],
         "year": [1, 2]}
    )  # fmt: skip
    several = {"v1": "p", "v2": "q"}
    material = read_material("text", "tags", tags=["a"], data=table, y_prob=several)
    assert list(material.extra) == ["year"]
    found = read_versions(several, material, "model", table)
    assert found["v1"].tolist() == [[0.75], [0.25]]
    with pytest.raises(TagifaiError, match="unknown column of data for y_prob 'r'"):
        read_versions("r", material, "model", table)
    with pytest.raises(TagifaiError, match=r"^y_prob: one value for each text is needed"):
        read_versions("p", material, "model")


def test_missing_groups_and_ids():
    nothing = float("nan")
    material = read_material(["x", "y", "z"], [[1], [0], [0]], group=["a", None, nothing])
    assert material.group == ["a", "", ""]
    with pytest.raises(TagifaiError, match="ids: row 1: an id is needed"):
        read_material(["x", "y"], [[1], [0]], ids=["a", nothing])
