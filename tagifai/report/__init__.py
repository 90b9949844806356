"""A report of one version, or of two compared: what it tells, as plain data."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from typing import Any

from tagifai.errors import TagifaiError
from tagifai.label_errors.label_issues import KINDS
from tagifai.metrics.reading import state_covered
from tagifai.reviews.queues import QueueChoice
from tagifai.services.comparisons import ComparisonService, FlippedProject
from tagifai.services.inspection import InspectionService
from tagifai.services.reviews import ReviewService

MOST_TAGS = 15
MOST_FLIPS = 20
MOST_ISSUES = 15


def gather(
    comparisons: ComparisonService, reviews: ReviewService, a: str, b: str | None = None
) -> dict[str, Any]:
    """Put together what is known of A, or of B compared with A.

    "version" is the one that is reported on: B, or A alone. What cannot be told, as where a
    version keeps no predictions, is {"missing": why} in its place.

    Raises:
        TagifaiError: an unknown version, the same one twice, or one that cannot be read.
    """
    versions, name = comparisons.versions, b or a
    inspection = InspectionService(versions)
    return {
        "version": name,
        "against": a if b else None,
        "at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "cards": [
            _without_params(versions.describe(one).to_dict()) for one in ([a, b] if b else [a])
        ],
        "note": " ".join([versions.note(name), *versions.warnings(name)]).strip(),
        "overall": versions.load(name).performance["overall"],
        "covered": state_covered(versions.load(name).performance),
        "behavioral": versions.load(name).performance["behavioral"],
        "slices": [asdict(row) for row in inspection.slice_table(name)],
        "calibration": _or_missing(lambda: _calibration(inspection, name)),
        "params": dict(versions.load(name).params),
        "comparison": comparisons.compare(a, b) if b else None,
        "worst": _or_missing(lambda: _worst_tags(inspection, name)),
        "flips": _or_missing(lambda: _flips(comparisons, a, b)) if b else None,
        "issues": {kind: _or_missing(partial(_issues, reviews, name, kind)) for kind in KINDS},
        "issues_note": _or_missing(lambda: reviews.changes_since(name)),
    }


def _without_params(card: dict[str, object]) -> dict[str, object]:
    # Its warnings stand at the top.
    return {key: value for key, value in card.items() if key not in ("params", "warnings")}


def _or_missing(tell: Callable[[], Any]) -> Any:
    try:
        return tell()
    except TagifaiError as error:
        return {"missing": str(error)}


def _worst_tags(inspection: InspectionService, name: str) -> list[dict[str, Any]]:
    # A tag without a project in the test split has no F1 to be bad at.
    known = [row for row in inspection.tag_table(name) if row.num_samples]
    worst = sorted(known, key=lambda row: (row.f1 or 0.0, -row.num_samples))
    return [asdict(row) for row in worst[:MOST_TAGS]]


def _calibration(inspection: InspectionService, name: str) -> dict[str, Any]:
    return {
        "verdict": inspection.check_calibration(name, None).verdict,
        "tags": [asdict(one) for one in inspection.miscalibrated_tags(name)],
    }


def _flips(comparisons: ComparisonService, a: str, b: str) -> dict[str, list[FlippedProject]]:
    rows = comparisons.flips(a, b, None)
    return {
        kind: [row for row in rows if row.flip.kind == kind][:MOST_FLIPS]
        for kind in ("broke", "fixed")
    }


def _issues(reviews: ReviewService, name: str, kind: str) -> dict[str, Any]:
    found = reviews.page(QueueChoice(name, kind, state="all"), size=MOST_ISSUES)
    return {"items": [asdict(item) for item in found.items], "num_found": found.num_found}
