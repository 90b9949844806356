import json
from pathlib import Path

import pytest

from tagifai.data import Dataset, Project
from tagifai.errors import TagifaiError
from tagifai.versions import load_version
from tagifai.versions.importing import read_predictions, version_of
from tagifai.versions.sources import FolderSource

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
    files, overall = version_of(predictions, DATA, 0.5, "v1")
    assert overall["num_samples"] == 3
    assert overall["recall"] == 1.0
    source = FolderSource(tmp_path / "models")
    source.write("v1", files)
    version = load_version(source, "v1")
    assert version.performance["class"]["b"]["precision"] == pytest.approx(2 / 3)
    assert version.thresholds == {"a": 0.5, "b": 0.5}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": 9}, "row 2, id: '9' is not in the data"),
        ({"id": 0}, "row 2, id: '0' comes twice"),
        ({"split": "dev"}, "row 2, split: .*'train', 'val' or 'test', got 'dev'"),
        ({"probabilities": {"a": 1.5, "b": 0}}, r"row 2, probabilities.a: .*less than or equal"),
        ({"probabilities": {"a": "0.5", "b": 0}}, r"row 2, probabilities.a: .*number, got '0.5'"),
        ({"probabilities": {"a": 0.5}}, r"row 2, probabilities: other tags than row 1's \(b\)"),
    ],
)
def test_a_malformed_row_is_named(tmp_path: Path, change: dict[str, object], message: str) -> None:
    rows = [ROWS[0], ROWS[1] | change, *ROWS[2:]]
    with pytest.raises(TagifaiError, match=message):
        read_predictions(write(tmp_path, rows), DATA)


def test_no_test_row_and_a_bad_threshold(tmp_path: Path) -> None:
    with pytest.raises(TagifaiError, match="no row of the split 'test'"):
        read_predictions(write(tmp_path, ROWS[:1]), DATA)
    predictions = read_predictions(write(tmp_path, ROWS), DATA)
    with pytest.raises(TagifaiError, match=r"from 0 to 1 is needed, got 1\.5"):
        version_of(predictions, DATA, 1.5)
