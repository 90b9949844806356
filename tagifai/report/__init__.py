"""A report of one version, or of two compared: what it says, as records."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from tagifai.behavioral.results import BehavioralResults, read_results
from tagifai.comparison.results import Comparison
from tagifai.errors import TagifaiError
from tagifai.inspection import TagFigures
from tagifai.label_errors.label_issues import KINDS
from tagifai.metrics.calibration_check import TagCalibration
from tagifai.metrics.reading import state_covered
from tagifai.report.reasons import Reason, find_reasons
from tagifai.reviews.queues import QueueChoice, QueuedPair
from tagifai.selection import Paged
from tagifai.services.comparisons import ComparisonService, FlippedProject
from tagifai.services.inspection import InspectionService, SliceRow
from tagifai.services.reviews import ReviewService
from tagifai.services.versions import VersionCard

# The page imports this before anybody asks for a report; words need scikit-learn.
if TYPE_CHECKING:
    from tagifai.services.words import WordService

MOST_TAGS = 15
MOST_FLIPS = 20
MOST_ISSUES = 15

Found = TypeVar("Found")
Issues = Paged[tuple[QueuedPair, ...]]


@dataclass(frozen=True, slots=True)
class Missing:
    """Why a part of a report cannot be shown."""

    why: str


@dataclass(frozen=True, slots=True)
class Calibration:
    """How well a version's probabilities are calibrated, and the tags of which they are off."""

    verdict: str
    tags: tuple[TagCalibration, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What is known of a version, or of one compared with another.

    Attributes
    ----------
    version : str
        The version that is reported on.
    against : str or None
        The version that it is compared with.
    at : str
        When the report was made.
    cards : tuple of VersionCard
        Of the versions, A before B.
    decides : bool
        Whether the version has decisions without probabilities.
    note : str
        What the figures leave out and should not be taken for.
    overall : mapping
        The overall figures of the version's performance.
    covered : mapping of str to str
        By figure, what it is averaged over.
    flips : mapping of str to list of FlippedProject
        By kind, the decisions that changed most.
    issues : mapping of str to Paged
        By kind, the most suspicious labels.
    issues_note : str
        What cannot be judged.
    reasons : list of Reason
        Wrong decisions with the words behind them.
    """

    version: str
    against: str | None
    at: str
    cards: tuple[VersionCard, ...]
    decides: bool
    note: str
    overall: Mapping[str, object]
    covered: Mapping[str, str]
    behavioral: BehavioralResults
    slices: list[SliceRow]
    calibration: Calibration | Missing
    params: Mapping[str, object]
    comparison: Comparison | None
    worst: list[TagFigures] | Missing
    flips: Mapping[str, list[FlippedProject]] | Missing
    issues: Mapping[str, Issues | Missing]
    issues_note: str | Missing
    reasons: list[Reason] | Missing


def gather(
    comparisons: ComparisonService,
    reviews: ReviewService,
    a: str,
    b: str | None = None,
    words: "WordService | None" = None,
) -> Report:
    """Collect what is known of A, or of B compared with A; `words` remembers what it explained.

    A part that is not available, for example without predictions, is `Missing`.

    Raises
    ------
    TagifaiError
        A version is unknown or cannot be read, or both are the same.
    """
    versions, name = comparisons.versions, b or a
    inspection, performance = InspectionService(versions), versions.load(name).performance
    worst = _or_missing(partial(_worst_tags, inspection, name))
    tags = [] if isinstance(worst, Missing) else worst
    if words is None:
        from tagifai.services.words import WordService

        words = WordService(versions)
    return Report(
        version=name,
        against=a if b else None,
        at=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        cards=tuple(versions.describe(one) for one in ([a, b] if b else [a])),
        decides=versions.load(name).decisions_only,
        note=" ".join([versions.note(name), *versions.warnings(name)]).strip(),
        overall=performance["overall"],
        covered=state_covered(performance),
        behavioral=read_results(performance["behavioral"]),
        slices=inspection.slice_table(name),
        calibration=_or_missing(partial(_calibration, inspection, name)),
        params=versions.load(name).params,
        comparison=comparisons.compare(a, b) if b else None,
        worst=worst,
        flips=_or_missing(partial(_flips, comparisons, a, b)) if b else {},
        issues={kind: _or_missing(partial(_issues, reviews, name, kind)) for kind in KINDS},
        issues_note=_or_missing(partial(reviews.changes_since, name)),
        reasons=_or_missing(partial(find_reasons, inspection, words, name, tags)),
    )


def _or_missing(find: Callable[[], Found]) -> Found | Missing:
    try:
        return find()
    except TagifaiError as error:
        return Missing(str(error))


def _worst_tags(inspection: InspectionService, name: str) -> list[TagFigures]:
    # A tag without a project in the test split has no F1 to be bad at.
    known = [row for row in inspection.tag_table(name) if row.num_samples]
    return sorted(known, key=lambda row: (row.f1 or 0.0, -row.num_samples))[:MOST_TAGS]


def _calibration(inspection: InspectionService, name: str) -> Calibration:
    verdict = inspection.check_calibration(name, None).verdict
    return Calibration(verdict, tuple(inspection.miscalibrated_tags(name)))


def _flips(comparisons: ComparisonService, a: str, b: str) -> dict[str, list[FlippedProject]]:
    rows = comparisons.flips(a, b, None)
    return {
        kind: [row for row in rows if row.flip.kind == kind][:MOST_FLIPS]
        for kind in ("broke", "fixed")
    }


def _issues(reviews: ReviewService, name: str, kind: str) -> Issues:
    return reviews.page(QueueChoice(name, kind, state="all"), size=MOST_ISSUES)
