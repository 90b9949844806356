import numpy as np
import orjson
import pyarrow.parquet as parquet
import pytest

from benchmarks.scaled import (
    SPLITS,
    chunks,
    plan,
    records,
    scored,
    skew,
    texts,
    write_data,
    write_predictions,
)
from tagifai.data import load_dataset

WORDS = " ".join(
    f"{'abcdefghij'[n % 10]}{'klmnopqrst'[n // 10 % 10]}{'uvwxyz'[n % 6]}ing" for n in range(400)
)


@pytest.fixture
def real(tmp_path):
    folder = tmp_path / "real"
    folder.mkdir()
    project = {"id": 1, "title": "the the the of of", "description": WORDS, "tags": []}
    (folder / "projects.json").write_bytes(orjson.dumps([project]))
    return folder


def test_the_same_plan_makes_the_same_data(real):
    scale = plan(real, 300, 20)
    assert list(records(scale)) == list(records(plan(real, 300, 20)))
    assert len({record["id"] for record in records(scale)}) == 300
    assert list(records(plan(real, 300, 20, seed=1))) != list(records(scale))


def test_few_tags_have_most_of_the_labels_and_projects_have_four(real):
    scale = plan(real, 4_000, 200)
    columns = np.concatenate([own for chunk in chunks(scale) for own in chunk.columns])
    counts = np.bincount(columns, minlength=200)
    assert 3 < len(columns) / 4_000 < 4.2
    assert skew(counts.tolist()) > 0.3
    assert counts[0] > 20 * counts[-20:].mean()


def test_texts_are_of_the_corpus_words_and_tell_of_their_tags(real):
    scale = plan(real, 500, 10)
    known = {"the", "of", *WORDS.split()}
    told = {True: [], False: []}
    for chunk in chunks(scale):
        for own, text in zip(chunk.columns, texts(scale, chunk), strict=True):
            assert set(text.split()) <= known
            topic = {scale.words[place] for place in scale.topics[0, 1:]}
            told[bool(0 in own)].append(len(topic & set(text.split())))
    assert np.mean(told[True]) > np.mean(told[False]) + 0.5


def test_data_and_predictions_are_files_that_the_app_reads(real, tmp_path):
    scale = plan(real, 120, 30)
    dataset = load_dataset(write_data(scale, tmp_path / "data"))
    assert len(dataset.projects) == 120
    assert set(dataset.splits.values()) == set(SPLITS)
    assert dataset.projects[7].tags == tuple(list(records(scale))[7]["tags"])
    table = parquet.read_table(write_predictions(scale, tmp_path / "p.parquet", 5))
    for row in table.to_pylist():
        assert len(set(row["tags"])) == len(row["tags"]) == len(row["probabilities"]) == 5
        assert all(0 <= value <= 1 for value in row["probabilities"])
    with_all = parquet.read_table(write_predictions(scale, tmp_path / "all.parquet", 30))
    assert {len(row["tags"]) for row in with_all.to_pylist()} == {30}


def test_own_tags_are_likelier_than_others(real):
    scale = plan(real, 1_000, 100)
    (chunk,) = chunks(scale)
    ends, columns, values = scored(scale, chunk, 20)
    own = np.concatenate(
        [
            np.isin(columns[a:b], mine)
            for a, b, mine in zip(ends[:-1], ends[1:], chunk.columns, strict=True)
        ]
    )
    assert own.sum() == sum(map(len, chunk.columns))
    assert values[own].mean() > 0.4 > 0.1 > values[~own].mean()


def test_parts_hold_all_projects_in_order(real, tmp_path):
    scale = plan(real, 45_000, 10, words_per_text=4)
    folder = write_data(scale, tmp_path / "data", parts=3, split=False)
    files = sorted((folder / "projects.parquet").iterdir())
    assert len(files) == 3
    ids = [one for file in files for one in parquet.read_table(file)["id"].to_pylist()]
    assert ids == [str(number) for number in range(45_000)]
