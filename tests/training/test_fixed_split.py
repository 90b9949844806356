import json
import subprocess
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from tagifai.data import load_dataset
from tagifai.store.sources import FolderSource
from tagifai.store.versions import load_version
from tagifai.training.fixed_split import describe_split

ROOT = Path(__file__).parent.parent.parent
QUICK = "folds=2 word_ngrams=1 char_ngrams=0 aliases=none estimator=logistic log_count_ratio=false"


def rows(n: int = 200) -> list[dict]:
    chance = np.random.default_rng(0)
    return [
        {
            "id": number,
            "title": "",
            "description": " ".join(f"w{k}" for k in chance.integers(0, 400, 12)),
            "tags": ["a"] if number % 2 else ["b"] * (number % 3 == 0),
        }
        for number in range(n)
    ]


@pytest.fixture
def data(tmp_path):
    return written(tmp_path / "data", rows())


def written(folder: Path, projects: list[dict]) -> Path:
    folder.mkdir()
    (folder / "projects.json").write_text(json.dumps(projects))
    return folder


def run(*words, status=0):
    done = subprocess.run(
        [sys.executable, "-m", "tagifai", *map(str, words)],
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == status, done.stderr
    return done


def test_a_written_split_is_that_of_every_version(data, tmp_path):
    report = json.loads(run("data", "split", "--data", data, "--test", 0.3, "--json").stdout)
    splits = json.loads((data / "splits.json").read_text())
    assert Counter(splits.values()) == {"train": 110, "val": 30, "test": 60}
    assert [row["projects"] for row in report["splits"]] == [110, 30, 60]
    assert report["splits"] == [asdict(one) for one in describe_split(load_dataset(data), splits)]
    models = tmp_path / "models"
    sets = [word for setting in QUICK.split() for word in ("--set", setting)]
    for seed in (0, 1):
        run("train", "--data", data, "--models", models, *sets, "--set", f"seed={seed}")
        found = load_version(FolderSource(models), "workspace").load_predictions()
        kept = dict(zip(found.ids, found.split.tolist(), strict=True))
        assert {one: splits[one] for one in kept} == kept
        assert "test" in kept.values()


def test_near_duplicates_and_groups_stay_together(tmp_path):
    projects = rows()
    for number in range(0, 60, 2):
        projects[number + 1]["description"] = projects[number]["description"] + " more"
    for number in range(100, 200):
        projects[number]["group"] = f"source {number // 5}"
    data = written(tmp_path / "data", projects)
    run("data", "split", "--data", data)
    splits = json.loads((data / "splits.json").read_text())
    assert all(splits[str(n)] == splits[str(n + 1)] for n in range(0, 60, 2))
    assert all(len({splits[str(n + k)] for k in range(5)}) == 1 for n in range(100, 200, 5))


def test_a_split_is_never_replaced(data):
    run("data", "split", "--data", data)
    before = (data / "splits.json").read_bytes()
    told = run("data", "split", "--data", data, "--seed", 1, status=1).stderr
    assert "the projects have splits already (200 projects)" in told
    assert (data / "splits.json").read_bytes() == before


@pytest.mark.parametrize(("test", "val"), [(0, 0.1), (-0.1, 0.1), (1, 0), (0.6, 0.4), ("nan", 0.1)])
def test_shares_out_of_range_are_refused(data, test, val):
    told = run("data", "split", "--data", data, f"--test={test}", f"--val={val}", status=1).stderr
    assert "--test must be above 0" in told
    assert not (data / "splits.json").exists()
