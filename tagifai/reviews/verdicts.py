"""The results of the reviews: a verdict on each pair, conflicts, the changes that are accepted."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tagifai.matrices import with_values
from tagifai.metrics import OverallMetrics, overall_metrics
from tagifai.predictions import Predictions, decide, threshold_array
from tagifai.selection import rows_of
from tagifai.store.review_events import ANNOTATION, Review, as_right, current_events

Changes = dict[str, dict[str, list[str]]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What all reviewers say of one pair.

    `status` is "add", "remove" or "right" where they agree, "conflict" where two differ, and
    "skipped" where nobody decided. `reviews` has the latest of each reviewer, in the order of
    time.
    """

    project: str
    tag: str
    status: str
    reviews: tuple[Review, ...]


def reach_verdicts(events: Iterable[Review]) -> dict[tuple[str, str], Verdict]:
    """Combine the latest review of each reviewer on each (project, tag) pair.

    One person may change their mind; two who disagree make a conflict, whoever came last. A
    skip is no opinion. A reviewer who answered a whole task and left a tag as it was says that
    the label is right; this counts where somebody decided on that pair.
    """
    current = current_events(events)
    latest: dict[tuple[str, str], dict[str, Review]] = {}
    for event in current:
        if event.decision != ANNOTATION:
            latest.setdefault((event.project, event.tag), {})[event.reviewer] = event
    for event in current:
        for tag in event.unchanged_tags:
            by_reviewer = latest.get((event.project, tag), {})
            own = by_reviewer.get(event.reviewer)
            if by_reviewer and (own is None or own.at < event.at):
                by_reviewer[event.reviewer] = as_right(event, tag)
    verdicts = {}
    for pair, by_reviewer in latest.items():
        reviews = sorted(by_reviewer.values(), key=lambda review: (review.at, review.uid))
        said = {review.decision for review in reviews if review.decision != "skip"}
        status = "skipped" if not said else "conflict" if len(said) > 1 else said.pop()
        verdicts[pair] = Verdict(*pair, status, tuple(reviews))
    return verdicts


def accepted_changes(verdicts: Mapping[tuple[str, str], Verdict]) -> Changes:
    """Return the agreed changes, {project: {"add": tags, "remove": tags}}; conflicts wait."""
    changes: Changes = {}
    for (project, tag), verdict in sorted(verdicts.items()):
        if verdict.status in ("add", "remove"):
            mine = changes.setdefault(project, {"add": [], "remove": []})
            mine[verdict.status].append(tag)
    return changes


@dataclass(frozen=True, slots=True)
class Preview:
    """A version's figures against today's labels, and against the changed ones.

    Parameters
    ----------
    now, then : OverallMetrics
        On the split.
    num_changed, num_same : int
        Labels of the split that change, and those that were so already.
    num_elsewhere : int
        Labels of other splits.
    num_unknown : int
        Changes to a project or tag that the version does not know.
    """

    now: OverallMetrics
    then: OverallMetrics
    num_changed: int
    num_same: int
    num_elsewhere: int
    num_unknown: int


def preview_changes(
    predictions: Predictions,
    thresholds: Mapping[str, float],
    changes: Mapping[str, Mapping[str, Iterable[str]]],
    split: str = "test",
) -> Preview:
    """Score the same predictions against today's labels and against the changed ones."""
    rows = rows_of(predictions, split)
    place = {predictions.ids[row]: index for index, row in enumerate(rows)}
    column = {tag: index for index, tag in enumerate(predictions.tags)}
    now = predictions.y_true[rows]
    cells: dict[tuple[int, int], int] = {}
    counts = Counter[str]()
    for project, change in changes.items():
        for decision, value in (("add", 1), ("remove", 0)):
            for tag in change.get(decision, ()):
                if tag not in column or project not in predictions.row_of:
                    counts["unknown"] += 1
                elif project not in place:
                    counts["elsewhere"] += 1
                else:
                    cell = place[project], column[tag]
                    counts["same" if now[cell] == value else "changed"] += 1
                    cells[cell] = value
    then = with_values(now, cells)
    prob = predictions.y_prob[rows]
    predicted = decide(prob, threshold_array(predictions.tags, thresholds))
    return Preview(
        now=overall_metrics(now, predicted, prob),
        then=overall_metrics(then, predicted, prob),
        num_changed=counts["changed"],
        num_same=counts["same"],
        num_elsewhere=counts["elsewhere"],
        num_unknown=counts["unknown"],
    )
