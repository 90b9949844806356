"""Every form of a file of predictions comes to the same."""

import csv
import gzip
import io
import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from tagifai import matrices
from tagifai.errors import TagifaiError
from tagifai.limits import Limit, Limits
from tagifai.predictions import Predictions
from tagifai.store.prediction_table import pack_predictions
from tagifai.training.prediction_files import gather_predictions
from tagifai.training.prediction_rows import Expected

IDS, SPLIT, TAGS = ["7", "8", "ü9"], ["train", "val", "test"], ["nlp", "cv", "time series"]
VALUES = [[0.5, 0.25, 0.0], [1.0, 0.125, 0.75], [0.0625, 0.5, 0.375]]
KNOWN = ["cv", "graphs", "nlp", "time series"]
IN_ORDER = [[0.25, 0.5, 0.0], [0.125, 1.0, 0.75], [0.5, 0.0625, 0.375]]
ROWS = [
    {"id": one, "split": split, "probabilities": dict(zip(TAGS, values, strict=True))}
    for one, split, values in zip(IDS, SPLIT, VALUES, strict=True)
]
WIDE = [{"id": row["id"], "split": row["split"], **row["probabilities"]} for row in ROWS]


def expected(**changed):
    given = {"known_tags": KNOWN, "splits": dict.fromkeys(IDS)}
    return Expected(**given | changed)


def lines(rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def as_csv(rows, delimiter=","):
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def with_pairs(tag, probability):
    return [
        {
            **row,
            "probabilities": [{tag: t, probability: p} for t, p in row["probabilities"].items()],
        }
        for row in ROWS
    ]


LISTS = [{**row, "tags": TAGS, "probabilities": list(row["probabilities"].values())}
         for row in ROWS]  # fmt: skip
LONG = [
    {"id": row["id"], "split": row["split"], "tag": tag, "probability": p}
    for row in ROWS
    for tag, p in row["probabilities"].items()
]
IN_CELLS = [{**row, "probabilities": json.dumps(row["probabilities"])} for row in ROWS]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("p.jsonl", lines(ROWS)),
        ("p.ndjson", lines(ROWS).replace("\n", "\r\n\r\n")),
        ("p.jsonl", "\ufeff" + lines(WIDE)),
        ("p.jsonl", lines(LISTS)),
        ("p.jsonl", lines(LONG)),
        ("p.jsonl", lines(with_pairs("tag", "probability"))),
        ("p.jsonl", lines(with_pairs("label", "score"))),
        ("p.json", json.dumps(ROWS)),
        ("p.csv", as_csv(WIDE)),
        ("p.csv", as_csv(WIDE).replace("\n", "\r\n") + "\r\n"),
        ("p.csv", as_csv(WIDE, ";")),
        ("p.csv", as_csv(WIDE, ";").replace(".", ",")),
        ("p.tsv", as_csv(WIDE, "\t")),
        ("p.csv", as_csv(LONG)),
        ("p.csv", as_csv(IN_CELLS)),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_text_in_every_form_comes_to_the_same(tmp_path, name, text, packed):
    path = tmp_path / (name + ".gz" * packed)
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    check(gather_predictions(path, expected()))


def check(found):
    assert (found.ids, found.split, found.tags) == (IDS, SPLIT, sorted(TAGS))
    np.testing.assert_array_equal(found.y_prob, np.array(IN_ORDER, np.float32), strict=True)


def wide_table(kind=None):
    columns = {tag: pa.array([row[tag] for row in WIDE]) for tag in TAGS}
    columns = {tag: array.cast(kind) if kind else array for tag, array in columns.items()}
    return pa.table({"id": IDS, "split": SPLIT, **columns})


def nested_table(kind, rows):
    return pa.table({"id": IDS, "split": SPLIT, "probabilities": pa.array(rows, kind)})


BY_TAG = [row["probabilities"] for row in ROWS]
TABLES = {
    "wide": wide_table(),
    "of 16 bits": wide_table(pa.float16()),
    "of 32 bits": wide_table(pa.float32()),
    "decimal": wide_table(pa.decimal128(9, 4)),
    "with an index": wide_table().append_column("__index_level_0__", pa.array([4, 5, 6])),
    "dictionaries": wide_table().set_column(1, "split", pa.array(SPLIT).dictionary_encode()),
    "struct": nested_table(None, BY_TAG),
    "map": nested_table(pa.map_(pa.string(), pa.float64()), [list(row.items()) for row in BY_TAG]),
    "list of structs": nested_table(
        None, [[{"label": tag, "score": p} for tag, p in row.items()] for row in BY_TAG]
    ),
    "list": nested_table(None, VALUES).append_column("tags", pa.array([TAGS] * 3)),
    "list of fixed size": nested_table(pa.list_(pa.float32(), 3), VALUES).append_column(
        "tags", pa.array([TAGS] * 3)
    ),
    "long": pa.Table.from_pylist(LONG),
}


@pytest.mark.parametrize("form", TABLES)
@pytest.mark.parametrize("group", [1, 2, 100])
def test_parquet_in_every_form_comes_to_the_same(tmp_path, form, group):
    parquet.write_table(TABLES[form], tmp_path / "p.parquet", row_group_size=group)
    check(gather_predictions(tmp_path / "p.parquet", expected()))


def test_many_batches_come_to_the_same_as_one(tmp_path, monkeypatch):
    monkeypatch.setattr("tagifai.training.prediction_files._CELLS", 3)
    for form in TABLES:
        parquet.write_table(TABLES[form], tmp_path / "p.parquet")
        check(gather_predictions(tmp_path / "p.parquet", expected()))


def test_lists_of_numbers_take_their_tags_from_elsewhere(tmp_path):
    rows = [{key: value for key, value in row.items() if key != "tags"} for row in LISTS]
    (tmp_path / "p.jsonl").write_text(lines(rows))
    check(gather_predictions(tmp_path / "p.jsonl", expected(tags=TAGS)))
    with pytest.raises(TagifaiError, match=r"row 1, probabilities: a list of numbers.*--tags FILE"):
        gather_predictions(tmp_path / "p.jsonl", expected())
    with pytest.raises(TagifaiError, match="row 1, probabilities: 3 numbers for 2 tags"):
        gather_predictions(tmp_path / "p.jsonl", expected(tags=TAGS[:2]))


def test_npz_is_read_as_a_version_keeps_it(tmp_path):
    kept = Predictions.of(IDS, SPLIT, TAGS, np.zeros((3, 3), int), VALUES).to_bytes()
    (tmp_path / "p.npz").write_bytes(kept)
    check(gather_predictions(tmp_path / "p.npz", expected()))
    np.savez(tmp_path / "q.npz", ids=IDS, split=SPLIT, tags=TAGS, y_prob=np.array(VALUES))
    check(gather_predictions(tmp_path / "q.npz", expected()))
    np.savez(tmp_path / "q.npz", ids=IDS, split=SPLIT, tags=TAGS)
    with pytest.raises(TagifaiError, match=r"q\.npz: no array 'y_prob'; needed: ids, split, tags"):
        gather_predictions(tmp_path / "q.npz", expected())
    np.savez(tmp_path / "q.npz", ids=IDS, split=SPLIT, tags=TAGS[:2], y_prob=np.array(VALUES))
    with pytest.raises(
        TagifaiError, match=r"q\.npz: 3 ids and 2 tags need .* got \(3,\) and \(3, 3"
    ):
        gather_predictions(tmp_path / "q.npz", expected())
    np.savez(tmp_path / "q.npz", ids=np.array([{}]), split=SPLIT, tags=TAGS, y_prob=VALUES)
    with pytest.raises(TagifaiError, match=r"q\.npz: ids: an array of type object does not fit"):
        gather_predictions(tmp_path / "q.npz", expected())


def test_splits_have_the_names_that_people_give_them_or_come_from_the_data(tmp_path):
    named = [{**row, "split": s} for row, s in zip(ROWS, ["Training", "dev", "test"], strict=True)]
    (tmp_path / "p.jsonl").write_text(lines(named))
    check(gather_predictions(tmp_path / "p.jsonl", expected()))
    without = [{key: value for key, value in row.items() if key != "split"} for row in WIDE]
    stated = expected(splits=dict(zip(IDS, SPLIT, strict=True)))
    (tmp_path / "p.csv").write_text(as_csv(without))
    check(gather_predictions(tmp_path / "p.csv", stated))
    parquet.write_table(wide_table().drop(["split"]), tmp_path / "p.parquet")
    check(gather_predictions(tmp_path / "p.parquet", stated))
    with pytest.raises(TagifaiError, match="row 1, split: train, val or test is needed; the data"):
        gather_predictions(tmp_path / "p.csv", expected())
    other = expected(splits=dict(zip(IDS, ["test", "val", "test"], strict=True)))
    assert gather_predictions(tmp_path / "p.jsonl", other).split == SPLIT


SPARSE = [
    {"id": "7", "split": "train", "probabilities": {"nlp": 0.5}},
    {"id": "8", "split": "val", "probabilities": {}},
    {"id": "ü9", "split": "test", "probabilities": {"cv": 0.75, "nlp": 0.25}},
]


def test_tags_that_a_row_leaves_out_are_refused_or_0_as_asked(tmp_path):
    path = tmp_path / "p.jsonl"
    path.write_text(lines(SPARSE))
    with pytest.raises(
        TagifaiError, match=r"row 2, probabilities: other tags than row 1's \(nlp\)"
    ):
        gather_predictions(path, expected())
    found = gather_predictions(path, expected(missing="zero"))
    assert (found.tags, found.y_prob.tolist()) == (["cv", "nlp"], [[0, 0.5], [0, 0], [0.75, 0.25]])
    cells = [{"id": r["id"], "split": r["split"], "cv": r["probabilities"].get("cv", ""),
              "nlp": r["probabilities"].get("nlp", "")} for r in SPARSE]  # fmt: skip
    (tmp_path / "p.csv").write_text(as_csv(cells))
    again = gather_predictions(tmp_path / "p.csv", expected(missing="zero"))
    assert again.y_prob.tolist() == found.y_prob.tolist()
    with pytest.raises(TagifaiError, match=r"row 1, probabilities\.cv: a number .* got ''"):
        gather_predictions(tmp_path / "p.csv", expected())
    for kind in (None, pa.map_(pa.string(), pa.float64())):
        rows = [r["probabilities"] for r in SPARSE]
        table = nested_table(kind, rows if kind is None else [list(row.items()) for row in rows])
        parquet.write_table(table, tmp_path / "p.parquet")
        third = gather_predictions(tmp_path / "p.parquet", expected(missing="zero"))
        assert third.y_prob.tolist() == found.y_prob.tolist()
        with pytest.raises(TagifaiError, match=r"row \d, probabilities"):
            gather_predictions(tmp_path / "p.parquet", expected())
    with pytest.raises(TagifaiError, match="unknown meaning of a missing tag 'nought'"):
        expected(missing="nought")


@pytest.mark.parametrize("missing", ["refuse", "zero"])
@pytest.mark.parametrize(
    ("row", "change", "message"),
    [
        (2, {"id": "9"}, "row 2, id: '9' is not in the data"),
        (3, {"id": "7"}, "row 3, id: '7' comes twice; it is the id of row 1 too"),
        (2, {"id": 1.5}, r"row 2, id: an integer or a string is needed, got 1\.5"),
        (2, {"id": True}, "row 2, id: an integer or a string is needed, got True"),
        (2, {"split": "holdout"}, "row 2, split: 'holdout' is not a split; allowed: train, val"),
        (1, {"probabilities": dict.fromkeys(["NLP", "cv", "graph"], 0)},
         r"row 1, probabilities: 2 unknown tags: 'NLP' \(did you mean 'nlp'\?\), 'graph' \(did yo"),
        (2, {"probabilities": dict.fromkeys(["cv ", "nlp", "time series"], 0)},
         r"row 2, probabilities: (other tags than row 1's \(cv, cv |1 unknown tag: 'cv ')"),
        *[
            (2, {"probabilities": {"cv": value, "nlp": 0, "time series": 0}},
             rf"row 2, probabilities\.cv: a number from 0 to 1 is needed, got {told}")
            for value, told in ((1.5, r"1\.5"), (-1, "-1"), ("0.5", r"'0\.5'"), (True, "True"),
                                ([0.5], r"\[0\.5\]"), (10**400, "1000"))
        ],
        (1, {"probabilities": [0.5, "a"]}, "row 1, probabilities: a list of numbers, and nothing"),
        (1, {"probabilities": [{"name": "cv"}]}, "row 1, probabilities: objects of tag and prob"),
        (2, {"text": "x"}, "row 2, text: a field that no row has; allowed: id, split, probabil"),
        (2, None, "row 2: an object is needed, got None"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_file_row_and_field(tmp_path, row, change, message, missing):
    rows = [*ROWS]
    rows[row - 1] = None if change is None else rows[row - 1] | change
    (tmp_path / "p.jsonl").write_text(lines(rows))
    with pytest.raises(TagifaiError, match=rf"p\.jsonl: {message}"):
        gather_predictions(tmp_path / "p.jsonl", expected(missing=missing))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("p.jsonl", "", "no row of the split 'test'"),
        ("p.jsonl", lines(ROWS[:2]), "no row of the split 'test', so nothing can be scored"),
        ("p.jsonl", lines([{**ROWS[2], "probabilities": {}}]), "row 1, probabilities: no tag"),
        ("p.jsonl", '{"id": "7", "split": "test", "probabilities": {"cv": NaN}}', "not JSON: NaN"),
        ("p.jsonl", '{"id": "7",', r"not JSON: .* \(line 1"),
        ("p.jsonl", lines([{"split": "test"}]), "row 1, id: it is missing; there are split"),
        (
            "p.jsonl",
            lines([{"id": "7", "split": "test", "tag": "cv", "probability": 1}, [1]]),
            r"row 2: an object is needed, got \[1\]",
        ),
        (
            "p.jsonl",
            lines([{"id": "7", "split": "test", "probabilities": [{"tag": "cv", "score": 1}, 1]}]),
            "row 1, probabilities: objects of tag and probability .* are needed, got 1",
        ),
        (
            "p.jsonl",
            lines([{"id": "7", "split": "test", "probabilities": {"cv": True, "nlp": 10**400}}]),
            r"row 1, probabilities\.cv: a number from 0 to 1 is needed, got True",
        ),
        ("p.csv", "id,split,cv\n7,test,nan\n", r"row 1, probabilities\.cv: .* got nan"),
        ("p.csv", "id,split,cv\n7,test,much\n", r"row 1, probabilities\.cv: .* got 'much'"),
        ("p.csv", "id,split,cv,cv\n7,test,1,1\n", "a column's name comes twice"),
        ("p.csv", "id,split,probabilities\n7,test,{]\n", "row 1, probabilities: not JSON"),
        (
            "p.csv",
            "id,split,title,cv\n7,test,x,1\n",
            "row 1, probabilities: 1 unknown tag: 'title'",
        ),
        ("p.xlsx", "", "unknown kind of file; allowed: .*jsonl"),
        ("p.parquet", "PAR1", "not Parquet"),
        ("p.npz", "x", "not an .npz archive"),
    ],
)
def test_a_file_that_is_no_predictions_is_named(tmp_path, name, content, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(TagifaiError, match=rf"{name}: {message}"):
        gather_predictions(tmp_path / name, expected())
    with pytest.raises(TagifaiError, match=r"none\..*: cannot be read \(No such file"):
        gather_predictions(tmp_path / f"none{name[1:]}".replace("xlsx", "csv"), expected())


def test_columns_of_parquet_that_are_no_probabilities_are_named(tmp_path):
    path = tmp_path / "p.parquet"

    def refused(table, **changed):
        parquet.write_table(table, path)
        with pytest.raises(TagifaiError) as caught:
            gather_predictions(path, expected(**changed))
        return str(caught.value).removeprefix(f"{path}: ")

    title = wide_table().append_column("title", pa.array(["a", "b", "c"]))
    assert refused(title).startswith("columns: 1 unknown tag: 'title'")
    assert "column 'title' holds string" in refused(title, known_tags=[*KNOWN, "title"])
    assert "column 'nlp' holds bool" in refused(
        wide_table().set_column(2, "nlp", pa.array([True, False, True]))
    )
    assert "row 2, probabilities.nlp: a number from 0 to 1 is needed, got nan" in refused(
        wide_table().set_column(2, "nlp", pa.array([0.5, None, 1.0]))
    )
    assert "row 3, probabilities.nlp: a number from 0 to 1 is needed, got 1.5" in refused(
        wide_table().set_column(2, "nlp", pa.array([0.5, 0.5, 1.5]))
    )
    assert refused(wide_table().drop(["id"])).startswith("no column id; there are split, nlp")
    assert "holds list" in refused(wide_table().set_column(2, "nlp", pa.array([[0.5]] * 3)))


def test_rounding_in_32_bits_is_no_mistake(tmp_path):
    near = {"cv": 1.0000001192092896, "nlp": -1e-9, "time series": 0.5}
    (tmp_path / "p.jsonl").write_text(lines([{**ROWS[2], "probabilities": near}]))
    found = gather_predictions(tmp_path / "p.jsonl", expected())
    assert found.y_prob.tolist() == [[1.0, 0.0, 0.5]]


def test_limits_are_met_with_the_setting_that_allows_more(tmp_path):
    small = Limits(predictions=Limit("max_predictions", 100))
    for name, content in {
        "p.jsonl": lines(ROWS).encode(),
        "p.json": json.dumps(ROWS).encode(),
        "p.csv": as_csv(LONG).encode(),
        "p.jsonl.gz": gzip.compress(lines(ROWS).encode()),
        "p.npz": Predictions.of(IDS, SPLIT, TAGS, np.zeros((3, 3)), VALUES).to_bytes(),
    }.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(TagifaiError, match=r"100 \(.* MB: --max-predictions or TAGIFAI_MAX_PR"):
            gather_predictions(tmp_path / name, expected(limits=small))
    parquet.write_table(wide_table(), tmp_path / "p.parquet")
    check(gather_predictions(tmp_path / "p.parquet", expected(limits=small)))


def test_predictions_that_could_not_be_read_back_are_refused_before_they_are_read(tmp_path):
    small = expected(limits=Limits(unpacked=Limit("max_unpacked", 40)))
    (tmp_path / "p.jsonl").write_text(lines(ROWS))
    with pytest.raises(
        TagifaiError,
        match="3 projects so far × 3 tags take 45 bytes once unpacked, and at most 40",
    ):
        gather_predictions(tmp_path / "p.jsonl", small)
    parquet.write_table(wide_table(), tmp_path / "p.parquet")
    with pytest.raises(TagifaiError, match="predictions of 3 projects × 3 tags take 45 bytes"):
        gather_predictions(tmp_path / "p.parquet", small)
    with pytest.raises(TagifaiError, match="of 3 projects so far × 3 tags take 45 bytes"):
        gather_predictions(
            tmp_path / "p.jsonl",
            expected(missing="zero", limits=Limits(unpacked=Limit("max_unpacked", 40))),
        )


def test_the_usual_size_of_a_file_is_read(tmp_path):
    """3,000 projects × 120 tags are 10.2 MB of JSON lines."""
    tags = [f"tag number {number}" for number in range(120)]
    values = np.round(np.random.default_rng(0).random((3_000, 120)), 9)
    rows = ({"id": i, "split": "test", "probabilities": dict(zip(tags, row, strict=True))}
            for i, row in enumerate(values.tolist()))  # fmt: skip
    path = tmp_path / "p.jsonl"
    path.write_text(lines(rows))
    assert path.stat().st_size > 10_000_000
    found = gather_predictions(path, Expected(tags, dict.fromkeys(map(str, range(3_000)))))
    order = [tags.index(tag) for tag in found.tags]
    np.testing.assert_array_equal(found.y_prob, values[:, order].astype(np.float32))


DECIDED = [["nlp"], [], ["time series", "cv", "cv"]]
AS_TAGS = [
    {"id": one, "split": split, "tags": tags}
    for one, split, tags in zip(IDS, SPLIT, DECIDED, strict=True)
]


def cells(join):
    return [{**row, "tags": join(row["tags"])} for row in AS_TAGS]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("p.jsonl", lines(AS_TAGS)),
        ("p.json", json.dumps(AS_TAGS)),
        ("p.csv", as_csv(cells(";".join))),
        ("p.csv", as_csv(cells("; ".join))),
        ("p.csv", as_csv(cells("|".join))),
        ("p.csv", as_csv(cells(", ".join))),
        ("p.csv", as_csv(cells(json.dumps))),
        ("p.jsonl", lines(cells(";".join))),
    ],
)
def test_tags_alone_are_decisions(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    found = gather_predictions(tmp_path / name, expected())
    assert found.decisions_only
    assert found.tags == ["cv", "nlp", "time series"]
    assert found.y_prob.tolist() == [[0, 1, 0], [0, 0, 0], [1, 0, 1]]


@pytest.mark.parametrize("form", ["lists", "cells"])
def test_tags_alone_in_parquet_are_decisions(tmp_path, form):
    rows = AS_TAGS if form == "lists" else cells(";".join)
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "p.parquet")
    found = gather_predictions(tmp_path / "p.parquet", expected())
    assert found.decisions_only
    assert found.y_prob.tolist() == [[0, 1, 0], [0, 0, 0], [1, 0, 1]]


def test_a_list_of_tags_says_what_could_have_been_decided(tmp_path):
    (tmp_path / "p.jsonl").write_text(lines(AS_TAGS))
    found = gather_predictions(tmp_path / "p.jsonl", expected(tags=KNOWN))
    assert found.tags == KNOWN
    assert found.y_prob[:, KNOWN.index("graphs")].tolist() == [0, 0, 0]
    with pytest.raises(TagifaiError, match="row 3, tags: unknown tag of --tags 'time series'"):
        gather_predictions(tmp_path / "p.jsonl", expected(tags=["cv", "nlp"]))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{**AS_TAGS[0], "tags": ["nlq"]}], "tags: 1 unknown tag: 'nlq' .*'nlp'.*--map"),
        ([{**AS_TAGS[0], "tags": [1]}], r"row 1, tags: a list of tags, or tags with ;"),
        ([{**AS_TAGS[0], "tags": {"nlp": 1}}], r"row 1, tags: a list of tags"),
        ([ROWS[0], AS_TAGS[1]], "row 2: tags alone, where the rows before have probabilities"),
        ([AS_TAGS[0], ROWS[1]], "row 2: probabilities, where the rows before have tags alone"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_decisions_is_named(tmp_path, rows, message):
    (tmp_path / "p.jsonl").write_text(lines(rows))
    with pytest.raises(TagifaiError, match=message):
        gather_predictions(tmp_path / "p.jsonl", expected())


def test_a_tag_called_tags_has_probabilities(tmp_path):
    (tmp_path / "p.csv").write_text("id,split,tags\n7,test,0.25\n")
    found = gather_predictions(tmp_path / "p.csv", expected(known_tags=["tags"]))
    assert not found.decisions_only
    assert (found.tags, found.y_prob.tolist()) == (["tags"], [[0.25]])


LOGITS = [
    {**row, "probabilities": {tag: 8 * p - 3 for tag, p in row["probabilities"].items()}}
    for row in ROWS
]
WIDE_LOGITS = [{"id": r["id"], "split": r["split"], **r["probabilities"]} for r in LOGITS]


@pytest.mark.parametrize("name", ["p.jsonl", "p.csv", "p.parquet", "p.npz"])
def test_logits_become_probabilities(tmp_path, name):
    path, logits = tmp_path / name, 8 * np.array(VALUES) - 3
    if name == "p.jsonl":
        path.write_text(lines(LOGITS))
    elif name == "p.csv":
        path.write_text(as_csv(WIDE_LOGITS))
    elif name == "p.parquet":
        parquet.write_table(pa.Table.from_pylist(WIDE_LOGITS), path)
    else:
        np.savez(path, ids=np.array(IDS), split=np.array(SPLIT), tags=np.array(TAGS), y_prob=logits)
    found = gather_predictions(path, expected(logits=True))
    wanted = 1 / (1 + np.exp(-logits[:, [1, 0, 2]]))
    np.testing.assert_allclose(found.y_prob, wanted, rtol=1e-6)
    with pytest.raises(TagifaiError, match=r"a number from 0 to 1 is needed, got .*--logits"):
        gather_predictions(path, expected())


def test_a_logit_that_is_left_out_is_a_probability_of_zero(tmp_path):
    rows = [{**ROWS[0], "probabilities": {"nlp": 2}}, {**ROWS[2], "probabilities": {"cv": None}}]
    (tmp_path / "p.jsonl").write_text(lines(rows))
    found = gather_predictions(tmp_path / "p.jsonl", expected(logits=True, missing="zero"))
    assert found.y_prob[:, found.tags.index("cv")].tolist() == [0, 0]
    assert found.y_prob[:, found.tags.index("nlp")] == pytest.approx([0.880797, 0])


def test_probabilities_are_no_logits(tmp_path):
    (tmp_path / "p.jsonl").write_text(lines(ROWS))
    with pytest.raises(TagifaiError, match=r"every value lies between 0 and 1, .* leave --logits"):
        gather_predictions(tmp_path / "p.jsonl", expected(logits=True))


NAMES = {"N": "nlp", "C": "cv", "T": "time series", "X": None}


@pytest.mark.parametrize("name", ["p.jsonl", "p.csv", "p.parquet", "nested.parquet", "p.npz"])
def test_names_are_mapped_to_tags_or_left_out(tmp_path, name):
    path = tmp_path / name
    rows = [
        {
            "id": one,
            "split": split,
            "probabilities": {"N": values[0], "X": 0.5, "C": values[1], "T": values[2]},
        }
        for one, split, values in zip(IDS, SPLIT, VALUES, strict=True)
    ]
    wide = [{"id": r["id"], "split": r["split"], **r["probabilities"]} for r in rows]
    if name == "p.jsonl":
        path.write_text(lines(rows))
    elif name == "p.csv":
        # Whatever stands in a column that is left out is not read.
        path.write_text(as_csv([{**row, "X": "words"} for row in wide]))
    elif name == "p.parquet":
        parquet.write_table(pa.Table.from_pylist([{**row, "X": "words"} for row in wide]), path)
    elif name == "nested.parquet":
        parquet.write_table(pa.Table.from_pylist(rows), path)
    else:
        y_prob = np.array([[row[letter] for letter in "NXCT"] for row in wide])
        np.savez(path, ids=np.array(IDS), split=np.array(SPLIT), tags=np.array([*"NXCT"]),
                 y_prob=y_prob)  # fmt: skip
    found = gather_predictions(path, expected(tag_map=NAMES))
    assert found.tags == ["cv", "nlp", "time series"]
    assert found.y_prob.tolist() == IN_ORDER
    with pytest.raises(TagifaiError, match=r"unknown tags?: .*--map FILE"):
        gather_predictions(path, expected())
    with pytest.raises(TagifaiError, match="--map: unknown name 'Y'"):
        gather_predictions(path, expected(tag_map={**NAMES, "Y": None}))


def test_a_versions_own_table_is_read(tmp_path):
    made = Predictions.of(IDS, SPLIT, TAGS, np.zeros((3, 3)), VALUES)
    (tmp_path / "predictions.parquet").write_bytes(pack_predictions(made))
    found = gather_predictions(tmp_path / "predictions.parquet", expected())
    assert found.y_prob.tolist() == IN_ORDER
    assert not found.decisions_only
    decided = replace(made, y_prob=np.float32(made.y_prob > 0.4), decisions_only=True)
    (tmp_path / "predictions.parquet").write_bytes(pack_predictions(decided))
    found = gather_predictions(tmp_path / "predictions.parquet", expected())
    assert found.decisions_only
    assert found.y_prob.tolist() == [[0, 1, 0], [0, 1, 1], [1, 0, 0]]


def test_a_file_without_any_split_may_have_one_drawn(tmp_path):
    rows = [{k: v for k, v in row.items() if k != "split"} for row in ROWS]
    (tmp_path / "p.jsonl").write_text(lines(rows))
    found = gather_predictions(tmp_path / "p.jsonl", expected(draws_split=True))
    assert found.split == ["", "", ""]
    for first, message in (
        (ROWS[0], "row 2, split: train, val or test"),
        (rows[0], "row 2, split"),
    ):
        (tmp_path / "p.jsonl").write_text(lines([first, rows[1] if first is ROWS[0] else ROWS[1]]))
        with pytest.raises(TagifaiError, match=message):
            gather_predictions(tmp_path / "p.jsonl", expected(draws_split=True))


def test_splits_from_elsewhere_go_first(tmp_path):
    (tmp_path / "p.jsonl").write_text(lines(ROWS))
    other = dict(zip(IDS, ["test", "train", "val"], strict=True))
    found = gather_predictions(tmp_path / "p.jsonl", expected(splits=other, fixed_splits=True))
    assert found.split == ["test", "train", "val"]


MANY = [f"{number}" for number in range(40)]
MANY_TAGS = [f"t{number}" for number in range(12)]


def many_rows(seed=0, whole=False):
    """Draw rows of some tags each, or of all."""
    rng = np.random.default_rng(seed)
    rows = []
    for number, one in enumerate(MANY):
        count = 12 if whole else int(rng.integers(0, 6))
        tags = rng.permutation(MANY_TAGS)[:count].tolist()
        values = rng.random(count).round(3).tolist()
        split = "test" if number % 3 == 0 else "train"
        rows.append({"id": one, "split": split, "tags": tags, "probabilities": values})
    return rows


def tables_of(rows):
    """Return the forms in which Parquet has lists of tags and probabilities."""
    base = {name: [row[name] for row in rows] for name in ("id", "split")}
    pairs = [list(zip(row["tags"], row["probabilities"], strict=True)) for row in rows]
    tags = pa.array([row["tags"] for row in rows], pa.list_(pa.string()))
    values = pa.array([row["probabilities"] for row in rows], pa.list_(pa.float32()))
    structs = pa.list_(pa.struct({"label": pa.string(), "score": pa.float64()}))
    return {
        "lists": pa.table({**base, "tags": tags, "probabilities": values}),
        "large": pa.table({
            **base,
            "tags": tags.cast(pa.large_list(pa.dictionary(pa.int8(), pa.string()))),
            "probabilities": values.cast(pa.large_list(pa.float16())),
        }),
        "map": pa.table(
            {**base, "probabilities": pa.array(pairs, pa.map_(pa.string(), pa.float64()))}
        ),
        "structs": pa.table({
            **base,
            "probabilities": pa.array(
                [[{"label": t, "score": p} for t, p in own] for own in pairs], structs
            ),
        }),
    }  # fmt: skip


def of_many(**changed):
    given = {"known_tags": MANY_TAGS, "splits": dict.fromkeys(MANY), "missing": "zero"}
    return Expected(**given | changed)


@pytest.mark.parametrize("form", ["lists", "large", "map", "structs"])
@pytest.mark.parametrize("whole", [False, True])
def test_lists_of_parquet_are_read_as_the_same_rows_of_json(tmp_path, form, whole):
    rows = many_rows(whole=whole)
    table = tables_of(rows)[form]
    # Some batches begin amid a column.
    parquet.write_table(table, tmp_path / "p.parquet", row_group_size=7)
    (tmp_path / "p.jsonl").write_text(lines(rows))
    wanted = of_many(missing="refuse" if whole else "zero")
    one, two = (gather_predictions(tmp_path / f"p.{kind}", wanted) for kind in ("jsonl", "parquet"))
    assert (one.ids, one.split, one.tags) == (two.ids, two.split, two.tags)
    np.testing.assert_allclose(two.y_prob, one.y_prob, atol=5e-4 if form == "large" else 1e-7)


def test_predictions_of_many_tags_are_read_as_csr(tmp_path, monkeypatch):
    rows = many_rows()
    parquet.write_table(tables_of(rows)["lists"], tmp_path / "p.parquet")
    (tmp_path / "p.jsonl").write_text(lines(rows))
    dense = gather_predictions(tmp_path / "p.parquet", of_many()).y_prob
    monkeypatch.setattr(matrices, "DENSE_PAIRS", 100)
    for kind in ("parquet", "jsonl"):
        found = gather_predictions(tmp_path / f"p.{kind}", of_many()).y_prob
        assert found.has_sorted_indices
        assert found.toarray().tolist() == dense.tolist()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"probabilities": [[1.5], [0.5]]}, r"row 1, probabilities.t0: a number from 0 to 1"),
        ({"probabilities": [[0.5], [0.5, 0.1]]}, "row 2, probabilities: 2 numbers for 1 tag"),
        ({"tags": [["t0"], ["x"]]}, "row 2, probabilities: 1 unknown tag: 'x'"),
        ({"tags": [["t0"], [None]]}, "row 2, tags: a list of tags is needed"),
        ({"id": ["0", "0"]}, "row 2, id: '0' comes twice; it is the id of row 1 too"),
        ({"id": ["0", "77"]}, "row 2, id: '77' is not in the data"),
        (
            {"tags": [["t0"], ["t1", "t1"]], "probabilities": [[0.5], [0.1, 0.2]]},
            "row 2, probabilities: a tag comes twice",
        ),
    ],
)
def test_what_is_wrong_in_a_list_of_parquet_is_named_by_row(tmp_path, change, message):
    given = {
        "id": ["0", "1"],
        "split": ["test", "train"],
        "tags": [["t0"], ["t1"]],
        "probabilities": [[0.5], [0.5]],
    }
    parquet.write_table(pa.table(given | change), tmp_path / "p.parquet")
    with pytest.raises(TagifaiError, match=message):
        gather_predictions(tmp_path / "p.parquet", of_many())


def test_a_folder_of_parts_is_read_as_one_file(tmp_path):
    table = tables_of(many_rows())["lists"]
    folder = tmp_path / "parts"
    folder.mkdir()
    for number in range(4):
        part = table.slice(10 * number, 10)
        parquet.write_table(part, folder / f"part-{number:05}.parquet")
    parquet.write_table(table, tmp_path / "whole.parquet")
    parts, whole = (
        gather_predictions(tmp_path / name, of_many()) for name in ("parts", "whole.parquet")
    )
    assert (parts.ids, parts.split, parts.tags) == (whole.ids, whole.split, whole.tags)
    assert parts.y_prob.tolist() == whole.y_prob.tolist()
    wide = pa.table({"id": MANY[:20], "split": ["test"] * 20, "t0": [0.5] * 20, "t1": [0.25] * 20})
    other = tmp_path / "wide"
    other.mkdir()
    for number in range(2):
        parquet.write_table(wide.slice(10 * number, 10), other / f"{number}.parquet")
    found = gather_predictions(other, of_many(missing="refuse"))
    assert found.ids == MANY[:20]
    assert found.y_prob.tolist() == [[0.5, 0.25]] * 20


def test_a_part_that_is_missing_or_of_another_form_is_named(tmp_path):
    table = tables_of(many_rows())["lists"]
    for number in (0, 2):
        parquet.write_table(table.slice(20 * number // 2, 20), tmp_path / f"part-{number}.parquet")
    with pytest.raises(TagifaiError, match="1 part of 3 missing, the first of them number 1"):
        gather_predictions(tmp_path, of_many())
    other = pa.table({"id": ["3"], "split": ["test"], "t0": [0.5]})
    parquet.write_table(other, tmp_path / "part-1.parquet")
    with pytest.raises(
        TagifaiError, match=r"part-1.parquet: other columns than part-0.*t0 \(double\)"
    ):
        gather_predictions(tmp_path, of_many())
    (tmp_path / "part-1.parquet").write_bytes(b"PAR1")
    with pytest.raises(TagifaiError, match=r"part-1.parquet: not Parquet"):
        gather_predictions(tmp_path, of_many())


def test_what_would_not_fit_into_memory_is_said_before_it_is_read(tmp_path):
    n, width = 20_000, 50
    ends = pa.array(np.arange(n + 1, dtype=np.int32) * width)
    names = pa.array([f"t{number}" for number in range(width)] * n)
    values = pa.array(np.full(n * width, 0.5, np.float32))
    table = pa.table({
        "id": [str(number) for number in range(n)],
        "split": ["test"] * n,
        "tags": pa.ListArray.from_arrays(ends, names),
        "probabilities": pa.ListArray.from_arrays(ends, values),
    })  # fmt: skip
    parquet.write_table(table, tmp_path / "p.parquet")
    program = f"""
import resource
from pathlib import Path
import pyarrow.parquet
from tagifai import matrices
from tagifai.errors import TagifaiError
from tagifai.training.prediction_files import gather_predictions
from tagifai.training.prediction_rows import Expected
tags = [f"t{{number}}" for number in range({width})]
expected = Expected(tags, dict.fromkeys(map(str, range({n}))), missing="zero")
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 20_000_000, resource.RLIM_INFINITY))
try:
    gather_predictions(Path({str(tmp_path / "p.parquet")!r}), expected)
except TagifaiError as error:
    print(error)
"""
    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "p.parquet: 20,000 projects with 1,000,000 probabilities: needs about" in said.stdout
