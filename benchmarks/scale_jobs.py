"""What the row `scale` runs in processes of their own: `python -m benchmarks.scale_jobs`."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tagifai.services.app import Services

VERSION = "v0.1.0"
MOST_MB = 4096


def load(data: Path, models: Path) -> None:
    """Read data and a version's predictions: what every other job does first."""
    services = open_services(data, models)
    services.data.get()
    services.versions.predictions(VERSION)


def browse(data: Path, models: Path) -> None:
    """Do what the Data tab does: count tags, count words of one, search, sort and page."""
    loaded = open_services(data, models).data.get()
    loaded.warm_up()
    loaded.index.prepare()
    loaded.count_words(next(iter(loaded.carried.counts)))
    for query in ("learning", "deep learning", "e"):
        loaded.index.page(query, "title")


def label_errors(data: Path, models: Path) -> None:
    """Rank suspected label errors, and describe the first page of both queues."""
    from tagifai.label_errors.label_issues import KINDS
    from tagifai.reviews.queues import QueueChoice

    services = open_services(data, models)
    for kind in KINDS:
        choice = QueueChoice(VERSION, kind)
        if not services.reviews.page(choice).items:
            raise ValueError(f"no {kind} label was found")


def figures(data: Path, models: Path) -> None:
    """Compute precision, recall and F1 of each tag, over all projects."""
    from tagifai.limits import MB, Limit, Limits
    from tagifai.metrics import per_tag_metrics
    from tagifai.store.versions import load_version, open_source

    most = MOST_MB * MB
    limits = Limits(file=Limit("max_file", most), unpacked=Limit("max_unpacked", most))
    version = load_version(open_source(str(models), limits=limits), VERSION)
    predictions = version.load_predictions()
    if predictions is None:
        raise ValueError("no predictions")
    decided = predictions.decide(version.thresholds)
    per_tag_metrics(predictions.y_true, decided, predictions.tags)


def open_services(data: Path, models: Path) -> "Services":
    """Open what the app answers by, without a cache on disk."""
    from tagifai.services.app import Services
    from tagifai.settings import Settings

    return Services(
        Settings(
            data=data, models=str(models), no_cache=True, max_unpacked=MOST_MB, max_file=MOST_MB
        )
    )


JOBS: dict[str, Callable[[Path, Path], None]] = {
    one.__name__: one for one in (load, browse, label_errors, figures)
}


if __name__ == "__main__":
    name, data, models = sys.argv[1:]
    JOBS[name](Path(data), Path(models))
