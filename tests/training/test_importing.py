import json
from dataclasses import replace
from pathlib import Path

import pytest

from tagifai.data import Dataset, Project
from tagifai.data.config import DataConfig
from tagifai.errors import TagifaiError
from tagifai.limits import Limit, Limits
from tagifai.store.sources import FolderSource
from tagifai.store.versions import load_version
from tagifai.training.adding import version_of
from tagifai.training.importing import missing_tags, read_predictions, read_tag_list

DATA = Dataset(
    tuple(Project(str(n), f"title {n}", "text", ("a",) if n < 2 else ("b",)) for n in range(4)),
    {},
    "digest",
)
ROWS = [
    {
        "id": n,
        "split": "test" if n else "train",
        "probabilities": {"a": 0.9 if n == 1 else 0.2, "b": 0.6},
    }
    for n in range(4)
]


def write(folder: Path, rows: object) -> Path:
    path = folder / "predictions.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows))  # type: ignore[attr-defined]
    return path


def test_rows_become_a_version_that_loads(tmp_path: Path) -> None:
    predictions = read_predictions(write(tmp_path, ROWS), DATA)
    assert predictions.tags == ("a", "b")
    assert predictions.y_true.tolist() == [[1, 0], [1, 0], [0, 1], [0, 1]]
    version = version_of(predictions, DATA, 0.5, "v1")
    overall = version.performance["overall"]
    assert overall["num_samples"] == 3
    assert overall["recall"] == 1.0
    source = FolderSource(tmp_path / "models")
    source.write("v1", version.to_files())
    version = load_version(source, "v1")
    assert version.performance["class"]["b"]["precision"] == pytest.approx(2 / 3)
    assert version.thresholds == {"a": 0.5, "b": 0.5}


def test_the_truth_is_the_datas_whatever_the_file_says(tmp_path: Path) -> None:
    predictions = read_predictions(write(tmp_path, ROWS), DATA)
    wrong = replace(predictions, y_true=1 - predictions.y_true)
    (tmp_path / "p.npz").write_bytes(wrong.to_bytes())
    again = read_predictions(tmp_path / "p.npz", DATA, out_of_fold="yes")
    assert again.y_true.tolist() == predictions.y_true.tolist()
    assert (predictions.out_of_fold, again.out_of_fold) == ("unknown", "yes")


def test_tags_that_the_data_lacks_are_refused_with_the_nearest(tmp_path: Path) -> None:
    rows = [{**row, "probabilities": {"A": 0.5, "b ": 0.5}} for row in ROWS]
    with pytest.raises(
        TagifaiError, match=r"'A' \(did you mean 'a'\?\), 'b ' \(did you mean 'b'\?"
    ):
        read_predictions(write(tmp_path, rows), DATA)


def many(n: int) -> Dataset:
    projects = (Project(str(i), f"title {i}", "text", ("a", "c")[: 1 + i % 2]) for i in range(n))
    return Dataset(tuple(projects), {}, "digest")


def test_frequent_tags_without_predictions_are_told_with_the_figures(tmp_path: Path) -> None:
    dataset = many(60)
    rows = [{"id": i, "split": "test", "probabilities": {"a": 0.9}} for i in range(60)]
    predictions = read_predictions(write(tmp_path, rows), dataset)
    version = version_of(predictions, dataset)
    overall = version.performance["overall"]
    assert json.loads(version.to_files()["version.json"])["missing_tags"] == {"c": 30}
    told = "1 tag of the data, frequent enough to learn, is not predicted: c 30"
    assert version.performance["note"] == told
    assert overall["f1"] == 1.0
    assert missing_tags(dataset, ["a", "c"], 30) == missing_tags(dataset, ["a"], 31) == {}
    unlabelled = replace(dataset, config=DataConfig(untagged="unlabelled"))
    extra = Project("60", "t", "", ())
    both = replace(unlabelled, projects=(*dataset.projects, extra))
    note = version_of(predictions, both).performance["note"]
    assert note == f"1 unlabelled project is left out; {told}"


def test_untagged_projects_are_negatives_of_every_tag(tmp_path: Path) -> None:
    dataset = replace(DATA, projects=(*DATA.projects, Project("4", "t", "", ())))
    rows = [*ROWS, {"id": 4, "split": "test", "probabilities": {"a": 0.9, "b": 0.1}}]
    predictions = read_predictions(write(tmp_path, rows), dataset)
    assert predictions.y_true[-1].tolist() == [0, 0]
    version = version_of(predictions, dataset)
    overall = version.performance["overall"]
    assert overall["num_samples"] == 4
    assert version.performance["class"]["a"]["precision"] == 0.5


def test_predictions_too_large_to_be_read_back_are_refused_before_they_are_scored(
    tmp_path: Path,
) -> None:
    predictions = read_predictions(write(tmp_path, ROWS), DATA)
    with pytest.raises(
        TagifaiError, match=r"predictions\.parquet: [\d,]+ bytes; at most 100 .*MAX_FILE"
    ):
        version_of(predictions, DATA, limits=Limits(file=Limit("max_file", 100)))


def test_the_tags_of_lists_come_from_a_file(tmp_path: Path) -> None:
    for text in ('["b", "a b"]', "b\r\na b\n\n", "\ufeffb\na b"):
        (tmp_path / "tags").write_text(text, newline="")
        assert read_tag_list(tmp_path / "tags") == ["b", "a b"]
    for text, message in (("[1]", r"a list of tags is needed, got \[1\]"), ("[", "not JSON")):
        (tmp_path / "tags").write_text(text)
        with pytest.raises(TagifaiError, match=f"tags: {message}"):
            read_tag_list(tmp_path / "tags")
    with pytest.raises(TagifaiError, match="none: cannot be read"):
        read_tag_list(tmp_path / "none")


def test_no_test_row_and_a_bad_threshold(tmp_path: Path) -> None:
    with pytest.raises(TagifaiError, match="no row of the split 'test'"):
        read_predictions(write(tmp_path, ROWS[:1]), DATA)
    predictions = read_predictions(write(tmp_path, ROWS), DATA)
    with pytest.raises(TagifaiError, match=r"from 0 to 1 is needed, got 1\.5"):
        version_of(predictions, DATA, 1.5)
