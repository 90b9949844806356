import json

import pytest

from tagifai.errors import TagifaiError
from tagifai.store.history import (
    KEY_METRICS,
    HistoryRow,
    PerformanceIndex,
    count_covered,
    count_samples,
    flatten_performance,
    list_figures,
)
from tagifai.store.versions import FolderSource

PERFORMANCE = {
    "overall": {
        "precision": 0.75,
        "recall": 0.5,
        "f1": 0.6,
        "num_samples": 9,
        "ece": 0.01,
        "macro": {"f1": 0.4, "num_samples": 9},
        "note": "text",
        "brier": None,
    },
    "class": {"cv": {"precision": 1, "f1": 0.5, "num_samples": 4.0}},
    "slices": {
        "overall": {"precision": 0.1, "recall": 0.2, "f1": 0.3},
        "class": {"overall": {"f1": 0.7, "num_samples": 2}, "short": {"f1": 0.8}},
    },
    "behavioral": {
        "score": 0.9,
        "num_samples": 10,
        "by_type": {"INV": {"score": 0.8, "num_samples": 5}},
        "results": {"passed": [], "failed": []},
    },
}


def written(folder, count, performance=PERFORMANCE):
    for number in range(count):
        place = folder / f"v0.{number}.0"
        place.mkdir(parents=True)
        changed = {**performance, "overall": {"f1": number / max(count, 1)}}
        (place / "performance.json").write_text(json.dumps(changed))
    return FolderSource(folder)


def test_every_figure_has_a_group_a_name_and_a_metric():
    assert flatten_performance(PERFORMANCE) == {
        ("overall", "weighted", "precision"): 0.75,
        ("overall", "weighted", "recall"): 0.5,
        ("overall", "weighted", "f1"): 0.6,
        ("overall", "weighted", "ece"): 0.01,
        ("overall", "macro", "f1"): 0.4,
        ("class", "cv", "precision"): 1.0,
        ("class", "cv", "f1"): 0.5,
        ("slices", "overall", "precision"): 0.1,
        ("slices", "overall", "recall"): 0.2,
        ("slices", "overall", "f1"): 0.3,
        ("slices", "overall (slice)", "f1"): 0.7,
        ("slices", "short", "f1"): 0.8,
        ("behavioral", "all", "score"): 0.9,
        ("behavioral", "INV", "score"): 0.8,
    }


def test_samples_are_listed_where_they_are_said():
    assert count_samples(PERFORMANCE) == {
        ("overall", "weighted"): 9,
        ("overall", "macro"): 9,
        ("class", "cv"): 4,
        ("slices", "overall (slice)"): 2,
        ("behavioral", "all"): 10,
        ("behavioral", "INV"): 5,
    }


def test_undefined_figures_are_listed_and_counts_are_none():
    performance = {
        "overall": {"f1": 1.0, "num_tags": {"f1": 4}, "num_pairs": 9},
        "class": {"rare": {"f1": None, "num_samples": 0, "num_predicted": 0}},
        "slices": {"overall": {"f1": None, "num_slices": {"f1": 0}}},
    }
    assert list_figures(performance) == {
        ("overall", "weighted", "f1"): 1.0,
        ("class", "rare", "f1"): None,
        ("slices", "overall", "f1"): None,
    }
    assert flatten_performance(performance) == {("overall", "weighted", "f1"): 1.0}
    assert count_covered(performance) == {
        ("overall", "weighted", "f1"): (4, "tags"),
        ("slices", "overall", "f1"): (0, "slices"),
    }


def test_the_key_metrics_in_version_order(tmp_path):
    source = written(tmp_path, 11)
    source.write("workspace", {"performance.json": json.dumps(PERFORMANCE).encode()})
    table = PerformanceIndex(source).history()

    assert [row.version for row in table] == [f"v0.{i}.0" for i in range(11)] + ["workspace"]
    assert table[-1].to_dict() == {
        "version": "workspace",
        "error": None,
        "overall f1": 0.6,
        "overall precision": 0.75,
        "overall recall": 0.5,
        "slices f1": 0.3,
        "slices precision": 0.1,
        "slices recall": 0.2,
    }
    assert table[1].figures["overall f1"] == 1 / 11
    assert table[1].figures["overall recall"] is None
    assert list(table[0].figures) == list(KEY_METRICS)


def test_any_metric_can_be_chosen(tmp_path):
    index = PerformanceIndex(written(tmp_path, 2))

    assert index.history({"cv": ("class", "cv", "f1"), "x": ("class", "x", "f1")}) == [
        HistoryRow("v0.0.0", None, {"cv": 0.5, "x": None}),
        HistoryRow("v0.1.0", None, {"cv": 0.5, "x": None}),
    ]
    assert ("slices", "short", "f1") in index.known_figures()
    assert index.figures("v0.1.0")["overall", "weighted", "f1"] == 0.5


def test_no_version_gives_an_empty_table(tmp_path):
    assert PerformanceIndex(FolderSource(tmp_path / "none")).history() == []


def test_a_broken_version_says_why_while_the_others_go_on(tmp_path):
    source = written(tmp_path, 1)
    source.write("v1", {"performance.json": b'{"overall": {"f1": "x"}}'})
    source.write("v2", {"params.json": b"{}"})
    index = PerformanceIndex(source)
    table = index.history()

    assert [row.error for row in table] == [
        None,
        "v1/performance.json: overall.f1: a number between 0 and 1 is needed, got 'x'",
        "version 'v2' has no performance.json",
    ]
    assert table[1].figures["overall f1"] is None
    with pytest.raises(TagifaiError, match="v1/performance"):
        index.figures("v1")


def test_notes_on_figures_are_read_with_them(tmp_path):
    source = written(tmp_path, 2, {"note": "9 left out", "class": {}})
    (tmp_path / "v0.1.0" / "performance.json").write_text('{"overall": {"note": "a figure\'s"}}')
    index = PerformanceIndex(source)
    assert [row.error for row in index.history()] == [None, None]
    assert index.notes() == {"v0.0.0": "9 left out"}


def test_what_changes_is_read_again_and_what_goes_is_gone(tmp_path):
    source = written(tmp_path, 3)
    index = PerformanceIndex(source)
    index.history()
    path = tmp_path / "v0.1.0" / "performance.json"
    path.write_text(json.dumps({"overall": {"f1": 0.125}}))
    (tmp_path / "v0.2.0" / "performance.json").unlink()
    (tmp_path / "v0.2.0").rmdir()
    table = index.history()

    assert [row.version for row in table] == ["v0.0.0", "v0.1.0"]
    assert table[1].figures["overall f1"] == 0.125
    assert table[1].figures["slices f1"] is None


class CountingSource(FolderSource):
    """A folder of versions that notes which of their files are read."""

    def __init__(self, folder):
        super().__init__(folder)
        self.reads = []

    def read(self, name, file):
        self.reads.append((name, file))
        return super().read(name, file)


def test_each_version_s_performance_is_read_once_until_it_changes(tmp_path):
    written(tmp_path, 100)
    source = CountingSource(tmp_path)
    index = PerformanceIndex(source)
    first = index.history()
    assert len(first) == 100
    assert sorted(source.reads) == sorted((row.version, "performance.json") for row in first)
    source.reads.clear()
    assert index.history() == first
    assert source.reads == []

    changed = tmp_path / "v0.7.0" / "performance.json"
    changed.write_text(json.dumps({**PERFORMANCE, "note": "changed"}))
    index.history()
    assert source.reads == [("v0.7.0", "performance.json")]
