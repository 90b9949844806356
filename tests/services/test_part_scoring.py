import subprocess
import sys
from pathlib import Path

import numpy as np
import orjson
import pyarrow
import pyarrow.parquet as parquet
import pytest
from small_corpus import SMALL_PARAMS, small_dataset

from tagifai.errors import TagifaiError
from tagifai.metrics import overall_metrics, per_tag_metrics
from tagifai.predictions import decide
from tagifai.services import part_scoring
from tagifai.services.part_scoring import ScoredVersion, find_parts, score_parts
from tagifai.store.sources import FolderSource
from tagifai.training.cluster import open_spread
from tagifai.training.releases import new_version
from tagifai.training.train import train

ROOT = Path(__file__).parents[2]
DATASET = small_dataset()
PROJECTS = DATASET.projects


@pytest.fixture(scope="module")
def trained():
    return train(DATASET, SMALL_PARAMS, tests=())


@pytest.fixture(scope="module")
def models(trained, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    files = new_version(trained, DATASET, name="v0.1.0").to_files()
    FolderSource(folder).write("v0.1.0", files)
    return ScoredVersion(str(folder), "v0.1.0")


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """Write the projects in three parts."""
    folder = tmp_path_factory.mktemp("parts")
    for number, rows in enumerate(np.array_split(np.arange(len(PROJECTS)), 3)):
        some = [PROJECTS[row] for row in rows]
        table = pyarrow.table(
            {
                "id": [p.id for p in some],
                "title": [p.title for p in some],
                "description": [p.description for p in some],
                "tags": [list(p.tags) for p in some],
                "split": ["test" if row % 2 else "train" for row in rows],
            }
        )
        parquet.write_table(table, folder / f"{number}.parquet")
    return folder


def expected(trained, rows):
    tags = trained.tags
    y_true = np.array([[tag in PROJECTS[row].tags for tag in tags] for row in rows])
    y_prob = trained.model.predict_proba([PROJECTS[row].text for row in rows])
    return y_true, y_prob, decide(y_prob, [trained.thresholds[tag] for tag in tags])


@pytest.mark.parametrize("at_once", [7, 5_000])
@pytest.mark.parametrize("split", ["", "test"])
def test_merged_counts_give_the_figures_of_all_at_once(
    trained, models, parts, tmp_path, monkeypatch, at_once, split
):
    monkeypatch.setattr(part_scoring, "ROWS_AT_ONCE", at_once)
    told = []
    found = score_parts(
        models, find_parts(parts, split), tmp_path / "out", split=split,
        progress=lambda *words: told.append(words),
    )  # fmt: skip
    rows = [row for row in range(len(PROJECTS)) if row % 2 or not split]
    y_true, y_prob, y_pred = expected(trained, rows)
    figures = overall_metrics(y_true, y_pred, y_prob)
    assert (found.parts, found.projects) == (3, len(rows))
    for name in ("precision", "recall", "f1"):
        assert found.weighted[name] == pytest.approx(figures.weighted.values[name], abs=1e-12)
        assert found.macro[name] == pytest.approx(figures.macro.values[name], abs=1e-12)
        assert getattr(found.micro, name) == pytest.approx(getattr(figures.micro, name), abs=1e-12)
    assert found.brier == pytest.approx(figures.probabilities.brier, abs=1e-9)
    for tag, scores in per_tag_metrics(y_true, y_pred, trained.tags).items():
        assert found.by_tag[tag]["f1"] == scores.f1
        assert found.by_tag[tag]["num_samples"] == scores.num_samples
    assert told == [(1, 3, "parts"), (2, 3, "parts"), (3, 3, "parts")]


def test_predictions_hold_the_likeliest_above_the_floor(trained, models, parts, tmp_path):
    score_parts(models, find_parts(parts), tmp_path / "out", top=2, floor=0.2)
    files = sorted((tmp_path / "out").iterdir())
    assert [path.name for path in files] == [f"part-0000{number}.parquet" for number in range(3)]
    table = pyarrow.concat_tables([parquet.read_table(path) for path in files])
    assert orjson.loads(table.schema.metadata[b"tags"]) == list(trained.tags)
    y_true, y_prob, _ = expected(trained, range(len(PROJECTS)))
    for row, found in enumerate(table.to_pylist()):
        assert found["id"] == PROJECTS[row].id
        assert found["tags"] == np.flatnonzero(y_true[row]).tolist()
        likely = np.sort(np.argsort(-y_prob[row], kind="stable")[:2])
        likely = [column for column in likely.tolist() if y_prob[row, column] >= 0.2]
        assert found["columns"] == likely
        np.testing.assert_array_equal(
            np.array(found["probabilities"], np.float32), y_prob[row, likely]
        )


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"id": ["1"], "title": ["a"]}, r"1\.parquet: no column 'description'; needed: id, title"),
        (
            {"id": ["1"], "title": ["a"], "description": ["b"], "tags": ["nlp"]},
            r"1\.parquet: column 'tags' is string, and list.* in .*0\.parquet",
        ),
        (None, r"1\.parquet: not Parquet"),
    ],
)
def test_a_part_of_another_form_is_told_before_anything_is_scored(tmp_path, table, message):
    good = {"id": ["1"], "title": ["a"], "description": ["b"], "tags": [["nlp"]]}
    parquet.write_table(pyarrow.table(good), tmp_path / "0.parquet")
    if table is None:
        (tmp_path / "1.parquet").write_bytes(b"PAR1 and nothing else")
    else:
        parquet.write_table(pyarrow.table(table), tmp_path / "1.parquet")
    with pytest.raises(TagifaiError, match=message):
        find_parts(tmp_path)


def test_mistakes(models, parts, tmp_path):
    with pytest.raises(TagifaiError, match="no Parquet file in it"):
        find_parts(tmp_path)
    with pytest.raises(TagifaiError, match="unknown split 'tset'"):
        find_parts(parts, "tset")
    (tmp_path / "mine").write_text("")
    with pytest.raises(TagifaiError, match="not empty; predictions go to a new folder"):
        score_parts(models, find_parts(parts), tmp_path)
    with pytest.raises(TagifaiError, match=r"nowhere.*"):
        score_parts(ScoredVersion(models.models, "nowhere"), find_parts(parts), tmp_path / "a")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is full")
def test_a_disk_that_is_full_leaves_nothing_behind(models, parts, tmp_path, monkeypatch):
    target = tmp_path / "out"
    target.mkdir()
    unfinished = target / "part-00000.unfinished"
    task = part_scoring.PartTask(models, find_parts(parts)[0], target / "part-00000.parquet")
    unfinished.symlink_to("/dev/full")
    with pytest.raises(TagifaiError, match=r"0\.parquet: its predictions cannot be written to"):
        part_scoring.score_part(task)
    assert list(target.iterdir()) == []


@pytest.mark.long
def test_a_cluster_writes_the_same_bytes(models, parts, tmp_path):
    pytest.importorskip("distributed")
    here = score_parts(models, find_parts(parts), tmp_path / "here")
    bad = tmp_path / "bad.parquet"
    row = {"id": ["1"], "title": ["a"], "description": ["b"], "tags": [None]}
    kinds = [(name, pyarrow.string()) for name in ("id", "title", "description")]
    schema = pyarrow.schema([*kinds, ("tags", pyarrow.list_(pyarrow.string()))])
    parquet.write_table(pyarrow.table(row, schema=schema), bad)
    with open_spread("local:2") as spread:
        there = score_parts(models, find_parts(parts), tmp_path / "there", spread=spread.map)
        with pytest.raises(TagifaiError, match="tags: a list is needed"):
            score_parts(models, find_parts(bad), tmp_path / "none", spread=spread.map)
    assert here == there
    for path in (tmp_path / "here").iterdir():
        assert path.read_bytes() == (tmp_path / "there" / path.name).read_bytes()


def test_the_command_prints_figures(models, parts, tmp_path):
    command = ["evaluate", "v0.1.0", parts, "--models", models.models, "--to", tmp_path / "out"]
    done = subprocess.run(
        [sys.executable, "-m", "tagifai", *map(str, command), "--split", "test", "--json"],
        cwd=ROOT, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = orjson.loads(done.stdout)
    assert (found["parts"], found["projects"]) == (3, len(PROJECTS) // 2)
    assert 0.5 < found["weighted"]["f1"] <= 1
