"""Inspection as the page asks for it: figures by tag, thresholds, outcomes, calibration."""

from collections.abc import Mapping
from typing import Any

from tagifai.behavioral import saved_tests
from tagifai.data.changes import compare_data
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
    shrunk_thresholds,
    tag_table,
    threshold_metrics,
)
from tagifai.inspection.confusion import KINDS as CONFUSIONS
from tagifai.inspection.confusion import confused_ids, confused_with
from tagifai.metrics.calibration_check import (
    CalibrationCheck,
    CalibrationTest,
    TagCalibration,
    calibration_tests,
    check_calibration,
    miscalibrated_tags,
)
from tagifai.permissions import Visit, WriteRules
from tagifai.services.versions import VersionService
from tagifai.slices.builder import measure_slice
from tagifai.store.memory_cache import Kept
from tagifai.store.naming import WORKSPACE
from tagifai.store.versions import read_files
from tagifai.training.rescoring import rescore


class InspectionDesk:
    """What is asked of one version's errors; `rules` say who may keep a threshold."""

    def __init__(self, versions: VersionService, rules: WriteRules | None = None) -> None:
        self.versions = versions
        self.rules = rules or WriteRules()
        self._answers = Kept(64)

    def tag_table(self, name: str, common: float | None = None) -> list[dict[str, Any]]:
        """Score each tag on the version's test split, best F1 first.

        `common` stands in for every tag's own threshold.
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
        """Give the threshold of a tag in a version."""
        return self.versions.load(name).threshold(tag)

    def threshold_metrics(self, name: str, tag: str, threshold: float) -> dict[str, Any]:
        """Score one tag on the test split at one threshold."""
        found = threshold_metrics(self.versions.predictions(name), tag, threshold)
        return {"tag": tag, "threshold": threshold, **found}

    def curve(self, name: str, tag: str) -> list[dict[str, float]]:
        """Trace a tag's precision-recall curve on the test split."""
        predictions = self.versions.predictions(name)
        return self._answers.get(
            ("curve", name, tag),
            self.versions.stamp(name),
            lambda: precision_recall_points(predictions, tag),
        )

    def best_threshold(
        self, name: str, tag: str, cost_fp: float | None = None, cost_fn: float | None = None
    ) -> dict[str, Any]:
        """Find a tag's best threshold on projects that were held out, reported on test.

        For F1 it is drawn to the common one as a training would draw it.
        """
        predictions = self.versions.predictions(name)
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

    def keep_threshold(self, name: str, tag: str, threshold: float, visit: Visit) -> str:
        """Write a tag's threshold into the workspace in a visitor's name, and say so.

        The workspace is scored again.

        Raises:
            TagifaiError: the visitor may not write, another version than the workspace, or an
                unknown tag.
        """
        self.rules.reviewer_of(visit)
        if name != WORKSPACE:
            raise TagifaiError(
                f"a release is never changed; choose {WORKSPACE!r} to keep a threshold, "
                f"got {name!r}"
            )
        thresholds = self.versions.thresholds(name)
        if tag not in thresholds:
            raise one_of("tag", tag, thresholds)
        version = self.versions.load(name)
        rescored = rescore(
            version,
            self.versions.predictions(name),
            thresholds | {tag: threshold},
            model=self.versions.model(name) if self.versions.keeps_model(name) else None,
            dataset=self.versions.data.get().dataset,
            slices=self.versions.slices(),
            saved=saved_tests(self.versions.data.folder, self.versions.data.get().tag_names),
        )
        self.versions.source.write(name, {**read_files(self.versions.source, name), **rescored})
        return f"Kept: {name} predicts {tag} from {threshold:.3f} on, everywhere."

    def confusions(self, name: str, tag: str) -> list[dict[str, Any]]:
        """Count how other tags' errors fall together with a tag's on the test split."""
        predictions, thresholds = self.versions.predictions(name), self.versions.thresholds(name)
        return self._answers.get(
            ("confusions", name, tag),
            self.versions.stamp(name),
            lambda: confused_with(predictions, thresholds, tag),
        )

    def confused(self, name: str, tag: str, other: str) -> list[dict[str, Any]]:
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
        """Compare a version's probabilities with what came true on the test split."""
        predictions = self.versions.predictions(name)
        return self._answers.get(
            ("calibration", name, tag),
            self.versions.stamp(name),
            lambda: check_calibration(
                predictions, tag, tests=None if tag is None else self._calibration_tests(name)
            ),
        )

    def miscalibrated_tags(self, name: str) -> list[TagCalibration]:
        """List the tags whose probabilities are surely off on the test split."""
        predictions = self.versions.predictions(name)
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
        """Say in a sentence how the data differs from what the version saw, "" if it doesn't."""
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
        """Say what every figure of a version has to be read with: see also `data_changes`."""
        warnings = [f"Warning: {one}." for one in self.versions.warnings(name)]
        told = (self.versions.note(name), *warnings, self.data_changes(name))
        return [one for one in told if one]

    def slice_table(self, name: str) -> list[dict[str, Any]]:
        """List a version's slices: as measured when it was made, later ones now.

        Best F1 first, undefined ones last.
        Under "intervals" the 95 % interval (low, high) of precision, recall and f1, by project,
        for those that have one: ten projects or more to count, and the figures still the same.
        """
        described = self.versions.slices()
        now, recorded = self._measured_now(name), self.versions.load(name).performance["slices"]
        rows = []
        for slice_name in {**now, **recorded["class"]}:
            measured = now.get(slice_name, {})
            figures = recorded["class"].get(slice_name) or {
                metric: one["value"] if isinstance(one, dict) else one
                for metric, one in measured.items()
            }
            rows.append(
                {
                    "slice": slice_name,
                    "description": described[slice_name].description
                    if slice_name in described
                    else "",
                    **figures,
                    "intervals": _intervals_of(figures, measured),
                }
            )
        return sorted(
            rows, key=lambda row: (row.get("f1") is None, -(row.get("f1") or 0), row["slice"])
        )

    def _measured_now(self, name: str) -> dict[str, dict[str, Any]]:
        version = self.versions.load(name)
        predictions = self.versions.maybe_predictions(version)
        if predictions is None:
            return {}
        thresholds = self.versions.thresholds(name)
        stamp, members = self.versions.slice_members()
        test = predictions.select("test")

        def measure() -> dict[str, dict[str, Any]]:
            return {
                one: measure_slice(
                    test, thresholds, [row for row, i in enumerate(test.ids) if i in inside]
                )
                for one, inside in members.items()
            }

        return self._answers.get(("slices now", name), (version.fingerprint, stamp), measure)

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
        predictions = self.versions.predictions(name)
        rows, thresholds = self._rows(name, tag, outcome, order, query, threshold)
        found, texts = paged(rows, page, size), self.versions.texts()
        return found._replace(items=describe_rows(predictions, thresholds, tag, found.items, texts))

    def all_outcomes(
        self,
        name: str,
        tag: str,
        outcome: str,
        order: str = "confident",
        query: str = "",
        threshold: float | None = None,
    ) -> list[dict[str, Any]]:
        """Describe all test projects with one outcome of a tag, as `outcomes` pages them."""
        rows, thresholds = self._rows(name, tag, outcome, order, query, threshold)
        predictions = self.versions.predictions(name)
        return describe_rows(predictions, thresholds, tag, rows, self.versions.texts())

    def _rows(
        self, name: str, tag: str, outcome: str, order: str, query: str, threshold: float | None
    ) -> tuple[Any, dict[str, float]]:
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


def _intervals_of(
    figures: Mapping[str, Any], measured: Mapping[str, Any]
) -> dict[str, tuple[float, float]]:
    """Give the intervals measured now, where what was recorded is still what is measured."""
    found = {}
    for metric in ("precision", "recall", "f1"):
        value, now = figures.get(metric), measured.get(metric) or {}
        if value is None or now.get("low") is None or abs(value - now["value"]) > 1e-6:
            continue
        found[metric] = (now["low"], now["high"])
    return found


def outcome_help(outcome: str) -> str:
    """Say what an outcome tells.

    Raises:
        TagifaiError: an unknown outcome.
    """
    if outcome not in OUTCOMES:
        raise one_of("outcome", outcome, OUTCOMES)
    return OUTCOMES[outcome]
