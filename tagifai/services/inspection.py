"""Inspection: figures by tag, thresholds, outcomes, calibration and slices of a version."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from tagifai.data.changes import compare_data
from tagifai.errors import TagifaiError, one_of
from tagifai.inspection import (
    OUTCOMES,
    BestThreshold,
    CurvePoint,
    Outcome,
    Paged,
    TagFigures,
    average_precisions,
    best_threshold,
    describe_rows,
    outcome_rows,
    paged,
    precision_recall_points,
    shrunk_thresholds,
    tag_table,
    threshold_metrics,
)
from tagifai.inspection.confusion import KINDS as CONFUSIONS
from tagifai.inspection.confusion import Confusion, confused_ids, confused_with
from tagifai.metrics.calibration_check import (
    CalibrationCheck,
    CalibrationTest,
    TagCalibration,
    calibration_tests,
    check_calibration,
    miscalibrated_tags,
)
from tagifai.models.predictor import Cancelled, Progress
from tagifai.permissions import Visit, WriteRules
from tagifai.predictions import Predictions
from tagifai.selection import Rows, describe_decisions
from tagifai.services.thresholds import ThresholdKeeper
from tagifai.services.versions import VersionService
from tagifai.slices.builder import measure_slice
from tagifai.store.memory_cache import MemoryCache

Interval = tuple[float, float]
# Figures that differ by no more were computed alike.
SAME = 1e-6


@dataclass(frozen=True, slots=True)
class SliceRow:
    """A slice's figures in a version.

    Attributes
    ----------
    slice, description : str
        Its name and what it holds.
    precision, recall, f1 : float or None
        Over all pairs of its projects and tags (micro), in [0, 1]; None where undefined.
    num_samples : int or None
        Number of its projects; None where the version does not record it.
    intervals : mapping
        By figure, its 95 % interval, by project. A figure has none under ten projects with
        anything to count, and where the recorded figure is no longer what is measured.
    """

    slice: str
    description: str
    precision: float | None
    recall: float | None
    f1: float | None
    num_samples: int | None
    intervals: Mapping[str, Interval]


class InspectionService:
    """Answer questions about one version's errors; `rules` say who may save a threshold."""

    def __init__(self, versions: VersionService, rules: WriteRules | None = None) -> None:
        self.versions = versions
        self._keeper = ThresholdKeeper(versions, rules or WriteRules())
        self._answers = MemoryCache(64)

    def tag_table(self, name: str, common: float | None = None) -> list[TagFigures]:
        """Score each tag on the version's test split, best F1 first.

        `common` replaces every tag's own threshold.
        """
        predictions, thresholds = self.versions.predictions(name), self.versions.thresholds(name)
        if common is not None:
            thresholds = dict.fromkeys(thresholds, common)
        precisions = self._answers.get(
            ("precisions", name),
            self.versions.stamp(name),
            lambda: average_precisions(predictions, "test"),
        )
        return tag_table(predictions, thresholds, precisions=precisions)

    def threshold_of(self, name: str, tag: str) -> float:
        """Return the threshold of a tag in a version."""
        return self.versions.load(name).threshold(tag)

    def threshold_metrics(self, name: str, tag: str, threshold: float) -> TagFigures:
        """Score one tag on the test split at one threshold."""
        return threshold_metrics(self.versions.predictions(name), tag, threshold)

    def curve(self, name: str, tag: str) -> list[CurvePoint]:
        """Trace a tag's precision-recall curve on the test split."""
        predictions = self.versions.predictions(name)
        return self._answers.get(
            ("curve", name, tag),
            self.versions.stamp(name),
            lambda: precision_recall_points(predictions, tag),
        )

    def best_threshold(
        self, name: str, tag: str, cost_fp: float | None = None, cost_fn: float | None = None
    ) -> BestThreshold:
        """Choose a tag's best threshold on held-out projects, reported on test.

        For F1 it is shrunk to the common one as in training.

        Raises
        ------
        TagifaiError
            The version has decisions without probabilities, or an unknown tag.
        """
        predictions = self._with_probabilities(name)
        shrunk = None
        if cost_fp is None and cost_fn is None and tag in predictions.tags:
            params = self.versions.load(name).params
            smoothing = params.get("threshold_smoothing")
            calibrated = params.get("calibration", "none") != "none"
            shrunk = self._answers.get(
                ("shrunk", name),
                self.versions.stamp(name),
                lambda: shrunk_thresholds(
                    predictions, float(smoothing) if calibrated and smoothing else 0.0
                ),
            )
        return best_threshold(predictions, tag, cost_fp=cost_fp, cost_fn=cost_fn, shrunk=shrunk)

    def _with_probabilities(self, name: str) -> Predictions:
        predictions = self.versions.predictions(name)
        if why := describe_decisions(predictions):
            raise TagifaiError(why)
        return predictions

    def decides(self, name: str) -> bool:
        """Check whether a version has decisions without probabilities."""
        return self.versions.predictions(name).decisions_only

    def why_no_probabilities(self, name: str) -> str:
        """Return what decisions without probabilities do not allow, "" where there are some."""
        return describe_decisions(self.versions.predictions(name))

    def why_fixed(self, name: str) -> str:
        """Return why the thresholds of a version cannot be saved, "" where they can."""
        return self._keeper.why_fixed(name)

    def save_threshold(
        self,
        name: str,
        tag: str,
        threshold: float,
        visit: Visit,
        progress: Progress | None = None,
        cancelled: Cancelled | None = None,
    ) -> str:
        """Save a tag's threshold as `ThresholdKeeper.save` does, and return a message."""
        return self._keeper.save(name, tag, threshold, visit, progress, cancelled)

    def confusions(self, name: str, tag: str) -> list[Confusion]:
        """Count how other tags' errors fall together with a tag's on the test split."""
        predictions, thresholds = self.versions.predictions(name), self.versions.thresholds(name)
        return self._answers.get(
            ("confusions", name, tag),
            self.versions.stamp(name),
            lambda: confused_with(predictions, thresholds, tag),
        )

    def confused(self, name: str, tag: str, other: str) -> list[Outcome]:
        """Describe the test projects on which the errors of two tags fall together."""
        predictions, thresholds = self.versions.predictions(name), self.versions.thresholds(name)
        ids = dict.fromkeys(
            one
            for kind in CONFUSIONS
            for one in confused_ids(predictions, thresholds, tag, other, kind)
        )
        rows = [predictions.row_of[one] for one in ids]
        return describe_rows(predictions, thresholds, tag, rows, self.versions.texts())

    def check_calibration(self, name: str, tag: str | None) -> CalibrationCheck:
        """Compare a version's probabilities with what came true on the test split.

        Raises
        ------
        TagifaiError
            The version has decisions without probabilities, or an unknown tag.
        """
        predictions = self._with_probabilities(name)
        return self._answers.get(
            ("calibration", name, tag),
            self.versions.stamp(name),
            lambda: check_calibration(
                predictions, tag, tests=None if tag is None else self._calibration_tests(name)
            ),
        )

    def miscalibrated_tags(self, name: str) -> list[TagCalibration]:
        """List the tags whose probabilities are surely off on the test split.

        Raises
        ------
        TagifaiError
            The version has decisions without probabilities.
        """
        predictions = self._with_probabilities(name)
        return self._answers.get(
            ("miscalibrated", name),
            self.versions.stamp(name),
            lambda: miscalibrated_tags(predictions, tests=self._calibration_tests(name)),
        )

    def _calibration_tests(self, name: str) -> dict[str, CalibrationTest]:
        predictions = self.versions.predictions(name)
        return self._answers.get(
            ("calibration tests", name),
            self.versions.stamp(name),
            lambda: calibration_tests(predictions),
        )

    def data_changes(self, name: str) -> str:
        """Describe how the data differs from what the version saw, "" if it doesn't."""
        try:
            data = self.versions.data.get()
        except TagifaiError:
            return "The data folder cannot be read, so projects show without their texts."
        if self.versions.load(name).info.get("data_digest") == data.dataset.digest:
            return ""
        predictions = self.versions.predictions(name)
        info = self.versions.load(name).info
        digests, untagged = info.get("text_digests"), info.get("untagged")
        return self._answers.get(
            ("changes", name),
            (self.versions.stamp(name), data.dataset.digest),
            lambda: str(compare_data(predictions, data.by_id, digests, untagged)),
        )

    def notes(self, name: str) -> list[str]:
        """List what limits every figure of a version; `data_changes` is among it."""
        warnings = [f"Warning: {one}." for one in self.versions.warnings(name)]
        notes = (self.versions.note(name), *warnings, self.data_changes(name))
        return [one for one in notes if one]

    def limits(self, name: str) -> list[str]:
        """List what a version's figures leave out, and what its decisions do not allow."""
        why = self.why_no_probabilities(name)
        notes = (self.versions.note(name), why and f"{why[:1].upper()}{why[1:]}.")
        return [one for one in notes if one]

    def slice_table(self, name: str) -> list[SliceRow]:
        """List a version's slices: as recorded when it was made, later ones as measured now.

        Best F1 first, undefined ones last.
        """
        described = self.versions.slices()
        now, recorded = self._measured_now(name), self.versions.load(name).performance["slices"]
        rows = []
        for slice_name in {**now, **recorded["class"]}:
            measured = now.get(slice_name, _NOT_MEASURED)
            figures = recorded["class"].get(slice_name) or measured.figures
            about, number = described.get(slice_name), figures.get("num_samples")
            rows.append(
                SliceRow(
                    slice=slice_name,
                    description=about.description if about else "",
                    precision=figures.get("precision"),
                    recall=figures.get("recall"),
                    f1=figures.get("f1"),
                    num_samples=None if number is None else int(number),
                    intervals=measured.intervals_of(figures),
                )
            )
        return sorted(rows, key=lambda row: (row.f1 is None, -(row.f1 or 0), row.slice))

    def _measured_now(self, name: str) -> dict[str, "_Measured"]:
        version = self.versions.load(name)
        predictions = self.versions.maybe_predictions(version)
        if predictions is None:
            return {}
        thresholds = self.versions.thresholds(name)
        stamp, members = self.versions.slice_members()
        test = predictions.select("test")

        def measure(inside: AbstractSet[str]) -> _Measured:
            rows = [row for row, one in enumerate(test.ids) if one in inside]
            found = measure_slice(test, thresholds, rows)
            estimates = {"precision": found.precision, "recall": found.recall, "f1": found.f1}
            return _Measured(
                {metric: one.value for metric, one in estimates.items()}
                | {"num_samples": found.num_samples},
                {
                    metric: (one.low, one.high)
                    for metric, one in estimates.items()
                    if one.low is not None and one.high is not None
                },
            )

        return self._answers.get(
            ("slices now", name),
            (version.fingerprint, stamp),
            lambda: {one: measure(inside) for one, inside in members.items()},
        )

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
    ) -> Paged[list[Outcome]]:
        """Return one page of the test projects with one outcome of a tag, described.

        `threshold` replaces the tag's own; the rest is as for `inspection.outcome_rows`.

        Raises
        ------
        TagifaiError
            An unknown version, tag, outcome or order, or no predictions.
        """
        predictions = self.versions.predictions(name)
        rows, thresholds = self._rows(name, tag, outcome, order, query, threshold)
        found, texts = paged(rows, page, size), self.versions.texts()
        described = describe_rows(predictions, thresholds, tag, found.items, texts)
        return found.with_items(described)

    def all_outcomes(
        self,
        name: str,
        tag: str,
        outcome: str,
        order: str = "confident",
        query: str = "",
        threshold: float | None = None,
    ) -> list[Outcome]:
        """Describe all test projects with one outcome of a tag, as `outcomes` pages them."""
        rows, thresholds = self._rows(name, tag, outcome, order, query, threshold)
        predictions = self.versions.predictions(name)
        return describe_rows(predictions, thresholds, tag, rows, self.versions.texts())

    def _rows(
        self, name: str, tag: str, outcome: str, order: str, query: str, threshold: float | None
    ) -> tuple[Rows, dict[str, float]]:
        predictions, thresholds = self.versions.predictions(name), self.versions.thresholds(name)
        if threshold is not None:
            thresholds = thresholds | {tag: threshold}
        rows = outcome_rows(
            predictions,
            thresholds,
            tag,
            outcome,
            order=order,
            query=query,
            texts=self.versions.texts(),
        )
        return rows, thresholds


@dataclass(frozen=True, slots=True)
class _Measured:
    """A slice's figures as measured now, and the intervals that there are."""

    figures: Mapping[str, float | None]
    intervals: Mapping[str, Interval]

    def intervals_of(self, shown: Mapping[str, float | None]) -> dict[str, Interval]:
        """Return the intervals of the figures that are still as they were recorded."""
        found = {}
        for metric, ends in self.intervals.items():
            value, now = shown.get(metric), self.figures[metric]
            if value is not None and now is not None and abs(value - now) <= SAME:
                found[metric] = ends
        return found


_NOT_MEASURED = _Measured({}, {})


def outcome_help(outcome: str) -> str:
    """Return what an outcome means for the data and the model.

    Raises
    ------
    TagifaiError
        An unknown outcome.
    """
    if outcome not in OUTCOMES:
        raise one_of("outcome", outcome, OUTCOMES)
    return OUTCOMES[outcome]
