"""The versions as they are now, and what is asked of them, kept while their files stay the same."""

import math
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tagifai.behavioral import saved_tests
from tagifai.cache import ContentCache
from tagifai.comparison import compare
from tagifai.comparison.bootstrap import LEVEL, RESAMPLES
from tagifai.comparison.diffs import check_different
from tagifai.comparison.flips import select_flips
from tagifai.comparison.intervals import figure_intervals
from tagifai.data import Project
from tagifai.data.changes import compare_data
from tagifai.data.desk import DataDesk
from tagifai.errors import TagifaiError, one_of
from tagifai.inspection import (
    OUTCOMES,
    Paged,
    average_precisions,
    best_threshold,
    describe_rows,
    outcome_rows,
    paged,
    precision_recall_points,
    require_predictions,
    tag_table,
    threshold_metrics,
)
from tagifai.inspection.confusion import KINDS as CONFUSIONS
from tagifai.inspection.confusion import confused_ids, confused_with
from tagifai.kept import Kept
from tagifai.metrics import slice_metrics
from tagifai.metrics.calibration_check import check_calibration
from tagifai.slices import SLICE_FILE, load_slices, select_slices
from tagifai.versions import Version, load_version, read_files
from tagifai.versions.history import KEY_METRICS, Key, PerformanceIndex, label_of
from tagifai.versions.predictions import Predictions
from tagifai.versions.rescoring import rescore
from tagifai.versions.sources import MODEL_FILE, PICKLE_FILE, WORKSPACE, VersionSource

MAX_TEXTS = 10_000


class VersionDesk:
    """Versions of one source, read when asked for, with answers from the cache."""

    def __init__(
        self,
        source: VersionSource,
        cache: ContentCache,
        data: DataDesk,
        *,
        trust_pickle: bool = False,
    ) -> None:
        self.source = source
        self.trust_pickle = trust_pickle
        self.cache = cache
        self.data = data
        self._versions = Kept(64)
        self._predictions = Kept(8)
        self._models = Kept(4)
        self._answers = Kept(64)
        self._index = PerformanceIndex(source)

    def names(self) -> list[str]:
        """List the versions in natural order, the workspace last.

        Raises:
            TagifaiError: there is none.
        """
        names = self.source.names()
        if not names:
            raise TagifaiError(
                f"no version in {self.source.location}; `python -m tagifai train` makes the first"
            )
        return names

    def newest(self, names: Sequence[str] | None = None) -> str:
        """Name the latest release, or the workspace where nothing is released."""
        names = self.names() if names is None else names
        releases = [name for name in names if name != WORKSPACE]
        return releases[-1] if releases else WORKSPACE

    def load(self, name: str) -> Version:
        """Read a version's small files.

        Raises:
            TagifaiError: an unknown name, or a missing or malformed file.
        """
        names = self.source.names()
        if name not in names:
            raise one_of("version", name, names)
        return self._versions.get(name, self._stamp(name), lambda: load_version(self.source, name))

    def history(self, metrics: Mapping[str, Key] = KEY_METRICS) -> list[dict[str, Any]]:
        """Tabulate the metrics of every version; one that cannot be read says why in `error`."""
        self.names()
        return self._index.history(metrics)

    def figure_names(self) -> dict[str, Key]:
        """Name in words every figure that some version has, the key metrics first."""
        self.history()
        named = {label_of(key): key for key in self._index.known_figures()}
        return {**KEY_METRICS, **named}

    def intervals(self, name: str) -> dict[Key, tuple[float, float]]:
        """Give the 95 % intervals of a version's figures; none where it keeps no predictions."""
        version = self.load(name)
        predictions = self._maybe_predictions(version)
        if predictions is None:
            return {}
        thresholds = {tag: version.threshold(tag) for tag in predictions.tags}
        key = ("intervals", version.fingerprint)

        def measure() -> list[Any]:
            return list(figure_intervals(predictions, thresholds).items())

        found = self._answers.get(
            ("intervals", name), key, lambda: self.cache.remember(key, measure)
        )
        return {tuple(figure): tuple(ends) for figure, ends in found}

    def predictions(self, name: str) -> Predictions:
        """Read a version's predictions.

        Raises:
            TagifaiError: the version keeps none, or they are damaged.
        """
        return require_predictions(self._maybe_predictions(self.load(name)), name)

    def model(self, name: str) -> Any:
        """Load a version's model safely.

        Raises:
            TagifaiError: the version keeps no model, or one that is not ours.
        """
        version = self.load(name)
        files = (MODEL_FILE, PICKLE_FILE, "version.json")
        return self._models.get(
            name,
            tuple(self.source.stamp(name, file) for file in files),
            lambda: _load_model(version, self.trust_pickle),
        )

    def keeps_model(self, name: str) -> bool:
        """Tell whether a version keeps a model, without reading it."""
        return any(self.source.stamp(name, file) for file in (MODEL_FILE, PICKLE_FILE))

    def thresholds(self, name: str) -> dict[str, float]:
        """Give the threshold of each tag that the version's predictions have."""
        version = self.load(name)
        return {tag: version.threshold(tag) for tag in self.predictions(name).tags}

    def predict(self, name: str, texts: Sequence[str]) -> list[dict[str, Any]]:
        """Predict the tags of texts with a version's model and thresholds.

        Each answer has tags, probabilities, thresholds, preprocessed and reason.

        Raises:
            TagifaiError: no model, or too many texts.
        """
        from tagifai.inference import predict_tags

        if len(texts) > MAX_TEXTS:
            raise TagifaiError(f"at most {MAX_TEXTS:,} texts at once, got {len(texts):,}")
        version, model = self.load(name), self.model(name)
        tags = version.info.get("tags") or list(version.thresholds)
        thresholds = {tag: version.threshold(tag) for tag in tags}
        answers = predict_tags(model, tags, thresholds, texts)
        return [
            {**answer, "thresholds": {tag: thresholds[tag] for tag in answer["probabilities"]}}
            for answer in answers
        ]

    def tag_table(self, name: str, common: float | None = None) -> list[dict[str, Any]]:
        """Score each tag on the version's test split, best F1 first.

        `common` stands in for every tag's own threshold.
        """
        predictions, thresholds = self.predictions(name), self.thresholds(name)
        if common is not None:
            thresholds = dict.fromkeys(thresholds, common)
        precisions = self._answers.get(
            ("precisions", name),
            self._stamp(name),
            lambda: average_precisions(predictions, "test"),
        )
        return tag_table(predictions, thresholds, precisions=precisions)

    def threshold_metrics(self, name: str, tag: str, threshold: float) -> dict[str, Any]:
        """Score one tag on the test split at one threshold."""
        found = threshold_metrics(self.predictions(name), tag, threshold)
        return {"tag": tag, "threshold": threshold, **found}

    def curve(self, name: str, tag: str) -> list[dict[str, float]]:
        """Trace a tag's precision-recall curve on the test split."""
        predictions = self.predictions(name)
        return self._answers.get(
            ("curve", name, tag),
            self._stamp(name),
            lambda: precision_recall_points(predictions, tag),
        )

    def best_threshold(
        self, name: str, tag: str, cost_fp: float | None, cost_fn: float | None
    ) -> dict[str, Any]:
        """Find a tag's best threshold out of fold, reported on test."""
        return best_threshold(self.predictions(name), tag, cost_fp=cost_fp, cost_fn=cost_fn)

    def keep_threshold(self, name: str, tag: str, threshold: float) -> None:
        """Write a tag's threshold into the workspace, and score the workspace again.

        Raises:
            TagifaiError: another version than the workspace, or an unknown tag.
        """
        if name != WORKSPACE:
            raise TagifaiError(
                f"a release is never changed; choose {WORKSPACE!r} to keep a threshold, "
                f"got {name!r}"
            )
        thresholds = self.thresholds(name)
        if tag not in thresholds:
            raise one_of("tag", tag, thresholds)
        version = self.load(name)
        rescored = rescore(
            version,
            self.predictions(name),
            thresholds | {tag: threshold},
            model=self.model(name) if self.keeps_model(name) else None,
            dataset=self.data.get().dataset,
            slices=self.slices(),
            saved=saved_tests(self.data.folder),
        )
        self.source.write(name, {**read_files(self.source, name), **rescored})

    def confusions(self, name: str, tag: str) -> list[dict[str, Any]]:
        """Count how other tags' errors fall together with a tag's on the test split."""
        predictions, thresholds = self.predictions(name), self.thresholds(name)
        return self._answers.get(
            ("confusions", name, tag),
            self._stamp(name),
            lambda: confused_with(predictions, thresholds, tag),
        )

    def confused(self, name: str, tag: str, other: str) -> list[dict[str, Any]]:
        """Describe the test projects on which the errors of two tags fall together."""
        predictions, thresholds = self.predictions(name), self.thresholds(name)
        ids = dict.fromkeys(
            one
            for kind in CONFUSIONS
            for one in confused_ids(predictions, thresholds, tag, other, kind)
        )
        rows = [predictions.row_of[one] for one in ids]
        return describe_rows(predictions, thresholds, tag, rows, self._texts())

    def check_calibration(self, name: str, tag: str | None) -> dict[str, Any]:
        """Compare a version's probabilities with what came true on the test split."""
        predictions = self.predictions(name)
        return self._answers.get(
            ("calibration", name, tag),
            self._stamp(name),
            lambda: check_calibration(predictions, tag),
        )

    def data_changes(self, name: str) -> str:
        """Say in a sentence how the data differs from what the version saw, "" if it doesn't."""
        try:
            data = self.data.get()
        except TagifaiError:
            return "The data folder cannot be read, so projects show without their texts."
        if self.load(name).info.get("data_digest") == data.dataset.digest:
            return ""
        predictions = self.predictions(name)
        return self._answers.get(
            ("changes", name),
            (self._stamp(name), data.dataset.digest),
            lambda: str(
                compare_data(predictions, data.by_id, self.load(name).info.get("text_digests"))
            ),
        )

    def slice_table(self, name: str) -> list[dict[str, Any]]:
        """List a version's slices, best F1 first: as measured when it was made, later ones now."""
        described = self.slices()
        by_name = {
            **self._measured_now(name, described),
            **self.load(name).performance["slices"]["class"],
        }
        rows = [
            {
                "slice": slice_name,
                "description": described[slice_name].description if slice_name in described else "",
                **figures,
            }
            for slice_name, figures in by_name.items()
        ]
        return sorted(rows, key=lambda row: (-(row.get("f1") or 0), row["slice"]))

    def _measured_now(self, name: str, slices: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        version = self.load(name)
        new = [one for one in slices if one not in version.performance["slices"]["class"]]
        predictions = self._maybe_predictions(version) if new else None
        if predictions is None:
            return {}
        stamp, members = self._slice_members()
        test = predictions.select("test")

        def measure() -> dict[str, dict[str, Any]]:
            inside = {
                one: np.array([i in members[one] for i in test.ids], bool)
                for one in new
                if one in members
            }
            return slice_metrics(test.y_true, test.decide(self.thresholds(name)), inside)["class"]

        return self._answers.get(("new slices", name), (version.fingerprint, stamp), measure)

    def describe(self, name: str) -> dict[str, Any]:
        """Give a version's card: when it was made, from what, with which parameters."""
        version = self.load(name)
        lists = ("tags", "text_digests")
        info = {key: value for key, value in version.info.items() if key not in lists}
        overall = version.performance["overall"]
        return {
            **info,
            "name": name,
            "num_tags": len(version.info.get("tags") or version.performance["class"]),
            "num_test_projects": overall.get("num_samples"),
            "sizes": self.source.sizes(name),
            "params": dict(version.params),
        }

    def compare(self, a: str, b: str) -> dict[str, Any]:
        """Compare two versions: see `comparison.compare`; answered from the cache.

        Raises:
            TagifaiError: an unknown version, the same one twice, or damaged files.
        """
        check_different(a, b)
        first, second = self.load(a), self.load(b)
        members = self._slice_members()
        key = ("compare", a, first.fingerprint, b, second.fingerprint, members[0])
        return self._answers.get(
            ("compare", a, b),
            key,
            lambda: self.cache.remember(
                key,
                lambda: compare(
                    first,
                    second,
                    self._maybe_predictions(first),
                    self._maybe_predictions(second),
                    resamples=enough_resamples(len(first.performance["class"])),
                    slices=members[1],
                ),
            ),
        )

    def flips(self, a: str, b: str, tag: str | None) -> list[dict[str, Any]]:
        """List the decisions that B fixed, broke or left wrong, with texts; None: on any tag."""
        check_different(a, b)
        rows = select_flips(
            self.predictions(a), self.thresholds(a), self.predictions(b), self.thresholds(b), tag
        )
        texts = self._texts()
        return [
            {
                **row,
                "title": texts[row["id"]].title if row["id"] in texts else "",
                "description": texts[row["id"]].description if row["id"] in texts else "",
            }
            for row in rows
        ]

    def _maybe_predictions(self, version: Version) -> Predictions | None:
        return self._predictions.get(
            version.name,
            self.source.stamp(version.name, "predictions.npz"),
            version.load_predictions,
        )

    def _slice_members(self) -> tuple[str, dict[str, set[str]]]:
        """Give the ids of each slice's projects, and a name for this very content."""
        try:
            data = self.data.get()
        except TagifaiError:
            return "no data", {}
        slices = self.slices()
        stamp = (data.dataset.digest, repr(_file_stamp(self.data.folder / SLICE_FILE)))
        members = self._answers.get(
            "slice members",
            stamp,
            lambda: {
                name: {
                    p.id for p, inside in zip(data.dataset.projects, mask, strict=True) if inside
                }
                for name, mask in select_slices(data.dataset.projects, slices=slices).items()
            },
        )
        return "/".join(stamp), members

    def slices(self) -> dict[str, Any]:
        """Read the named slices, the data folder's own among them."""
        path = self.data.folder / SLICE_FILE
        return self._answers.get("slices", _file_stamp(path), lambda: load_slices(path.parent))

    def outcomes(
        self,
        name: str,
        tag: str,
        outcome: str,
        order: str = "confident",
        query: str = "",
        page: int = 1,
        threshold: float | None = None,
        size: int = 10,
    ) -> Paged:
        """Show one page of the test projects with one outcome of a tag, described.

        `threshold` stands in for the tag's own.

        Raises:
            TagifaiError: an unknown version, tag, outcome or order, or no predictions.
        """
        predictions, thresholds = self.predictions(name), self.thresholds(name)
        if threshold is not None:
            thresholds = thresholds | {tag: threshold}
        texts = self._texts()
        rows = outcome_rows(
            predictions, thresholds, tag, outcome, order=order, query=query, texts=texts
        )
        found = paged(rows, page, size)
        return found._replace(items=describe_rows(predictions, thresholds, tag, found.items, texts))

    def _texts(self) -> dict[str, Project]:
        # Without its data a version still tells ids, truths and probabilities.
        try:
            return self.data.get().by_id
        except TagifaiError:
            return {}

    def _stamp(self, name: str) -> Hashable:
        return self.source.fingerprint(name)


def enough_resamples(num_tags: int) -> int:
    """Give how many resamples can tell a change in one of `num_tags` tags alone.

    The smallest p-value of n resamples is 2 / (n + 1), and Benjamini and Hochberg's limit for
    one discovery is 0.05 / tags.

    >>> enough_resamples(34), enough_resamples(60)
    (2000, 3000)
    """
    needed = 2 * num_tags / (1 - LEVEL)
    return max(RESAMPLES, 1_000 * math.ceil(needed / 1_000))


def outcome_help(outcome: str) -> str:
    """Say what an outcome tells.

    Raises:
        TagifaiError: an unknown outcome.
    """
    if outcome not in OUTCOMES:
        raise one_of("outcome", outcome, OUTCOMES)
    return OUTCOMES[outcome]


def _load_model(version: Version, trust_pickle: bool) -> Any:
    from tagifai.models.persistence import load_model, load_pickle

    content = version.read_model()
    if content is not None:
        try:
            return load_model(content)
        except TagifaiError as error:
            raise TagifaiError(f"{version.name}/{MODEL_FILE}: {error}") from None
    content = version.read_pickle()
    if content is None:
        raise TagifaiError(f"version {version.name!r} keeps no model, so it cannot predict")
    try:
        return load_pickle(content, version.info.get("model_sha256"), trusted=trust_pickle)
    except TagifaiError as error:
        raise TagifaiError(f"{version.name}/{PICKLE_FILE}: {error}") from None


def _file_stamp(path: Path) -> Hashable:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
