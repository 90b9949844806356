"""Compare two versions honestly: on the same projects, with intervals and verdicts."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tagifai.comparison.behavior import ALL, SCORE, compare_behavior, flip_tests
from tagifai.comparison.bootstrap import RESAMPLES
from tagifai.comparison.diffs import (
    check_different,
    count_of,
    diff_params,
    diff_performance,
    sort_rows,
)
from tagifai.comparison.flips import Shared, count_flips, share
from tagifai.comparison.paired import score_alone, score_paired
from tagifai.comparison.proportions import LEVEL
from tagifai.comparison.results import Comparison, DiffRow, LeftOut, Reason
from tagifai.comparison.slices import Slices
from tagifai.comparison.verdicts import ADDED, ENOUGH_SHARED, REMOVED
from tagifai.data.config import PRIMARIES, PRIMARY
from tagifai.errors import one_of
from tagifai.predictions import Predictions
from tagifai.store.versions import Version

MAX_IDS = 20
_DIFFERENT_TESTS = "their figures come from different tests, and no verdict is given."


def compare(
    a: Version,
    b: Version,
    predictions_a: Predictions | None,
    predictions_b: Predictions | None,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    slices: Slices | None = None,
    primary: str = PRIMARY,
) -> Comparison:
    """Score A and B again on the test projects that both have, and say what differs.

    Rows are "overall" (weighted, macro and micro averages over the tags that both know), "tags",
    "slices" (pooled over a slice's pairs; "overall" weighs slices by their projects) and
    "behavioral" (the tests that both ran). Each has B − A, its 95 % interval and a p-value of "no
    difference": the larger of the paired bootstrap's and the exact swap test's, both by project,
    of behavioral tests by tag.

    The verdict is "unchanged" where both decide the same, "too few" under ten positives (of a
    slice ten projects, of behavioral tests ten), "better" or "worse" where the p-value counts,
    else "can't tell". What counts is corrected for multiple comparisons. Over the overall figures
    the rate of any false verdict is held at 5 %: the `primary` figure is tested at 4 %, the others
    at 5 % if it has a verdict and else at 1 % (Holm 1979). Over tags, slices and groups of tests
    the rate of false discoveries is held at 5 %, metric by metric (Benjamini and Hochberg 1995).
    A tag that one side lacks is "added" or "removed".
    Without predictions or shared projects, the stored figures are compared without a verdict
    (`basis` is "stored", not "paired"), and `note` says so. It also says what the figures of
    either version leave out.

    Raises
    ------
    TagifaiError
        Both are the same version, or `primary` is none of the overall figures.
    """
    check_different(a.name, b.name)
    if primary not in PRIMARIES:
        raise one_of("primary figure", primary, PRIMARIES)
    stored = _line_up(a, b, resamples, seed, primary)
    if predictions_a is None or predictions_b is None:
        lacking = [v.name for v, p in ((a, predictions_a), (b, predictions_b)) if p is None]
        note = f"{' and '.join(lacking)} kept no predictions: stored figures, without a verdict."
        return replace(stored, note=_joined(note, a, b))
    stored = replace(stored, left_out=_left_out(a.name, b.name, predictions_a, predictions_b))
    shared = share(predictions_a, a.thresholds, predictions_b, b.thresholds)
    if not shared.ids or not shared.tags:
        lacks = "tag" if shared.ids else "test project"
        note = f"{a.name} and {b.name} share no {lacks}: {_DIFFERENT_TESTS}"
        return replace(stored, note=_joined(note, a, b))
    scores = score_paired(shared, slices or {}, resamples, seed, primary)
    alone = _score_unshared(shared, predictions_a, a.thresholds, predictions_b, b.thresholds)
    return replace(
        stored,
        basis="paired",
        shared=len(shared.ids),
        note=_joined(_note(a, b, shared, bool(alone)), a, b),
        flips=count_flips(shared),
        overall=sort_rows(scores.overall),
        tags=sort_rows([*scores.tags, *alone]),
        slices=sort_rows(scores.slices),
    )


def _line_up(a: Version, b: Version, resamples: int, seed: int, primary: str) -> Comparison:
    """Compare what both versions stored, without a verdict but on the behavioral tests."""
    stored = diff_performance(a.performance, b.performance)
    return Comparison(
        a=a.name,
        b=b.name,
        basis="stored",
        shared=0,
        primary=primary,
        left_out=LeftOut(),
        note=None,
        level=LEVEL,
        resamples=resamples,
        seed=seed,
        overall=sort_rows(stored.get("overall", [])),
        tags=sort_rows(stored.get("class", [])),
        slices=sort_rows(stored.get("slices", [])),
        behavioral=_behavioral_rows(a, b, stored.get("behavioral", []), resamples, seed),
        params=tuple(diff_params(a.params, b.params)),
        behavioral_flips=flip_tests(a.performance["behavioral"], b.performance["behavioral"]),
        flips=None,
    )


def _score_unshared(
    shared: Shared,
    predictions_a: Predictions,
    thresholds_a: Mapping[str, float],
    predictions_b: Predictions,
    thresholds_b: Mapping[str, float],
) -> list[DiffRow]:
    """Score the tags that one version alone knows: A's are removed, B's added."""
    removed = sorted(set(predictions_a.tags) - set(shared.tags))
    added = sorted(set(predictions_b.tags) - set(shared.tags))
    return [
        *(
            replace(row, verdict=REMOVED)
            for row in score_alone(predictions_a, thresholds_a, removed)
        ),
        *(
            replace(row, a=None, b=row.a, verdict=ADDED)
            for row in score_alone(predictions_b, thresholds_b, added)
        ),
    ]


def _behavioral_rows(
    a: Version, b: Version, stored: Sequence[DiffRow], resamples: int, seed: int
) -> tuple[DiffRow, ...]:
    """Replace the stored scores by those of the tests that both versions ran, if there are any."""
    paired = compare_behavior(
        a.performance["behavioral"], b.performance["behavioral"], resamples, seed
    )
    rows = [paired.pop(row.name, row) if row.metric == SCORE else row for row in stored]
    return sort_rows([*rows, *(row for name, row in paired.items() if name == ALL)])


def _left_out(a: str, b: str, predictions_a: Predictions, predictions_b: Predictions) -> LeftOut:
    """List the projects of either test split that cannot be compared on, and why."""
    reasons: dict[str, list[str]] = {}
    for name, mine, theirs in (
        (b, predictions_a, predictions_b),
        (a, predictions_b, predictions_a),
    ):
        for place in mine.rows_by_split["test"]:
            one = mine.ids[place]
            row = theirs.row_of.get(one)
            if row is None:
                reasons.setdefault(f"{name} does not have it", []).append(one)
            elif theirs.split[row] != "test":
                reasons.setdefault(f"{name} was trained on it", []).append(one)
    every = [one for ids in reasons.values() for one in ids]
    return LeftOut(
        count=len(every),
        ids=tuple(every[:MAX_IDS]),
        reason="; ".join(f"{len(ids)}: {reason}" for reason, ids in reasons.items()),
        by_reason=tuple(
            Reason(reason, len(ids), tuple(ids[:MAX_IDS])) for reason, ids in reasons.items()
        ),
    )


def _joined(note: str | None, a: Version, b: Version) -> str | None:
    """Add to a note what the figures of either version leave out."""
    notes = {
        version.name: str(version.performance.get("note", "")).rstrip(".") for version in (a, b)
    }
    if notes[a.name] and notes[a.name] == notes[b.name]:
        notes = {f"{a.name} and {b.name}": notes[a.name]}
    own = [f"{name}: {text}." for name, text in notes.items() if text]
    return " ".join([*([note] if note else []), *own]) or None


def _note(a: Version, b: Version, shared: Shared, tags_differ: bool) -> str | None:
    notes = []
    if len(shared.ids) < ENOUGH_SHARED:
        notes.append(
            f"Test projects that both have: only {len(shared.ids)}. Under {ENOUGH_SHARED}, only "
            f"large differences can be told from chance."
        )
    if tags_differ:
        notes.append(
            f"Overall figures are over what both know: {count_of(len(shared.tags), 'tag')}."
        )
    if shared.relabelled:
        notes.append(
            f"The data of {a.name} and {b.name} differ in {count_of(shared.relabelled, 'label')} "
            f"of these projects; both are scored against the labels of {b.name}."
        )
    return " ".join(notes) or None
