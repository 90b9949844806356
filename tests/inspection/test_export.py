import csv
import io
import json
from dataclasses import asdict, replace

import pytest

from tagifai.errors import TagifaiError
from tagifai.inspection import Outcome
from tagifai.inspection.export import COLUMNS, export_outcomes

ROWS = [
    Outcome(
        id="7",
        split="test",
        y_true=["nlp"],
        y_pred=["cv", "nlp"],
        probability=0.25,
        threshold=0.2,
        title="=HYPERLINK(1)",
        description='a, b\n"c"',
        gone=False,
    )
]


def test_json_comes_back_as_it_was():
    (row,) = json.loads(export_outcomes(ROWS, "json", tag="cv", outcome="fp"))
    assert list(row) == list(COLUMNS)
    expected = asdict(ROWS[0]) | {"tag": "cv", "outcome": "fp"}
    del expected["gone"]
    assert row == expected


def test_no_cell_of_the_csv_starts_a_formula():
    (row,) = csv.DictReader(io.StringIO(export_outcomes(ROWS, "csv", tag="cv", outcome="fp")))
    assert row["title"] == "'=HYPERLINK(1)"
    assert row["description"] == 'a, b\n"c"'
    assert json.loads(row["y_pred"]) == ["cv", "nlp"]
    assert (row["probability"], row["outcome"]) == ("0.25", "fp")


def test_tags_stay_apart():
    names = ["time series", "a, b", 'said "so"', "日本語"]
    row = replace(ROWS[0], y_true=names, y_pred=[])
    (cells,) = csv.DictReader(io.StringIO(export_outcomes([row], "csv", tag="cv", outcome="fn")))
    assert json.loads(cells["y_true"]) == names
    assert cells["y_pred"] == "[]"


def test_another_format_is_refused():
    with pytest.raises(TagifaiError, match=r"unknown format 'xlsx'.*allowed: json, csv"):
        export_outcomes(ROWS, "xlsx", tag="cv", outcome="fp")
