"""Versions and predictions of a few projects, made by hand."""

from tagifai.predictions import Predictions
from tagifai.store.versions import FolderSource, Version

TAGS = ["cv", "nlp"]
TRUTH = [[1, 0], [1, 1], [0, 1], [0, 0]]
IDS = ["1", "2", "3", "4"]
TEST = ["test"] * 4


def version(name, params=None, thresholds=None, performance=None):
    empty = {"overall": {}, "class": {}, "slices": {"class": {}, "overall": {}}, "behavioral": {}}
    return Version(
        name=name,
        params=params or {},
        performance={**empty, **(performance or {})},
        info={},
        thresholds=thresholds or {},
        fingerprint=name,
        source=FolderSource("model"),
    )


def predictions(y_prob, ids=IDS, split=TEST, tags=TAGS, y_true=TRUTH):
    return Predictions.of(ids, split, tags, y_true, y_prob)


def repeated(p, times):
    """Repeat each project `times` over, with ids of their own."""
    ids = [f"{one}-{copy}" for copy in range(times) for one in p.ids]
    return Predictions.of(ids, [*p.split] * times, p.tags, [*p.y_true] * times, [*p.y_prob] * times)


def found(diff, group, name, metric):
    (row,) = [row for row in diff.rows(group, metric) if row.name == name]
    return row


GOOD = predictions([[0.9, 0.1], [0.9, 0.9], [0.1, 0.9], [0.1, 0.1]])
HALF = predictions([[0.9, 0.1], [0.1, 0.9], [0.9, 0.9], [0.1, 0.1]])
