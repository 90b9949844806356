"""`predictions.parquet`: what is written is read, and a stranger's file stays within its limits."""

import io
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from tagifai.errors import TagifaiError
from tagifai.limits import Limit
from tagifai.predictions import Predictions
from tagifai.store.prediction_table import check_size, pack_predictions, unpack_predictions

TAGS = ["cv", "nlp", "ümlaut"]
MADE = Predictions.of(
    ["7", "ü8", "9"],
    ["train", "val", "test"],
    TAGS,
    [[1, 0, 1], [0, 0, 0], [0, 1, 0]],
    [[0.1, 0, 1], [0, 0, 0], [0, 1 / 3, 1e-30]],
)


def rewritten(*, metadata=None, **columns):
    """Write a file as another program might, with some columns of its own."""
    table = parquet.read_table(io.BytesIO(pack_predictions(MADE)))
    for name, values in columns.items():
        kind = None if name in ("id", "split") else table.schema.field(name).type
        column = pa.array(values, kind)
        table = table.set_column(table.schema.names.index(name), name, column)
    if metadata is not None:
        table = table.replace_schema_metadata(metadata)
    packed = io.BytesIO()
    parquet.write_table(table, packed)
    return packed.getvalue()


def test_what_is_written_is_read_to_the_last_bit():
    given = replace(MADE, out_of_fold="no", decisions_only=True)
    packed = pack_predictions(given)
    found = unpack_predictions(packed)
    assert (found.ids, found.tags) == (given.ids, given.tags)
    assert (found.out_of_fold, found.decisions_only) == ("no", True)
    assert found.split.tolist() == given.split.tolist()
    assert found.y_true.tobytes() == given.y_true.tobytes()
    assert found.y_prob.tobytes() == given.y_prob.tobytes()
    assert pack_predictions(found) == packed
    # What version.json says goes first.
    assert unpack_predictions(packed, out_of_fold="yes").out_of_fold == "yes"


def test_other_programs_read_it():
    table = parquet.read_table(io.BytesIO(pack_predictions(MADE)))
    assert table.to_pylist()[2] == {
        "id": "9",
        "split": "test",
        "tags": [1],
        "columns": [1, 2],
        "probabilities": [np.float32(1 / 3), np.float32(1e-30)],
    }
    assert table.schema.metadata[b"tags"].decode() == '["cv","nlp","ümlaut"]'


def test_it_is_smaller_than_an_npz_of_the_same():
    rng = np.random.default_rng(0)
    y_true = rng.random((2_000, 60)) < 0.05
    dense = np.where(y_true, rng.beta(3, 2, y_true.shape), rng.beta(0.2, 4, y_true.shape))
    for y_prob in (dense, np.where(dense < 0.02, 0, dense), y_true.astype(float)):
        made = Predictions.of(range(2_000), ["test"] * 2_000, range(60), y_true, y_prob)
        assert len(pack_predictions(made)) < len(made.to_bytes())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PAR1 and nothing else", "not Parquet"),
        (pack_predictions(MADE)[:-20], "not Parquet"),
        (rewritten(metadata={}), "metadata: tags: a JSON list of names is needed"),
        (rewritten(metadata={"tags": '["cv", 1]'}), "metadata: tags: a JSON list of names"),
        (rewritten(metadata={"tags": '["cv"]', "out_of_fold": "so"}), "out_of_fold: one of"),
        (rewritten(metadata={"tags": '["cv"]'}), "damaged: more than the 6 values"),
        (rewritten(metadata={"tags": '["cv", "nlp"]'}), "tags: numbers of tags are 0 to 1"),
        (rewritten(columns=[[0, -1], [], []]), "columns: numbers of tags are 0 to 2"),
        (rewritten(columns=[[2, 0], [], [1, 2]]), "columns: the numbers of a row's tags must rise"),
        (rewritten(tags=[[1, 1], [], []]), "tags: the numbers of a row's tags must rise"),
        (rewritten(columns=[[0], [], [1, 2]]), "lists of the same lengths are needed"),
        (rewritten(columns=[[0, None], [], [1, 2]]), "columns: a blank one"),
        (rewritten(id=["7", "7", "9"]), "ids: '7' comes twice"),
        (rewritten(id=["7", None, "9"]), "id: a blank one"),
        (rewritten(split=["train", "dev", "test"]), "split: 'dev' is not one of"),
        (rewritten(probabilities=[[0.1, 2], [], [0.5, 0.5]]), "project '7', tag 'ümlaut': a prob"),
        (rewritten(probabilities=[[0.1, float("nan")], [], [0.5, 0.5]]), "between 0 and 1"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(content, message):
    with pytest.raises(TagifaiError, match=f"^v1/p: .*{message}"):
        unpack_predictions(content, "v1/p")


def test_another_form_of_parquet_is_refused_by_its_columns():
    packed = io.BytesIO()
    parquet.write_table(pa.table({"id": ["1"], "cv": [0.5]}), packed)
    with pytest.raises(TagifaiError, match="no column 'split'; needed: id, split, tags"):
        unpack_predictions(packed.getvalue())


def test_nothing_larger_than_the_limit_is_unpacked():
    limit = Limit("max_unpacked", 1_000_000)
    # Few bytes that say a lot: a million characters for each of three ids.
    wide = rewritten(id=["a" * 10**6, "b" * 10**6, "c" * 10**6])
    assert len(wide) < 500_000
    with pytest.raises(TagifaiError, match=r"3,\d{3},\d{3} bytes once unpacked; at most 1,000,000"):
        unpack_predictions(wide, unpacked=limit)
    # Nothing in the lists, and an array that fills them all.
    many = Predictions.of(
        range(1_000), ["test"] * 1_000, range(300), np.zeros((1_000, 300)), np.zeros((1_000, 300))
    )
    for refuse in (unpack_predictions, check_size):
        with pytest.raises(TagifaiError, match=r"1,5\d\d,\d{3} bytes once unpacked; at most 1,000"):
            refuse(pack_predictions(many), unpacked=limit)


def test_more_values_than_projects_and_tags_allow_are_refused_unread():
    # One row repeats a number a million times, which takes a few bytes.
    values = pa.array([[0] * 10**6, [], []], pa.list_(pa.int32()))
    content = rewritten(tags=values)
    assert len(content) < 100_000
    with pytest.raises(TagifaiError, match="damaged: more than the 12 values that may be there"):
        unpack_predictions(content)


@pytest.mark.parametrize("seed", range(8))
def test_damaged_bytes_are_an_error_and_never_a_crash(seed):
    content = bytearray(pack_predictions(MADE))
    rng = np.random.default_rng(seed)
    for place in rng.integers(4, len(content) - 8, 40):
        damaged = content.copy()
        damaged[place] ^= int(rng.integers(1, 256))
        try:
            found = unpack_predictions(bytes(damaged))
        except TagifaiError:
            continue
        assert found.y_prob.shape == (3, len(found.tags))
